//! `DATABASE_URL` with SQLite and generated secrets: `random-connect.secrets` beside the database.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::support::temp_database::TempDatabase;

const SALT: (&str, &str) = ("ID_SALT", "another salt of some length");

/// Runs a command to its end, with a database in `folder` and these variables. Its standard input is empty, so
/// that `stdio` ends.
async fn run(
    folder: &Path,
    arguments: &'static [&'static str],
    variables: &'static [(&'static str, &'static str)],
) -> Output {
    let folder = folder.to_owned();
    let exited = tokio::task::spawn_blocking(move || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_random-connect"));
        command.args(arguments).env_clear().current_dir(folder).envs(variables.iter().copied());
        command.env("DATABASE_URL", "sqlite:data/chat.db").stdin(Stdio::null());
        command.output().expect("the binary exits")
    });
    exited.await.expect("no panic")
}

async fn start(folder: &Path, variables: &'static [(&'static str, &'static str)]) -> Output {
    run(folder, &["stdio"], variables).await
}

/// Asserts that the server refuses to start, with status 2 and these words.
async fn assert_refused(
    folder: &Path,
    variables: &'static [(&'static str, &'static str)],
    words: &str,
) {
    let output = start(folder, variables).await;
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains(words) && !stderr.contains(SALT.1), "{stderr}");
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let name = |entry: std::io::Result<fs::DirEntry>| {
        entry.expect("an entry").file_name().to_string_lossy().into_owned()
    };
    let mut names: Vec<_> = entries.map(name).collect();
    names.sort();
    names
}

/// A temporary folder with a folder `data`, and the path of the secrets in it.
fn folder() -> (TempDatabase, PathBuf) {
    let temp = TempDatabase::new();
    let data = temp.folder().join("data");
    fs::create_dir(&data).expect("a folder");
    (temp, data.join("random-connect.secrets"))
}

#[tokio::test]
async fn database_secrets_are_generated_once() {
    let (temp, secrets) = folder();
    let check = run(temp.folder(), &["check"], &[]).await;
    assert!(check.status.success(), "{check:?}");
    assert!(names(&temp.folder().join("data")).is_empty(), "`check` creates nothing");
    assert!(start(temp.folder(), &[]).await.status.success());
    assert_eq!(names(&temp.folder().join("data")), ["chat.db", "random-connect.secrets"]);
    let mode = fs::metadata(&secrets).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let before = fs::read(&secrets).expect("readable");
    let code = || async { run(temp.folder(), &["code", "ann"], &[]).await.stdout };
    let shown = code().await;
    assert!(!shown.is_empty());
    assert!(start(temp.folder(), &[]).await.status.success());
    assert_eq!(fs::read(&secrets).expect("readable"), before);
    assert_eq!(code().await, shown, "a user has one code");
    assert!(run(temp.folder(), &["check"], &[]).await.status.success());
}

#[tokio::test]
async fn database_secrets_of_the_environment_win_and_must_fit() {
    let (temp, secrets) = folder();
    assert!(start(temp.folder(), &[SALT]).await.status.success());
    let text = fs::read_to_string(&secrets).expect("readable");
    assert!(text.contains("INBOX_KEY=") && !text.contains("ID_SALT="), "only what was unset");
    assert_refused(temp.folder(), &[], "it has no ID_SALT").await;
    assert_refused(temp.folder(), &[("ID_SALT", "a third salt of some length")], "another ID_SALT")
        .await;
    assert!(start(temp.folder(), &[SALT]).await.status.success());
}

#[tokio::test]
async fn database_secrets_that_are_damaged_or_lost_stop_the_start() {
    let (temp, secrets) = folder();
    assert!(start(temp.folder(), &[]).await.status.success());
    let text = fs::read_to_string(&secrets).expect("readable");
    let damaged = &text[..text.len() / 2];
    fs::write(&secrets, damaged).expect("written");
    assert_refused(
        temp.folder(),
        &[],
        "random-connect.secrets, the secrets of the database: it is damaged",
    )
    .await;
    assert_eq!(fs::read_to_string(&secrets).expect("readable"), damaged, "it is not overwritten");
    fs::remove_file(&secrets).expect("removed");
    assert_refused(temp.folder(), &[], "it is missing beside a database that exists").await;
    assert_eq!(names(&temp.folder().join("data")), ["chat.db"]);
    fs::write(&secrets, text).expect("written");
    assert!(start(temp.folder(), &[]).await.status.success());
}
