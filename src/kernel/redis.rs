//! [`connect`] and [`with_timeout`]: the Redis connection of moderation and rate limits.
//!
//! The lobby has its own connection, because it also subscribes and limits its commands in flight.
//! Key names and scripts belong to the store that uses them.

use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, ErrorKind, RedisError, RedisResult, ServerErrorKind};
use tokio::time::timeout;

use super::failure_log::FailureLog;
use super::store::{StoreError, StoreErrorKind};

/// Prefix of all keys. It starts with the hash tag of the lobby's keys, so that a script may access
/// both.
pub(crate) const HASH_TAG: &str = "{random-connect}:safety";

/// Timeout of a connection attempt and of one response.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(1);

/// Creates a connection that is opened on first use. The server need not be up yet.
pub(crate) fn connect(url: &str) -> RedisResult<ConnectionManager> {
    let config = ConnectionManagerConfig::new()
        .set_number_of_retries(1)
        .set_max_delay(Duration::from_millis(200))
        .set_connection_timeout(Some(OPERATION_TIMEOUT))
        .set_response_timeout(Some(OPERATION_TIMEOUT));
    ConnectionManager::new_lazy_with_config(Client::open(url)?, config)
}

/// Runs an operation, for at most twice [`OPERATION_TIMEOUT`].
///
/// # Errors
/// Returns [`StoreError`] if the operation fails or times out.
pub(crate) async fn with_timeout<T>(
    failures: &FailureLog,
    operation: impl Future<Output = RedisResult<T>>,
) -> Result<T, StoreError> {
    match timeout(2 * OPERATION_TIMEOUT, operation).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => {
            // Only the code, because the text of the error may quote the command.
            Err(failures.record(error_kind(&error), error.code().unwrap_or_default()))
        }
        Err(_) => Err(failures.record(StoreErrorKind::Timeout, "")),
    }
}

/// The kind of an error of the Redis client.
pub(crate) fn error_kind(error: &RedisError) -> StoreErrorKind {
    if error.is_timeout() {
        return StoreErrorKind::Timeout;
    }
    match error.kind() {
        ErrorKind::Io | ErrorKind::AuthenticationFailed => StoreErrorKind::Connection,
        ErrorKind::Parse | ErrorKind::UnexpectedReturnType => StoreErrorKind::Decode,
        ErrorKind::Server(ServerErrorKind::ReadOnly) => StoreErrorKind::ReadOnly,
        ErrorKind::Server(ServerErrorKind::MasterDown | ServerErrorKind::BusyLoading) => {
            StoreErrorKind::Connection
        }
        // MISCONF means that Redis can't save its data.
        _ if error.code() == Some("MISCONF") => StoreErrorKind::Disk,
        _ if error.code() == Some("NOREPLICAS") => StoreErrorKind::ReadOnly,
        _ => StoreErrorKind::Script,
    }
}
