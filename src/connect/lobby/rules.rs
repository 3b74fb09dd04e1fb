//! The constants of the matching and chat rules, which every backend applies alike.
//!
//! A constant that belongs to one type is beside that type: `LEASE_TIME` in `inbox.rs`, `REPLAY_TTL`
//! in `replay.rs`. The code that applies the rules is in `manager/`, and in Lua in
//! `store_redis/lua/`.

use std::time::Duration;

/// Number of recent partners that the lobby remembers per user.
pub const RECENT_PARTNERS: usize = 5;

/// Time after the end of a chat during which the partner counts as recent and their transcript can
/// be reported.
pub const RECENT_PARTNER_TTL: Duration = Duration::from_secs(20 * 60);

/// Waiting time after which a user accepts a recent partner.
pub const AVOID_RECENT_FOR: Duration = Duration::from_secs(60);

/// Waiting time after which a user with interests accepts a partner without a common one.
pub const INTEREST_ONLY_FOR: Duration = Duration::from_secs(30);

/// Silence of both sides after which the lobby nudges a pair.
pub const NUDGE_AFTER: Duration = Duration::from_secs(3 * 60);

/// Number of messages that each side must have sent before the two trust each other.
pub const TRUST_AFTER_MESSAGES: u8 = 3;

/// TTL of a claim: Meta retries an unacknowledged webhook for seven days.
pub const CLAIM_TTL: Duration = Duration::from_secs(7 * 24 * 60 * 60);
