//! What the benchmarks share: the machine they ran on, and how figures are summed up and written.

use std::fs;
use std::thread::available_parallelism;
use std::time::Duration;

use hdrhistogram::Histogram;

/// How long many calls took, in nanoseconds.
pub type Latencies = Histogram<u64>;

/// No calls yet. Three digits are kept of each latency.
pub fn latencies() -> Latencies {
    Latencies::new(3).expect("hdrhistogram keeps up to five digits")
}

pub fn record(latencies: &mut Latencies, took: Duration) {
    let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
    latencies.record(nanos).expect("a histogram that resizes holds any value");
}

/// A quantile in microseconds; that of 1 is the longest.
pub fn micros(latencies: &Latencies, quantile: f64) -> f64 {
    float(latencies.value_at_quantile(quantile)) / 1e3
}

/// Counts and nanoseconds of a benchmark stay far below 2^52.
#[allow(clippy::cast_precision_loss, reason = "nothing measured here is that large")]
pub const fn float(count: u64) -> f64 {
    count as f64
}

/// A line that says what the figures were measured on.
pub fn machine() -> String {
    let cores = available_parallelism().map_or(0, usize::from);
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    format!("Measured on {cores} cores of {}.", model.map_or("an unknown CPU", |(_, model)| model))
}

/// The middle of several figures: on a shared machine it says more than their mean.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A figure without decimals, with commas between its thousands.
pub fn grouped(figure: f64) -> String {
    let digits = format!("{figure:.0}");
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
