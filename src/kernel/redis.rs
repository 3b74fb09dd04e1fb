//! Connections to the Redis of moderation and rate limits.
//!
//! The lobby has its own connection, because it also subscribes and limits its commands in flight.

use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, RedisResult};
use tokio::time::timeout;

use super::store::StoreError;

/// Prefix of all keys, behind the hash tag of the lobby, so that a script may touch both.
pub(crate) const TAG: &str = "{random-connect}:safety";

/// Timeout of an operation, and of a connection attempt.
const OPERATION: Duration = Duration::from_secs(1);

/// A connection to a Redis that need not be up yet.
pub(crate) fn connect(url: &str) -> RedisResult<ConnectionManager> {
    let config = ConnectionManagerConfig::new()
        .set_number_of_retries(1)
        .set_max_delay(Duration::from_millis(200))
        .set_connection_timeout(Some(OPERATION))
        .set_response_timeout(Some(OPERATION));
    ConnectionManager::new_lazy_with_config(Client::open(url)?, config)
}

/// What an operation brings within its time.
pub(crate) async fn within<T>(
    operation: impl Future<Output = RedisResult<T>>,
) -> Result<T, StoreError> {
    match timeout(2 * OPERATION, operation).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => {
            // Its text may quote what was sent.
            tracing::warn!(kind = ?error.kind(), "moderation store query failed");
            Err(StoreError)
        }
        Err(_) => Err(StoreError),
    }
}
