//! A database of the first version, which has open holds, with the tables of this one.

use std::sync::Arc;

use random_connect::gateway::ledger::deduction::ServiceAccount;
use random_connect::gateway::ledger::limits::{AccountLimits, LimitKind};
use random_connect::gateway::ledger::request::{Reservation, ReserveOutcome, SettleOutcome};
use random_connect::gateway::ledger::store::GatewayLedger;
use random_connect::gateway::ledger::store_postgres::PostgresGatewayLedger;
use random_connect::gateway::ledger::store_sqlite::SqliteGatewayLedger;
use random_connect::gateway::migrations::MIGRATIONS;
use random_connect::kernel::sql::migration::{MigrationChain, MigrationFile};
use sqlx::query;

use super::backends::{
    LEASE, LedgerBackend, START, account, done, hold, micros, node, reservation, reserved,
    settlement,
};
use crate::support::backends::memory_only;
use crate::support::postgres_server::TestPostgres;
use crate::support::temp_database::TempDatabase;

/// The tables of the first version.
const FIRST: MigrationChain = MigrationChain::new(
    "gateway",
    &[MigrationFile::new(
        1,
        "ledger",
        include_str!("../../../src/gateway/migrations/sqlite/0001_ledger.sql"),
    )],
    &[MigrationFile::new(
        1,
        "ledger",
        include_str!("../../../src/gateway/migrations/postgres/0001_ledger.sql"),
    )],
);

const ACCOUNT: &str =
    "INSERT INTO gateway_accounts (account, balance, held, entries) VALUES ($1, 100, 50, 1)";

const ENTRY: &str = "INSERT INTO gateway_entries (account, number, amount, balance, kind, contra, at) \
     VALUES ($1, 1, 100, 100, 'start', 'grants', 0)";

const HOLD: &str = "INSERT INTO gateway_requests (hold, account, request_key, body_hash, amount, \
     checkpoint, node, lease_until, started_at, provider, model) \
     VALUES ($1, $2, $1, $3, 25, 7, $4, $5, $6, 'openai', 'small')";

/// Fills the tables of the first version, with the pool of either engine.
macro_rules! fill {
    ($pool:expr) => {
        let user = account(1).as_bytes().to_vec();
        for statement in [ACCOUNT, ENTRY] {
            query(statement).bind(user.clone()).execute($pool).await.expect("a row");
        }
        let millis = |time: u64| i64::try_from(time).expect("a time");
        for number in [1, 2] {
            query(HOLD)
                .bind(hold(number).as_bytes().to_vec())
                .bind(user.clone())
                .bind(vec![1_u8; 32])
                .bind(node(1).as_bytes().to_vec())
                .bind(millis((START + LEASE).as_millis()))
                .bind(millis(START.as_millis()))
                .execute($pool)
                .await
                .expect("a row");
        }
    };
}

async fn check(store: Arc<dyn GatewayLedger>) {
    let backend = LedgerBackend::of(store);
    backend.assert_balanced().await;
    assert_eq!(backend.store.open_holds().await.expect("the store is up").count, 2);
    // The holds of before count against the limit.
    let limits = AccountLimits { requests_per_minute: 9, tokens_per_minute: 9, concurrent: 2 };
    let limited = Reservation { limits: Some(limits), ..reservation(3, 10) };
    let outcome = backend.reserve(limited.clone()).await;
    assert!(
        matches!(&outcome, ReserveOutcome::Limited(limited) if limited.kind == LimitKind::Concurrent),
        "{outcome:?}"
    );
    assert_eq!(
        backend.settle(settlement(1, 20)).await,
        SettleOutcome::Settled(done(20, 0, 80, 25))
    );
    let outcome = backend.reserve(Reservation { tokens: 1, ..limited }).await;
    assert!(matches!(outcome, ReserveOutcome::Reserved { .. }), "{outcome:?}");
    let recovered = backend.store.recover(START + LEASE, 9).await.expect("the store is up");
    assert_eq!(
        recovered.iter().find(|r| r.hold == hold(2)).expect("recovered").settled.charged,
        micros(7)
    );
    backend.assert_balanced().await;
    assert_eq!(backend.reserve(reservation(4, 10)).await, reserved(10, 73, 10));
    // No credit service pays for them.
    let amounts = backend.store.service_account(account(1)).await;
    assert_eq!(amounts, Ok(ServiceAccount { held: micros(10), ..ServiceAccount::default() }));
}

#[tokio::test]
async fn gateway_ledger_of_the_first_version_keeps_its_open_holds_in_sqlite() {
    let folder = TempDatabase::new();
    let database = folder.sqlite().await;
    database.migrate(&FIRST).await.expect("tables");
    let pool = folder.open().await;
    fill!(&pool);
    pool.close().await;
    database.migrate(&MIGRATIONS).await.expect("tables");
    check(Arc::new(SqliteGatewayLedger::new(database))).await;
}

#[tokio::test]
async fn gateway_ledger_of_the_first_version_keeps_its_open_holds_in_postgresql() {
    if memory_only() {
        return;
    }
    let database = TestPostgres::create().await.open().await;
    database.migrate(&FIRST).await.expect("tables");
    fill!(database.pool());
    database.migrate(&MIGRATIONS).await.expect("tables");
    check(Arc::new(PostgresGatewayLedger::new(database))).await;
}
