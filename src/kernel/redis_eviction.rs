//! [`EvictionWatch`]: notices that Redis may remove keys when its memory is full.
//!
//! Blocks, bans and reports are keys like all others, and every key of the lobby has a time to live,
//! so that each policy but `noeviction` loses data without an error. An instance stays ready all the
//! same: every instance sees the same Redis, so a failing check would end all service for what may
//! never happen. Redis without free memory and with `noeviction` refuses writes, which is not ready.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::sleep;

use super::failure_log::FailureLog;
use super::redis::{RedisConnection, Unanswered};
use super::store::{StoreError, StoreErrorKind};

/// Interval of the checks, because the policy can be changed while Redis runs.
const CHECK_INTERVAL: Duration = Duration::from_secs(60);
/// Delay before the next attempt while Redis does not answer.
const RETRY_DELAY: Duration = Duration::from_secs(10);

/// The policy that evicts no key.
const NO_EVICTION: &str = "noeviction";

/// Reads the eviction policy of Redis.
pub struct EvictionWatch {
    connection: RedisConnection,
    failures: FailureLog,
    /// The policy at the last check, if it evicts keys.
    evicting: Mutex<Option<String>>,
}

impl EvictionWatch {
    #[must_use]
    pub fn new(connection: RedisConnection) -> Arc<Self> {
        let failures = FailureLog::new("redis_memory");
        Arc::new(Self { connection, failures, evicting: Mutex::default() })
    }

    /// Returns the policy at the last check if it evicts keys.
    #[must_use]
    pub fn evicting(&self) -> Option<String> {
        self.evicting.lock().clone()
    }

    /// Reads the policy, and warns once if it evicts keys.
    ///
    /// # Errors
    /// Returns [`StoreError`] if Redis can't be reached or does not permit INFO.
    pub async fn check(&self) -> Result<Option<String>, StoreError> {
        let mut commands = redis::pipe();
        // INFO, because hosted services forbid CONFIG.
        commands.cmd("INFO").arg("memory");
        let reply = self.connection.query(&self.failures, &mut commands, Unanswered::Repeat);
        let (info,): (String,) = reply.await?;
        let policy = evicting_policy(&info).map(str::to_owned);
        let before = std::mem::replace(&mut *self.evicting.lock(), policy.clone());
        if let Some(policy) = policy.as_ref().filter(|_| before != policy) {
            tracing::warn!(
                policy,
                "Redis may evict blocks, bans and chats when its memory is full: set maxmemory-policy to noeviction"
            );
        }
        Ok(policy)
    }

    /// Checks again and again, until dropped or Redis does not permit it.
    pub async fn run(self: Arc<Self>) {
        loop {
            match self.check().await {
                Ok(_) => sleep(CHECK_INTERVAL).await,
                // The user of this connection may not run INFO, so that the policy stays unknown.
                Err(StoreError { kind: StoreErrorKind::Script }) => return,
                Err(_) => sleep(RETRY_DELAY).await,
            }
        }
    }
}

/// Returns the `maxmemory_policy` of a reply to `INFO memory`, unless it evicts nothing or is
/// unknown.
fn evicting_policy(info: &str) -> Option<&str> {
    let policy = info.lines().find_map(|line| line.trim().strip_prefix("maxmemory_policy:"))?;
    (policy != NO_EVICTION && !policy.is_empty()).then_some(policy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redis_eviction_policy_is_read_from_info() {
        let info = |policy: &str| {
            format!("# Memory\r\nmaxmemory:0\r\nmaxmemory_policy:{policy}\r\nmem_allocator:x\r\n")
        };
        assert_eq!(evicting_policy(&info("noeviction")), None);
        for policy in ["allkeys-lru", "allkeys-lfu", "volatile-ttl"] {
            assert_eq!(evicting_policy(&info(policy)), Some(policy));
        }
        assert_eq!(evicting_policy("# Memory\r\nused_memory:1\r\n"), None);
    }
}
