//! [`RedisLobby`] across a failover, behind an address that leads to another server than before.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use random_connect::connect::lobby::action::{Action, Call, Outcome};
use random_connect::connect::lobby::store_redis::{Keyring, RedisLobby};
use random_connect::connect::lobby::{Lobby, Mailbox};
use random_connect::kernel::clock::{Timestamp, seeded_rng};
use random_connect::kernel::id::{IdHasher, UserId};
use random_connect::kernel::redis::RedisConnection;
use random_connect::mask::mask_next;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::support::redis_server::RedisServer;
use crate::support::redis_wire::{command, dump};

const IDLE: Duration = Duration::from_secs(1_800);
const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
/// Time limit of the recovery.
const RECOVERY: Duration = Duration::from_secs(5);

/// A primary and its replica behind one address.
struct Failover {
    old: RedisServer,
    new: RedisServer,
    /// Where new connections to the address lead.
    target: Arc<Mutex<String>>,
    lobby: RedisLobby,
    users: [UserId; 2],
}

impl Failover {
    /// Starts a chat that the replica has completely.
    async fn start() -> Self {
        let (old, new) = (RedisServer::start(&[]), RedisServer::start(&[]));
        follow(&new, &old);
        let target = Arc::new(Mutex::new(old.address()));
        let address = switchboard(Arc::clone(&target)).await;
        let connection = RedisConnection::open(&format!("redis://{address}")).expect("an address");
        let keyring = Keyring::new(&[[7; 32]]);
        let ids = IdHasher::from_salt(b"salt");
        let lobby = RedisLobby::new(connection, IDLE, keyring, ids, seeded_rng());
        let this =
            Self { old, new, target, lobby, users: [1, 2].map(|n| UserId::from_bytes([n; 16])) };
        for user in this.users {
            this.act(user, Action::meet()).await;
        }
        this.say("before").await.expect("up");
        // The replica is complete once it has the same number of keys as the primary.
        let all = dump(&this.old).lines().count();
        while dump(&this.new).lines().count() < all {}
        this
    }

    /// Promotes the replica, and leads new connections to it.
    fn promote(&self) {
        command(&self.new, &["REPLICAOF", "NO", "ONE"]);
        *self.target.lock().expect("no panic") = self.new.address();
    }

    async fn act(&self, user: UserId, action: Action) -> Outcome {
        self.lobby.perform(Call::new(user, NOW), action).await.expect("up").outcome
    }

    async fn say(&self, text: &str) -> Option<Outcome> {
        let sender = self.lobby.sender_state(self.users[1]).await.ok()?;
        let (text, memory) = mask_next(text, &sender.memory);
        let relay = Action::Relay { text, sender, memory };
        let result = self.lobby.perform(Call::new(self.users[1], NOW), relay).await.ok()?;
        Some(result.outcome)
    }

    /// Sends until it works, then checks that nothing was lost.
    async fn recovers(&self) {
        let sent = timeout(RECOVERY, async {
            loop {
                if let Some(outcome) = self.say("after").await {
                    return outcome;
                }
            }
        });
        assert!(matches!(sent.await.expect("in time"), Outcome::Sent { .. }));
        let items = self.lobby.collect(self.users[0], NOW).await.expect("up").items;
        assert!(items.len() >= 3, "the chat and both messages: {}", items.len());
    }
}

/// Makes `replica` a replica of `primary`.
fn follow(replica: &RedisServer, primary: &RedisServer) {
    let address = primary.address();
    let (host, port) = address.split_once(':').expect("host and port");
    command(replica, &["REPLICAOF", host, port]);
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
async fn redis_failover_from_a_dead_primary_keeps_chats() {
    let mut failover = Failover::start().await;
    failover.promote();
    failover.old.kill();
    failover.recovers().await;
}

#[tokio::test]
async fn redis_failover_from_a_demoted_primary_keeps_chats() {
    let failover = Failover::start().await;
    failover.promote();
    follow(&failover.old, &failover.new);
    failover.recovers().await;
}

#[tokio::test]
async fn redis_failover_from_a_frozen_primary_keeps_chats() {
    let failover = Failover::start().await;
    failover.promote();
    failover.old.freeze();
    failover.recovers().await;
}
