//! [`RedisLobby`] under faults: outages, hangs, refused writes, concurrent instances, and privacy of
//! dumps.

use std::time::Duration;

use random_connect::connect::lobby::action::{Action, Call, Outcome};
use random_connect::connect::lobby::chat::MatchPreferences;
use random_connect::connect::lobby::inbox::InboxEvent;
use random_connect::connect::lobby::store_redis::{Keyring, RedisLobby};
use random_connect::connect::lobby::{Deduplicator, Directory, Lobby, Mailbox, Upkeep};
use random_connect::connect::profile::interest::Interests;
use random_connect::connect::profile::nickname::Nickname;
use random_connect::kernel::clock::{Timestamp, seeded_rng};
use random_connect::kernel::id::{IdHasher, Realm, UserId};
use random_connect::kernel::redis::RedisConnection;
use random_connect::mask::mask_next;

use super::DURABLE;
use crate::support::redis_server::RedisServer;
use crate::support::redis_wire::{command, dump};

const IDLE: Duration = Duration::from_secs(1_800);
const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn ids() -> IdHasher {
    IdHasher::from_salt(b"salt")
}

/// Creates a lobby as one instance has it.
fn lobby(server: &RedisServer) -> RedisLobby {
    let keyring = Keyring::new(&[[7; 32]]);
    RedisLobby::new(server.connection(), IDLE, keyring, ids(), seeded_rng())
}

async fn act(lobby: &RedisLobby, user: UserId, action: Action) -> Outcome {
    lobby.perform(Call::new(user, NOW), action).await.expect("up").outcome
}

async fn say(lobby: &RedisLobby, user: UserId, text: &str) -> Outcome {
    let sender = lobby.sender_state(user).await.expect("up");
    let (text, memory) = mask_next(text, &sender.memory);
    act(lobby, user, Action::Relay { text, sender, memory }).await
}

#[tokio::test]
async fn redis_settled_leases_delay_no_other_instance() {
    let server = RedisServer::start(&[]);
    let (exiting, other) = (lobby(&server), lobby(&server));
    let [ann, ben] = ["ann", "ben"].map(|id| ids().user_id(Realm::Puch, id));
    for user in [ann, ben] {
        act(&exiting, user, Action::Meet(MatchPreferences::default())).await;
    }
    let lease = exiting.collect(ann, NOW).await.expect("up");
    say(&other, ben, "hello").await;
    exiting.settle(ann, lease.id.expect("a lease"), true);
    exiting.settled().await;
    let next = other.collect(ann, NOW).await.expect("up");
    assert_eq!(next.items.len(), 1);
}

#[tokio::test]
async fn redis_instance_count_drops_when_one_exits() {
    let server = RedisServer::start(&[]);
    let one = lobby(&server);
    let instances = async || one.stats(NOW).await.expect("up").instances;
    let becomes = async |count| {
        let counted = async { while instances().await != count {} };
        tokio::time::timeout(Duration::from_secs(30), counted).await.expect("it is counted");
    };
    becomes(1).await;
    let other = lobby(&server);
    becomes(2).await;
    drop(other);
    becomes(1).await;
}

#[tokio::test]
async fn redis_dump_is_private_and_every_key_has_a_ttl() {
    let server = RedisServer::start(&[]);
    let lobby = lobby(&server);
    let [ann, ben] =
        ["ann-919876500001", "ben-919876500002"].map(|id| ids().user_id(Realm::Puch, id));
    let search = || {
        Action::Meet(MatchPreferences {
            interests: Interests::parse("elephants").expect("valid interests"),
            keep_history: true,
        })
    };
    act(&lobby, ann, Action::SetNickname(Nickname::parse("Zanzibar").expect("a name"))).await;
    act(&lobby, ann, search()).await;
    assert!(matches!(act(&lobby, ben, search()).await, Outcome::Connected { .. }));
    let key = Some(ids().idempotency_key(ben, "key-0815", "hippos"));
    say(&lobby, ann, "giraffes").await;
    say(&lobby, ben, "81549").await;
    lobby
        .perform(Call { idempotency_key: key, ..Call::new(ben, NOW) }, Action::ReadInbox)
        .await
        .expect("up");
    let dump = dump(&server);
    assert!(dump.len() > 1_000, "there is something in it");
    for secret in [
        "919876500001",
        "919876500002",
        "elephants",
        "Zanzibar",
        "giraffes",
        "81549",
        "0815",
        "User_",
    ] {
        assert!(!dump.contains(secret), "{secret}");
    }
    for key in command(&server, &["KEYS", "*"]) {
        let life = command(&server, &["PTTL", &key]).concat();
        assert!(!life.starts_with('-'), "{key} never ends: {life}");
    }
}

