//! [`Breaker`]: whether requests may be sent to a target that has failed before.
//!
//! Pure: `now` is an argument, from a clock that does not jump. To drive it, call [`Breaker::admit`] before a request,
//! and [`Breaker::record`] with its outcome, exactly once for each admission that was a probe.

use std::time::Duration;

use crate::kernel::clock::Timestamp;

/// Failures that open a breaker, among at least [`MIN_REQUESTS`] requests of the window.
const MIN_FAILURES: u32 = 5;
const MIN_REQUESTS: u32 = 10;

/// Length of the window, in buckets of a second.
const BUCKETS: usize = 10;

/// The first pause of an open breaker. It doubles with each probe that fails.
const FIRST_PAUSE: Duration = Duration::from_secs(2);

/// Bounds of a pause. A provider that asks for days must not lock a model out for days.
const MIN_PAUSE: Duration = Duration::from_secs(1);
const MAX_PAUSE: Duration = Duration::from_secs(300);

/// The decision about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerAdmission {
    /// The request may be sent.
    Closed,
    /// The request may be sent, and alone decides whether others may.
    Probe,
    /// No request may be sent before this time. It may be later if a probe is running.
    Open { until: Timestamp },
}

/// The outcome of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerOutcome {
    Success,
    /// The target failed, and asked for this pause.
    Failure {
        pause: Option<Duration>,
    },
    /// The target must not be used for this time, whatever the number of failures.
    Blocked {
        pause: Duration,
    },
    /// The request says nothing about the target: the caller left, or the request was invalid.
    Unknown,
}

#[derive(Clone, Copy, Debug, Default)]
struct OutcomeBucket {
    /// The second that the bucket counts.
    second: u64,
    requests: u32,
    failures: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BreakerState {
    Closed,
    Open {
        until: Timestamp,
    },
    /// A probe was admitted at this time.
    Probing {
        since: Timestamp,
    },
}

/// The breaker of one target.
#[derive(Clone, Debug)]
pub struct Breaker {
    state: BreakerState,
    window: [OutcomeBucket; BUCKETS],
    /// Openings since the last success.
    openings: u32,
}

impl Default for Breaker {
    fn default() -> Self {
        let window = [OutcomeBucket::default(); BUCKETS];
        Self { state: BreakerState::Closed, window, openings: 0 }
    }
}

impl Breaker {
    /// The decision that [`Self::admit`] would make, without its effect.
    #[must_use]
    pub fn check(&self, now: Timestamp) -> BreakerAdmission {
        match self.state {
            BreakerState::Closed => BreakerAdmission::Closed,
            BreakerState::Open { until } if now < until => BreakerAdmission::Open { until },
            BreakerState::Open { .. } => BreakerAdmission::Probe,
            // A probe that never reports must not lock the target out.
            BreakerState::Probing { since } if now >= since + MAX_PAUSE => BreakerAdmission::Probe,
            BreakerState::Probing { .. } => BreakerAdmission::Open { until: now + MIN_PAUSE },
        }
    }

    /// Decides about a request.
    pub fn admit(&mut self, now: Timestamp) -> BreakerAdmission {
        let admission = self.check(now);
        if admission == BreakerAdmission::Probe {
            self.state = BreakerState::Probing { since: now };
        }
        admission
    }

    /// Takes the outcome of a request. Of a target that is not closed, only a probe can close it.
    pub fn record(&mut self, now: Timestamp, outcome: BreakerOutcome, is_probe: bool) {
        match outcome {
            BreakerOutcome::Success => self.succeed(now, is_probe),
            BreakerOutcome::Failure { pause } => self.fail(now, pause, is_probe),
            BreakerOutcome::Blocked { pause } => self.open(now, pause),
            BreakerOutcome::Unknown if is_probe => self.state = BreakerState::Open { until: now },
            BreakerOutcome::Unknown => {}
        }
    }

