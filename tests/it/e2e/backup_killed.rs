//! `backup` and `restore` that are killed: no half file has a name, and the database is the old or the new one.
//!
//! A limit on the size of files kills the process at a chosen byte; SIGKILL hits it anywhere else.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;

use nix::sys::signal::Signal;
use random_connect::app::backup::backup;
use random_connect::kernel::sql::sqlite::SqliteDatabase;
use random_connect::moderation::migrations::MIGRATIONS;
use sqlx::{AssertSqlSafe, Connection, PgConnection, query, query_scalar};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::timeout;

use crate::backup::config;
use crate::support::backends::memory_only;
use crate::support::postgres_server::TestPostgres;
use crate::support::server_process::TIMEOUT;
use crate::support::temp_database::TempDatabase;

const BINARY: &str = env!("CARGO_BIN_EXE_random-connect");

/// Size of the blocks that `ulimit -f` counts, in bytes.
const BLOCK: u64 = 512;

/// Number of rows of the old database, and of the one in the backup.
const ROWS: [i64; 2] = [700, 900];

/// A folder with a database of [`ROWS`]`[0]` rows as a killed server leaves it, with its log, and a backup of one with
/// `ROWS[1]`.
struct Template(TempDir);

impl Template {
    async fn create() -> Self {
        let folder = TempDir::new().expect("a folder");
        for rows in ROWS {
            let temp = TempDatabase::new();
            let database = temp.sqlite().await;
            database.migrate(&MIGRATIONS).await.expect("tables");
            for statement in [
                "CREATE TABLE notes (text TEXT)".to_owned(),
                format!(
                    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) \
                     INSERT INTO notes SELECT printf('note %0100d', i) FROM n"
                ),
            ] {
                let write = database.write(move |connection| {
                    Box::pin(async move {
                        query(AssertSqlSafe(statement)).execute(connection).await?;
                        Ok(())
                    })
                });
                write.await.expect("a working database");
            }
            if rows == ROWS[0] {
                for name in ["state.db", "state.db-wal"] {
                    fs::copy(temp.folder().join(name), folder.path().join(name)).expect("copied");
                }
            } else {
                let config = config(&format!("sqlite:{}", temp.file().display()));
                let saved = folder.path().join("saved");
                backup(&config, &saved, false, false).await.expect("saved");
            }
            database.close().await;
        }
        Self(folder)
    }

    /// Copies the files into an empty folder.
    fn copy(&self) -> TempDir {
        let folder = TempDir::new().expect("a folder");
        for name in ["state.db", "state.db-wal", "saved"] {
            fs::copy(self.0.path().join(name), folder.path().join(name)).expect("copied");
        }
        folder
    }
}

/// The number of rows of a database that is complete.
async fn rows(file: &Path) -> i64 {
    let database = SqliteDatabase::open(file).await.expect("a database");
    let intact: String =
        query_scalar("PRAGMA integrity_check").fetch_one(database.readers()).await.expect("a row");
    assert_eq!(intact, "ok");
    let rows = query_scalar("SELECT count(*) FROM notes").fetch_one(database.readers()).await;
    database.close().await;
    rows.expect("a count")
}

fn command(folder: &Path, program: &str) -> Command {
    let mut command = Command::new(program);
    command.env_clear().current_dir(folder).env("DATABASE_URL", "sqlite:state.db");
    command.kill_on_drop(true);
    command
}

/// Runs a command that ends when it writes a file of more than this number of blocks.
async fn run_limited(folder: &Path, arguments: &[&str], blocks: u64) -> ExitStatus {
    let mut command = command(folder, "sh");
    let script = format!("ulimit -f {blocks}; exec \"$0\" \"$@\"");
    command.args(["-c", &script, BINARY]).args(arguments);
    let output = timeout(TIMEOUT, command.output()).await.expect("in time").expect("sh runs");
    let is_killed = output.status.signal() == Some(Signal::SIGXFSZ as i32);
    assert!(is_killed || output.status.success(), "{output:?}");
    output.status
}

/// Starts a command, and kills it once its unfinished file exists and the folder was read `reads` more times.
async fn run_killed(folder: &Path, arguments: &[&str], reads: u32) -> ExitStatus {
    let mut child = command(folder, BINARY).args(arguments).spawn().expect("the binary starts");
    let is_partial = |entry: std::io::Result<fs::DirEntry>| {
        entry.expect("an entry").file_name().to_string_lossy().contains(".partial-")
    };
    let has_partial = || fs::read_dir(folder).expect("a folder").any(is_partial);
    while !has_partial() && child.try_wait().expect("a status").is_none() {}
    for _ in 0..reads {
        has_partial();
    }
    // It may have ended.
    let _ = child.start_kill();
    timeout(TIMEOUT, child.wait()).await.expect("in time").expect("a status")
}

fn count(folder: &Path) -> usize {
    fs::read_dir(folder).expect("a folder").count()
}

