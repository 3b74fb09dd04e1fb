//! [`Validity`]: when a credential stops being valid.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::clock::{Clock, Timestamp};

/// Maximum time until an expiry is compared with the clock again.
const CLOCK_CHECK_INTERVAL: Duration = Duration::from_secs(30);

/// When a credential stops being valid. By default, never.
#[derive(Clone, Default)]
pub struct Validity {
    expiry: Option<(Timestamp, Arc<dyn Clock>)>,
    /// Cancelled when the credential is revoked.
    revoked: CancellationToken,
}

impl Validity {
    /// Valid until `at` by `clock`, or until `revoked` is cancelled.
    #[must_use]
    pub fn until(at: Timestamp, clock: Arc<dyn Clock>, revoked: CancellationToken) -> Self {
        Self { expiry: Some((at, clock)), revoked }
    }

    /// The end. `None` if the credential does not expire.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.expiry.as_ref().map(|(at, _)| *at)
    }

    /// Returns `false` for a credential that stays valid while the process runs.
    #[must_use]
    pub const fn may_end(&self) -> bool {
        self.expiry.is_some()
    }

    /// Waits until the credential is revoked or expires, for sessions, which outlive a request.
    pub async fn ended(&self) {
        tokio::select! {
            () = self.revoked.cancelled() => {}
            () = self.expired() => {}
        }
    }

    async fn expired(&self) {
        let Some((at, clock)) = &self.expiry else { return std::future::pending().await };
        loop {
            let left = at.since(clock.now());
            if left.is_zero() {
                return;
            }
            // Looks again, because a clock may be set.
            sleep(left.min(CLOCK_CHECK_INTERVAL)).await;
        }
    }
}

impl fmt::Debug for Validity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Validity").field("expires_at", &self.expires_at()).finish_non_exhaustive()
    }
}
