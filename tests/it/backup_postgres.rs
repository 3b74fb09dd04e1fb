//! Backup and restore of a database on PostgreSQL: consistent while it is written, into an empty database only.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;
use random_connect::app::backup::{backup, restore};
use random_connect::kernel::sql::Database;
use random_connect::kernel::sql::backup::archive::{BackupArchive, seal};
use random_connect::kernel::sql::backup::manifest::BackupManifest;
use random_connect::kernel::sql::migration::{MigrationChain, MigrationFile};
use random_connect::kernel::sql::postgres::PostgresDatabase;
use random_connect::kernel::sql::postgres::dump::{PostgresDump, TransferError, dump};
use random_connect::kernel::sql::postgres::load::load;
use random_connect::kernel::sql::problem::DatabaseProblem;
use random_connect::kernel::sql::url::DatabaseEngine;
use sqlx::{AssertSqlSafe, PgPool, query, query_as, query_scalar};
use tempfile::{NamedTempFile, TempDir};
use tokio::runtime::Builder;

use crate::backup::{Change, Pairs, changes, config, states};
use crate::support::backends::memory_only;
use crate::support::postgres_server::TestPostgres;

/// Tables with what a plain copy of rows would lose: numbers, references, a row of a migration, a trigger.
const CHAIN: MigrationChain = MigrationChain::new(
    "pairs",
    &[],
    &[
        MigrationFile::new(
            1,
            "pairs",
            "CREATE TABLE pairs (key BIGINT PRIMARY KEY, value BIGINT);
             CREATE TABLE notes (
                 number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                 key BIGINT REFERENCES pairs,
                 text TEXT, data BYTEA, length INTEGER GENERATED ALWAYS AS (length(text)) STORED
             );
             INSERT INTO pairs VALUES (-1, 0);
             CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
                 'BEGIN RAISE EXCEPTION ''rows of notes are never deleted''; END';
             CREATE TRIGGER refuse BEFORE DELETE ON notes FOR EACH STATEMENT EXECUTE FUNCTION refuse()",
        ),
        MigrationFile::new(2, "more", "ALTER TABLE pairs ADD COLUMN at BIGINT NOT NULL DEFAULT 7"),
    ],
);

/// The chain of an earlier version of the program.
const EARLIER: MigrationChain = MigrationChain::new("pairs", &[], CHAIN.postgres.split_at(1).0);

async fn execute(pool: &PgPool, statement: &str) {
    let statement = query(AssertSqlSafe(statement.to_owned()));
    statement.execute(pool).await.expect("a working database");
}

async fn apply(pool: &PgPool, (key, value): Change) {
    let statement = match value {
        Some(value) => format!(
            "INSERT INTO pairs VALUES ({key}, {value}) ON CONFLICT (key) DO UPDATE SET value = {value}"
        ),
        None => format!("DELETE FROM pairs WHERE key = {key}"),
    };
    execute(pool, &statement).await;
}

async fn save(postgres: &TestPostgres, chain: &MigrationChain) -> BackupArchive {
    let mut file = NamedTempFile::new().expect("a file");
    let dumped = dump(&postgres.url.as_str().into(), &[chain], file.as_file_mut()).await;
    let PostgresDump { schemas, fingerprints, sections } = dumped.expect("saved");
    let manifest = BackupManifest {
        engine: DatabaseEngine::Postgres,
        schemas,
        fingerprints,
        sections,
        ..BackupManifest::default()
    };
    seal(file.as_file_mut(), &manifest).expect("sealed");
    BackupArchive::open(file.path()).expect("a backup")
}

/// Loads a backup into a new database, and opens it as a server does.
async fn loaded(archive: &mut BackupArchive) -> PostgresDatabase {
    let postgres = TestPostgres::create().await;
    load(&postgres.url.as_str().into(), &[&CHAIN], archive).await.expect("restored");
    let database = postgres.open().await;
    database.migrate(&CHAIN).await.expect("tables");
    database
}

async fn read(pool: &PgPool) -> Pairs {
    let rows: Vec<(i64, i64)> = query_as("SELECT key, value FROM pairs WHERE key >= 0")
        .fetch_all(pool)
        .await
        .expect("a working database");
    rows.into_iter().collect()
}

/// See `save_while_writing` of SQLite.
async fn save_while_writing(before: &[Change], during: &[Change]) -> (Pairs, Vec<Change>) {
    let postgres = TestPostgres::create().await;
    let database = postgres.open().await;
    database.migrate(&CHAIN).await.expect("tables");
    for change in before {
        apply(database.pool(), *change).await;
    }
    let is_saved = AtomicBool::new(false);
    let saving = async {
        let archive = save(&postgres, &CHAIN).await;
        is_saved.store(true, Ordering::SeqCst);
        archive
    };
    let writing = async {
        let mut applied = Vec::new();
        for change in during.iter().cycle() {
            apply(database.pool(), *change).await;
            applied.push(*change);
            if is_saved.load(Ordering::SeqCst) {
                break;
            }
        }
        applied
    };
    let (mut archive, applied) = tokio::join!(saving, writing);
    let copy = loaded(&mut archive).await;
    let restored = read(copy.pool()).await;
    copy.close().await;
    database.close().await;
    (restored, applied)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn backup_on_postgresql_during_writes_is_a_state_that_existed(
        before in changes(0..20),
        during in changes(1..20),
    ) {
        if memory_only() {
            return Ok(());
        }
        let runtime = Builder::new_multi_thread().enable_all().build().expect("a runtime");
        let (restored, applied) = runtime.block_on(save_while_writing(&before, &during));
        let all: Vec<_> = before.iter().chain(&applied).copied().collect();
        let possible = &states(&all)[before.len()..];
        prop_assert!(possible.contains(&restored), "{restored:?} is none of {possible:?}");
    }
}

