//! [`GcraLimiter`]: the generic cell rate algorithm, which limits actions that cost other users
//! attention. Pure; [`RateLimiter`](super::limiter::RateLimiter) is the storage trait.
//!
//! Per user and action it stores one time, the theoretical arrival time (TAT): when the next action
//! is due without a burst. `now` is an argument. No crate's limiter is used, because those read a
//! clock themselves.

use std::time::Duration;

use rustc_hash::FxHashMap;

use crate::kernel::clock::Timestamp;
use crate::kernel::id::{IdempotencyKey, UserId};
use crate::kernel::quota::ToolsetQuota;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Period during which a retry of an admitted call is admitted again, because it has no effect.
pub(super) const RETRY_TTL: Duration = Duration::from_secs(600);

/// An action with a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LimitedAction {
    Message,
    /// A message whose text has this hash.
    DuplicateText(u64),
    /// A search for a partner.
    Search,
    Report,
    /// Any other action of a user, such as a command or a wait.
    Command,
    /// A change of the typing indicator.
    Typing,
    /// An action of a toolset.
    Toolset(ToolsetQuota),
    /// A call by an unknown user. Counted per client network, not per user.
    NewUser,
}

/// Admits `burst` actions immediately, and one more after each `emission_interval`, which is a
/// whole number of milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quota {
    burst: u32,
    pub(super) emission_interval: Duration,
}

impl Quota {
    fn new(burst: u32, period: Duration, limit: u32) -> Self {
        let interval_ms =
            u64::try_from(period.as_millis()).unwrap_or(u64::MAX) / u64::from(limit.max(1));
        Self { burst: burst.max(1), emission_interval: Duration::from_millis(interval_ms) }
    }

    /// Maximum difference between the TAT and the current time.
    pub(super) fn burst_tolerance(self) -> Duration {
        self.emission_interval * self.burst
    }

    /// Returns the new TAT if an action at `now` is admitted, and the time to wait if it is not.
    fn admit(self, tat: Timestamp, now: Timestamp) -> Result<Timestamp, Duration> {
        let new_tat = tat.max(now) + self.emission_interval;
        let retry_after = new_tat.since(now).saturating_sub(self.burst_tolerance());
        if retry_after.is_zero() { Ok(new_tat) } else { Err(retry_after) }
    }
}

/// The limits of all actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimits {
    /// Messages per user and minute; at most a third of them in a burst.
    pub messages: u32,
    /// Messages with the same text per user and minute.
    pub duplicates: u32,
    /// Searches for a partner per user in five minutes.
    pub searches: u32,
    /// Reports per user and day.
    pub reports: u32,
    /// Other actions per user and minute, and as many changes of the typing indicator; at most a third
    /// of them in a burst.
    pub commands: u32,
    /// New users per client network and minute; 0 for no limit.
    pub new_users: u32,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self {
            messages: 30,
            duplicates: 3,
            searches: 10,
            reports: 10,
            commands: 120,
            new_users: 600,
        }
    }
}

impl RateLimits {
    pub(super) fn quota(&self, action: LimitedAction) -> Quota {
        match action {
            LimitedAction::Message => Quota::new(self.messages / 3, MINUTE, self.messages),
            LimitedAction::DuplicateText(_) => Quota::new(self.duplicates, MINUTE, self.duplicates),
            LimitedAction::Search => Quota::new(self.searches, 5 * MINUTE, self.searches),
            LimitedAction::Report => Quota::new(self.reports, DAY, self.reports),
            LimitedAction::Command | LimitedAction::Typing => {
                Quota::new(self.commands / 3, MINUTE, self.commands)
            }
            LimitedAction::Toolset(ToolsetQuota { limit, period, .. }) => {
                Quota::new(limit, period, limit)
            }
            LimitedAction::NewUser => Quota::new(self.new_users, MINUTE, self.new_users),
        }
    }
}

/// The action that exceeds its limit, and the time until it is admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimited {
    pub action: LimitedAction,
    pub retry_after: Duration,
}

/// The limiter's state: recent actions of all users.
#[derive(Debug)]
pub struct GcraLimiter {
    limits: RateLimits,
    /// Theoretical arrival time of the next action. The keys are keyed hashes, which a caller can't
    /// make collide.
    tat: FxHashMap<(UserId, LimitedAction), Timestamp>,
    /// Keys of admitted calls, with the time of admission.
    admitted_keys: FxHashMap<IdempotencyKey, Timestamp>,
}

impl GcraLimiter {
    #[must_use]
    pub fn new(limits: RateLimits) -> Self {
        Self { limits, tat: FxHashMap::default(), admitted_keys: FxHashMap::default() }
    }

