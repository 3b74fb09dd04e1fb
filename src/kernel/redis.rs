//! [`connect`] and [`with_timeout`]: the Redis connection of moderation and rate limits.
//!
//! The lobby has its own connection, because it also subscribes and limits its commands in flight.
//! Key names and scripts belong to the store that uses them.

use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, RedisResult};
use tokio::time::timeout;

use super::store::StoreError;

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
    operation: impl Future<Output = RedisResult<T>>,
) -> Result<T, StoreError> {
    match timeout(2 * OPERATION_TIMEOUT, operation).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => {
            // Logs the kind only, because the error's text may quote the command.
            tracing::warn!(kind = ?error.kind(), "moderation store query failed");
            Err(StoreError)
        }
        Err(_) => Err(StoreError),
    }
}
