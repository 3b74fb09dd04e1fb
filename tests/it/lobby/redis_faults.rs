//! [`RedisLobby`] under faults: outages, hangs, failover, concurrent instances, and privacy of
//! dumps.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use random_connect::connect::lobby::action::{Action, Call, Outcome};
use random_connect::connect::lobby::chat::MatchPreferences;
use random_connect::connect::lobby::inbox::InboxEvent;
use random_connect::connect::lobby::store_redis::{Keyring, RedisLobby};
use random_connect::connect::lobby::{Directory, Lobby, Mailbox, Upkeep};
use random_connect::connect::profile::interest::Interests;
use random_connect::connect::profile::nickname::Nickname;
use random_connect::kernel::clock::{Timestamp, seeded_rng};
use random_connect::kernel::id::{IdHasher, Realm, UserId};
use random_connect::mask::mask_next;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

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
    RedisLobby::new(&server.url(), IDLE, keyring, ids(), seeded_rng()).expect("an address")
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
    assert_eq!(one.expect("up").evicted + other.expect("up").evicted, 1);
    let items = here.collect(ben, NOW + IDLE).await.expect("up").items;
    let received = items
        .iter()
        .filter(|item| matches!(item.event, InboxEvent::PartnerTimedOut { .. }))
        .count();
    assert_eq!(received, 1);
}

/// Starts a TCP proxy to the current address in `to`; returns its address.
async fn switchboard(to: Arc<Mutex<String>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address").to_string();
    tokio::spawn(async move {
        while let Ok((mut from, _)) = listener.accept().await {
            let to = to.lock().expect("no panic").clone();
            tokio::spawn(async move {
                if let Ok(mut to) = TcpStream::connect(to).await {
                    // Either side may close the connection.
                    let _ = copy_bidirectional(&mut from, &mut to).await;
                }
            });
        }
    });
    address
}

#[tokio::test]
async fn redis_failover_keeps_chats() {
    let (mut first, second) = (RedisServer::start(&[]), RedisServer::start(&[]));
    let (host, port) =
        first.address().split_once(':').map(|(h, p)| (h.to_owned(), p.to_owned())).expect("both");
    command(&second, &["REPLICAOF", &host, &port]);
    let to = Arc::new(Mutex::new(first.address()));
    let address = switchboard(Arc::clone(&to)).await;
    let keyring = Keyring::new(&[[7; 32]]);
    let lobby = RedisLobby::new(&format!("redis://{address}"), IDLE, keyring, ids(), seeded_rng());
    let lobby = lobby.expect("an address");
    let [ann, ben] = [1, 2].map(|n| UserId::from_bytes([n; 16]));
    act(&lobby, ann, Action::meet()).await;
    act(&lobby, ben, Action::meet()).await;
    say(&lobby, ben, "before").await;
    // The replica is complete once it has the same number of keys as the first server.
    let all = dump(&first).lines().count();
    while dump(&second).lines().count() < all {}
    command(&second, &["REPLICAOF", "NO", "ONE"]);
    *to.lock().expect("no panic") = second.address();
    first.kill();
    while lobby.stats(NOW).await.is_err() {}
    let items = lobby.collect(ann, NOW).await.expect("up").items;
    assert_eq!(items.len(), 2);
    assert!(matches!(say(&lobby, ben, "after").await, Outcome::Sent { .. }));
}