    /// Admits a call and counts all of its `actions`. A retry of an admitted `key` is admitted
    /// without being counted.
    ///
    /// # Errors
    /// Returns the first action that exceeds its limit as [`RateLimited`]. No action is counted
    /// then.
    pub fn admit(
        &mut self,
        user: UserId,
        key: Option<IdempotencyKey>,
        actions: &[LimitedAction],
        now: Timestamp,
    ) -> Result<(), RateLimited> {
        let admitted_at = key.and_then(|key| self.admitted_keys.get(&key));
        if admitted_at.is_some_and(|at| now.since(*at) < RETRY_TTL) {
            return Ok(());
        }
        let new_tats = actions.iter().map(|&action| {
            let tat = self.tat.get(&(user, action)).copied().unwrap_or_default();
            let new_tat = self.limits.quota(action).admit(tat, now);
            new_tat
                .map(|new_tat| (action, new_tat))
                .map_err(|retry_after| RateLimited { action, retry_after })
        });
        let new_tats = new_tats.collect::<Result<Vec<_>, _>>()?;
        self.tat.extend(new_tats.into_iter().map(|(action, tat)| ((user, action), tat)));
        self.admitted_keys.extend(key.map(|key| (key, now)));
        Ok(())
    }

    /// Takes back the last admission of an action that had no effect.
    pub fn refund(&mut self, user: UserId, action: LimitedAction) {
        let interval = self.limits.quota(action).emission_interval;
        if let Some(tat) = self.tat.get_mut(&(user, action)) {
            let interval_ms = u64::try_from(interval.as_millis()).unwrap_or(u64::MAX);
            *tat = Timestamp::from_millis(tat.as_millis().saturating_sub(interval_ms));
        }
    }

    /// Evicts state that no longer limits a user.
    pub fn evict_expired(&mut self, now: Timestamp) {
        self.tat.retain(|_, tat| now < *tat);
        self.admitted_keys.retain(|_, at| now.since(*at) < RETRY_TTL);
    }
}

#[cfg(test)]
impl GcraLimiter {
    pub(super) fn is_empty(&self) -> bool {
        self.tat.is_empty() && self.admitted_keys.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::clock::seeded_rng;
    use crate::kernel::id::IdHasher;

    const ANN: UserId = UserId::from_bytes([1; 16]);
    const BEN: UserId = UserId::from_bytes([2; 16]);
    const START: Timestamp = Timestamp::from_millis(1_000_000);

    fn after(secs: u64) -> Timestamp {
        START + Duration::from_secs(secs)
    }

    #[test]
    fn rate_limit_allows_a_burst_then_one_per_interval() {
        let mut limiter = GcraLimiter::new(RateLimits::default());
        let mut send = |user, now| {
            limiter.admit(user, None, &[LimitedAction::Message], now).map_err(|e| e.retry_after)
        };
        assert!((0..10).all(|_| send(ANN, START).is_ok()));
        assert_eq!(send(ANN, START), Err(Duration::from_secs(2)));
        assert_eq!(
            send(ANN, START),
            Err(Duration::from_secs(2)),
            "a rejected action is not counted"
        );
        assert_eq!(send(BEN, START), Ok(()), "limits are per user");
        assert_eq!(send(ANN, after(2)), Ok(()));
        assert!(send(ANN, after(2)).is_err());
        assert!((0..10).all(|_| send(ANN, after(60)).is_ok()));
    }

    #[test]
    fn rate_limit_rejects_the_fourth_duplicate_in_a_minute() {
        let mut limiter = GcraLimiter::new(RateLimits::default());
        let mut send = |hash, now| {
            limiter.admit(
                ANN,
                None,
                &[LimitedAction::Message, LimitedAction::DuplicateText(hash)],
                now,
            )
        };
        assert!((0..3).all(|_| send(7, START).is_ok()));
        let retry_after = Duration::from_secs(20);
        assert_eq!(
            send(7, START),
            Err(RateLimited { action: LimitedAction::DuplicateText(7), retry_after })
        );
        assert!(
            (0..7).all(|number| send(100 + number, START).is_ok()),
            "the rejected message is not counted"
        );
        assert!(send(7, after(20)).is_ok());
    }

    #[test]
    fn rate_limit_counts_a_retry_once() {
        let ids = IdHasher::random(&mut seeded_rng());
        let mut limiter = GcraLimiter::new(RateLimits::default());
        let mut search = |id: &str, now| {
            limiter.admit(
                ANN,
                Some(ids.idempotency_key(ANN, id, "#meet")),
                &[LimitedAction::Search],
                now,
            )
        };
        assert!((0..50).all(|_| search("one", START).is_ok()));
        assert!((0..9).all(|n| search(&n.to_string(), START).is_ok()));
        let retry_after = Duration::from_secs(30);
        assert_eq!(
            search("new", START),
            Err(RateLimited { action: LimitedAction::Search, retry_after })
        );
    }

    #[test]
    fn rate_limit_evicts_expired_state() {
        let mut limiter = GcraLimiter::new(RateLimits::default());
        let key = IdHasher::random(&mut seeded_rng()).idempotency_key(ANN, "1", "");
        limiter
            .admit(ANN, Some(key), &[LimitedAction::Message, LimitedAction::Search], START)
            .expect("the first call is admitted");
        limiter.evict_expired(after(2));
        assert_eq!(limiter.tat.len(), 1, "the search still limits the user");
        limiter.evict_expired(after(600));
        assert!(limiter.is_empty());
    }
}
