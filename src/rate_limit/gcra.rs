//! How often one person may do what costs others attention. `throttle.rs` is where it is kept.
//!
//! Pure, by the generic cell rate algorithm: of each kind of act one moment is kept, at which the next
//! would be on time if there were no bursts. `now` is an argument, which is why no crate's limiter is
//! used: they read a clock of their own.

use std::collections::HashMap;
use std::time::Duration;

use crate::kernel::clock::Timestamp;
use crate::kernel::id::{IdempotencyKey, UserId};

const MINUTE: Duration = Duration::from_secs(60);

/// How long a call that was admitted is admitted again, since it does nothing the second time.
pub(super) const RETRY_TTL: Duration = Duration::from_secs(600);

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LimitedAction {
    Message,
    /// A message with the very text of this hash.
    DuplicateText(u64),
    /// Looking for a partner.
    Search,
    /// Bringing somebody new, which networks do and not people.
    NewUser,
}

/// So many at once, and one more each time `every`, in whole milliseconds, has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quota {
    burst: u32,
    pub(super) emission_interval: Duration,
}

impl Quota {
    fn of(burst: u32, per: Duration, many: u32) -> Self {
        let every = u64::try_from(per.as_millis()).unwrap_or(u64::MAX) / u64::from(many.max(1));
        Self { burst: burst.max(1), emission_interval: Duration::from_millis(every) }
    }

    /// How far ahead of one at a time a burst may run.
    pub(super) fn burst_tolerance(self) -> Duration {
        self.emission_interval * self.burst
    }

    /// The moment to keep once an act at `now` is admitted; otherwise how long it has to wait.
    fn admit(self, due: Timestamp, now: Timestamp) -> Result<Timestamp, Duration> {
        let next = due.max(now) + self.emission_interval;
        let ahead = next.since(now);
        let early = ahead.saturating_sub(self.burst_tolerance());
        if early.is_zero() { Ok(next) } else { Err(early) }
    }
}

/// How often things may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimits {
    /// Messages in a minute; a third of that at once.
    pub messages: u32,
    /// The same message in a minute.
    pub duplicates: u32,
    /// Searches for a partner in five minutes.
    pub searches: u32,
    /// New people that one network brings in a minute; 0 for as many as there are.
    pub new_users: u32,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self { messages: 30, duplicates: 3, searches: 10, new_users: 600 }
    }
}

impl RateLimits {
    pub(super) fn quota(&self, act: LimitedAction) -> Quota {
        match act {
            LimitedAction::Message => Quota::of(self.messages / 3, MINUTE, self.messages),
            LimitedAction::DuplicateText(_) => Quota::of(self.duplicates, MINUTE, self.duplicates),
            LimitedAction::Search => Quota::of(self.searches, 5 * MINUTE, self.searches),
            LimitedAction::NewUser => Quota::of(self.new_users, MINUTE, self.new_users),
        }
    }
}

/// What came too early, and how long it has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimited {
    pub action: LimitedAction,
    pub retry_after: Duration,
}

/// Who did what lately.
#[derive(Debug)]
pub struct GcraLimiter {
    limits: RateLimits,
    tat: HashMap<(UserId, LimitedAction), Timestamp>,
    admitted_keys: HashMap<IdempotencyKey, Timestamp>,
}

impl GcraLimiter {
    #[must_use]
    pub fn new(limits: RateLimits) -> Self {
        Self { limits, tat: HashMap::new(), admitted_keys: HashMap::new() }
    }

    /// Admits a call that does all of `acts`, and counts them; or says which of them comes too
    /// early, and counts none.
    ///
    /// # Errors
    /// When one of them comes too early.
    pub fn admit(
        &mut self,
        who: UserId,
        key: Option<IdempotencyKey>,
        acts: &[LimitedAction],
        now: Timestamp,
    ) -> Result<(), RateLimited> {
        let repeated = key.and_then(|key| self.admitted_keys.get(&key));
        if repeated.is_some_and(|at| now.since(*at) < RETRY_TTL) {
            return Ok(());
        }
        let next = acts.iter().map(|act| {
            let due = self.tat.get(&(who, *act)).copied().unwrap_or_default();
            let next = self.limits.quota(*act).admit(due, now);
            next.map(|next| (*act, next))
                .map_err(|left| RateLimited { action: *act, retry_after: left })
        });
        let next = next.collect::<Result<Vec<_>, _>>()?;
        self.tat.extend(next.into_iter().map(|(act, next)| ((who, act), next)));
        self.admitted_keys.extend(key.map(|key| (key, now)));
        Ok(())
    }

    /// Forgets what limits nobody any more.
    pub fn evict_expired(&mut self, now: Timestamp) {
        self.tat.retain(|_, due| now < *due);
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
        let mut pace = GcraLimiter::new(RateLimits::default());
        let mut say = |who, now| {
            pace.admit(who, None, &[LimitedAction::Message], now).map_err(|e| e.retry_after)
        };
        assert!((0..10).all(|_| say(ANN, START).is_ok()));
        assert_eq!(say(ANN, START), Err(Duration::from_secs(2)));
        assert_eq!(say(ANN, START), Err(Duration::from_secs(2)), "a refusal counts nothing");
        assert_eq!(say(BEN, START), Ok(()), "each has their own");
        assert_eq!(say(ANN, after(2)), Ok(()));
        assert!(say(ANN, after(2)).is_err());
        assert!((0..10).all(|_| say(ANN, after(60)).is_ok()));
    }

    #[test]
    fn rate_limit_rejects_the_fourth_duplicate_in_a_minute() {
        let mut pace = GcraLimiter::new(RateLimits::default());
        let mut say = |hash, now| {
            pace.admit(
                ANN,
                None,
                &[LimitedAction::Message, LimitedAction::DuplicateText(hash)],
                now,
            )
        };
        assert!((0..3).all(|_| say(7, START).is_ok()));
        let left = Duration::from_secs(20);
        assert_eq!(
            say(7, START),
            Err(RateLimited { action: LimitedAction::DuplicateText(7), retry_after: left })
        );
        assert!((0..7).all(|other| say(100 + other, START).is_ok()), "it was not counted");
        assert!(say(7, after(20)).is_ok());
    }

    #[test]
    fn rate_limit_counts_a_retry_once() {
        let ids = IdHasher::random(&mut seeded_rng());
        let mut pace = GcraLimiter::new(RateLimits::default());
        let mut search = |id: &str, now| {
            pace.admit(
                ANN,
                Some(ids.idempotency_key(ANN, id, "#meet")),
                &[LimitedAction::Search],
                now,
            )
        };
        assert!((0..50).all(|_| search("one", START).is_ok()));
        assert!((0..9).all(|n| search(&n.to_string(), START).is_ok()));
        let left = Duration::from_secs(30);
        assert_eq!(
            search("new", START),
            Err(RateLimited { action: LimitedAction::Search, retry_after: left })
        );
    }

    #[test]
    fn rate_limit_evicts_expired_state() {
        let mut pace = GcraLimiter::new(RateLimits::default());
        let key = IdHasher::random(&mut seeded_rng()).idempotency_key(ANN, "1", "");
        pace.admit(ANN, Some(key), &[LimitedAction::Message, LimitedAction::Search], START)
            .expect("the first");
        pace.evict_expired(after(2));
        assert_eq!(pace.tat.len(), 1, "the search");
        pace.evict_expired(after(600));
        assert!(pace.is_empty());
    }
}
