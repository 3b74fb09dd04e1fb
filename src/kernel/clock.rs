//! [`Timestamp`], [`Clock`] and [`seeded_rng`]: the only file that reads the machine's clock or
//! seeds a generator.
//!
//! All other code takes a [`Timestamp`] or a generator as an argument, so that a test can replay
//! it. `clippy.toml` forbids the underlying calls elsewhere.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat, Utc};
use rand::rngs::StdRng;

/// A point in time, in milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// The time in ISO 8601 with milliseconds, in UTC.
    #[must_use]
    pub fn to_iso_8601(self) -> String {
        let millis = i64::try_from(self.0).unwrap_or(i64::MAX);
        // A date beyond the year 262,000 is the largest one.
        let date = DateTime::from_timestamp_millis(millis).unwrap_or(DateTime::<Utc>::MAX_UTC);
        date.to_rfc3339_opts(SecondsFormat::Millis, true)
    }

    /// Parses a time in RFC 3339, or a date, which means its first moment in UTC. `None` for other texts, and for times
    /// before 1970.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let date = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
        let millis = match DateTime::parse_from_rfc3339(text) {
            Ok(time) => time.timestamp_millis(),
            Err(_) => date()?.and_time(NaiveTime::MIN).and_utc().timestamp_millis(),
        };
        u64::try_from(millis).ok().map(Self)
    }

    /// The duration from `earlier` to `self`; zero if `earlier` is later than `self`.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// This time, `millis` later.
    #[must_use]
    pub const fn shifted(self, millis: i64) -> Self {
        Self(self.0.saturating_add_signed(millis))
    }

    /// Milliseconds from `other` to `self`; negative if `other` is later.
    #[must_use]
    pub fn millis_after(self, other: Self) -> i64 {
        let millis = self.0.abs_diff(other.0);
        let millis = i64::try_from(millis).unwrap_or(i64::MAX);
        if self < other { -millis } else { millis }
    }
}

impl std::ops::Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(millis))
    }
}

/// A source of the current time.
pub trait Clock: Send + Sync {
    /// The date, as the wall clock has it. May jump.
    fn now(&self) -> Timestamp;

    /// The time that measures durations: never jumps, and equals the date at first.
    fn steady(&self) -> Timestamp {
        self.now()
    }

    /// The machine's clock minus this one, in milliseconds. `None` if this is the machine's.
    fn machine_skew_ms(&self) -> Option<i64> {
        None
    }

    /// Whether a test plays the time, so that stores must not use another clock.
    fn is_simulated(&self) -> bool {
        false
    }
}

/// Difference of the wall clock from the expected time that counts as a jump.
const JUMP: Duration = Duration::from_secs(5);

/// The machine's clock. Its date follows the wall clock; its steady time does not count jumps and
/// the time in which the machine was suspended.
pub struct SystemClock {
    started_at: Timestamp,
    started: Instant,
    /// Date minus steady time, in milliseconds.
    offset: AtomicI64,
}

impl SystemClock {
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    pub fn new() -> Self {
        Self { started_at: wall_time(), started: Instant::now(), offset: AtomicI64::new(0) }
    }
}

#[allow(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
fn wall_time() -> Timestamp {
    Timestamp::default() + SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let (now, steady) = (wall_time(), self.steady());
        let offset = now.millis_after(steady);
        let jump = offset - self.offset.swap(offset, Ordering::Relaxed);
        if u128::from(jump.unsigned_abs()) >= JUMP.as_millis() {
            let seconds = jump / 1_000;
            tracing::warn!(seconds, "the clock of this machine jumped: it was suspended or set");
        }
        now
    }

    fn steady(&self) -> Timestamp {
        self.started_at + self.started.elapsed()
    }
}

/// A clock that moves only on [`ManualClock::advance`] and [`ManualClock::jump_to`], for tests and
/// benchmarks.
#[derive(Default)]
pub struct ManualClock {
    now: AtomicU64,
    steady: AtomicU64,
}

impl ManualClock {
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        let time = || AtomicU64::new(now.as_millis());
        Self { now: time(), steady: time() }
    }

    /// Lets time pass.
    pub fn advance(&self, duration: Duration) {
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        self.now.fetch_add(millis, Ordering::SeqCst);
        self.steady.fetch_add(millis, Ordering::SeqCst);
    }

    /// Sets the date, as an operator or a time server does. No time passes.
    pub fn jump_to(&self, now: Timestamp) {
        self.now.store(now.as_millis(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now.load(Ordering::SeqCst))
    }

    fn steady(&self) -> Timestamp {
        Timestamp::from_millis(self.steady.load(Ordering::SeqCst))
    }

    fn is_simulated(&self) -> bool {
        true
    }
}

/// Time for which a date must hold before stored data is deleted or corrected by it.
const CONFIRMATION: Duration = Duration::from_secs(60 * 60);

/// 2026-01-01, before the first version of this program. A clock that shows an earlier date was
/// never set.
const EARLIEST_DATE: Timestamp = Timestamp::from_millis(1_767_225_600_000);

/// A date of which [`DateConfirmation`] has an opinion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConfirmedDate {
    /// The date by which data may be deleted: never later than the date.
    pub date: Timestamp,
    /// Whether this is the date, so that a later date of stored data is wrong.
    pub is_certain: bool,
}

