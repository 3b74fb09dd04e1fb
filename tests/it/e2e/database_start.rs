//! A database that stops the start: of a newer version, or with a migration that fails. On both engines.

use sqlx::{AssertSqlSafe, Connection, PgConnection, query};
use tokio::time::timeout;

use crate::support::backends::memory_only;
use crate::support::postgres_server::TestPostgres;
use crate::support::server_process::{ServerProcess, TIMEOUT, command};
use crate::support::temp_database::TempDatabase;

/// An empty database.
enum EmptyDatabase {
    Sqlite(TempDatabase),
    Postgres(TestPostgres),
}

impl EmptyDatabase {
    /// One on each engine.
    async fn all() -> Vec<Self> {
        let mut all = vec![Self::Sqlite(TempDatabase::new())];
        if !memory_only() {
            all.push(Self::Postgres(TestPostgres::create().await));
        }
        all
    }

    fn url(&self) -> String {
        match self {
            Self::Sqlite(temp) => format!("sqlite:{}", temp.file().display()),
            Self::Postgres(postgres) => postgres.url.clone(),
        }
    }

    async fn execute(&self, statement: &str) {
        let statement = AssertSqlSafe(statement.to_owned());
        match self {
            Self::Sqlite(temp) => {
                let pool = temp.open().await;
                query(statement).execute(&pool).await.expect("a working database");
                pool.close().await;
            }
            Self::Postgres(postgres) => {
                let connection = PgConnection::connect(&postgres.url).await;
                let mut connection = connection.expect("PostgreSQL answers");
                query(statement).execute(&mut connection).await.expect("a working database");
            }
        }
    }

    /// Asserts that the server refuses to start, with status 2 and these words.
    async fn assert_refused(&self, words: &str) {
        let url = self.url();
        let (status, errors) = ServerProcess::refuse(&[("DATABASE_URL", &url)]).await;
        assert_eq!(status, Some(2), "{errors}");
        assert!(errors.contains("(DATABASE_URL): ") && errors.contains(words), "{errors}");
        assert!(
            !errors.contains("secret-password") && !errors.contains("can't listen"),
            "{errors}"
        );
    }

    async fn check(&self) -> (Option<i32>, String) {
        let url = self.url();
        let mut command = command(0, &[("DATABASE_URL", &url)]);
        let output = timeout(TIMEOUT, command.arg("check").output()).await.expect("in time");
        let output = output.expect("the binary runs");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

#[tokio::test]
async fn database_of_a_newer_version_stops_the_start_and_fails_the_check() {
    for database in EmptyDatabase::all().await {
        let url = database.url();
        drop(ServerProcess::start(0, &[("DATABASE_URL", &url)]).await);
        assert_eq!(database.check().await.0, Some(0));
        let table = match &database {
            EmptyDatabase::Sqlite(_) => "_sqlx_migrations",
            EmptyDatabase::Postgres(_) => "moderation_migrations",
        };
        let newer = "(version, description, success, checksum, execution_time) SELECT 9000, \
                     description, success, checksum, execution_time FROM";
        database.execute(&format!("INSERT INTO {table} {newer} {table} WHERE version = 1")).await;
        let reason = "a newer version of this program has written it (schema 9000 of moderation)";
        database.assert_refused(reason).await;
        let (status, report) = database.check().await;
        assert!(status == Some(1) && report.contains(reason), "{report}");
    }
}

#[tokio::test]
async fn database_with_a_failing_migration_stops_the_start_with_the_reason() {
    for database in EmptyDatabase::all().await {
        // A table of another program, with the name of one that the migration creates.
        let (table, code) = match &database {
            EmptyDatabase::Sqlite(_) => ("blocks", "error 1"),
            EmptyDatabase::Postgres(_) => ("moderation_blocks", "error 42P07"),
        };
        database.execute(&format!("CREATE TABLE {table} (id BIGINT)")).await;
        let reason = format!(
            "migration 1 of moderation failed and changed nothing: the database reports {code}"
        );
        database.assert_refused(&reason).await;
        database.execute(&format!("DROP TABLE {table}")).await;
        let url = database.url();
        drop(ServerProcess::start(0, &[("DATABASE_URL", &url)]).await);
    }
}
