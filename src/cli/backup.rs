//! [`saved`] and [`restored`]: the reports of `backup` and `restore`. They are pure.

use std::fmt::Write;
use std::path::Path;

/// Returns the report of a backup: its file and size in bytes, and what it does not have.
#[must_use]
pub fn saved(
    place: &str,
    file: &Path,
    bytes: u64,
    left_out: Option<&Path>,
    has_redis: bool,
) -> String {
    let mut text = format!("Saved {place} in {}: {bytes} bytes.\n", file.display());
    // Writing to a string never fails.
    if let Some(secrets) = left_out {
        let secrets = secrets.display();
        let _ = writeln!(
            text,
            "It does not have {secrets}, and can't be used without it: save that apart, or add --with-secrets."
        );
    }
    if has_redis {
        text.push_str("It does not have the data on Redis.\n");
    }
    text
}

/// Returns the report of a restored database: its place, when the backup was written, and the secrets file to put
/// back.
#[must_use]
pub fn restored(place: &str, created_at: &str, missing: Option<&Path>) -> String {
    let mut text = format!("Restored {place} as of {created_at}.\n");
    if let Some(secrets) = missing {
        let secrets = secrets.display();
        let _ = writeln!(
            text,
            "Before the server starts, put back {secrets}, or set ID_SALT and INBOX_KEY."
        );
    }
    text
}