/// Confirms dates by the time that passes, so that a clock that is wrong for a while deletes no data.
#[derive(Default)]
pub struct DateConfirmation {
    /// The date, and the time of its first reading, that all readings since then agree with.
    candidate: Option<(Timestamp, Duration)>,
    /// The last reading of a date that held for [`CONFIRMATION`].
    confirmed: Option<(Timestamp, Duration)>,
}

impl DateConfirmation {
    /// Returns the date to delete by at `elapsed`, a time since any fixed moment, when the clock shows
    /// `now`. At first, and until an hour after a jump forward, that is an earlier one. It is certain
    /// once it has held for an hour, and again when the clock returns from a jump.
    pub fn confirm(&mut self, now: Timestamp, elapsed: Duration) -> ConfirmedDate {
        let continued = |(date, since): (Timestamp, Duration)| date + elapsed.saturating_sub(since);
        let agrees = |reading: (Timestamp, Duration)| {
            let difference = now.millis_after(continued(reading)).unsigned_abs();
            u128::from(difference) < 2 * JUMP.as_millis()
        };
        if !self.candidate.is_some_and(agrees) {
            self.candidate = Some((now, elapsed));
        }
        let held =
            self.candidate.map_or(Duration::ZERO, |(_, since)| elapsed.saturating_sub(since));
        if held >= CONFIRMATION {
            self.confirmed = Some((now, elapsed));
        }
        let date =
            self.confirmed.map_or(Timestamp::default(), |confirmed| now.min(continued(confirmed)));
        let is_certain = now >= EARLIEST_DATE && self.confirmed.is_some_and(agrees);
        ConfirmedDate { date, is_certain }
    }
}

/// Measures elapsed time with the monotonic clock.
#[derive(Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Creates a cryptographically strong generator, seeded by the operating system.
#[must_use]
#[allow(clippy::disallowed_methods, reason = "this is the one place that seeds generators")]
pub fn seeded_rng() -> StdRng {
    rand::make_rng()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600;

    fn confirm(confirmation: &mut DateConfirmation, now: u64, elapsed: u64) -> u64 {
        let now = Timestamp::from_millis(now * 1_000);
        confirmation.confirm(now, Duration::from_secs(elapsed)).date.as_millis() / 1_000
    }

    fn is_certain(confirmation: &mut DateConfirmation, now: u64, elapsed: u64) -> bool {
        let now = Timestamp::from_millis(now * 1_000);
        confirmation.confirm(now, Duration::from_secs(elapsed)).is_certain
    }

    #[test]
    fn clock_date_is_certain_after_an_hour_and_after_a_return() {
        let (mut confirmation, start) = (DateConfirmation::default(), 1_800_000_000);
        assert!(!is_certain(&mut confirmation, start, 0));
        assert!(is_certain(&mut confirmation, start + HOUR, HOUR));
        let year = 365 * 24 * HOUR;
        for jumped in [start + year, start - year / 2] {
            assert!(!is_certain(&mut confirmation, jumped, HOUR + 60));
        }
        assert!(is_certain(&mut confirmation, start + HOUR + 120, HOUR + 120), "back in time");
    }

    #[test]
    fn clock_that_was_never_set_is_not_certain() {
        let mut confirmation = DateConfirmation::default();
        for hour in 0..9 {
            assert!(!is_certain(&mut confirmation, 946_684_800 + hour * HOUR, hour * HOUR));
        }
        assert!(!is_certain(&mut confirmation, 1_800_000_000, 9 * HOUR));
        assert!(is_certain(&mut confirmation, 1_800_000_000 + HOUR, 10 * HOUR));
    }

    #[test]
    fn clock_date_is_confirmed_after_an_hour() {
        let mut confirmation = DateConfirmation::default();
        assert_eq!(confirm(&mut confirmation, 1_000_000, 0), 0);
        assert_eq!(confirm(&mut confirmation, 1_000_000 + HOUR - 1, HOUR - 1), 0);
        assert_eq!(confirm(&mut confirmation, 1_000_000 + HOUR, HOUR), 1_000_000 + HOUR);
        assert_eq!(confirm(&mut confirmation, 1_000_009 + HOUR, HOUR + 9), 1_000_009 + HOUR);
    }

    #[test]
    fn clock_date_after_a_jump_is_confirmed_if_it_holds() {
        let mut confirmation = DateConfirmation::default();
        for hour in 0..=1 {
            confirm(&mut confirmation, 1_000_000 + hour * HOUR, hour * HOUR);
        }
        let year = 365 * 24 * HOUR;
        let jumped = 1_000_000 + 2 * HOUR + year;
        assert_eq!(confirm(&mut confirmation, jumped, 2 * HOUR), 1_000_000 + 2 * HOUR);
        assert_eq!(confirm(&mut confirmation, jumped + 60, 2 * HOUR + 60), 1_000_060 + 2 * HOUR);
        assert_eq!(confirm(&mut confirmation, jumped + HOUR, 3 * HOUR), jumped + HOUR);
        let back = 1_000_000 + 4 * HOUR;
        assert_eq!(confirm(&mut confirmation, back, 4 * HOUR), back, "back is certain at once");
    }
}
