//! The file of `STATE_DB`: errors at the start, the secrets it was written with, its permissions,
//! and its state after a stop.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};

use crate::support::server::{TEST_TIMEOUT, http_client};
use crate::support::temp_database::TempDatabase;

const BINARY: &str = env!("CARGO_BIN_EXE_random-connect");
const SALT: &str = "a salt of some length";

fn key(digit: char) -> String {
    digit.to_string().repeat(64)
}

fn command(name: &str, file: &Path, salt: &str, keys: &str) -> Command {
    let mut command = Command::new(BINARY);
    command.arg(name).env_clear().current_dir(std::env::temp_dir()).env("PORT", "0");
    command.env("STATE_DB", format!("sqlite:{}", file.display()));
    command.env("ID_SALT", salt).env("INBOX_KEY", keys);
    command
}

/// Runs a command until it exits. Its standard input is empty, so that `stdio` ends.
async fn run(name: &'static str, file: PathBuf, salt: &'static str, keys: String) -> Output {
    let exited = tokio::task::spawn_blocking(move || {
        let mut command = command(name, &file, salt, &keys);
        command.stdin(Stdio::null()).output().expect("the binary exits")
    });
    exited.await.expect("no panic")
}

/// Asserts that both commands that serve refuse the file, with status 2 and these words.
async fn assert_refused(file: &Path, salt: &'static str, keys: &str, words: &str) {
    for name in ["serve", "stdio"] {
        let output = run(name, file.to_owned(), salt, keys.to_owned()).await;
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        let start = format!("error: can't use {} (STATE_DB): ", file.display());
        assert!(stderr.contains(&start) && stderr.contains(words), "{stderr}");
        assert!(!stderr.contains("can't listen") && output.stdout.is_empty(), "{stderr}");
        assert!(!stderr.contains(salt) && !stderr.contains(keys), "{stderr}");
    }
}

async fn assert_accepted(file: &Path, keys: &str) {
    let output = run("stdio", file.to_owned(), SALT, keys.to_owned()).await;
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{stderr}");
}

#[tokio::test]
async fn state_file_error_names_the_file_and_the_cause() {
    let state = TempDatabase::new();
    let missing = state.folder().join("missing").join("state.db");
    assert_refused(&missing, SALT, &key('1'), "its folder does not exist").await;
    assert_refused(state.folder(), SALT, &key('1'), "it is a folder").await;
    let text = state.folder().join("notes.txt");
    fs::write(&text, "not a database, but longer than the header of one. ".repeat(9))
        .expect("written");
    assert_refused(&text, SALT, &key('1'), "it is not an SQLite database").await;
    assert!(fs::read_to_string(&text).expect("text").starts_with("not a database"));
}

#[tokio::test]
async fn state_file_of_a_newer_version_is_refused() {
    let state = TempDatabase::new();
    assert_accepted(&state.file(), &key('1')).await;
    let pool = state.open().await;
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (9000, 'from the future', 1, x'00', 1)",
    )
    .execute(&pool)
    .await
    .expect("a row");
    pool.close().await;
    assert_refused(&state.file(), SALT, &key('1'), "a newer version of this program").await;
}

#[tokio::test]
async fn state_file_locked_by_another_process_is_refused() {
    let state = TempDatabase::new();
    let pool = state.open().await;
    let mut connection = pool.acquire().await.expect("a connection");
    sqlx::query("BEGIN EXCLUSIVE").execute(&mut *connection).await.expect("the lock");
    assert_refused(&state.file(), SALT, &key('1'), "another process has locked it").await;
}

#[tokio::test]
async fn state_file_of_other_secrets_is_refused() {
    let (old, new) = (key('1'), key('2'));
    let (old_new, new_old) = (format!("{old},{new}"), format!("{new},{old}"));
    let state = TempDatabase::new();
    let file = &state.file();
    assert_accepted(file, &old).await;
    assert_refused(file, "another salt of some length", &old, "another ID_SALT").await;
    assert_refused(file, SALT, &new, "INBOX_KEY=new,old").await;
    // A refused start changes nothing, and a rotation in steps is accepted.
    for keys in [&old, &old_new, &new_old, &new] {
        assert_accepted(file, keys).await;
    }
    assert_refused(file, SALT, &old, "another INBOX_KEY").await;
}

#[tokio::test]
async fn state_file_is_private_and_complete_after_a_stop() {
    let state = TempDatabase::new();
    fs::write(state.file(), "").expect("written");
    fs::set_permissions(state.file(), fs::Permissions::from_mode(0o644)).expect("permissions");
    let mut server =
        tokio::process::Command::from(command("serve", &state.file(), SALT, &key('1')))
            .env("LOG_LEVEL", "warn")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the binary starts");
    let mut lines = BufReader::new(server.stdout.take().expect("standard output")).lines();
    let line = lines.next_line().await.expect("a line").expect("the server listens");
    let (_, url) = line.split_once("listens on ").expect("the address");
    let ready = http_client().get(url.replace("/mcp", "/ready")).send().await.expect("a response");
    assert_eq!(ready.status(), 200);
    let names =
        || fs::read_dir(state.folder()).expect("a folder").map(|entry| entry.expect("an entry"));
    assert_eq!(names().count(), 4, "the database, its log and index, and the lock");
    for entry in names() {
        let mode = entry.metadata().expect("metadata").permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", entry.file_name());
    }
    let id = i32::try_from(server.id().expect("it runs")).expect("an id");
    kill(Pid::from_raw(id), Signal::SIGTERM).expect("a signal");
    let status = tokio::time::timeout(TEST_TIMEOUT, server.wait()).await.expect("in time");
    assert!(status.expect("a status").success());
    let files: Vec<_> = names().map(|entry| entry.file_name()).collect();
    assert_eq!(files, ["state.db"], "all data is in the database");
    let mut stderr = String::new();
    let mut pipe = server.stderr.take().expect("standard error");
    pipe.read_to_string(&mut stderr).await.expect("text");
    assert!(stderr.contains("other users could read the file"), "{stderr}");
}
