//! The constants of the matching and chat rules, shared by all backends.
//!
//! [`manager`](super::manager) applies them in Rust, `store_redis/lua/` in Lua. A constant that
//! belongs to one type is beside that type, such as [`LEASE_TIME`](super::inbox::LEASE_TIME).

use std::time::Duration;

/// Number of recent partners remembered per user.
pub const RECENT_PARTNERS: usize = 5;

/// Time after a chat during which its partner counts as recent. A report can show the partner's
/// transcript for as long.
pub const RECENT_PARTNER_TTL: Duration = Duration::from_secs(20 * 60);

/// Waiting time after which a user accepts a recent partner.
pub const AVOID_RECENT_FOR: Duration = Duration::from_secs(60);

/// Waiting time after which a user with interests accepts a partner who shares none.
pub const INTEREST_ONLY_FOR: Duration = Duration::from_secs(30);

/// Silence of both partners after which the pair is nudged.
pub const NUDGE_AFTER: Duration = Duration::from_secs(3 * 60);

/// Time after the end of a user's last connection after which their search ends.
pub const QUEUE_GRACE: Duration = Duration::from_secs(15);

/// Time after the end of a user's last connection after which their chat ends. Longer, because the
/// partner is in it.
pub const CHAT_GRACE: Duration = Duration::from_secs(2 * 60);

/// Number of messages that each partner must send in a chat before the pair is trusted.
pub const TRUST_AFTER_MESSAGES: u8 = 3;

/// TTL of a claimed message: seven days, because Meta retries a webhook for that long.
pub const CLAIM_TTL: Duration = Duration::from_secs(7 * 24 * 60 * 60);
