//! The PostgreSQL database of the toolsets: TLS, conflicts, limits of time, migrations and their failures.

use futures_util::future::join_all;
use random_connect::kernel::secrets::SecretFingerprints;
use random_connect::kernel::sql::Database;
use random_connect::kernel::sql::migration::{MigrationChain, MigrationFile};
use random_connect::kernel::sql::postgres::{Isolation, PostgresDatabase};
use random_connect::kernel::sql::problem::DatabaseProblem;
use random_connect::kernel::sql::url::DatabaseUrl;
use random_connect::kernel::store::{StoreError, StoreErrorKind};
use random_connect::moderation::migrations::MIGRATIONS;
use sqlx::{query, query_scalar};

use crate::support::backends::memory_only;
use crate::support::postgres_server::TestPostgres;

const COUNTER: MigrationFile = MigrationFile::new(
    1,
    "counter",
    "CREATE TABLE counter (value BIGINT NOT NULL); INSERT INTO counter VALUES (0)",
);

const CHAIN: MigrationChain = MigrationChain::new("counter", &[], &[COUNTER]);

/// A query that takes hours.
const ENDLESS: &str = "SELECT count(*) FROM generate_series(1, 9999) a, generate_series(1, 9999) b, generate_series(1, 9999) c";

/// A database with the table `counter`. `None` if the suites run in memory only.
async fn counter() -> Option<PostgresDatabase> {
    if memory_only() {
        return None;
    }
    let database = TestPostgres::create().await.open().await;
    database.migrate(&CHAIN).await.expect("a table");
    Some(database)
}

async fn value(database: &PostgresDatabase) -> i64 {
    let value = query_scalar("SELECT value FROM counter").fetch_one(database.pool());
    database.in_time(value).await.expect("a value")
}

/// Reads the counter and writes the next number, which loses updates without isolation.
async fn count(database: &PostgresDatabase) -> Result<(), StoreError> {
    let write = database.write(Isolation::Serializable, |connection| {
        Box::pin(async move {
            let value: i64 =
                query_scalar("SELECT value FROM counter").fetch_one(&mut *connection).await?;
            query("UPDATE counter SET value = $1").bind(value + 1).execute(connection).await?;
            Ok(())
        })
    });
    write.await
}

#[tokio::test]
async fn sql_postgres_repeats_operations_in_conflict() {
    let Some(database) = counter().await else { return };
    for _ in 0..4 {
        let results = join_all((0..4).map(|_| count(&database))).await;
        assert!(results.iter().all(Result::is_ok), "{results:?}");
    }
    assert_eq!(value(&database).await, 16);
}

#[tokio::test]
async fn sql_postgres_write_that_refuses_or_fails_changes_nothing() {
    let Some(database) = counter().await else { return };
    let refused = database.try_write(Isolation::ReadCommitted, |connection| {
        Box::pin(async move {
            query("UPDATE counter SET value = 7").execute(connection).await?;
            Ok(Err::<(), _>("no"))
        })
    });
    assert_eq!(refused.await, Ok(Err("no")));
    let failed: Result<(), _> = database
        .write(Isolation::ReadCommitted, |connection| {
            Box::pin(async move {
                query("UPDATE counter SET value = 7").execute(&mut *connection).await?;
                query("SELECT 1 / value FROM counter, generate_series(0, 0)")
                    .execute(&mut *connection)
                    .await?;
                query("INSERT INTO missing VALUES (1)").execute(connection).await?;
                Ok(())
            })
        })
        .await;
    assert_eq!(failed.expect_err("no such table").kind, StoreErrorKind::Script);
    assert_eq!(value(&database).await, 0);
}

#[tokio::test]
async fn sql_postgres_limits_the_time_of_statements() {
    let Some(database) = counter().await else { return };
    for (limit, expected) in [
        ("statement_timeout", "5s"),
        ("lock_timeout", "2s"),
        ("idle_in_transaction_session_timeout", "10s"),
    ] {
        let shown: String = query_scalar("SELECT current_setting($1)")
            .bind(limit)
            .fetch_one(database.pool())
            .await
            .expect("a setting");
        assert_eq!(shown, expected, "{limit}");
    }
    let slow: Result<(), _> = database
        .write(Isolation::ReadCommitted, |connection| {
            Box::pin(async move {
                query("SET LOCAL statement_timeout = 10").execute(&mut *connection).await?;
                query(ENDLESS).execute(connection).await?;
                Ok(())
            })
        })
        .await;
    assert_eq!(slow.expect_err("canceled").kind, StoreErrorKind::Timeout);
}

