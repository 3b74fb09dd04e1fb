//! [`TortureDatabase`]: the database of the server, which logs each state of the account.

use std::sync::Arc;
use std::time::Duration;

use random_connect::gateway::ledger::store::GatewayLedger;
use random_connect::gateway::ledger::store_postgres::PostgresGatewayLedger;
use random_connect::gateway::ledger::store_sqlite::SqliteGatewayLedger;
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, PgPool, query, query_as, query_scalar};
use tokio::task::block_in_place;
use tokio::time::timeout;

use crate::support::postgres_server::{PostgresServer, TestPostgres};
use crate::support::temp_database::TempDatabase;

/// Adds a row to `torture_states` for each change of an account, in the order of the changes.
const LOG_SQLITE: [&str; 3] = [
    "CREATE TABLE torture_states (id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL, free INTEGER)",
    "CREATE TRIGGER torture_opened AFTER INSERT ON gateway_accounts BEGIN \
     INSERT INTO torture_states (at, free) VALUES \
     ((julianday('now') - 2440587.5) * 86400000.0, NEW.balance - NEW.held); END",
    "CREATE TRIGGER torture_changed AFTER UPDATE ON gateway_accounts BEGIN \
     INSERT INTO torture_states (at, free) VALUES \
     ((julianday('now') - 2440587.5) * 86400000.0, NEW.balance - NEW.held); END",
];

/// The same. The change has locked the row of the account, so that the numbers have the order of the changes.
const LOG_POSTGRES: [&str; 3] = [
    "CREATE TABLE torture_states (id BIGSERIAL PRIMARY KEY, at DOUBLE PRECISION, free BIGINT)",
    "CREATE FUNCTION torture_log() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
     INSERT INTO torture_states (at, free) VALUES \
     (extract(epoch FROM clock_timestamp()) * 1000, NEW.balance - NEW.held); RETURN NULL; END $$",
    "CREATE TRIGGER torture_changed AFTER INSERT OR UPDATE ON gateway_accounts \
     FOR EACH ROW EXECUTE FUNCTION torture_log()",
];

const READ_STATES: &str = "SELECT at, free FROM torture_states ORDER BY id";

/// Counts the requests with more than one charge. The first charge of a request keeps its key.
const CHARGED_TWICE: &str = "SELECT count(*) FROM (SELECT request_key FROM gateway_requests \
     WHERE charged > 0 GROUP BY account, request_key \
     HAVING count(*) > 1 OR request_key IS NULL) AS repeated";

/// The free credit of the account from a time on.
#[derive(Clone, Copy, Debug)]
pub(super) struct AccountState {
    /// Milliseconds since the Unix epoch.
    pub(super) at: f64,
    /// Millionths of a credit.
    pub(super) free: i64,
}

/// A database for the server, which the test reads afterwards.
pub(super) enum TortureDatabase {
    Sqlite(TempDatabase),
    /// With a separate server, because the test restarts it.
    Postgres(Box<PostgresServer>, TestPostgres),
}

impl TortureDatabase {
    pub(super) async fn postgres() -> Self {
        let server = block_in_place(PostgresServer::start);
        let database = TestPostgres::create_on(&server).await;
        Self::Postgres(Box::new(server), database)
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "SQLite",
            Self::Postgres(..) => "PostgreSQL",
        }
    }

    pub(super) fn url(&self) -> String {
        match self {
            Self::Sqlite(database) => format!("sqlite:{}", database.file().display()),
            Self::Postgres(_, database) => database.url.clone(),
        }
    }

    pub(super) async fn accounts(&self) -> Arc<dyn GatewayLedger> {
        match self {
            Self::Sqlite(database) => Arc::new(SqliteGatewayLedger::new(database.sqlite().await)),
            Self::Postgres(_, database) => {
                Arc::new(PostgresGatewayLedger::new(database.open().await))
            }
        }
    }

    async fn pool(database: &TestPostgres) -> PgPool {
        let pool = PgPoolOptions::new().max_connections(1).connect(&database.url);
        pool.await.expect("PostgreSQL answers")
    }

    /// Logs all states of the accounts from now on. The tables exist.
    pub(super) async fn log_states(&self) {
        match self {
            Self::Sqlite(database) => {
                let pool = database.open().await;
                for statement in LOG_SQLITE {
                    query(statement).execute(&pool).await.expect("a log");
                }
                pool.close().await;
            }
            Self::Postgres(_, database) => {
                let pool = Self::pool(database).await;
                for statement in LOG_POSTGRES {
                    query(statement).execute(&pool).await.expect("a log");
                }
            }
        }
    }

    pub(super) async fn states(&self) -> Vec<AccountState> {
        let rows: Vec<(f64, i64)> = match self {
            Self::Sqlite(database) => {
                query_as(READ_STATES).fetch_all(&database.open().await).await.expect("states")
            }
            Self::Postgres(_, database) => {
                query_as(READ_STATES).fetch_all(&Self::pool(database).await).await.expect("states")
            }
        };
        rows.into_iter().map(|(at, free)| AccountState { at, free }).collect()
    }

    /// The number of requests that were charged more than once.
    pub(super) async fn charged_twice(&self) -> i64 {
        let count = match self {
            Self::Sqlite(database) => {
                query_scalar(CHARGED_TWICE).fetch_one(&database.open().await).await
            }
            Self::Postgres(_, database) => {
                query_scalar(CHARGED_TWICE).fetch_one(&Self::pool(database).await).await
            }
        };
        count.expect("a count")
    }

    /// Ends the leases of a killed server in PostgreSQL, as if their time had passed. SQLite needs no wait.
    pub(super) async fn end_leases(&self) {
        let Self::Postgres(_, database) = self else { return };
        let pool = Self::pool(database).await;
        for table in ["gateway_requests", "gateway_nodes"] {
            let end = format!("UPDATE {table} SET lease_until = 0");
            query(AssertSqlSafe(end)).execute(&pool).await.expect("a working database");
        }
    }

    /// Kills PostgreSQL and starts it again.
    pub(super) fn restart(&mut self) {
        if let Self::Postgres(server, _) = self {
            block_in_place(|| server.restart());
        }
    }

    /// Waits until no hold is open.
    pub(super) async fn wait_until_settled(accounts: &dyn GatewayLedger) -> u64 {
        let settled = async {
            while accounts.open_holds().await.expect("a working database").count > 0 {
                super::pause(Duration::from_millis(20)).await;
            }
        };
        let _ = timeout(Duration::from_secs(120), settled).await;
        accounts.open_holds().await.expect("a working database").count
    }
}
