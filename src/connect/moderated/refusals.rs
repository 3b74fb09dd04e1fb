//! [`RefusalCounts`]: the number of refused actions by cause, for the operator's metrics.
//!
//! A refusal is a normal answer to a user, in words of `reply`, and not an error of
//! the call. To add a cause, add a variant and its name.

use std::sync::atomic::{AtomicU64, Ordering};

use super::action::{ModeratedOutcome, ModeratedResult};
use crate::kernel::store::StoreError;

/// The cause of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalCause {
    RateLimited,
    Suspended,
    /// The user has to accept the chat rules first.
    NoticeRequired,
    /// The content filter rejects the text.
    Content,
    /// The client network has too many new users.
    NewUserLimit,
    /// A store is unavailable.
    StoreUnavailable,
}

impl RefusalCause {
    pub const ALL: [Self; 6] = [
        Self::RateLimited,
        Self::Suspended,
        Self::NoticeRequired,
        Self::Content,
        Self::NewUserLimit,
        Self::StoreUnavailable,
    ];

    /// The name in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RateLimited => "rate_limited",
            Self::Suspended => "suspended",
            Self::NoticeRequired => "notice",
            Self::Content => "content",
            Self::NewUserLimit => "new_users",
            Self::StoreUnavailable => "store_unavailable",
        }
    }

    /// The cause if `result` is a refusal.
    pub(super) fn of(result: &Result<ModeratedResult, StoreError>) -> Option<Self> {
        match result.as_ref().map(|result| &result.outcome) {
            Ok(ModeratedOutcome::RateLimited(_)) => Some(Self::RateLimited),
            Ok(ModeratedOutcome::Suspended { .. }) => Some(Self::Suspended),
            Ok(ModeratedOutcome::MustAgree) => Some(Self::NoticeRequired),
            Ok(_) => None,
            Err(_) => Some(Self::StoreUnavailable),
        }
    }
}

/// Counts by cause since the start.
#[derive(Default)]
pub struct RefusalCounts([AtomicU64; RefusalCause::ALL.len()]);

impl RefusalCounts {
    pub fn record(&self, cause: RefusalCause) {
        self.0[cause as usize].fetch_add(1, Ordering::Relaxed);
    }

    #[must_use]
    pub fn get(&self, cause: RefusalCause) -> u64 {
        self.0[cause as usize].load(Ordering::Relaxed)
    }
}
