//! Protection among strangers: who never meets whom again, who was reported, who is barred and for
//! how long.
//!
//! Read it in this order: `ladder.rs` (what reports lead to) and
//! `pace.rs` (who does things too often), both pure, `ledger.rs` (the storage seam) and
//! `throttle.rs` (the same for limits), `warden.rs` (the use cases), `admin.rs` (the operator's). It knows nothing of chats: `connect/guarded.rs` asks it before it
//! lets a lobby act.
//!
//! To keep the ledger elsewhere, write a `store_*.rs` against [`ledger::Ledger`], run the suite in
//! `tests/ledger.rs` on it and name it in `app/stores.rs`.

pub mod admin;
pub mod penalty;
pub mod rating;
pub mod service;
pub mod store;
pub mod store_memory;
pub mod store_redis;
pub mod store_sql;
