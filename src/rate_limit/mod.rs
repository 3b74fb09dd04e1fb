//! Rate limits: [`limiter::RateLimiter`] and the [`gcra`] rules behind it.
//!
//! Read the files in this order: `gcra.rs` (the rules; pure), then `limiter.rs` (the storage
//! trait). The `store_*.rs` files count in memory and in Redis. This module knows no chats and no
//! moderation: `moderation/` calls it, and `connect/` decides which actions a call counts.
//!
//! To limit another action, add a variant to [`gcra::LimitedAction`] and its quota to
//! [`gcra::RateLimits`]. To add a backend, write a `store_*.rs` that implements
//! [`limiter::RateLimiter`], run the suite in `tests/it/rate_limit.rs` on it, and name it in
//! `app/stores.rs`.

pub mod gcra;
pub mod limiter;
pub mod store_memory;
pub mod store_redis;
pub mod toolset_quota;
