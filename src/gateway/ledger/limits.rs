//! [`AccountLimits`]: the requests and tokens of an account in a minute, and its concurrent requests. Pure.
//!
//! The limits of a minute follow the generic cell rate algorithm with a burst of one minute. Each is one time: when the
//! whole limit is free again. A request moves it to the future, so that a minute's worth moves it by a minute. A
//! change of a limit takes effect immediately, because nothing else is stored.

use std::time::Duration;

use crate::kernel::clock::Timestamp;

/// A minute in nanoseconds, the unit of the stored times.
const MINUTE: i64 = 60_000_000_000;

/// Time after which a request beyond the concurrent ones may try again. The end of another is not known.
const CONCURRENT_PAUSE: Duration = Duration::from_secs(1);

/// The limits of an account. A zero counts as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountLimits {
    pub requests_per_minute: u32,
    /// Input and output.
    pub tokens_per_minute: u64,
    /// Requests at the same time.
    pub concurrent: u32,
}

/// A limit that refuses a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitKind {
    Requests,
    Tokens,
    Concurrent,
}

/// The refusal of a request by a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefusedByLimit {
    pub kind: LimitKind,
    /// The time until the limit would admit the request.
    pub retry_after: Duration,
    /// `None` without limits.
    pub states: Option<AccountLimitStates>,
}

/// The state of a limit of a minute, after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitState {
    pub limit: u64,
    /// The requests or tokens that are free now.
    pub remaining: u64,
    /// The time until the whole limit is free again.
    pub reset: Duration,
}

/// The states of both limits of a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountLimitStates {
    pub requests: LimitState,
    pub tokens: LimitState,
}

/// The tokens that a request has reserved, with the limit at that time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReservedTokens {
    pub per_minute: u64,
    pub reserved: u64,
}

/// The use that an account makes of its limits. Times are in nanoseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsedLimits {
    pub open_holds: u64,
    pub requests_free_at: i64,
    pub tokens_free_at: i64,
}

/// The part of the limits that a reservation takes, and the states of an account that admit it.
#[derive(Clone, Copy, Debug)]
pub(super) struct LimitClaim {
    pub now: i64,
    /// The time that the request takes of the limit on requests.
    pub requests: i64,
    pub tokens: i64,
    /// The latest `requests_free_at` that admits the request.
    pub requests_until: i64,
    pub tokens_until: i64,
    /// The number of open holds that admits no other.
    pub max_open_holds: u64,
}

impl LimitClaim {
    /// Without limits, everything is admitted and nothing is counted but the hold.
    pub fn of(limits: Option<AccountLimits>, tokens: u64, now: Timestamp) -> Self {
        let now = nanos(now);
        let Some(limits) = limits else {
            return Self {
                now,
                requests: 0,
                tokens: 0,
                requests_until: i64::MAX,
                tokens_until: i64::MAX,
                max_open_holds: u64::MAX,
            };
        };
        let requests = share(1, limits.requests_per_minute.into());
        let tokens = share(tokens, limits.tokens_per_minute);
        Self {
            now,
            requests,
            tokens,
            requests_until: now + MINUTE - requests,
            tokens_until: now + MINUTE - tokens,
            max_open_holds: limits.concurrent.max(1).into(),
        }
    }

    /// Counts the request. If a limit refuses it, returns the limit with the time until it does not, and counts
    /// nothing.
    pub fn admit(&self, used: &mut UsedLimits) -> Result<(), (LimitKind, Duration)> {
        let requests = used.requests_free_at.saturating_sub(self.requests_until);
        let tokens = used.tokens_free_at.saturating_sub(self.tokens_until);
        let longest = requests.max(tokens);
        if longest > 0 {
            let kind = if requests == longest { LimitKind::Requests } else { LimitKind::Tokens };
            return Err((kind, whole_millis(longest)));
        }
        if used.open_holds >= self.max_open_holds {
            return Err((LimitKind::Concurrent, CONCURRENT_PAUSE));
        }
        used.open_holds += 1;
        used.requests_free_at = used.requests_free_at.max(self.now) + self.requests;
        used.tokens_free_at = used.tokens_free_at.max(self.now) + self.tokens;
        Ok(())
    }
}

impl ReservedTokens {
    /// The change of `tokens_free_at` at the end of the request, which has used `used` tokens. Negative if these are
    /// fewer than were reserved.
    pub(super) fn correction(self, used: u64) -> i64 {
        share(used, self.per_minute) - share(self.reserved, self.per_minute)
    }
}