#[tokio::test]
async fn redis_checks_do_not_disturb_other_commands() {
    let server = RedisServer::start(&[]);
    let lobby = lobby(&server);
    let ann = UserId::from_bytes([1; 16]);
    for _ in 0..100 {
        // The check publishes to the channel that this connection listens to.
        let (first, second, state, result) = tokio::join!(
            lobby.check(),
            lobby.check(),
            lobby.sender_state(ann),
            lobby.perform(Call::new(ann, NOW), Action::GetStatus),
        );
        let failures = [first.err(), second.err(), state.err(), result.err()];
        assert_eq!(failures, [None; 4]);
    }
}

#[tokio::test]
async fn redis_instances_share_the_lobby_and_signals() {
    let server = RedisServer::start(&[]);
    let (here, there) = (lobby(&server), lobby(&server));
    let [ann, ben] = [1, 2].map(|n| UserId::from_bytes([n; 16]));
    act(&here, ann, Action::meet()).await;
    let mut listener = here.listen(ann);
    act(&there, ben, Action::meet()).await;
    // A signal may be lost just after an instance begins to listen; the inbox still has the items.
    while tokio::time::timeout(Duration::from_millis(50), listener.recv()).await.is_err() {
        say(&there, ben, "are you there?").await;
    }
    let lease = here.collect(ann, NOW).await.expect("up");
    assert!(!lease.items.is_empty());
}

#[tokio::test]
async fn redis_outage_fails_fast_and_recovers() {
    let mut server = RedisServer::start(DURABLE);
    let lobby = lobby(&server);
    let [ann, ben] = [1, 2].map(|n| UserId::from_bytes([n; 16]));
    act(&lobby, ann, Action::meet()).await;
    act(&lobby, ben, Action::meet()).await;
    say(&lobby, ben, "before").await;
    server.kill();
    let gone = lobby.perform(Call::new(ben, NOW), Action::Leave).await;
    assert!(gone.is_err());
    server.run();
    // The client reconnects by itself.
    while lobby.stats(NOW).await.is_err() {}
    let lease = lobby.perform(Call::new(ann, NOW), Action::ReadInbox).await.expect("up").lease;
    assert_eq!(lease.items.len(), 2, "the chat and what was said have survived");
    command(&server, &["SCRIPT", "FLUSH"]);
    assert!(matches!(say(&lobby, ben, "after").await, Outcome::Sent { .. }));
}

#[tokio::test]
async fn redis_hang_times_out() {
    let server = RedisServer::start(&[]);
    let lobby = lobby(&server);
    let ann = UserId::from_bytes([1; 16]);
    act(&lobby, ann, Action::meet()).await;
    command(&server, &["CLIENT", "PAUSE", "3000", "ALL"]);
    let calls: Vec<_> = (0..200).map(|_| lobby.perform(Call::new(ann, NOW), Action::Who)).collect();
    let answers = futures_util::future::join_all(calls).await;
    assert!(answers.iter().all(Result::is_err));
    while lobby.stats(NOW).await.is_err() {}
    assert_eq!(act(&lobby, ann, Action::Who).await, Outcome::PartnerName(None));
}

