//! What is wrong, in words for whoever looks at the dashboard. Pure: samples in, sentences out.

use std::time::Duration;

use super::dashboard::{SAMPLE_INTERVAL, Sample};

/// Two who wait are paired after half a minute whatever their wishes, and after one even if they have
/// just met. Who waits longer beside another is stuck.
const STALLED_SECS: u64 = 90;
/// Calls slower than this are felt.
const SLOW_CALL: Duration = Duration::from_millis(250);
/// Over so many samples errors are counted, and compared with as many before.
const ERROR_WINDOW: usize = 60;
/// Fewer errors than these are nobody's worry.
const MIN_ERRORS: u64 = 10;

/// The sentences, most urgent first; none when all is well. `samples` are oldest first.
#[must_use]
pub fn alerts(samples: &[Sample]) -> Vec<String> {
    let Some(last) = samples.last() else { return Vec::new() };
    let checks =
        [store_down(last), queue_stalled(last), errors_rising(samples, last), calls_slow(last)];
    checks.into_iter().flatten().collect()
}

fn store_down(last: &Sample) -> Option<String> {
    let told = "The store is not responding: callers are asked to retry, and nothing is lost.";
    (!last.store_up).then(|| told.to_owned())
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
    let back = |count: usize| &samples[samples.len().saturating_sub(count + 1)];
    let (middle, first) = (back(ERROR_WINDOW), back(2 * ERROR_WINDOW));
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
        let told = "The queue stalls: 4 people wait, the longest for 3 min.";
        assert_eq!(alerts(&[healthy(), stalled]), [told]);
    }

    #[test]
    fn alerts_report_rising_errors() {
        let at = |calls, refused| Sample { calls, refused, ..healthy() };
        let told = alerts(&[at(0, 0), at(90, 10)]);
        assert!(told[0].starts_with("Errors rise: 10 of 100 calls"), "{told:?}");
        assert!(alerts(&[at(0, 0), at(91, 9)]).is_empty(), "few");
        assert!(alerts(&[at(0, 0), at(990, 10)]).is_empty(), "one in a hundred");
        let steady: Vec<_> = (0..=2 * ERROR_WINDOW as u64).map(|n| at(n, n)).collect();
        assert!(alerts(&steady).is_empty(), "as many as before");
    }

    #[test]
    fn alerts_rank_store_outage_before_slow_calls() {
        let p99 = Some(Duration::from_secs(1));
        let told = alerts(&[Sample { p99, ..Sample::default() }]);
        assert!(told[0].starts_with("The store") && told[1].contains("1000 ms"), "{told:?}");
    }
}
