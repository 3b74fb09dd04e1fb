//! Shared foundations: [`clock::Timestamp`], [`id::UserId`], [`keyring::Keyring`],
//! [`receipt::Receipt`], [`session::Session`] and the [`toolset::Toolset`] trait.
//!
//! No module here knows chats, transports or what a store contains. Add a module only when two
//! toolsets need it; until then it belongs to the toolset that does.

pub mod access;
pub mod admission;
pub mod arguments;
pub mod client_log;
pub mod client_network;
pub mod clock;
pub mod confirmation;
pub mod failure_log;
pub mod figures;
pub mod health;
pub mod id;
pub mod keyring;
pub mod latency;
pub mod model;
pub mod permissions;
pub mod principal;
pub mod process;
pub mod progress;
pub mod quota;
pub mod receipt;
pub mod redis;
pub mod redis_eviction;
pub mod schema;
pub mod secrets;
pub mod session;
pub mod settings;
pub mod shards;
pub mod sql;
pub mod store;
pub mod token;
pub mod toolset;
pub mod ttl_cache;
pub mod validity;
pub mod wiped;