impl AccountLimits {
    /// The states of the limits in an account that uses `used` of them.
    #[must_use]
    pub fn states(self, used: &UsedLimits, now: Timestamp) -> AccountLimitStates {
        let state = |limit: u64, free_at: i64| {
            let limit = limit.max(1);
            let reset = free_at.saturating_sub(nanos(now)).max(0);
            let free = u128::from((MINUTE - reset.min(MINUTE)).unsigned_abs());
            let remaining = free * u128::from(limit) / u128::from(MINUTE.unsigned_abs());
            LimitState {
                limit,
                remaining: u64::try_from(remaining).unwrap_or(u64::MAX),
                reset: whole_millis(reset),
            }
        };
        AccountLimitStates {
            requests: state(self.requests_per_minute.into(), used.requests_free_at),
            tokens: state(self.tokens_per_minute, used.tokens_free_at),
        }
    }
}

/// The share of a minute that `count` of `limit` takes, at most a minute. Rounded down, so that `limit` of them fit in.
fn share(count: u64, limit: u64) -> i64 {
    let minute = u128::from(MINUTE.unsigned_abs());
    let share = u128::from(count) * minute / u128::from(limit.max(1));
    i64::try_from(share).unwrap_or(MINUTE).min(MINUTE)
}

fn nanos(time: Timestamp) -> i64 {
    // Half of the range, so that a minute can be added.
    let nanos = time.as_millis().saturating_mul(1_000_000);
    i64::try_from(nanos).unwrap_or(i64::MAX).min(i64::MAX / 2)
}

/// Rounded up, because the time of a request has whole milliseconds.
fn whole_millis(nanos: i64) -> Duration {
    Duration::from_millis(nanos.unsigned_abs().div_ceil(1_000_000))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn claim(limits: AccountLimits, tokens: u64, now: i64) -> LimitClaim {
        let now = Timestamp::from_millis(now.unsigned_abs() / 1_000_000);
        LimitClaim::of(Some(limits), tokens, now)
    }

    proptest! {
        /// In every minute, at most twice the limit is admitted: a burst, and what becomes free meanwhile. And what is
        /// refused is admitted once its time is over.
        #[test]
        fn gateway_limits_admit_a_burst_and_the_rate(
            (per_minute, tokens_per_minute) in (1_u32..2_000, 1_u64..100_000),
            steps in prop::collection::vec((0_i64..3_000, 0_u64..3_000), 1..80),
        ) {
            let limits = AccountLimits {
                requests_per_minute: per_minute,
                tokens_per_minute,
                concurrent: u32::MAX,
            };
            let (mut used, mut now) = (UsedLimits::default(), MINUTE);
            let (mut requests, mut tokens) = (0_u128, 0_u128);
            for (pause, count) in steps {
                now += pause * 1_000_000;
                let claim = claim(limits, count, now);
                let before = used;
                match claim.admit(&mut used) {
                    Ok(()) => {
                        requests += 1;
                        tokens += u128::from(count.min(tokens_per_minute));
                    }
                    Err((kind, pause)) => {
                        prop_assert_eq!(used, before);
                        prop_assert_ne!(kind, LimitKind::Concurrent);
                        let later = now + i64::try_from(pause.as_nanos()).expect("short");
                        prop_assert!(self::claim(limits, count, later).admit(&mut used).is_ok());
                        used = before;
                    }
                }
                // Since the start, with a burst of a minute. Rounding admits less than one more.
                let time = u128::from(now.unsigned_abs());
                let minute = u128::from(MINUTE.unsigned_abs());
                prop_assert!((requests - 1) * minute <= u128::from(per_minute) * time);
                prop_assert!(tokens.saturating_sub(1) * minute <= u128::from(tokens_per_minute) * time);
            }
        }

        #[test]
        fn gateway_limits_are_used_up_after_exactly_their_number(
            per_minute in 1_u32..5_000,
        ) {
            let limits = AccountLimits {
                requests_per_minute: per_minute,
                tokens_per_minute: 1,
                concurrent: u32::MAX,
            };
            let mut used = UsedLimits::default();
            let claim = claim(limits, 0, MINUTE);
            for number in 1..=per_minute {
                prop_assert!(claim.admit(&mut used).is_ok());
                let states = limits.states(&used, Timestamp::from_millis(60_000));
                prop_assert_eq!(states.requests.remaining, u64::from(per_minute - number));
            }
            prop_assert!(claim.admit(&mut used).is_err());
        }
    }
}
