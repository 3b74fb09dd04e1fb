//! Clocks that are wrong or jump: of one instance, of Redis, and of the machine.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use random_connect::connect::lobby::action::{Action, Call};
use random_connect::connect::lobby::store_memory::MemoryLobby;
use random_connect::connect::lobby::store_redis::{Keyring, RedisLobby};
use random_connect::connect::lobby::{Lobby, Mailbox, Upkeep};
use random_connect::kernel::clock::{Clock, ManualClock, Timestamp, seeded_rng};
use random_connect::kernel::id::{IdHasher, UserId};
use random_connect::kernel::redis::RedisConnection;

use serde_json::json;

use crate::support::redis_server::RedisServer;
use crate::support::redis_wire::command;
use crate::support::server_process::ServerProcess;
use crate::support::temp_database::TempDatabase;

/// The library, which the dynamic linker looks for below its folder.
const FAKETIME: &str = "/usr/$LIB/faketime/libfaketimeMT.so.1";

/// An agent that only waits.
const AGENT: &str = "an agent that only waits";

const IDLE: Duration = Duration::from_secs(1_800);
const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

#[tokio::test]
async fn clock_jump_of_the_machine_evicts_no_one() {
    let clock = Arc::new(ManualClock::at(START));
    let lobby = MemoryLobby::new(IDLE, seeded_rng()).with_clock(Arc::clone(&clock) as _);
    let [ann, ben] = [1, 2].map(|n| UserId::from_bytes([n; 16]));
    for user in [ann, ben] {
        lobby.perform(Call::new(user, clock.now()), Action::meet()).await.expect("memory works");
    }
    let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
    // 40 minutes ahead, then 20 years, then back.
    for jumped in [START + minutes(40), START + minutes(20 * 365 * 1_440), START] {
        clock.jump_to(jumped);
        assert_eq!(lobby.sweep(clock.now()).await.expect("memory works").evicted.len(), 0);
        let call = Call::new(ben, clock.now());
        lobby.perform(call, Action::Icebreaker(0)).await.expect("memory works");
        let lease = lobby.collect(ann, clock.now()).await.expect("memory works");
        let last = lease.items.last().expect("the icebreaker");
        assert_eq!(last.at, jumped, "events have the date of the clock");
        lobby.settle(ann, lease.id.expect("a lease"), true);
    }
    clock.advance(IDLE);
    assert_eq!(lobby.sweep(clock.now()).await.expect("memory works").evicted.len(), 2);
}

/// Redis's clock jumps by what the test adds to its last reading.
#[tokio::test]
async fn clock_jump_of_redis_evicts_no_one() {
    let redis = RedisServer::start(&[]);
    let connection = RedisConnection::open(&redis.url()).expect("a valid URL");
    let (keyring, ids) = (Keyring::new(&[[7; 32]]), IdHasher::from_salt(b"salt"));
    let lobby = RedisLobby::new(connection, IDLE, keyring, ids, seeded_rng());
    let [ann, ben] = [1, 2].map(|n| UserId::from_bytes([n; 16]));
    for user in [ann, ben] {
        lobby.perform(Call::new(user, START), Action::meet()).await.expect("up");
    }
    let key = command(&redis, &["KEYS", "{random-connect}:*:time"]).concat();
    let time = || {
        let stored = command(&redis, &["GET", &key]).concat();
        let (lobby, clock) = stored.split_once(' ').expect("two times");
        (lobby.parse::<i64>().expect("a number"), clock.parse::<i64>().expect("a number"))
    };
    let minutes = |minutes: i64| minutes * 60_000;
    for jump in [minutes(40), minutes(20 * 365 * 1_440), -minutes(5), -minutes(20 * 365 * 1_440)] {
        let (before, clock) = time();
        command(&redis, &["SET", &key, &format!("{before} {}", clock - jump)]);
        assert_eq!(lobby.sweep(START).await.expect("up").evicted.len(), 0);
        let (after, _) = time();
        assert!((before..=before + minutes(1)).contains(&after), "{jump}: {before} to {after}");
        lobby.perform(Call::new(ben, START), Action::Icebreaker(0)).await.expect("up");
        let lease = lobby.collect(ann, START).await.expect("up");
        assert!(!lease.items.is_empty(), "no lease lasts for the jump");
        lobby.settle(ann, lease.id.expect("a lease"), true);
        let user = key.replace(":time", &format!(":user:{}", ann.to_hex()));
        while command(&redis, &["HEXISTS", &user, "lease_id"]) != ["0"] {
            tokio::task::yield_now().await;
        }
    }
}

