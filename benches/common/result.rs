//! [`BenchResult`]: the result type of all benchmarks.

use std::error::Error;

/// A result whose error is only printed.
pub type BenchResult<T> = Result<T, Box<dyn Error + Send + Sync>>;
