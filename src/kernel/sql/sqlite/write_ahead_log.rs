//! [`merge_log`]: leaves the database alone in its folder when the store is closed.

use std::fs;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

/// Maximum number of attempts; each takes a few milliseconds.
const ATTEMPTS: usize = 20;

/// Merges the write-ahead log into the database, as the last connection does when it is closed.
///
/// A connection that was being opened when its pool was closed ends in a separate thread after the
/// pool, and leaves the log behind.
pub(super) async fn merge_log(options: &SqliteConnectOptions) {
    let mut log = options.get_filename().as_os_str().to_owned();
    log.push("-wal");
    for _ in 0..ATTEMPTS {
        if !fs::exists(&log).unwrap_or(false) {
            return;
        }
        if let Ok(connection) = options.connect().await {
            // After a failure, the log stays beside the database and is complete.
            let _ = connection.close().await;
        }
    }
}
