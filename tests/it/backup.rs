//! Backup and restore of a database: consistent while it is written, and verified before use.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;
use random_connect::app::backup::{backup, restore};
use random_connect::app::toolsets::TOOLSETS;
use random_connect::config::Config;
use random_connect::kernel::sql::sqlite::SqliteDatabase;
use random_connect::moderation::migrations::MIGRATIONS;
use sqlx::{AssertSqlSafe, query, query_as};
use tokio::runtime::Builder;

use crate::support::temp_database::TempDatabase;

/// The rows of the table `pairs`.
pub type Pairs = BTreeMap<i64, i64>;

/// Sets a key to a value, or removes it.
pub type Change = (i64, Option<i64>);

/// The settings of a server with this database.
pub fn config(url: &str) -> Config {
    let key = "ab".repeat(32);
    Config::from_lookup(TOOLSETS, |name| match name {
        "DATABASE_URL" => Some(url.into()),
        "ID_SALT" => Some("a salt of some length".into()),
        "INBOX_KEY" => Some((&key).into()),
        _ => None,
    })
    .expect("valid settings")
}

fn config_of(file: &Path) -> Config {
    config(&format!("sqlite:{}", file.display()))
}

/// A database with the tables of a server, and the table `pairs`.
async fn pairs(temp: &TempDatabase) -> SqliteDatabase {
    let database = temp.sqlite().await;
    database.migrate(&MIGRATIONS).await.expect("tables");
    let create = "CREATE TABLE pairs (key INTEGER PRIMARY KEY, value INTEGER)";
    execute(&database, create.to_owned()).await;
    database
}

async fn execute(database: &SqliteDatabase, statement: String) {
    let write = database.write(move |connection| {
        Box::pin(async move {
            query(AssertSqlSafe(statement)).execute(connection).await?;
            Ok(())
        })
    });
    write.await.expect("a working database");
}

async fn apply(database: &SqliteDatabase, (key, value): Change) {
    let statement = match value {
        Some(value) => format!("INSERT OR REPLACE INTO pairs VALUES ({key}, {value})"),
        None => format!("DELETE FROM pairs WHERE key = {key}"),
    };
    execute(database, statement).await;
}

async fn read(file: &Path) -> Pairs {
    let database = SqliteDatabase::open(file).await.expect("a database");
    let rows: Vec<(i64, i64)> = query_as("SELECT key, value FROM pairs")
        .fetch_all(database.readers())
        .await
        .expect("a working database");
    database.close().await;
    rows.into_iter().collect()
}

/// All states of the table while the changes are applied in their order.
pub fn states(changes: &[Change]) -> Vec<Pairs> {
    let mut states = vec![Pairs::new()];
    for (key, value) in changes {
        let mut state = states.last().cloned().unwrap_or_default();
        match value {
            Some(value) => state.insert(*key, *value),
            None => state.remove(key),
        };
        states.push(state);
    }
    states
}

/// Applies `before`, then saves the database while the changes of `during` are applied again and again, and restores
/// it. Returns the restored rows, and the changes that were applied until the backup had ended.
async fn save_while_writing(before: &[Change], during: &[Change]) -> (Pairs, Vec<Change>) {
    let temp = TempDatabase::new();
    let database = pairs(&temp).await;
    for change in before {
        apply(&database, *change).await;
    }
    let file = temp.folder().join("saved");
    let is_saved = AtomicBool::new(false);
    let saving = async {
        backup(&config_of(&temp.file()), &file, false, false).await.expect("saved");
        is_saved.store(true, Ordering::SeqCst);
    };
    let writing = async {
        let mut applied = Vec::new();
        for change in during.iter().cycle() {
            apply(&database, *change).await;
            applied.push(*change);
            if is_saved.load(Ordering::SeqCst) {
                break;
            }
        }
        applied
    };
    let ((), applied) = tokio::join!(saving, writing);
    let copy = temp.folder().join("copy.db");
    restore(&config_of(&copy), &file, false).await.expect("restored");
    (read(&copy).await, applied)
}

