//! The SQLite database of the toolsets: atomic writes with group commit, migrations and their failures.

use std::sync::Arc;

use futures_util::future::join_all;
use random_connect::kernel::sql::Database;
use random_connect::kernel::sql::migration::{MigrationChain, MigrationFile};
use random_connect::kernel::sql::problem::DatabaseProblem;
use random_connect::kernel::sql::sqlite::SqliteDatabase;
use random_connect::kernel::sql::sqlite::lock::FileLock;
use random_connect::kernel::sql::url::DatabaseUrl;
use random_connect::kernel::store::{StoreError, StoreErrorKind};
use sqlx::{Connection, query, query_scalar};
use tokio::sync::Notify;

use crate::support::temp_database::TempDatabase;

const NOTES: MigrationFile = MigrationFile::new(
    1,
    "notes",
    "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL)",
);

const CHAIN: MigrationChain = MigrationChain::new("notes", &[NOTES], &[]);

/// A database with the table `notes`.
async fn notes(temp: &TempDatabase) -> SqliteDatabase {
    let database = temp.sqlite().await;
    database.migrate(&CHAIN).await.expect("a table");
    database
}

/// Writes a note; one with a number that exists fails.
async fn add(database: &SqliteDatabase, id: i64) -> Result<(), StoreError> {
    let write = database.write(move |connection| {
        Box::pin(async move {
            query("INSERT INTO notes VALUES (?, 'text')").bind(id).execute(connection).await?;
            Ok(())
        })
    });
    write.await
}

async fn ids(database: &SqliteDatabase) -> Vec<i64> {
    let ids = query_scalar("SELECT id FROM notes ORDER BY id").fetch_all(database.readers()).await;
    ids.expect("a working database")
}

