//! [`warn_if_keys_are_evicted`]: warns at the start if Redis may remove keys when its memory is full.
//!
//! Blocks, bans and reports are keys like all others, and every key of the lobby has a time to live,
//! so that each policy but `noeviction` loses data without an error.

use std::time::Duration;

use redis::{Client, RedisResult, cmd};
use tokio::time::{sleep, timeout};

/// Time limit of one attempt.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(2);
/// Delay before the next attempt, because Redis may start later.
const RETRY_DELAY: Duration = Duration::from_secs(10);

/// The policy that evicts no key.
const NO_EVICTION: &str = "noeviction";

/// Reads the eviction policy once Redis answers, and warns if it evicts keys.
pub async fn warn_if_keys_are_evicted(client: Client) {
    let info = loop {
        match timeout(ATTEMPT_TIMEOUT, memory_info(&client)).await {
            Ok(Ok(info)) => break info,
            // The user of this connection may not run INFO, so that the policy stays unknown.
            Ok(Err(error)) if error.code() == Some("NOPERM") => return,
            Ok(Err(_)) | Err(_) => sleep(RETRY_DELAY).await,
        }
    };
    if let Some(policy) = evicting_policy(&info) {
        tracing::warn!(
            policy,
            "Redis may evict blocks, bans and chats when its memory is full: set maxmemory-policy to noeviction"
        );
    }
}

async fn memory_info(client: &Client) -> RedisResult<String> {
    let mut connection = client.get_multiplexed_async_connection().await?;
    // INFO, because hosted services forbid CONFIG.
    cmd("INFO").arg("memory").query_async(&mut connection).await
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
