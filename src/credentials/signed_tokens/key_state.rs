//! [`KeyState`]: the keys of a provider with their age, and when to fetch them again. It reads no clock;
//! `now` is an argument, and the time of durations.

use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::Algorithm;

use super::key_set::{KeySet, VerificationKey};
use crate::kernel::clock::Timestamp;
use crate::kernel::principal::Rejected;

/// Time until keys are fetched again if the provider does not say how long they are fresh.
const DEFAULT_FRESHNESS: Duration = Duration::from_secs(60 * 60);

/// Minimum time between two fetches. Callers can ask for one, with a token that names an unknown key.
pub(super) const MIN_INTERVAL: Duration = Duration::from_secs(60);

/// Minimum time between two fetches before the first success.
const FIRST_INTERVAL: Duration = Duration::from_secs(5);

/// Maximum time that keys are fresh, whatever the provider says.
const MAX_FRESHNESS: Duration = Duration::from_secs(24 * 60 * 60);

/// Time that keys which are no longer fresh are used while the provider does not answer.
const GRACE: Duration = Duration::from_secs(24 * 60 * 60);

/// The keys of a provider, as of the last fetch.
#[derive(Clone, Default)]
pub(super) struct KeyState {
    keys: Arc<KeySet>,
    /// `None` before the first success.
    fresh_until: Option<Timestamp>,
    /// `None` before the first fetch.
    attempted_at: Option<Timestamp>,
    has_failed: bool,
}

impl KeyState {
    /// The state after a fetch at `now`, whose answer is fresh for `max_age`.
    pub fn fetched(keys: KeySet, max_age: Option<Duration>, now: Timestamp) -> Self {
        let fresh = max_age.unwrap_or(DEFAULT_FRESHNESS).clamp(MIN_INTERVAL, MAX_FRESHNESS);
        Self {
            keys: Arc::new(keys),
            fresh_until: Some(now + fresh),
            attempted_at: Some(now),
            has_failed: false,
        }
    }

    /// The state after a fetch at `now` without an answer.
    pub fn failed(&self, now: Timestamp) -> Self {
        let keys = if self.are_usable(now) { Arc::clone(&self.keys) } else { Arc::default() };
        Self { keys, attempted_at: Some(now), has_failed: true, ..*self }
    }

    /// Returns `true` if the keys are missing or no longer fresh, and may be fetched.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.fresh_until.is_none_or(|until| now >= until) && self.may_fetch(now)
    }

    /// Returns `true` if the keys may be fetched, for a token that names an unknown key.
    pub fn may_fetch(&self, now: Timestamp) -> bool {
        let interval = if self.fresh_until.is_some() { MIN_INTERVAL } else { FIRST_INTERVAL };
        self.attempted_at.is_none_or(|at| now.since(at) >= interval)
    }

    fn are_usable(&self, now: Timestamp) -> bool {
        self.fresh_until.is_some_and(|until| now < until + GRACE)
    }

    /// Finds the key of a token.
    ///
    /// # Errors
    /// Returns [`Rejected::Invalid`] if the provider has no such key, and [`Rejected::Unavailable`] if that
    /// is not known.
    pub fn find(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
        now: Timestamp,
    ) -> Result<VerificationKey, Rejected> {
        if !self.are_usable(now) {
            return Err(Rejected::Unavailable);
        }
        let unknown = if self.has_failed { Rejected::Unavailable } else { Rejected::Invalid };
        self.keys.find(id, algorithm).cloned().ok_or(unknown)
    }

    /// Returns `true` if a key of this state is missing in `next`.
    pub fn loses_a_key_to(&self, next: &Self) -> bool {
        self.keys.has_more_than(&next.keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 1_000_000;

    fn at(secs: u64) -> Timestamp {
        Timestamp::from_millis((START + secs) * 1_000)
    }

    fn keys() -> KeySet {
        KeySet::read(br#"{"keys":[{"kty":"RSA","kid":"a","n":"AQAB","e":"AQAB"}]}"#).expect("keys")
    }

    fn found(state: &KeyState, id: &str, secs: u64) -> Result<(), Rejected> {
        state.find(Some(id), Algorithm::RS256, at(secs)).map(|_| ())
    }

    #[test]
    fn openid_keys_are_fetched_again_when_they_are_no_longer_fresh() {
        for (max_age, fresh) in
            [(None, 3_600), (Some(0), 60), (Some(600), 600), (Some(10_000_000), 86_400)]
        {
            let state = KeyState::fetched(keys(), max_age.map(Duration::from_secs), at(0));
            assert!(!state.is_due(at(fresh - 1)) && state.is_due(at(fresh)), "{max_age:?}");
            assert!(!state.may_fetch(at(59)) && state.may_fetch(at(60)));
        }
    }

    #[test]
    fn openid_keys_are_used_for_a_day_without_the_provider() {
        let (day, fresh) = (24 * 3_600, 3_600);
        let state = KeyState::fetched(keys(), None, at(0));
        assert_eq!(found(&state, "b", 0), Err(Rejected::Invalid));
        let away = state.failed(at(fresh));
        assert_eq!(found(&away, "a", fresh), Ok(()));
        assert_eq!(found(&away, "b", fresh), Err(Rejected::Unavailable), "it may be a new one");
        assert!(!away.is_due(at(fresh + 59)) && away.is_due(at(fresh + 60)));
        let away = away.failed(at(fresh + day - 1));
        assert_eq!(found(&away, "a", fresh + day - 1), Ok(()));
        assert_eq!(found(&away, "a", fresh + day), Err(Rejected::Unavailable));
        assert!(away.loses_a_key_to(&away.failed(at(fresh + day))));
        let back = KeyState::fetched(keys(), None, at(fresh + 2 * day));
        assert_eq!(found(&back, "a", fresh + 2 * day), Ok(()));
    }

    #[test]
    fn openid_keys_are_unavailable_before_the_first_answer() {
        let state = KeyState::default();
        assert!(state.is_due(at(0)));
        assert_eq!(found(&state, "a", 0), Err(Rejected::Unavailable));
        let failed = state.failed(at(0));
        assert!(!failed.is_due(at(4)) && failed.is_due(at(5)));
        assert_eq!(found(&failed, "a", 5), Err(Rejected::Unavailable));
    }
}
