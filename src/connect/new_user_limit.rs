//! [`NewUserLimiter`]: limits the number of new users per client network.
//!
//! The limit exists because anyone with the token can invent any number of user ids. A user is new
//! if the lobby does not know them. Known users are cached here, because asking the lobby on every
//! call would cost a round trip to Redis.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;

use super::lobby::Directory;
use super::moderated::refusals::{RefusalCause, RefusalCounts};
use super::profile::language::Language;
use super::reply;
use crate::kernel::admission::{Admission, AdmissionError, Subject};
use crate::kernel::client_network::ClientNetwork;
use crate::kernel::clock::{Clock, Timestamp};
use crate::kernel::id::{IdHasher, UserId};
use crate::kernel::ttl_cache::TtlCache;
use crate::moderation::service::ModerationService;
use crate::rate_limit::gcra::LimitedAction;

/// Time that a user stays in the cache of known users.
const KNOWN_USER_TTL: Duration = Duration::from_secs(600);

/// Capacity of the cache of known users.
const KNOWN_USER_CAPACITY: usize = 100_000;

/// Admits calls, and counts the new users of each [`ClientNetwork`].
pub struct NewUserLimiter {
    directory: Arc<dyn Directory>,
    moderation: Arc<ModerationService>,
    clock: Arc<dyn Clock>,
    ids: IdHasher,
    refusals: Arc<RefusalCounts>,
    known_users: Mutex<TtlCache<UserId, ()>>,
}

impl NewUserLimiter {
    #[must_use]
    pub fn new(
        directory: Arc<dyn Directory>,
        moderation: Arc<ModerationService>,
        clock: Arc<dyn Clock>,
        ids: IdHasher,
        refusals: Arc<RefusalCounts>,
    ) -> Self {
        let known_users = Mutex::new(TtlCache::new(KNOWN_USER_TTL, KNOWN_USER_CAPACITY));
        Self { directory, moderation, clock, ids, refusals, known_users }
    }

    fn remember(&self, user: UserId, now: Timestamp) {
        drop(self.known_users.lock().insert(user, (), now));
    }
}

#[async_trait]
impl Admission for NewUserLimiter {
    /// Admits a call of a known user, and counts a call of a new user against the limit of its
    /// network.
    async fn admit(
        &self,
        network: ClientNetwork,
        subject: Subject,
    ) -> Result<bool, AdmissionError> {
        let (now, steady) = (self.clock.now(), self.clock.steady());
        let user = match subject {
            Subject::Anonymous => return Ok(false),
            Subject::New => None,
            Subject::Principal(user) | Subject::Known(user) => Some(user),
        };
        if let Some(user) = user {
            if self.known_users.lock().get(&user, steady).is_some() {
                return Ok(false);
            }
            if self.directory.presence(user).await?.is_some() {
                self.remember(user, steady);
                return Ok(false);
            }
        }
        let key = self.ids.network_key(network);
        let admitted = self.moderation.admit(key, None, || vec![LimitedAction::NewUser], now).await;
        if let Err(limited) = admitted? {
            self.refusals.record(RefusalCause::NewUserLimit);
            let text = reply::rate_limited(Language::English, limited);
            return Err(AdmissionError::Refused(text));
        }
        if let Some(user) = user {
            self.remember(user, steady);
        }
        Ok(true)
    }

    async fn take_back(&self, network: ClientNetwork, subject: Subject) {
        // The toolset names the subject of a call that would create a user only if it is valid.
        let Some(user) = subject.user() else { return };
        // A refused call may have created the user all the same. After a failure, which the store has
        // logged, the call stays counted.
        if let Ok(None) = self.directory.presence(user).await {
            let _ = self.known_users.lock().remove(&user, self.clock.steady());
            let key = self.ids.network_key(network);
            let _ = self.moderation.refund(key, LimitedAction::NewUser).await;
        }
    }
}
