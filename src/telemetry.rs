//! Logs and the panic hook.
//!
//! **Invariant:** no message text, raw id, number or token is ever written. The lines of this crate contain
//! none. Lines of libraries are dropped at every level, because some print whole requests.

use std::io::{self, Write};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::prelude::*;

use crate::config::LogFormat;

/// Starts logging to standard error.
pub fn init(level: LevelFilter, format: LogFormat, color: bool) {
    let own_lines = Targets::new().with_target(env!("CARGO_CRATE_NAME"), level);
    let lines = fmt::layer().with_writer(io::stderr);
    let registry = tracing_subscriber::registry();
    match format {
        LogFormat::Text => registry.with(lines.with_ansi(color).with_filter(own_lines)).init(),
        LogFormat::Json => registry.with(lines.json().with_filter(own_lines)).init(),
    }
}

/// Makes a panic print its location without its message, because a library's message may quote the text
/// that caused it.
pub fn install_panic_hook() {
    std::panic::set_hook(Box::new(|panic| {
        let location =
            panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        // Standard error may be closed, and a panic in here would abort the process.
        let _ = writeln!(io::stderr(), "internal error: panic at {location}");
    }));
}
