//! Rate limits.

pub mod gcra;
pub mod limiter;
pub mod store_memory;
pub mod store_redis;
