//! [`alerts`] turns samples into sentences about current problems. It is pure.
//!
//! To add an alert, add a function and its place in the order of [`alerts`].

use std::time::Duration;

use super::sample::{SAMPLE_INTERVAL, Sample};

/// Wait in seconds after which a queue of two or more users is stalled. Two waiting users are
/// paired after half a minute without a common interest, and after a minute even with a recent
/// partner.
const STALLED_SECS: u64 = 90;
/// Minimum p99 for an alert. Users notice slower calls.
const SLOW_CALL: Duration = Duration::from_millis(250);
/// Number of samples in an error window, which is compared with the window before it.
const ERROR_WINDOW: usize = 60;
/// Minimum number of errors in a window for an alert.
const MIN_ERRORS: u64 = 10;

/// The alerts, most urgent first; empty if `samples`, oldest first, show no problem.
#[must_use]
pub fn alerts(samples: &[Sample]) -> Vec<String> {
    let Some(last) = samples.last() else { return Vec::new() };
    let checks =
        [store_down(last), queue_stalled(last), errors_rising(samples, last), calls_slow(last)];
    checks.into_iter().flatten().collect()
}

fn store_down(last: &Sample) -> Option<String> {
    let alert = "The store is not responding: callers are asked to retry, and nothing is lost.";
    (!last.store_up).then(|| alert.to_owned())
}

fn queue_stalled(last: &Sample) -> Option<String> {
    let Sample { waiting, longest_wait_secs: secs, .. } = last;
    let stalled = *waiting >= 2 && *secs >= STALLED_SECS;
    stalled.then(|| {
        format!(
            "The queue is stalled: {waiting} users are waiting, the longest for {}.",
            humanize(*secs)
        )
    })
}

fn errors_rising(samples: &[Sample], last: &Sample) -> Option<String> {
    let samples_ago = |count: usize| &samples[samples.len().saturating_sub(count + 1)];
    let (middle, first) = (samples_ago(ERROR_WINDOW), samples_ago(2 * ERROR_WINDOW));
    let now = last.refused.saturating_sub(middle.refused);
    let before = middle.refused.saturating_sub(first.refused);
    let calls = last.calls.saturating_sub(middle.calls) + now;
    let rising = now >= MIN_ERRORS && now > 2 * before && now * 20 >= calls;
    rising.then(|| {
        let minutes = SAMPLE_INTERVAL.as_secs() * ERROR_WINDOW as u64 / 60;
        format!(
            "Errors are rising: {now} of {calls} calls were rejected in the last {minutes} minutes, up from {before}."
        )
    })
}

fn calls_slow(last: &Sample) -> Option<String> {
    let p99 = last.p99.filter(|p99| *p99 >= SLOW_CALL)?;
    Some(format!("Calls are slow: p99 is {} ms.", p99.as_millis()))
}

fn humanize(secs: u64) -> String {
    if secs < 120 { format!("{secs} s") } else { format!("{} min", secs / 60) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn healthy() -> Sample {
        Sample { store_up: true, ..Sample::default() }
    }

    #[test]
    fn alerts_are_empty_when_healthy_or_unknown() {
        assert!(alerts(&[]).is_empty() && alerts(&[healthy()]).is_empty());
        let alone = Sample { waiting: 1, longest_wait_secs: 9_999, ..healthy() };
        let soon = Sample { waiting: 9, longest_wait_secs: STALLED_SECS - 1, ..healthy() };
        assert!(alerts(&[alone]).is_empty() && alerts(&[soon]).is_empty());
    }

    #[test]
    fn alerts_report_a_stalled_queue() {
        let stalled = Sample { waiting: 4, longest_wait_secs: 185, ..healthy() };
        let alert = "The queue is stalled: 4 users are waiting, the longest for 3 min.";
        assert_eq!(alerts(&[healthy(), stalled]), [alert]);
    }

    #[test]
    fn alerts_report_rising_errors() {
        let sample = |calls, refused| Sample { calls, refused, ..healthy() };
        let found = alerts(&[sample(0, 0), sample(90, 10)]);
        assert!(found[0].starts_with("Errors are rising: 10 of 100 calls"), "{found:?}");
        assert!(alerts(&[sample(0, 0), sample(91, 9)]).is_empty(), "too few errors");
        assert!(
            alerts(&[sample(0, 0), sample(990, 10)]).is_empty(),
            "one error in a hundred calls"
        );
        let steady: Vec<_> = (0..=2 * ERROR_WINDOW as u64).map(|n| sample(n, n)).collect();
        assert!(alerts(&steady).is_empty(), "a steady error rate");
    }

    #[test]
    fn alerts_rank_store_outage_before_slow_calls() {
        let p99 = Some(Duration::from_secs(1));
        let found = alerts(&[Sample { p99, ..Sample::default() }]);
        assert!(found[0].starts_with("The store") && found[1].contains("1000 ms"), "{found:?}");
    }
}
