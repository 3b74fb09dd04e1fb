//! [`service::ModerationService`]: protects users from each other with blocks, reports, suspensions
//! and ratings.
//!
//! Read the files in this order: `report.rs`, `penalty.rs` and `rating.rs` (the data and the rules;
//! pure), `store.rs` (the storage trait), `service.rs` (the use cases), `admin.rs` (the operator's
//! actions). Rate limits belong to `rate_limit/`. This module knows no chats:
//! `connect/moderated/` asks it before it passes an action to a lobby.
//!
//! To add a backend, write a `store_*.rs` that implements [`store::ModerationStore`], run the suite
//! in `tests/it/moderation_store.rs` on it, and name it in `app/stores.rs`.

pub mod admin;
pub mod penalty;
pub mod rating;
pub mod report;
pub mod service;
pub mod store;
pub mod store_memory;
pub mod store_redis;
pub mod store_sql;
pub mod store_sql_file;
