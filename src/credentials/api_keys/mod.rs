//! API keys: credentials that the operator creates for an owner, in the SQL database.
//!
//! - `key.rs` has the form of a key, `record.rs` its stored data and the rules of its life.
//! - `store.rs` has the storage trait; the `store_*.rs` are its backends.
//! - `known.rs` has the keys in memory, which decide a call; `look.rs` reads their changes.
//! - `view.rs` has the operator's view of a key.
//! - `service.rs` has the use cases, [`ApiKeys`](service::ApiKeys).
//!
//! **Invariant:** a key itself is in no store, no log and no error. The store has a keyed hash of it.

pub mod key;
mod known;
mod look;
pub mod record;
pub mod service;
pub mod store;
pub mod store_memory;
pub mod store_postgres;
pub mod store_sqlite;
pub mod view;
