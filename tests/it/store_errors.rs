//! Errors of the stores: they keep their cause, and an outage does not flood the log.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use random_connect::connect::lobby::action::{Action, Call};
use random_connect::connect::lobby::store_redis::{Keyring, RedisLobby};
use random_connect::connect::lobby::{Lobby, Mailbox};
use random_connect::kernel::clock::{Timestamp, seeded_rng};
use random_connect::kernel::id::{IdHasher, UserId};
use random_connect::kernel::redis::RedisConnection;
use random_connect::kernel::store::StoreErrorKind;
use random_connect::moderation::migrations::MIGRATIONS;
use random_connect::moderation::store::ModerationStore;
use random_connect::moderation::store_sqlite::SqliteModerationStore;
use tracing_subscriber::fmt::MakeWriter;

use crate::support::moderated::moderated;
use crate::support::redis_server::RedisServer;
use crate::support::redis_wire::command;
use crate::support::temp_database::TempDatabase;

const IDLE: Duration = Duration::from_secs(1_800);
const NOW: Timestamp = Timestamp::from_millis(1_000_000);
const ANN: UserId = UserId::from_bytes([0xa1; 16]);
const BEN: UserId = UserId::from_bytes([0xb2; 16]);

fn lobby(url: &str) -> RedisLobby {
    let (keyring, ids) = (Keyring::new(&[[7; 32]]), IdHasher::from_salt(b"salt"));
    let connection = RedisConnection::open_with_callers_time(url).expect("a valid URL");
    RedisLobby::new(connection, IDLE, keyring, ids, seeded_rng())
}

/// Performs a call that fails; returns the kind of the failure.
async fn failure(lobby: &RedisLobby) -> StoreErrorKind {
    let result = lobby.perform(Call::new(ANN, NOW), Action::ReadInbox).await;
    result.expect_err("the store fails").kind
}

/// A log in memory.
#[derive(Clone, Default)]
struct LogBuffer(Arc<Mutex<Vec<u8>>>);

impl LogBuffer {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock()).into_owned()
    }
}

impl Write for LogBuffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for LogBuffer {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn store_error_keeps_the_cause_of_a_redis_failure() {
    // Nothing listens at this address.
    assert_eq!(failure(&lobby("redis://127.0.0.1:1")).await, StoreErrorKind::Connection);

    let server = RedisServer::start(&[]);
    let lobby = lobby(&server.url());
    lobby.perform(Call::new(ANN, NOW), Action::ReadInbox).await.expect("the store works");
    let inbox = format!("{{random-connect}}:2:inbox:{}", ANN.to_hex());
    command(&server, &["RPUSH", &inbox, "no item"]);
    assert_eq!(lobby.collect(ANN, NOW).await.expect_err("no item").kind, StoreErrorKind::Decode);
    let user = format!("{{random-connect}}:2:user:{}", BEN.to_hex());
    command(&server, &["SET", &user, "no hash"]);
    let failed = lobby.perform(Call::new(BEN, NOW), Action::ReadInbox).await;
    assert_eq!(failed.expect_err("no hash").kind, StoreErrorKind::Script);
    command(&server, &["REPLICAOF", "127.0.0.1", "1"]);
    assert_eq!(failure(&lobby).await, StoreErrorKind::ReadOnly);
    command(&server, &["REPLICAOF", "NO", "ONE"]);
    lobby.perform(Call::new(ANN, NOW), Action::ReadInbox).await.expect("the store works again");
}

#[tokio::test]
async fn store_error_keeps_the_cause_of_an_sqlite_failure() {
    let database = TempDatabase::new();
    let opened = database.sqlite().await;
    opened.migrate(&MIGRATIONS).await.expect("tables");
    let store = SqliteModerationStore::new(opened.clone());
    let failure = async || store.block(ANN, BEN, NOW).await.expect_err("the store fails").kind;

    let pool = database.open().await;
    let mut other = pool.acquire().await.expect("a connection");
    sqlx::query("BEGIN IMMEDIATE").execute(&mut *other).await.expect("the lock");
    assert_eq!(failure().await, StoreErrorKind::Timeout);
    sqlx::query("ROLLBACK").execute(&mut *other).await.expect("released");
    store.block(ANN, BEN, NOW).await.expect("the store works again");
    sqlx::query("DROP TABLE blocks").execute(&mut *other).await.expect("dropped");
    assert_eq!(failure().await, StoreErrorKind::Script);
    opened.close().await;
    assert_eq!(failure().await, StoreErrorKind::Connection);
}

#[tokio::test]
async fn store_outage_is_logged_once_with_the_user() {
    let log = LogBuffer::default();
    let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let lobby = moderated(Arc::new(lobby("redis://127.0.0.1:1")));
    for _ in 0..20 {
        let result = lobby.perform(Call::new(ANN, NOW), Action::ReadInbox).await;
        result.expect_err("the store is down");
    }
    let text = log.text();
    let lines: Vec<_> = text.lines().filter(|line| line.contains("store failed")).collect();
    let [line] = lines.as_slice() else { panic!("{} lines:\n{text}", lines.len()) };
    let code = ANN.to_string();
    assert!(line.contains(&format!("call{{user={code}}}")), "{line}");
    assert!(line.contains("no connection") && line.contains("store=\"lobby\""), "{line}");
}
