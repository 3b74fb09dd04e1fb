//! A server that is killed between the answer to a request and the deduction of its charge by a credit service.

use std::sync::Arc;
use std::time::Duration;

use random_connect::gateway::ledger::store::GatewayLedger;
use random_connect::gateway::ledger::store_postgres::PostgresGatewayLedger;
use random_connect::gateway::ledger::store_sqlite::SqliteGatewayLedger;
use random_connect::gateway::ledger::usage::UsageFilter;
use random_connect::kernel::clock::{Clock, SystemClock};
use serde_json::json;
use sqlx::query;
use tokio::time::timeout;

use crate::support::backends::memory_only;
use crate::support::credit_service::{CreditServiceStandIn, ServiceFault};
use crate::support::gateway_socket::{GatewaySocket, JWT_SECRET, gateway_request, gateway_token};
use crate::support::postgres_server::TestPostgres;
use crate::support::provider_stand_in::{AnswerScript, ProviderStandIn, StandInFault};
use crate::support::server_process::{ServerProcess, TIMEOUT};
use crate::support::temp_database::TempDatabase;

enum KilledDatabase {
    Sqlite(TempDatabase),
    Postgres(TestPostgres),
}

impl KilledDatabase {
    fn url(&self) -> String {
        match self {
            Self::Sqlite(database) => format!("sqlite:{}", database.file().display()),
            Self::Postgres(database) => database.url.clone(),
        }
    }

    async fn accounts(&self) -> Arc<dyn GatewayLedger> {
        match self {
            Self::Sqlite(database) => Arc::new(SqliteGatewayLedger::new(database.sqlite().await)),
            Self::Postgres(database) => Arc::new(PostgresGatewayLedger::new(database.open().await)),
        }
    }

    /// Ends the times of a killed server in PostgreSQL, as if they had passed.
    async fn end_times(&self) {
        let Self::Postgres(database) = self else { return };
        let database = database.open().await;
        for end in [
            "UPDATE gateway_requests SET lease_until = 0, deduct_at = 0",
            "UPDATE gateway_nodes SET lease_until = 0",
        ] {
            query(end).execute(database.pool()).await.expect("a working database");
        }
    }
}

async fn wait_for(accounts: &dyn GatewayLedger, is_reached: impl Fn(u64, u64) -> bool) {
    let reached = async {
        loop {
            let open = accounts.open_holds().await.expect("a working database").count;
            let due = accounts.due_deductions().await.expect("a working database").count;
            if is_reached(open, due) {
                return;
            }
            timeout(Duration::from_millis(20), std::future::pending::<()>()).await.ok();
        }
    };
    timeout(TIMEOUT, reached).await.expect("in time");
}

/// One request is answered and not deducted, another one is deducted without an answer of the service, and a third one is in
/// progress. After the kill, each is deducted once.
async fn kill_before_the_deductions(database: &KilledDatabase) {
    let service = CreditServiceStandIn::start(&[("ann", 1_000_000)]).await;
    let openai = ProviderStandIn::start().await;
    let url = database.url();
    let mut settings = vec![
        ("TOOLSETS", "gateway"),
        ("JWT_SECRET", JWT_SECRET),
        ("DATABASE_URL", &url),
        ("OPENAI_BASE_URL", &openai.url),
        ("OPENAI_API_KEY", "sk-openai"),
    ];
    settings.extend(service.settings());
    let mut server = ServerProcess::start(0, &settings).await;
    let token = gateway_token("ann", SystemClock::new().now() + Duration::from_secs(600));
    let address = format!("127.0.0.1:{}", server.port);
    let mut socket = GatewaySocket::open(&address, &token).await;
    service.books.fail_deductions(ServiceFault::LoseAnswer);
    let lost = socket.ask(&gateway_request(1, json!({}))).await.charged();
    service.books.wait_for_deductions(1).await;
    service.books.fail_deductions(ServiceFault::Hang);
    let undeducted = socket.ask(&gateway_request(2, json!({}))).await.charged();
    let mut script = AnswerScript::of(["word "; 40]);
    script = script.fault(StandInFault::StallAfter(20));
    openai.state.add(script);
    socket.send(&gateway_request(3, json!({}))).await;
    socket.next_of("chunk").await;
    let accounts = database.accounts().await;
    // Past a checkpoint.
    timeout(Duration::from_millis(700), std::future::pending::<()>()).await.ok();
    wait_for(accounts.as_ref(), |open, due| (open, due) == (1, 2)).await;
    server.kill().await;
    drop(accounts);
    database.end_times().await;
    service.books.fail_deductions(ServiceFault::None);
    let _server = ServerProcess::start(0, &settings).await;
    let accounts = database.accounts().await;
    wait_for(accounts.as_ref(), |open, due| (open, due) == (0, 0)).await;
    let usage = accounts.usage(UsageFilter::default(), None, 10).await.expect("a working database");
    let charged: i64 = usage.rows.iter().map(|row| row.charged.as_micros()).sum();
    let recovered = charged - lost - undeducted;
    assert!(lost > 0 && undeducted > 0 && recovered > 0, "{lost} {undeducted} {recovered}");
    assert_eq!(service.books.deducted("ann"), (charged, 3));
    assert_eq!(service.books.balance("ann"), 1_000_000 - charged);
    let audit = accounts.audit().await.expect("a working database");
    assert!(audit.is_balanced(), "{audit:?}");
}

#[tokio::test]
async fn gateway_deductions_survive_a_kill_in_sqlite() {
    kill_before_the_deductions(&KilledDatabase::Sqlite(TempDatabase::new())).await;
}

#[tokio::test]
async fn gateway_deductions_survive_a_kill_in_postgresql() {
    if memory_only() {
        return;
    }
    kill_before_the_deductions(&KilledDatabase::Postgres(TestPostgres::create().await)).await;
}
