//! Shared parts of the benchmarks: latencies, medians, number formats and the machine.
//!
//! Every benchmark that includes this module uses all of it; parts that only some need are separate
//! files, which those include by path.

mod result;

use std::fs;
use std::thread::available_parallelism;
use std::time::Duration;

use hdrhistogram::Histogram;

pub use result::BenchResult;

/// Latencies of many calls, in nanoseconds.
pub type Latencies = Histogram<u64>;

/// Creates an empty histogram that stores three significant digits.
pub fn latencies() -> Latencies {
    Latencies::new(3).expect("hdrhistogram stores up to five digits")
}

/// Records one latency.
pub fn record(latencies: &mut Latencies, took: Duration) {
    let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
    latencies.record(nanos).expect("an auto-resizing histogram accepts any value");
}

/// Returns a quantile in microseconds; quantile 1 is the maximum.
pub fn micros(latencies: &Latencies, quantile: f64) -> f64 {
    float(latencies.value_at_quantile(quantile)) / 1e3
}

/// Converts a count or nanoseconds; those of a benchmark are far below 2^52.
#[allow(clippy::cast_precision_loss, reason = "nothing measured here is that large")]
pub const fn float(count: u64) -> f64 {
    count as f64
}

/// Returns a sentence about the machine.
pub fn machine() -> String {
    let cores = available_parallelism().map_or(0, usize::from);
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    format!("Measured on {cores} cores of {}.", model.map_or("an unknown CPU", |(_, model)| model))
}

/// Returns the median: on a shared machine, outliers distort a mean.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Formats a number without decimals and with commas between thousands.
pub fn grouped(figure: f64) -> String {
    let digits = format!("{figure:.0}");
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
