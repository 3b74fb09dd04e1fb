//! [`report`]: the text of `random-connect check`. It is pure.
//!
//! **Invariant:** the report contains no secret, so that an operator can paste it into an issue.

use std::fmt::Write;

use crate::config::{LoadedConfig, Source};
use crate::kernel::settings::NOT_SET;

/// The answer of a store to a check.
pub struct StoreStatus {
    /// The data of the store, such as `lobby`.
    pub name: &'static str,
    /// The kind of the store, such as `Redis`.
    pub backend: &'static str,
    /// A remark about a working store, or the problem.
    pub result: Result<String, String>,
}

/// Returns the report.
#[must_use]
pub fn report(loaded: &LoadedConfig, stores: &[StoreStatus]) -> String {
    let mut text = String::from("Settings\n");
    // Writing to a string never fails.
    for ((name, value), source) in loaded.config.effective().iter().zip(&loaded.sources) {
        let unused = *source != Source::Default && value == NOT_SET;
        let value = if unused { "set, without effect" } else { value };
        let _ = writeln!(text, "  {name:<25} {:<12} {value}", source_name(*source));
    }
    text.push_str("\nWarnings\n");
    for warning in &loaded.warnings {
        let _ = writeln!(text, "  {warning}");
    }
    if loaded.warnings.is_empty() {
        text.push_str("  none\n");
    }
    text.push_str("\nStores\n");
    for StoreStatus { name, backend, result } in stores {
        let result = match result {
            Ok(remark) => format!("ok{remark}"),
            Err(problem) => format!("failed: {problem}"),
        };
        let _ = writeln!(text, "  {name:<12} {backend:<8} {result}");
    }
    text
}

const fn source_name(source: Source) -> &'static str {
    match source {
        Source::Environment => "environment",
        Source::EnvFile => ".env",
        Source::Default => "default",
    }
}
