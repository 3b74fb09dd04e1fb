//! Logs and panics: what may be said, and where.
//!
//! **Invariant:** no message text, raw id, number or token is ever written. Our own lines hold
//! none; the libraries' lines might (some print whole requests when asked for details), so they
//! are not written at any level.

use std::io::{self, Write};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::prelude::*;

use crate::config::LogFormat;

/// Starts logging to standard error.
pub fn init(level: LevelFilter, format: LogFormat, color: bool) {
    let ours = Targets::new().with_target(env!("CARGO_CRATE_NAME"), level);
    let lines = fmt::layer().with_writer(io::stderr);
    let registry = tracing_subscriber::registry();
    match format {
        LogFormat::Text => registry.with(lines.with_ansi(color).with_filter(ours)).init(),
        LogFormat::Json => registry.with(lines.json().with_filter(ours)).init(),
    }
}

/// Has a panic tell where it happened but not what was said: a library's panic message may quote
/// the text it stumbled over.
pub fn install_panic_hook() {
    std::panic::set_hook(Box::new(|panic| {
        let location =
            panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        // Standard error may be closed, and a panic in here would abort the process.
        let _ = writeln!(io::stderr(), "internal error: panic at {location}");
    }));
}