/// Queues writes behind one that waits, so that they are one batch, and returns their results.
async fn batch(
    database: &SqliteDatabase,
    writes: impl IntoIterator<Item = i64>,
) -> Vec<Result<(), StoreError>> {
    let (started, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let first = {
        let (started, release) = (Arc::clone(&started), Arc::clone(&release));
        database.write(move |_| {
            Box::pin(async move {
                started.notify_one();
                release.notified().await;
                Ok(())
            })
        })
    };
    let rest = async {
        started.notified().await;
        let mut writes = Box::pin(join_all(writes.into_iter().map(|id| add(database, id))));
        // Queued when it is first polled.
        assert!(futures_util::poll!(&mut writes).is_pending());
        release.notify_one();
        writes.await
    };
    let (first, results) = tokio::join!(first, rest);
    first.expect("a working database");
    results
}

#[tokio::test]
async fn sql_write_that_fails_does_not_undo_the_others_of_its_batch() {
    let temp = TempDatabase::new();
    let database = notes(&temp).await;
    let results = batch(&database, [1, 2, 1, 3]).await;
    let failed: Vec<_> = results.iter().map(|result| result.map_err(|error| error.kind)).collect();
    assert_eq!(failed, [Ok(()), Ok(()), Err(StoreErrorKind::Script), Ok(())]);
    assert_eq!(ids(&database).await, [1, 2, 3]);
}

#[tokio::test]
async fn sql_writes_of_many_callers_share_commits() {
    let temp = TempDatabase::new();
    let database = notes(&temp).await;
    // A commit appends a frame of each changed page to the log, so that its size shows their number.
    let log = temp.folder().join("state.db-wal");
    let size = || std::fs::metadata(&log).map_or(0, |log| log.len());
    let before = size();
    assert!(batch(&database, 1..=64).await.iter().all(Result::is_ok));
    let frames = (size() - before) / (4_096 + 24);
    assert!(frames < 16, "{frames} frames for 64 writes");
    assert_eq!(ids(&database).await.len(), 64);
}

#[tokio::test]
async fn sql_write_that_refuses_changes_nothing() {
    let temp = TempDatabase::new();
    let database = notes(&temp).await;
    let refused = database.try_write(|connection| {
        Box::pin(async move {
            query("INSERT INTO notes VALUES (7, 'text')").execute(connection).await?;
            Ok(Err::<(), _>("no"))
        })
    });
    assert_eq!(refused.await, Ok(Err("no")));
    assert!(ids(&database).await.is_empty());
}

#[tokio::test]
async fn sql_writer_survives_a_panic_and_a_lost_transaction() {
    let temp = TempDatabase::new();
    let database = notes(&temp).await;
    let panicked = database.write(|connection| {
        Box::pin(async move {
            query("INSERT INTO notes VALUES (1, 'text')").execute(connection).await?;
            panic!("of a test")
        })
    });
    let result: Result<(), _> = panicked.await;
    assert_eq!(result.map_err(|error| error.kind), Err(StoreErrorKind::Script));
    // SQLite ends a transaction by itself after some failures.
    let lost: Result<(), _> = database
        .write(|connection| {
            Box::pin(async move {
                query("INSERT INTO notes VALUES (2, 'text')").execute(&mut *connection).await?;
                query("ROLLBACK").execute(connection).await?;
                Ok(())
            })
        })
        .await;
    assert!(lost.is_err(), "it was not committed");
    add(&database, 3).await.expect("a working database");
    assert_eq!(ids(&database).await, [3]);
}

#[tokio::test]
async fn sql_write_of_a_canceled_caller_is_complete() {
    let temp = TempDatabase::new();
    let database = notes(&temp).await;
    let mut write = Box::pin(add(&database, 1));
    assert!(futures_util::poll!(&mut write).is_pending());
    drop(write);
    database.close().await;
    assert_eq!(ids(&notes(&temp).await).await, [1]);
}

#[tokio::test]
async fn sql_close_completes_queued_writes_and_leaves_one_file() {
    let temp = TempDatabase::new();
    let database = notes(&temp).await;
    let mut writes = Box::pin(join_all((1..=200).map(|id| add(&database, id))));
    assert!(futures_util::poll!(&mut writes).is_pending());
    let ((), results) = tokio::join!(database.close(), writes);
    assert!(results.iter().all(Result::is_ok));
    let error = add(&database, 201).await.expect_err("closed");
    assert_eq!(error.kind, StoreErrorKind::Connection);
    drop(database);
    let files = std::fs::read_dir(temp.folder()).expect("a folder");
    let names: Vec<_> = files.map(|entry| entry.expect("an entry").file_name()).collect();
    assert_eq!(names, ["state.db"]);
    assert_eq!(ids(&notes(&temp).await).await.len(), 200);
}

#[tokio::test]
async fn sql_readers_can_not_write() {
    let temp = TempDatabase::new();
    let database = notes(&temp).await;
    let written = query("INSERT INTO notes VALUES (1, 'text')").execute(database.readers()).await;
    let error: StoreError = written.expect_err("read-only").into();
    assert_eq!(error.kind, StoreErrorKind::ReadOnly);
}

#[tokio::test]
async fn sql_failing_migration_stops_with_the_reason_and_changes_nothing() {
    const BROKEN: MigrationChain = MigrationChain::new(
        "broken",
        &[
            MigrationFile::new(1, "fine", "CREATE TABLE fine (id INTEGER)"),
            MigrationFile::new(
                2,
                "wrong",
                "CREATE TABLE more (id INTEGER); INSERT INTO missing VALUES (1)",
            ),
        ],
        &[],
    );
    let temp = TempDatabase::new();
    let database = notes(&temp).await;
    let problem = database.migrate(&BROKEN).await.expect_err("it fails");
    let reason = "migration 2 of broken failed and changed nothing: the database reports error 1";
    assert_eq!(problem.to_string(), reason);
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";
    let tables: Vec<String> =
        query_scalar(tables).fetch_all(database.readers()).await.expect("a working database");
    assert_eq!(tables, ["notes", "notes_migrations"]);
    // The chain of another toolset is not affected.
    database.migrate(&CHAIN).await.expect("up to date");
}

#[tokio::test]
async fn sql_database_of_a_newer_version_is_refused() {
    const NEWER: MigrationChain = MigrationChain::new(
        "notes",
        &[NOTES, MigrationFile::new(2, "more", "ALTER TABLE notes ADD COLUMN at INTEGER")],
        &[],
    );
    let temp = TempDatabase::new();
    let database = temp.sqlite().await;
    database.migrate(&NEWER).await.expect("tables");
    let problem = database.migrate(&CHAIN).await.expect_err("refused");
    assert!(matches!(problem, DatabaseProblem::Newer { toolset: "notes", version: 2 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn sql_concurrent_starts_apply_each_migration_once() {
    let temp = TempDatabase::new();
    let url = DatabaseUrl::Sqlite(temp.file());
    let starts = (0..8).map(|_| {
        let url = url.clone();
        tokio::spawn(async move {
            let database = Database::open(&url).await.expect("a database");
            database.migrate(&CHAIN).await.expect("tables");
        })
    });
    assert!(join_all(starts).await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn sql_database_is_not_opened_while_it_is_replaced() {
    let temp = TempDatabase::new();
    let lock = FileLock::exclusive(&temp.file()).expect("alone");
    let problem = SqliteDatabase::open(&temp.file()).await.err().expect("refused");
    assert!(matches!(problem, DatabaseProblem::Locked));
    drop(lock);
    let database = temp.sqlite().await;
    assert!(FileLock::exclusive(&temp.file()).is_err(), "it is in use");
    let mut connection = database.readers().acquire().await.expect("a connection");
    connection.ping().await.expect("a working database");
}
