//! The warnings about a Redis that evicts keys: in the log, in `/ready` and in `check`.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::time::timeout;

use crate::support::redis_server::RedisServer;
use crate::support::redis_wire::command;
use crate::support::server_process::{ServerProcess, TIMEOUT, command as server_command};

#[tokio::test]
async fn redis_eviction_policy_is_warned_about() {
    let redis = RedisServer::start(&["--maxmemory-policy", "allkeys-lru"]);
    let url = redis.url();
    let variables = [("REDIS_URL", url.as_str()), ("LOG_LEVEL", "warn")];
    let mut server = server_command(0, &variables);
    let mut server = server.stderr(Stdio::piped()).spawn().expect("the binary starts");
    let mut lines = BufReader::new(server.stderr.take().expect("standard error")).lines();
    let warning = timeout(TIMEOUT, async {
        while let Some(line) = lines.next_line().await.expect("a line") {
            if line.contains("Redis may evict blocks") {
                return line;
            }
        }
        panic!("no warning");
    });
    assert!(warning.await.expect("in time").contains("allkeys-lru"));
}

#[tokio::test]
async fn redis_eviction_policy_is_shown_by_ready_and_check() {
    let redis = RedisServer::start(&["--maxmemory-policy", "volatile-ttl"]);
    let url = redis.url();
    let variables = [("REDIS_URL", url.as_str())];
    let server = ServerProcess::start(0, &variables).await;
    let shown = async {
        loop {
            let (status, text) = server.ready().await;
            // It never fails, because all instances use the same Redis.
            assert_eq!(status, 200);
            if text == "ready\nRedis may evict keys: volatile-ttl\n" {
                return;
            }
        }
    };
    timeout(TIMEOUT, shown).await.expect("in time");
    let check = async || {
        let output = server_command(0, &variables).arg("check").output().await;
        String::from_utf8(output.expect("the binary runs").stdout).expect("UTF-8")
    };
    assert!(check().await.contains("Redis may evict keys: maxmemory-policy is volatile-ttl"));
    command(&redis, &["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    assert!(!check().await.contains("evict"));
}
