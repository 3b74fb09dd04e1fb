//! Words that every feature shares: time, identities, secrets, delivery receipts, the toolset seam.
//!
//! What lives here knows nothing of chats, transports or storage. Add a module here only when two
//! toolsets need it; until then it belongs to the one that does.

pub mod clock;
pub mod delivery;
pub mod id;
pub mod origin;
pub mod recent;
pub mod seal;
pub mod session;
pub mod shards;
pub mod token;
pub mod toolset;