    /// The time before which no request is sent, as others may learn it. `None` if the breaker is closed.
    #[must_use]
    pub const fn open_until(&self) -> Option<Timestamp> {
        match self.state {
            BreakerState::Closed => None,
            BreakerState::Open { until } => Some(until),
            BreakerState::Probing { since } => Some(since),
        }
    }

    /// Opens until a time that another instance has found, or for longer if it already is open for longer.
    pub fn open_at_least(&mut self, now: Timestamp, until: Timestamp) {
        if until > now && self.open_until().is_none_or(|open| open < until) {
            self.open(now, until.since(now));
        }
    }

    /// Closes, because another instance has found that the target answers.
    pub fn close(&mut self) {
        if self.state != BreakerState::Closed {
            *self = Self::default();
        }
    }

    fn succeed(&mut self, now: Timestamp, is_probe: bool) {
        if is_probe {
            *self = Self::default();
        }
        if self.state == BreakerState::Closed {
            self.openings = 0;
        }
        self.count(now, false);
    }

    fn fail(&mut self, now: Timestamp, pause: Option<Duration>, is_probe: bool) {
        self.count(now, true);
        let backoff = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(self.openings));
        match pause {
            Some(pause) => self.open(now, pause),
            None if is_probe => self.open(now, backoff),
            None if self.state == BreakerState::Closed && self.is_failing(now) => {
                self.open(now, backoff);
            }
            None => {}
        }
    }

    /// Opens for a pause, or for longer if it already is open for longer.
    fn open(&mut self, now: Timestamp, pause: Duration) {
        let until = now + pause.clamp(MIN_PAUSE, MAX_PAUSE);
        let later = match self.state {
            BreakerState::Open { until: earlier } => until.max(earlier),
            BreakerState::Closed | BreakerState::Probing { .. } => {
                self.openings = self.openings.saturating_add(1);
                until
            }
        };
        self.state = BreakerState::Open { until: later };
        self.window = [OutcomeBucket::default(); BUCKETS];
    }

    fn count(&mut self, now: Timestamp, is_failure: bool) {
        let second = now.as_millis() / 1_000;
        let bucket = &mut self.window[usize::try_from(second % BUCKETS as u64).unwrap_or(0)];
        if bucket.second != second {
            *bucket = OutcomeBucket { second, ..OutcomeBucket::default() };
        }
        bucket.requests = bucket.requests.saturating_add(1);
        bucket.failures = bucket.failures.saturating_add(u32::from(is_failure));
    }

    fn is_failing(&self, now: Timestamp) -> bool {
        let second = now.as_millis() / 1_000;
        let recent = || self.window.iter().filter(|b| second.abs_diff(b.second) < BUCKETS as u64);
        let requests = recent().fold(0_u32, |sum, bucket| sum.saturating_add(bucket.requests));
        let failures = recent().fold(0_u32, |sum, bucket| sum.saturating_add(bucket.failures));
        requests >= MIN_REQUESTS && failures >= MIN_FAILURES
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FAILURE: BreakerOutcome = BreakerOutcome::Failure { pause: None };

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(1_000_000 + millis)
    }

    fn is_open(breaker: &Breaker, millis: u64) -> bool {
        matches!(breaker.check(at(millis)), BreakerAdmission::Open { .. })
    }

    fn failing(outcomes: &[BreakerOutcome], step: u64) -> Breaker {
        let mut breaker = Breaker::default();
        for (outcome, n) in outcomes.iter().zip(0..) {
            breaker.record(at(n * step), *outcome, false);
        }
        breaker
    }

    #[test]
    fn gateway_breaker_opens_after_five_failures_of_ten() {
        let (ok, bad) = (BreakerOutcome::Success, FAILURE);
        assert!(!is_open(&failing(&[bad], 10), 10), "one 503 locks nothing out");
        assert!(!is_open(&failing(&[bad; 9], 10), 90), "too few requests");
        assert!(!is_open(&failing(&[ok, ok, ok, ok, ok, ok, bad, bad, bad, bad], 10), 100));
        assert!(is_open(&failing(&[ok, ok, ok, ok, ok, bad, bad, bad, bad, bad], 10), 100));
        assert!(!is_open(&failing(&[bad; 30], 2_000), 60_000), "never ten within ten seconds");
    }

