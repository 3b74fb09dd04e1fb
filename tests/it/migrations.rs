//! Migrations match their files, and those of moderation on SQLite are the ones that version 0.1.0 applied.

use std::collections::BTreeSet;
use std::path::Path;

use random_connect::app::database::MIGRATIONS;
use random_connect::app::toolsets::TOOLSETS;
use random_connect::kernel::clock::Timestamp;
use random_connect::kernel::id::UserId;
use random_connect::kernel::sql::url::DatabaseEngine;
use random_connect::moderation::history::FULL_WEIGHT;

use random_connect::moderation::rating::Rating;
use random_connect::moderation::store::{AuditEntry, Ban, ModerationStore, OperatorStore};
use sqlx::migrate::{Migration, Migrator};
use sqlx::{AssertSqlSafe, query_scalar};

use crate::support::backends::memory_only;
use crate::support::postgres_server::TestPostgres;
use crate::support::temp_database::TempDatabase;

/// Version, description and checksum of the migrations, as they are written into
/// `_sqlx_migrations`. Version 0.1.0 wrote the first two with `sqlx::migrate!`.
const APPLIED: [(i64, &str, &str); 4] = [
    (
        1,
        "ledger",
        "0b2634101113468a9b1aeaa493a56f38708f11ede0f28a97cf43af5359d308b623686f2ff141fb50607ced1d2d7441a0",
    ),
    (
        2,
        "consents and ratings",
        "bac0930eb0a3f2977b24a1c313e8626edeaa55a9e75e5e5ed20ad07883c6c38e6a4ddaadded58ccff6d36ba392a80fb8",
    ),
    (
        3,
        "histories and decisions",
        "4e2cfd1d592b40d18d49369c1565e39c80e138627d9da9af8b2eb329a247bd087aebcb82c160a271c286a8a9e37f89e0",
    ),
    (
        4,
        "secret fingerprints",
        "fecdc6c8499cbf57f516886408343d95e60c81e6e81c10cf66a5a7d52540198feb9c5600c22b271aa6de1305b38ed456",
    ),
];

/// Number of migrations that version 0.1.0 has.
const OF_0_1_0: usize = 2;

/// The files of a toolset's migrations for an engine.
async fn files(toolset: &str, engine: &str) -> Migrator {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(toolset);
    Migrator::new(folder.join("migrations").join(engine)).await.expect("readable migrations")
}

#[tokio::test]
async fn migrations_are_recorded_as_in_earlier_versions() {
    let database = TempDatabase::new();
    database.moderation_store().await.check().await.expect("a working store");
    let recorded: Vec<(i64, String, String, bool)> = sqlx::query_as(
        "SELECT version, description, lower(hex(checksum)), success FROM _sqlx_migrations ORDER BY version",
    )
    .fetch_all(&database.open().await)
    .await
    .expect("rows");
    let recorded = recorded.iter().map(|(version, description, checksum, success)| {
        assert!(success);
        (*version, description.as_str(), checksum.as_str())
    });
    assert_eq!(recorded.collect::<Vec<_>>(), APPLIED);
}

#[tokio::test]
async fn migrations_match_the_files() {
    let fields = |migrator: &Migrator| -> Vec<_> {
        let field = |m: &Migration| {
            (m.version, m.description.clone(), m.migration_type, m.checksum.clone(), m.no_tx)
        };
        migrator.iter().map(field).collect()
    };
    let of_toolsets = [
        &random_connect::gateway::migrations::MIGRATIONS,
        &random_connect::goals::migrations::MIGRATIONS,
    ];
    for chain in MIGRATIONS.iter().copied().chain(of_toolsets) {
        for (engine, migrator) in
            [("sqlite", chain.sqlite_migrator()), ("postgres", chain.postgres_migrator())]
        {
            let files = files(chain.toolset, engine).await;
            assert_eq!(fields(&migrator), fields(&files), "{} on {engine}", chain.toolset);
        }
    }
}

/// A backup on PostgreSQL has the tables that `MigrationChain::tables` reads from the files.
#[tokio::test]
async fn migrations_name_all_tables_of_the_database() {
    let of_toolsets = TOOLSETS.iter().filter_map(|row| row.migrations);
    let chains: Vec<_> = MIGRATIONS.iter().copied().chain(of_toolsets).collect();
    let expected = |engine| {
        let tables = chains.iter().flat_map(|chain| chain.tables(engine, i64::MAX));
        let versions = chains.iter().map(|chain| chain.versions_table(engine));
        tables.map(str::to_owned).chain(versions).collect::<BTreeSet<_>>()
    };
    let temp = TempDatabase::new();
    let database = temp.sqlite().await;
    for chain in &chains {
        database.migrate(chain).await.expect("tables");
    }
    let tables: Vec<String> = query_scalar(
        // The tables of a search index are in none of the files.
        "SELECT name FROM pragma_table_list \
         WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%'",
    )
    .fetch_all(database.readers())
    .await
    .expect("a working database");
    assert_eq!(tables.into_iter().collect::<BTreeSet<_>>(), expected(DatabaseEngine::Sqlite));
    if memory_only() {
        return;
    }
    let database = TestPostgres::create().await.open().await;
    for chain in &chains {
        database.migrate(chain).await.expect("tables");
    }
    let tables: Vec<String> =
        query_scalar("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'")
            .fetch_all(database.pool())
            .await
            .expect("a working database");
    assert_eq!(tables.into_iter().collect::<BTreeSet<_>>(), expected(DatabaseEngine::Postgres));
}

#[tokio::test]
async fn migrations_open_a_database_of_version_0_1_0() {
    let (user, target) = (UserId::from_bytes([1; 16]), UserId::from_bytes([2; 16]));
    let database = TempDatabase::new();
    let old: Vec<_> = files("moderation", "sqlite").await.iter().take(OF_0_1_0).cloned().collect();
    let pool = database.open().await;
    Migrator::with_migrations(old).run(&pool).await.expect("tables");
    let (person, reporter) = (target.to_hex(), user.to_hex());
    for row in [
        format!("INSERT INTO reports VALUES ('{person}', '{reporter}', 7, 'scam', 30, 0, x'00')"),
        format!("INSERT INTO ratings VALUES ('{person}', '{reporter}', 0, 8)"),
        format!("INSERT INTO decisions VALUES ('{person}', 9, NULL)"),
        "INSERT INTO log (at, what) VALUES (10, 'banned 02020202')".to_owned(),
    ] {
        sqlx::query(AssertSqlSafe(row)).execute(&pool).await.expect("a row");
    }
    pool.close().await;
    let store = database.moderation_store().await;
    let now = Timestamp::from_millis(1_700_000_000_000);
    store.block(user, target, now).await.expect("a working store");
    let record = store.record(target).await.expect("a working store");
    assert!(record.blocked.contains(&user));
    let at = Timestamp::from_millis;
    assert_eq!(record.ban, Some(Ban { at: at(9), until: None, reason: None }));
    assert_eq!(record.ratings, [Rating { at: at(8), good: false, weight: FULL_WEIGHT }]);
    let [report] = record.reports.as_slice() else { panic!("one report") };
    assert!(report.weight == 30 && report.established && report.is_dismissed());
    assert_eq!(store.record(user).await.expect("a working store").history.dismissed, 1);
    let log = store.audit_log().await.expect("a working store");
    let entry = AuditEntry { at: at(10), by: String::new(), action: "banned 02020202".to_owned() };
    assert_eq!(log, [entry]);
}