#[tokio::test]
async fn redis_concurrent_sweeps_notify_once() {
    let server = RedisServer::start(&[]);
    let (here, there) = (lobby(&server), lobby(&server));
    let [ann, ben] = [1, 2].map(|n| UserId::from_bytes([n; 16]));
    act(&here, ann, Action::meet()).await;
    act(&here, ben, Action::meet()).await;
    let later = NOW + Duration::from_secs(1);
    here.perform(Call::new(ben, later), Action::SetTyping(true)).await.expect("up");
    let (one, other) = tokio::join!(here.sweep(NOW + IDLE), there.sweep(NOW + IDLE));
    assert_eq!(one.expect("up").evicted.len() + other.expect("up").evicted.len(), 1);
    let items = here.collect(ben, NOW + IDLE).await.expect("up").items;
    let received = items
        .iter()
        .filter(|item| matches!(item.event, InboxEvent::PartnerTimedOut { .. }))
        .count();
    assert_eq!(received, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_restart_refuses_no_call() {
    let mut server = RedisServer::start(DURABLE);
    let lobby = lobby(&server);
    let [ann, ben] = [1, 2].map(|n| UserId::from_bytes([n; 16]));
    act(&lobby, ann, Action::meet()).await;
    let mut restart = || {
        tokio::task::block_in_place(|| {
            server.kill();
            server.run();
        });
    };
    restart();
    assert!(matches!(act(&lobby, ben, Action::meet()).await, Outcome::Connected { .. }));
    for text in ["first", "second"] {
        restart();
        let sender = lobby.sender_state(ben).await.expect("up");
        let (text, memory) = mask_next(text, &sender.memory);
        restart();
        let relay = Action::Relay { text, sender, memory };
        assert!(matches!(act(&lobby, ben, relay).await, Outcome::Sent { .. }));
    }
}

#[tokio::test]
async fn redis_claim_is_repeatable_and_unique() {
    let server = RedisServer::start(&[]);
    let (here, there) = (lobby(&server), lobby(&server));
    let message = ids().idempotency_key(UserId::from_bytes([1; 16]), "wamid", "text");
    assert!(here.claim_delivery(message, NOW).await.expect("up"));
    assert!(!there.claim_delivery(message, NOW).await.expect("up"));
    assert!(!here.claim_delivery(message, NOW).await.expect("up"));
}

/// Each of these makes writes fail while reads still work.
#[tokio::test]
async fn redis_check_fails_when_writes_fail() {
    let server = RedisServer::start(&[]);
    let lobby = lobby(&server);
    let ann = UserId::from_bytes([1; 16]);
    act(&lobby, ann, Action::meet()).await;
    lobby.check().await.expect("Redis is up");
    let channel_rights = ["ACL", "SETUSER", "default", "resetchannels"];
    for (break_it, mend_it) in [
        (
            &["CONFIG", "SET", "min-replicas-to-write", "1"][..],
            &["CONFIG", "SET", "min-replicas-to-write", "0"][..],
        ),
        (&["CONFIG", "SET", "maxmemory", "1"], &["CONFIG", "SET", "maxmemory", "0"]),
        (&["REPLICAOF", "127.0.0.1", "1"], &["REPLICAOF", "NO", "ONE"]),
        (&channel_rights, &["ACL", "SETUSER", "default", "allchannels"]),
    ] {
        command(&server, break_it);
        assert!(lobby.check().await.is_err(), "{break_it:?}");
        lobby.sender_state(ann).await.expect("reads work");
        command(&server, mend_it);
        lobby.check().await.expect("mended");
    }
}

#[tokio::test]
async fn redis_time_ignores_the_clock_of_an_instance() {
    let server = RedisServer::start(&[]);
    let connection = RedisConnection::open(&server.url()).expect("a valid URL");
    let lobby = RedisLobby::new(connection, IDLE, Keyring::new(&[[7; 32]]), ids(), seeded_rng());
    let [ann, ben] = [1, 2].map(|n| UserId::from_bytes([n; 16]));
    act(&lobby, ann, Action::meet()).await;
    act(&lobby, ben, Action::meet()).await;
    say(&lobby, ben, "hello").await;
    let years = Duration::from_secs(20 * 365 * 86_400);
    for now in [NOW + IDLE, NOW + years] {
        assert_eq!(lobby.sweep(now).await.expect("up").evicted.len(), 0);
        assert_eq!(lobby.nudge_silent(now).await.expect("up").pairs, 0);
    }
    let items = lobby.collect(ann, NOW + years).await.expect("up").items;
    assert_eq!(items.len(), 2, "the chat and the message");
    assert!(items[1].at > NOW, "dated by the clock of Redis");
    assert!(items[1].at < NOW + years);
}