#[tokio::test]
async fn backup_on_postgresql_has_all_values_numbers_and_triggers() {
    if memory_only() {
        return;
    }
    let postgres = TestPostgres::create().await;
    let database = postgres.open().await;
    database.migrate(&EARLIER).await.expect("tables");
    let text = "tab\t, line\n, \\N, \\., 'quotes\" and ☃";
    for (text, data) in
        [(Some(text), Some(&[0_u8, 10, 92, 255][..])), (None, None), (Some(""), None)]
    {
        let insert = query("INSERT INTO notes (key, text, data) VALUES (-1, $1, $2)");
        insert.bind(text).bind(data).execute(database.pool()).await.expect("a row");
    }
    // The last number is not that of a row.
    let skipped =
        "SELECT nextval(pg_get_serial_sequence('notes', 'number')) FROM generate_series(1, 5)";
    execute(database.pool(), skipped).await;
    let mut archive = save(&postgres, &EARLIER).await;
    let copy = loaded(&mut archive).await;
    let all = "SELECT array_agg(notes::text ORDER BY number) FROM notes";
    let rows = |pool| query_scalar::<_, Vec<String>>(all).fetch_one(pool);
    let restored = rows(copy.pool()).await.expect("rows");
    assert_eq!(restored, rows(database.pool()).await.expect("rows"));
    assert_eq!(restored.len(), 3);
    let at: i64 =
        query_scalar("SELECT at FROM pairs").fetch_one(copy.pool()).await.expect("one row");
    assert_eq!(at, 7, "newer migrations are applied afterwards");
    let next = "INSERT INTO notes (text) VALUES ('next') RETURNING number";
    let number: i64 = query_scalar(next).fetch_one(copy.pool()).await.expect("a number");
    assert_eq!(number, 9);
    assert!(query("DELETE FROM notes").execute(copy.pool()).await.is_err(), "the trigger is there");
}

#[tokio::test]
async fn restore_on_postgresql_needs_an_empty_database_and_is_one_step() {
    if memory_only() {
        return;
    }
    let postgres = TestPostgres::create().await;
    let empty = dump(&postgres.url.as_str().into(), &[&CHAIN], &mut Vec::new()).await;
    assert!(matches!(empty.err(), Some(TransferError::Database(DatabaseProblem::Unused))));
    let database = postgres.open().await;
    database.migrate(&CHAIN).await.expect("tables");
    apply(database.pool(), (1, Some(1))).await;
    let mut archive = save(&postgres, &CHAIN).await;
    let url = postgres.url.as_str().into();
    let occupied = load(&url, &[&CHAIN], &mut archive).await.expect_err("refused");
    assert!(matches!(occupied, TransferError::Database(DatabaseProblem::Occupied)), "{occupied}");
    assert_eq!(read(database.pool()).await, Pairs::from([(1, 1)]));
    // A failure after some tables leaves none behind.
    let other = TestPostgres::create().await;
    if let Some(table) = &mut archive.manifest.sections.last_mut().expect("a section").table {
        table.columns.push("missing".to_owned());
    }
    let url = other.url.as_str().into();
    load(&url, &[&CHAIN], &mut archive).await.expect_err("there is no such column");
    let tables: i64 = query_scalar("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        .fetch_one(other.open().await.pool())
        .await
        .expect("a count");
    assert_eq!(tables, 0);
}

#[tokio::test]
async fn backup_on_postgresql_has_the_tables_of_a_server() {
    if memory_only() {
        return;
    }
    let (postgres, copy) = (TestPostgres::create().await, TestPostgres::create().await);
    let store = postgres.moderation_store().await;
    drop(store);
    let database = postgres.open().await;
    let log = "INSERT INTO moderation_audit_log (at, operator, action) VALUES (1, 'ann', 'banned')";
    execute(database.pool(), log).await;
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("saved");
    backup(&config(&postgres.url), &file, false, false).await.expect("saved");
    let set = backup(&config(&postgres.url), &file, true, true).await.err().expect("refused");
    assert!(set.to_string().contains("there is no file with generated secrets"), "{set}");
    let other_engine = format!("sqlite:{}", folder.path().join("state.db").display());
    let error = restore(&config(&other_engine), &file, false).await.err().expect("refused");
    assert!(error.to_string().contains("a backup of PostgreSQL, and the database is on SQLite"));
    restore(&config(&copy.url), &file, false).await.expect("restored");
    let error = restore(&config(&copy.url), &file, true).await.err().expect("refused").to_string();
    assert!(
        error.contains("name an empty database") && !error.contains("secret-password"),
        "{error}"
    );
    // A server updates the tables, and its secrets fit.
    let secrets = random_connect::kernel::secrets::SecretFingerprints::new(b"salt", &[[7; 32]]);
    let chains = random_connect::app::database::MIGRATIONS;
    let opened =
        Database::open_with(&copy.database_url(), chains, &secrets).await.expect("a database");
    let Database::Postgres(opened) = opened else { panic!("another engine") };
    let actions: Vec<String> = query_scalar("SELECT action FROM moderation_audit_log")
        .fetch_all(opened.pool())
        .await
        .expect("a working database");
    assert_eq!(actions, ["banned"]);
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
}
