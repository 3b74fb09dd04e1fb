//! How many new people one network may bring: whoever holds the token can make up as many as they like.
//!
//! New is whom the lobby does not know. To ask it for each call would cost a round trip where it is on
//! Redis, so whom it knew lately is remembered here.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use thiserror::Error;

use super::lobby::action::Outcome;
use super::lobby::{Lobby, LobbyError};
use super::profile::language::Language;
use super::reply;
use crate::kernel::client_network::ClientNetwork;
use crate::kernel::clock::Clock;
use crate::kernel::id::{IdHasher, UserId};
use crate::kernel::toolset::Subject;
use crate::kernel::ttl_cache::TtlCache;
use crate::moderation::service::ModerationService;
use crate::rate_limit::gcra::{LimitedAction, RateLimited};

/// For how long, and of how many people at most, is remembered that they are known.
const KNOWN_USER_TTL: Duration = Duration::from_secs(600);
const KNOWN_USER_CAPACITY: usize = 100_000;

/// Why somebody new is not let in. Nothing changed.
#[derive(Debug, Error)]
pub enum AdmissionError {
    #[error("{}", reply::outcome(Language::English, &Outcome::RateLimited(*.0)))]
    RateLimited(RateLimited),
    #[error("Random Connect can't be reached right now. Please try again shortly.")]
    Unavailable(#[from] LobbyError),
}

/// Counts new people by where they come from.
pub struct NewUserLimiter {
    lobby: Arc<dyn Lobby>,
    moderation: Arc<ModerationService>,
    clock: Arc<dyn Clock>,
    ids: IdHasher,
    known_users: Mutex<TtlCache<UserId, ()>>,
}

impl NewUserLimiter {
    #[must_use]
    pub fn new(
        lobby: Arc<dyn Lobby>,
        moderation: Arc<ModerationService>,
        clock: Arc<dyn Clock>,
        ids: IdHasher,
    ) -> Self {
        let known_users = Mutex::new(TtlCache::new(KNOWN_USER_TTL, KNOWN_USER_CAPACITY));
        Self { lobby, moderation, clock, ids, known_users }
    }

    /// Lets a call through of whoever is known, and counts whoever is not.
    ///
    /// # Errors
    /// When too many new people came from there lately, or the store fails.
    pub async fn admit(
        &self,
        origin: ClientNetwork,
        caller: Subject,
    ) -> Result<(), AdmissionError> {
        let now = self.clock.now();
        let who = match caller {
            Subject::Anonymous => return Ok(()),
            Subject::New => None,
            Subject::Known(who) => Some(who),
        };
        if let Some(who) = who {
            if self.known_users.lock().get(&who, now).is_some() {
                return Ok(());
            }
            if self.lobby.presence(who).await?.is_some() {
                drop(self.known_users.lock().insert(who, (), now));
                return Ok(());
            }
        }
        let from = self.ids.network_key(origin);
        let admitted =
            self.moderation.admit(from, None, || vec![LimitedAction::NewUser], now).await;
        admitted.map_err(LobbyError::from)?.map_err(AdmissionError::RateLimited)?;
        if let Some(who) = who {
            drop(self.known_users.lock().insert(who, (), now));
        }
        Ok(())
    }
}