#[tokio::test]
async fn backup_killed_at_any_byte_leaves_no_half_file() {
    let template = Template::create().await;
    let folder = template.copy();
    let name = folder.path().join("new");
    let size = fs::metadata(folder.path().join("saved")).expect("a file").len();
    let mut killed = 0;
    for blocks in (0..size / BLOCK).step_by(17) {
        if run_limited(folder.path(), &["backup", "new"], blocks).await.success() {
            fs::remove_file(&name).expect("a complete file");
        } else {
            killed += 1;
            assert!(!name.exists(), "after {blocks} blocks");
        }
    }
    assert!(killed > 5, "{killed}");
    assert!(run_limited(folder.path(), &["backup", "new"], size).await.success());
    assert_eq!(count(folder.path()), 3, "state.db, saved and new");
    assert_eq!(rows(&folder.path().join("state.db")).await, ROWS[0]);
    let copy = TempDir::new().expect("a folder");
    fs::copy(&name, copy.path().join("saved")).expect("copied");
    assert!(run_limited(copy.path(), &["restore", "saved"], size).await.success());
    assert_eq!(rows(&copy.path().join("state.db")).await, ROWS[0]);
}

#[tokio::test]
async fn restore_killed_at_any_byte_leaves_the_old_database() {
    let template = Template::create().await;
    let size = fs::metadata(template.0.path().join("saved")).expect("a file").len();
    for blocks in (0..size / BLOCK).step_by(17) {
        let folder = template.copy();
        let arguments = ["restore", "saved", "--force"];
        let status = run_limited(folder.path(), &arguments, blocks).await;
        assert!(!status.success(), "{blocks} blocks suffice");
        assert_eq!(rows(&folder.path().join("state.db")).await, ROWS[0], "{blocks} blocks");
        assert!(run_limited(folder.path(), &arguments, size).await.success());
        assert_eq!(count(folder.path()), 2, "state.db and saved");
        assert_eq!(rows(&folder.path().join("state.db")).await, ROWS[1]);
    }
}

#[tokio::test]
async fn backup_or_restore_with_sigkill_leaves_a_complete_database() {
    let template = Template::create().await;
    for turn in 0..40_u32 {
        let folder = template.copy();
        let database = folder.path().join("state.db");
        let arguments = if turn % 4 == 0 {
            ["backup", "new", "--force"]
        } else {
            ["restore", "saved", "--force"]
        };
        run_killed(folder.path(), &arguments, turn * turn).await;
        if turn % 4 == 0 {
            let name = folder.path().join("new");
            if name.exists() {
                fs::rename(name, folder.path().join("saved")).expect("renamed");
                let restored =
                    command(folder.path(), BINARY).args(["restore", "saved", "--force"]).status();
                assert!(restored.await.expect("a status").success());
            }
            assert_eq!(rows(&database).await, ROWS[0]);
        } else {
            assert!(ROWS.contains(&rows(&database).await));
        }
    }
}

/// The rows of the audit log. `None` if there is no such table.
async fn restored_rows(connection: &mut PgConnection) -> Option<i64> {
    let others = "SELECT count(*) FROM pg_stat_activity \
                  WHERE datname = current_database() AND pid <> pg_backend_pid()";
    // The server notices the end of the connection a moment later.
    while query_scalar::<_, i64>(others).fetch_one(&mut *connection).await.expect("a count") > 0 {}
    query_scalar("SELECT count(*) FROM moderation_audit_log").fetch_one(connection).await.ok()
}

#[tokio::test]
async fn restore_on_postgresql_with_sigkill_leaves_all_or_nothing() {
    if memory_only() {
        return;
    }
    let source = TestPostgres::create().await;
    drop(source.moderation_store().await);
    let rows = "INSERT INTO moderation_audit_log (at, operator, action) \
                SELECT i, 'ann', repeat('banned ', 50) FROM generate_series(1, 20000) AS i";
    query(rows).execute(source.open().await.pool()).await.expect("rows");
    let folder = TempDir::new().expect("a folder");
    let saved = folder.path().join("saved");
    backup(&config(&source.url), &saved, false, false).await.expect("saved");
    let mut interrupted = 0;
    for turn in 0..8_u32 {
        let target = TestPostgres::create().await;
        let mut connection = PgConnection::connect(&target.url).await.expect("PostgreSQL answers");
        let mut restore = command(folder.path(), BINARY);
        restore.args(["restore", "saved"]).env("DATABASE_URL", &target.url);
        restore.env("ID_SALT", "a salt of some length").env("INBOX_KEY", "ab".repeat(32));
        let mut child = restore.spawn().expect("the binary starts");
        let writing = "SELECT count(*) FROM pg_stat_activity \
                       WHERE datname = current_database() AND backend_xid IS NOT NULL";
        let mut polls = 0;
        while polls <= turn && child.try_wait().expect("a status").is_none() {
            let count = query_scalar::<_, i64>(writing).fetch_one(&mut connection).await;
            polls += u32::from(count.expect("a count") > 0);
        }
        // It may have ended.
        let _ = child.start_kill();
        child.wait().await.expect("a status");
        match restored_rows(&mut connection).await {
            Some(rows) => assert_eq!(rows, 20_000),
            None => interrupted += 1,
        }
    }
    assert!(interrupted > 0, "every restore was complete");
}
