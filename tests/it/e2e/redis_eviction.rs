//! The warning about a Redis that evicts keys.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

use crate::support::redis_server::RedisServer;
use crate::support::server::TEST_TIMEOUT;

#[tokio::test]
async fn redis_eviction_policy_is_warned_about() {
    let redis = RedisServer::start(&["--maxmemory-policy", "allkeys-lru"]);
    let (url, key) = (redis.url(), "1".repeat(64));
    let mut server = Command::new(env!("CARGO_BIN_EXE_random-connect"))
        .env_clear()
        .envs([("PORT", "0"), ("REDIS_URL", &url), ("INBOX_KEY", &key)])
        .env("ID_SALT", "a salt of some length")
        .current_dir(std::env::temp_dir())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the binary starts");
    let mut lines = BufReader::new(server.stderr.take().expect("standard error")).lines();
    let warning = timeout(TEST_TIMEOUT, async {
        while let Some(line) = lines.next_line().await.expect("a line") {
            if line.contains("Redis may evict blocks") {
                return line;
            }
        }
        panic!("no warning");
    });
    assert!(warning.await.expect("in time").contains("allkeys-lru"));
}
