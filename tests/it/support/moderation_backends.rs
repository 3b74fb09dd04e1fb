//! One moderation store of each kind, and the data of their suites.

use std::sync::Arc;
use std::time::Duration;

use random_connect::kernel::clock::Timestamp;
use random_connect::kernel::id::UserId;
use random_connect::moderation::history::UserHistory;
use random_connect::moderation::report::{Decision, Report, ReportTopic, Verdict};
use random_connect::moderation::store::ModerationStore;
use random_connect::moderation::store_memory::MemoryModerationStore;
use random_connect::moderation::store_redis::RedisModerationStore;

use crate::support::backends::memory_only;
use crate::support::postgres_server::TestPostgres;
use crate::support::redis_server::RedisServer;
use crate::support::temp_database::TempDatabase;

pub const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// A new, empty store, with the server or folder that it needs.
pub struct ModerationBackend {
    pub store: Arc<dyn ModerationStore>,
    pub server: Option<RedisServer>,
    _database: Option<TempDatabase>,
}

/// Creates one store of each kind.
pub async fn moderation_backends() -> Vec<ModerationBackend> {
    let memory = ModerationBackend {
        store: Arc::new(MemoryModerationStore::default()),
        server: None,
        _database: None,
    };
    if memory_only() {
        return vec![memory];
    }
    let server = RedisServer::start(&[]);
    let redis = RedisModerationStore::new(server.connection());
    let postgres = TestPostgres::create().await.moderation_store().await;
    let database = TempDatabase::new();
    let sqlite = database.moderation_store().await;
    vec![
        memory,
        ModerationBackend { store: Arc::new(redis), server: Some(server), _database: None },
        ModerationBackend { store: Arc::new(postgres), server: None, _database: None },
        ModerationBackend { store: Arc::new(sqlite), server: None, _database: Some(database) },
    ]
}

/// Returns the id of test user `n`.
pub fn test_user(n: u8) -> UserId {
    UserId::from_bytes([n; 16])
}

/// Returns a report as lists contain it.
pub fn listed(report: Report) -> Report {
    Report { evidence: None, ..report }
}

pub fn decision(verdict: Verdict, secs: u64) -> Decision {
    Decision { verdict, at: START + Duration::from_secs(secs), by: "0a1b2c3d".to_owned() }
}

pub async fn history(store: &Arc<dyn ModerationStore>, user: u8) -> UserHistory {
    store.record(test_user(user)).await.expect("the store is up").history
}

/// Returns an open report, filed at [`START`].
pub fn report(reporter: u8, reported: u8) -> Report {
    Report {
        reporter: test_user(reporter),
        reported: test_user(reported),
        at: START,
        topic: ReportTopic::Scam,
        weight: 60,
        established: false,
        both_wrote: true,
        reported_chats: 12,
        network: Some(test_user(200)),
        decision: None,
        evidence: Some(vec![0, 255, 7]),
    }
}
