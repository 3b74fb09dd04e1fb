//! Words that every feature shares: time, identities, secrets, delivery receipts, the toolset seam.
//!
//! What lives here knows nothing of chats, transports or storage. Add a module here only when two
//! toolsets need it; until then it belongs to the one that does.

pub mod client_network;
pub mod clock;
pub mod id;
pub mod keyring;
pub mod receipt;
pub(crate) mod redis;
pub mod session;
pub mod shards;
pub mod store;
pub mod token;
pub mod toolset;
pub mod ttl_cache;
