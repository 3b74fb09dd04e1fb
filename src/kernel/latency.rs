//! [`LatencyHistogram`] counts call durations in buckets that each are a fifth wider than the last.
//!
//! It records without a lock, and is precise enough for a median or a p99.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bound of the first bucket, in seconds.
const FIRST_BUCKET: f64 = 10e-6;
/// Ratio of the upper bounds of two consecutive buckets.
const BUCKET_GROWTH: f64 = 1.2;
/// Number of buckets. The last one starts above a minute.
const BUCKETS: usize = 90;

/// Call counts by bucket.
pub struct LatencyHistogram([AtomicU64; BUCKETS]);

/// A copy of the call counts at one moment.
#[derive(Clone)]
pub struct LatencySnapshot([u64; BUCKETS]);

impl Default for LatencyHistogram {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

impl LatencyHistogram {
    pub fn record(&self, took: Duration) {
        let mut bound = FIRST_BUCKET;
        let mut bucket = 0;
        while took.as_secs_f64() > bound && bucket < BUCKETS - 1 {
            bound *= BUCKET_GROWTH;
            bucket += 1;
        }
        self.0[bucket].fetch_add(1, Ordering::Relaxed);
    }

    #[must_use]
    pub fn snapshot(&self) -> LatencySnapshot {
        LatencySnapshot(std::array::from_fn(|bucket| self.0[bucket].load(Ordering::Relaxed)))
    }
}

impl LatencySnapshot {
    /// The calls recorded after the `earlier` snapshot.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self(std::array::from_fn(|bucket| self.0[bucket].saturating_sub(earlier.0[bucket])))
    }

    /// A duration that `thousandths` of all calls do not exceed. `None` without calls.
    #[must_use]
    pub fn quantile(&self, thousandths: u64) -> Option<Duration> {
        let total: u64 = self.0.iter().sum();
        let rank = (total * thousandths).div_ceil(1_000).max(1);
        let mut bound = FIRST_BUCKET;
        let mut seen = 0;
        for count in self.0 {
            seen += count;
            if seen >= rank {
                return Some(Duration::from_secs_f64(bound));
            }
            bound *= BUCKET_GROWTH;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latency_quantile_is_accurate_to_twenty_percent() {
        let latency = LatencyHistogram::default();
        let millis = Duration::from_millis;
        (0..98).for_each(|_| latency.record(millis(3)));
        (0..2).for_each(|_| latency.record(millis(700)));
        let snapshot = latency.snapshot();
        let near = |thousandths, time: Duration| {
            let quantile = snapshot.quantile(thousandths).expect("calls were recorded");
            quantile >= time && quantile < time.mul_f64(BUCKET_GROWTH)
        };
        assert!(near(500, millis(3)) && near(980, millis(3)) && near(990, millis(700)));
    }

    #[test]
    fn latency_delta_excludes_earlier_calls_and_may_be_empty() {
        let latency = LatencyHistogram::default();
        latency.record(Duration::from_secs(3_600));
        let before = latency.snapshot();
        assert!(before.quantile(990).is_some());
        assert!(latency.snapshot().since(&before).quantile(500).is_none());
        latency.record(Duration::ZERO);
        let now = latency.snapshot().since(&before);
        assert_eq!(now.quantile(500), Some(Duration::from_secs_f64(FIRST_BUCKET)));
    }
}