pub fn changes(size: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Change>> {
    prop::collection::vec((0..9_i64, prop::option::weighted(0.7, 0..1_000_i64)), size)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn backup_during_writes_is_a_state_that_existed(before in changes(0..20), during in changes(1..20)) {
        let runtime = Builder::new_multi_thread().enable_all().build().expect("a runtime");
        let (restored, applied) = runtime.block_on(save_while_writing(&before, &during));
        let all: Vec<_> = before.iter().chain(&applied).copied().collect();
        // Everything that was acknowledged before the backup began is in it.
        let possible = &states(&all)[before.len()..];
        prop_assert!(possible.contains(&restored), "{restored:?} is none of {possible:?}");
    }
}

fn names(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<_> =
        entries.map(|entry| entry.expect("an entry").file_name().into()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn backup_that_is_damaged_or_cut_off_is_refused_and_changes_nothing() {
    let temp = TempDatabase::new();
    let database = pairs(&temp).await;
    apply(&database, (1, Some(1))).await;
    let file = temp.folder().join("saved");
    let config = config_of(&temp.file());
    backup(&config, &file, false, false).await.expect("saved");
    apply(&database, (2, Some(2))).await;
    database.close().await;
    let intact = fs::read(&file).expect("readable");
    let now = fs::read(temp.file()).expect("readable");
    // Every position of the fields at the end, and some of the database.
    let positions = (0..intact.len()).step_by(intact.len() / 20 + 1);
    let end = (intact.len() - 24..intact.len()).chain([intact.len() - 62, intact.len() - 100]);
    for position in positions.chain(end) {
        let mut flipped = intact.clone();
        flipped[position] ^= 1 << (position % 8);
        for damaged in [&flipped[..], &intact[..position]] {
            fs::write(&file, damaged).expect("written");
            let error = restore(&config, &file, true).await.err().expect("refused").to_string();
            let is_named = error.contains("it is damaged") || error.contains("it is no backup");
            assert!(is_named, "{position}: {error}");
        }
    }
    assert_eq!(fs::read(temp.file()).expect("readable"), now);
    assert_eq!(names(temp.folder()), [Path::new("saved"), Path::new("state.db")]);
    fs::write(&file, intact).expect("written");
    restore(&config, &file, true).await.expect("restored");
    assert_eq!(read(&temp.file()).await, Pairs::from([(1, 1)]));
}

#[tokio::test]
async fn backup_of_a_damaged_database_is_refused() {
    let temp = TempDatabase::new();
    let database = pairs(&temp).await;
    // Rows of several pages, and an index that will not match them.
    execute(&database, "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT UNIQUE)".to_owned())
        .await;
    let rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) \
                INSERT INTO notes SELECT i, printf('note %08d', i) FROM n";
    execute(&database, rows.to_owned()).await;
    database.close().await;
    let mut bytes = fs::read(temp.file()).expect("readable");
    let text = b"note 00001500";
    let place = bytes.windows(text.len()).position(|window| window == text).expect("a row");
    bytes[place..place + 4].copy_from_slice(b"NOTE");
    fs::write(temp.file(), bytes).expect("written");
    let file = temp.folder().join("saved");
    let error = backup(&config_of(&temp.file()), &file, false, false).await.err().expect("refused");
    assert!(error.to_string().contains("it is damaged"), "{error}");
    assert_eq!(names(temp.folder()), [Path::new("state.db")]);
}

#[tokio::test]
async fn restore_replaces_a_damaged_database() {
    let temp = TempDatabase::new();
    let database = pairs(&temp).await;
    apply(&database, (1, Some(1))).await;
    let file = temp.folder().join("saved");
    backup(&config_of(&temp.file()), &file, false, false).await.expect("saved");
    database.close().await;
    fs::write(temp.file(), "not a database, but longer than the header of one. ".repeat(9))
        .expect("written");
    fs::write(temp.folder().join("state.db-wal"), "the log of the damaged one").expect("written");
    let refused = restore(&config_of(&temp.file()), &file, false).await.err().expect("it exists");
    assert!(refused.to_string().contains("it exists: add --force"), "{refused}");
    restore(&config_of(&temp.file()), &file, true).await.expect("restored");
    assert_eq!(read(&temp.file()).await, Pairs::from([(1, 1)]));
}