#[tokio::test]
async fn sql_postgres_replaces_a_broken_connection() {
    let Some(database) = counter().await else { return };
    let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                WHERE datname = current_database() AND pid <> pg_backend_pid()";
    count(&database).await.expect("a working database");
    let (mut held, mut other) = (
        database.pool().acquire().await.expect("a connection"),
        database.pool().acquire().await.expect("another one"),
    );
    query(kill).execute(&mut *other).await.expect("killed");
    let error: StoreError = query("SELECT 1").execute(&mut *held).await.expect_err("broken").into();
    assert_eq!(error.kind, StoreErrorKind::Connection);
    drop((held, other));
    count(&database).await.expect("a working database");
    assert_eq!(value(&database).await, 2);
}

#[tokio::test]
async fn sql_postgres_connects_over_verified_tls() {
    if memory_only() {
        return;
    }
    let postgres = TestPostgres::create().await;
    let open = |parameters: String| {
        let url = DatabaseUrl::parse(&format!("{}?{parameters}", postgres.url)).expect("valid");
        async move { Database::open(&url).await.map_err(|error| error.problem) }
    };
    let trusted = format!("sslmode=verify-full&sslrootcert={}", postgres.certificate);
    let Ok(Database::Postgres(database)) = open(trusted).await else { panic!("no connection") };
    let is_encrypted: bool =
        query_scalar("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
            .fetch_one(database.pool())
            .await
            .expect("a row");
    assert!(is_encrypted);
    // No public authority has signed it.
    let problem = open("sslmode=verify-full".to_owned()).await.err().expect("refused");
    assert!(matches!(problem, DatabaseProblem::Tls), "{problem}");
}

#[tokio::test]
async fn sql_postgres_error_names_the_cause_and_no_password() {
    if memory_only() {
        return;
    }
    let postgres = TestPostgres::create().await;
    let (server, _) = postgres.url.rsplit_once('/').expect("a name");
    let refused = |url: String, cause: &'static str| async move {
        let url = DatabaseUrl::parse(&url).expect("valid");
        let error = Database::inspect(&url, &[], None).await.expect_err("refused").to_string();
        assert!(error.contains("127.0.0.1") && error.contains(cause), "{error}");
        assert!(!error.contains("secret"), "{error}");
    };
    refused(format!("{server}/missing"), "it refused the login").await;
    // Nothing listens at this port.
    let nowhere = "postgres://ann:a-secret-password@127.0.0.1:1/chat";
    refused(nowhere.to_owned(), "it can't be reached").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sql_postgres_concurrent_starts_apply_each_migration_once() {
    if memory_only() {
        return;
    }
    let postgres = TestPostgres::create().await;
    let secrets = SecretFingerprints::new(b"a salt of some length", &[[7; 32]]);
    let starts = (0..6).map(|_| {
        let (url, secrets) = (postgres.database_url(), secrets.clone());
        tokio::spawn(async move {
            let chains = [&MIGRATIONS, &CHAIN];
            Database::open_with(&url, &chains, &secrets).await.expect("a database").close().await;
        })
    });
    assert!(join_all(starts).await.iter().all(Result::is_ok));
    let others = SecretFingerprints::new(b"another salt of some length", &[[7; 32]]);
    let url = postgres.database_url();
    for refused in [
        Database::open_with(&url, &[&MIGRATIONS], &others).await.map(|_| ()),
        Database::inspect(&url, &[], Some(&others)).await.map(|_| ()),
    ] {
        let problem = refused.expect_err("another salt").problem;
        assert!(matches!(problem, DatabaseProblem::Secrets(_)), "{problem}");
    }
}

#[tokio::test]
async fn sql_postgres_failing_or_newer_migrations_are_refused() {
    const NEWER: MigrationChain = MigrationChain::new(
        "counter",
        &[],
        &[COUNTER, MigrationFile::new(2, "more", "ALTER TABLE counter ADD COLUMN at BIGINT")],
    );
    const BROKEN: MigrationChain = MigrationChain::new(
        "broken",
        &[],
        &[
            MigrationFile::new(1, "fine", "CREATE TABLE fine (id BIGINT)"),
            MigrationFile::new(2, "wrong", "INSERT INTO missing VALUES (1)"),
        ],
    );
    let Some(database) = counter().await else { return };
    let problem = database.migrate(&BROKEN).await.expect_err("it fails").to_string();
    assert!(problem.contains("migration 2 of broken") && problem.contains("42P01"), "{problem}");
    let left: i64 = query_scalar(
        "SELECT count(*) FROM pg_tables WHERE tablename IN ('fine', 'broken_migrations')",
    )
    .fetch_one(database.pool())
    .await
    .expect("a count");
    assert_eq!(left, 0);
    database.migrate(&NEWER).await.expect("a column");
    let problem = database.migrate(&CHAIN).await.expect_err("refused");
    assert!(matches!(problem, DatabaseProblem::Newer { toolset: "counter", version: 2 }));
}
