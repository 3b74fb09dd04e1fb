//! [`service::ModerationService`]: protects users from each other with blocks, reports, suspensions
//! and ratings.
//!
//! Read the files in this order: `report.rs`, `history.rs`, `penalty.rs` and `rating.rs` (the data
//! and the rules; pure), `dates.rs` (after a wrong clock), `evidence.rs`, `store.rs` (the storage traits), `service.rs` (the use
//! cases), `cases.rs`, `views.rs` and `admin.rs` (the operator's lists and actions). Rate limits
//! belong to `rate_limit/`. This module knows no chats: `connect/moderated/` asks it before it passes
//! an action to a lobby.
//!
//! To add a backend, write a folder `store_*` that implements [`store::ModerationStore`], add it to
//! `tests/it/support/moderation_backends.rs`, and name it in `app/stores.rs`.

pub mod admin;
pub mod cases;
pub mod dates;
pub mod evidence;
pub mod history;
pub mod migrations;
pub mod penalty;
pub mod rating;
pub mod report;
pub mod service;
pub mod store;
pub mod store_memory;
pub mod store_postgres;
pub mod store_redis;
pub mod store_sqlite;
pub mod text;
mod unsaved_blocks;
pub mod views;
