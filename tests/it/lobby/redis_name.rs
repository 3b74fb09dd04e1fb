//! The server behind a host name that moves from a primary to its replica.
//!
//! The server runs as a process that reads its host names from a file of the test, through
//! libnss-wrapper, so that it resolves the name as it does in production.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use tokio::time::timeout;

use super::DURABLE;
use crate::support::redis_server::RedisServer;
use crate::support::redis_wire::command;
use crate::support::server_process::{ServerProcess, TIMEOUT};

/// The name of the Redis server.
const NAME: &str = "primary.test";
/// Time limit for the server to follow the name.
const RECOVERY: Duration = Duration::from_secs(5);

/// A file of host names, removed when it is dropped.
struct Hosts(PathBuf);

impl Hosts {
    fn new(address: &str, port: u16) -> Self {
        let file = format!("hosts-{}-{port}", std::process::id());
        let hosts = Self(std::env::temp_dir().join(file));
        hosts.point_to(address, Duration::ZERO);
        hosts
    }

    /// Rewrites the file. Its reader notices a change by the time of the file in seconds.
    fn point_to(&self, address: &str, later: Duration) {
        fs::write(&self.0, format!("{address} {NAME}\n")).expect("a file");
        let file = fs::File::options().write(true).open(&self.0).expect("the file");
        #[allow(clippy::disallowed_methods, reason = "the time of a file")]
        file.set_modified(SystemTime::now() + later).expect("the time is set");
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        // A file that is left behind does no harm.
        let _ = fs::remove_file(&self.0);
    }
}

/// The fate of the old primary.
#[derive(Clone, Copy, Debug)]
enum OldPrimary {
    Dies,
    /// Becomes a replica of the new primary, and keeps its connections.
    IsDemoted,
    /// Keeps its connections, and answers nothing.
    Freezes,
    /// Goes on as if nothing had happened.
    LivesOn,
}

async fn follows_the_name(fate: OldPrimary) {
    let mut old = RedisServer::start(DURABLE);
    let new = old.start_beside("127.0.0.2");
    let port = old.address().rsplit(':').next().expect("a port").to_owned();
    command(&new, &["REPLICAOF", "127.0.0.1", &port]);
    let hosts = Hosts::new("127.0.0.1", port.parse().expect("a number"));
    let server = ServerProcess::start(
        0,
        &[
            ("REDIS_URL", &format!("redis://{NAME}:{port}")),
            ("LD_PRELOAD", "libnss_wrapper.so"),
            ("NSS_WRAPPER_HOSTS", hosts.0.to_str().expect("a path")),
            ("RATE_LIMITS", "off"),
            ("NOTICE", "off"),
        ],
    )
    .await;
    server.say("ann", "#meet", "1").await;
    let met = server.say("ben", "#meet", "2").await;
    assert!(met.contains("Connected"), "{met}");
    let mut acknowledged = Vec::new();
    for number in 0..20 {
        let text = format!("text {}", char::from(b'a' + number));
        let answer = server.say("ben", &text, &text).await;
        assert!(answer.contains("Message sent"), "{answer}");
        acknowledged.push(text);
    }
    while command(&old, &["WAIT", "1", "1000"]) != ["1"] {}

    command(&new, &["REPLICAOF", "NO", "ONE"]);
    hosts.point_to("127.0.0.2", Duration::from_secs(10));
    match fate {
        OldPrimary::Dies => old.kill(),
        OldPrimary::IsDemoted => {
            command(&old, &["REPLICAOF", "127.0.0.2", &port]);
        }
        OldPrimary::Freezes => old.freeze(),
        OldPrimary::LivesOn => {}
    }

    // The signals of the instances follow, and so do the messages.
    let followed = timeout(RECOVERY, async {
        while command(&new, &["PUBSUB", "CHANNELS"]).is_empty() {
            tokio::task::yield_now().await;
        }
        server.say("ben", "text after", "after").await
    });
    let answer = followed.await.expect("the server follows the name");
    assert!(answer.contains("Message sent"), "{answer}");
    acknowledged.push("text after".to_owned());
    let inbox = server.say("ann", "#m", "3").await;
    let received: Vec<&str> =
        inbox.lines().filter_map(|line| Some(line.split_once(": text ")?.1)).collect();
    let sent: Vec<&str> =
        acknowledged.iter().filter_map(|text| text.strip_prefix("text ")).collect();
    assert_eq!(received, sent, "{inbox}");
}

#[tokio::test]
async fn redis_name_leads_from_a_dead_primary() {
    follows_the_name(OldPrimary::Dies).await;
}

#[tokio::test]
async fn redis_name_leads_from_a_demoted_primary() {
    follows_the_name(OldPrimary::IsDemoted).await;
}

#[tokio::test]
async fn redis_name_leads_from_a_frozen_primary() {
    follows_the_name(OldPrimary::Freezes).await;
}

#[tokio::test]
async fn redis_name_leads_from_a_primary_that_lives_on() {
    follows_the_name(OldPrimary::LivesOn).await;
}

#[tokio::test]
async fn redis_without_writes_is_not_ready() {
    let redis = RedisServer::start(&[]);
    let server = ServerProcess::start(0, &[("REDIS_URL", &redis.url())]).await;
    let becomes = async |status| {
        let changed = async { while server.ready().await.0 != status {} };
        timeout(TIMEOUT, changed).await.expect("the check notices it");
    };
    becomes(200).await;
    command(&redis, &["CONFIG", "SET", "min-replicas-to-write", "1"]);
    becomes(503).await;
    command(&redis, &["CONFIG", "SET", "min-replicas-to-write", "0"]);
    becomes(200).await;
}