/// The process reads its clock through libfaketime.
#[tokio::test]
async fn clock_of_one_instance_ahead_evicts_no_one() {
    let redis = RedisServer::start(&[]);
    let url = redis.url();
    let settings = [
        ("REDIS_URL", url.as_str()),
        ("NOTICE", "off"),
        ("RATE_LIMITS", "off"),
        ("REAP_INTERVAL_SECS", "1"),
    ];
    let right = ServerProcess::start(0, &settings).await;
    right.say("ann", "#meet", "1").await;
    assert!(right.say("ben", "#meet", "2").await.contains("Connected"));
    assert!(right.say("ben", "hello", "3").await.contains("Message sent"));
    for (number, ahead) in ["+40m", "+31d", "+20y", "-40m"].into_iter().enumerate() {
        let clock = [("LD_PRELOAD", FAKETIME), ("FAKETIME", ahead), ("DONT_FAKE_MONOTONIC", "1")];
        let wrong = ServerProcess::start(0, &[&settings[..], &clock].concat()).await;
        let id = |what: &str| format!("{what} {number}");
        // The first sweep begins with the process, before it answers.
        wrong.say("carl", "#m", &id("carl")).await;
        let text = id("hello");
        assert!(wrong.say("ben", &text, &text).await.contains("Message sent"));
        let inbox = right.say("ann", "#m", &id("ann")).await;
        assert!(inbox.contains(&text), "{inbox}");
    }
}

/// The process reads its clock through libfaketime, from a file that the test rewrites.
#[tokio::test]
async fn clock_jump_of_a_running_instance_evicts_and_bans_no_one() {
    let folder = TempDatabase::new();
    let file = folder.file();
    let set_clock = |offset: &str| fs::write(&file, offset).expect("a file");
    set_clock("+0");
    let settings = [
        ("NOTICE", "off"),
        ("RATE_LIMITS", "off"),
        ("REAP_INTERVAL_SECS", "1"),
        ("LD_PRELOAD", FAKETIME),
        ("FAKETIME_TIMESTAMP_FILE", file.to_str().expect("a path")),
        ("FAKETIME_NO_CACHE", "1"),
        ("DONT_FAKE_MONOTONIC", "1"),
    ];
    let server = ServerProcess::start(0, &settings).await;
    for [user, partner] in [["ann", "ben"], ["cat", "dan"]] {
        server.say(user, "#meet", "first").await;
        assert!(server.say(partner, "#meet", "first").await.contains("Connected"));
    }
    server.say("cat", "hello", "hello").await;
    server.say("dan", "hello", "hello").await;
    server.say(AGENT, "#meet", "first").await;
    for offset in ["+20y", "+40m", "-40m", "-2y", "+0"] {
        let id = |what: &str| format!("{what} {}", offset.replace(char::is_numeric, "x"));
        assert!(server.say("ben", &id("before"), &id("1")).await.contains("Message sent"));
        set_clock(offset);
        // A sweep and a purge at the new date.
        let wait = json!({ "user_id": AGENT, "timeout_seconds": 1.5 });
        let waited = server.call("wait_for_message", wait).await;
        assert_eq!(waited, json!({ "events": [] }));
        assert!(server.say("ben", &id("after"), &id("2")).await.contains("Message sent"));
        let inbox = server.say("ann", "#m", &id("3")).await;
        assert!(inbox.contains(&id("before")) && inbox.contains(&id("after")), "{offset}: {inbox}");
        if offset == "+20y" {
            assert!(server.say("dan", "#report spam", "report").await.contains("been reported"));
        }
    }
    let answer = server.say("cat", "#meet", "again").await;
    assert!(answer.contains("Try again in 1 minute"), "{answer}");
}