    #[test]
    fn gateway_breaker_obeys_a_pause_within_bounds() {
        for (pause, millis) in [(0, 1_000), (7_000, 7_000), (400_000_000, 300_000)] {
            let pause = Some(Duration::from_millis(pause));
            let breaker = failing(&[BreakerOutcome::Failure { pause }], 0);
            assert!(is_open(&breaker, millis - 1) && !is_open(&breaker, millis), "{pause:?}");
        }
    }

    #[test]
    fn gateway_breaker_admits_one_probe_and_doubles_its_pause() {
        let mut breaker = failing(&[FAILURE; 10], 0);
        let mut now = 0;
        for pause in [2_000, 4_000, 8_000] {
            assert!(is_open(&breaker, now + pause - 1));
            now += pause;
            assert_eq!(breaker.admit(at(now)), BreakerAdmission::Probe);
            assert!(matches!(breaker.admit(at(now)), BreakerAdmission::Open { .. }));
            breaker.record(at(now), FAILURE, true);
        }
        now += 16_000;
        assert_eq!(breaker.admit(at(now)), BreakerAdmission::Probe);
        breaker.record(at(now), BreakerOutcome::Success, true);
        assert_eq!(breaker.admit(at(now)), BreakerAdmission::Closed);
        breaker.record(at(now), FAILURE, false);
        assert_eq!(breaker.admit(at(now)), BreakerAdmission::Closed, "the window is empty");
    }

    #[test]
    fn gateway_breaker_passes_the_probe_on_if_its_caller_leaves() {
        let mut breaker = failing(&[FAILURE; 10], 0);
        assert_eq!(breaker.admit(at(2_000)), BreakerAdmission::Probe);
        breaker.record(at(2_500), BreakerOutcome::Unknown, true);
        assert_eq!(breaker.admit(at(2_500)), BreakerAdmission::Probe);
        assert!(is_open(&breaker, 302_499));
        assert_eq!(breaker.admit(at(302_500)), BreakerAdmission::Probe, "a lost probe");
    }

    #[test]
    fn gateway_breaker_ignores_late_outcomes_of_other_requests() {
        let mut breaker = failing(&[FAILURE; 10], 0);
        breaker.record(at(100), BreakerOutcome::Success, false);
        assert!(is_open(&breaker, 1_999));
        breaker.record(at(100), FAILURE, false);
        assert!(!is_open(&breaker, 2_000), "a late failure opens for no longer");
        breaker.record(at(100), BreakerOutcome::Blocked { pause: MAX_PAUSE }, false);
        assert!(is_open(&breaker, 300_099) && !is_open(&breaker, 300_100));
    }

    proptest! {
        #[test]
        fn gateway_breaker_admits_again_after_the_longest_pause(
            steps in proptest::collection::vec((0..20_000_u64, 0..5_u8, any::<bool>()), 0..60),
        ) {
            let (mut breaker, mut now) = (Breaker::default(), 0);
            for (pause, outcome, reports) in steps {
                now += pause;
                let admission = breaker.admit(at(now));
                let outcome = match outcome {
                    0 => BreakerOutcome::Success,
                    1 => BreakerOutcome::Failure { pause: Some(Duration::from_secs(pause)) },
                    2 => BreakerOutcome::Unknown,
                    3 => BreakerOutcome::Blocked { pause: Duration::MAX },
                    _ => FAILURE,
                };
                if reports && !matches!(admission, BreakerAdmission::Open { .. }) {
                    breaker.record(at(now), outcome, admission == BreakerAdmission::Probe);
                }
            }
            prop_assert!(!is_open(&breaker, now + 300_000));
        }
    }
}
