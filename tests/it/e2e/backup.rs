//! The commands `backup` and `restore`, beside a running server.

use std::fs;
use std::fs::File;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Output, Stdio};

use random_connect::kernel::sql::backup::archive::seal;
use random_connect::kernel::sql::backup::manifest::BackupManifest;
use random_connect::kernel::sql::versions::SchemaVersion;
use tokio::process::Command;
use tokio::time::timeout;

use crate::support::server_process::{ServerProcess, TIMEOUT};
use crate::support::temp_database::TempDatabase;

const BINARY: &str = env!("CARGO_BIN_EXE_random-connect");

/// Runs a command in `folder`, with the database `state.db` there and these variables.
pub async fn run(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(BINARY);
    command.args(arguments).env_clear().current_dir(folder).env("DATABASE_URL", "sqlite:state.db");
    command.envs(variables.iter().copied()).stdin(Stdio::null()).kill_on_drop(true);
    timeout(TIMEOUT, command.output()).await.expect("in time").expect("the binary runs")
}

/// Asserts that a command succeeds; returns its report.
async fn succeed(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments, &[]).await;
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// Asserts that a command fails with these words, and changes no file.
async fn refuse(folder: &Path, arguments: &[&str], variables: &[(&str, &str)], words: &str) {
    let before = files(folder);
    let output = run(folder, arguments, variables).await;
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.starts_with("error: ") && stderr.contains(words), "{stderr}");
    assert!(output.stdout.is_empty() && files(folder) == before);
}

/// The names and contents of the files in a folder, without those that a running server changes.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_file())
        .map(|path| (path.file_name().expect("a name").to_string_lossy().into_owned(), path))
        .filter(|(name, _)| !name.ends_with("-wal") && !name.ends_with("-shm"))
        .map(|(name, path)| (name, fs::read(path).expect("readable")))
        .collect();
    files.sort();
    files
}

/// Starts and stops a server, so that the database and the secrets exist.
async fn create(folder: &Path) {
    succeed(folder, &["stdio"]).await;
}

#[tokio::test]
async fn backup_beside_a_server_has_what_was_acknowledged() {
    let temp = TempDatabase::new();
    let url = format!("sqlite:{}", temp.file().display());
    let variables =
        [("DATABASE_URL", url.as_str()), ("ID_SALT", "a salt of some length"), ("NOTICE", "off")];
    let mut server = ServerProcess::start(0, &variables).await;
    server.say("ann", "#meet", "1").await;
    server.say("ben", "#meet", "2").await;
    assert!(server.say("ann", "#block", "3").await.contains("The chat is over."));
    let report = succeed(temp.folder(), &["backup", "saved"]).await;
    assert!(report.starts_with("Saved state.db in saved: "), "{report}");
    let mode = fs::metadata(temp.folder().join("saved")).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    refuse(temp.folder(), &["backup", "saved"], &[], "saved: it exists: choose another name").await;
    succeed(temp.folder(), &["backup", "saved", "--force"]).await;
    let in_use = "state.db (DATABASE_URL): a server or another command has it open: stop it first";
    refuse(temp.folder(), &["restore", "saved", "--force"], &[], in_use).await;
    server.kill().await;

    // On another machine, the two do not meet again.
    let other = TempDatabase::new();
    fs::copy(temp.folder().join("saved"), other.folder().join("saved")).expect("copied");
    let report = succeed(other.folder(), &["restore", "saved"]).await;
    assert!(report.starts_with("Restored state.db as of 20"), "{report}");
    assert!(report.contains("put back random-connect.secrets, or set ID_SALT"), "{report}");
    let mode = fs::metadata(other.file()).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let url = format!("sqlite:{}", other.file().display());
    let server = ServerProcess::start(0, &[("DATABASE_URL", &url), ("NOTICE", "off")]).await;
    server.say("ann", "#meet", "1").await;
    assert!(!server.say("ben", "#meet", "2").await.contains("Connected!"));
    assert!(server.say("cat", "#meet", "3").await.contains("Connected!"));
}

#[tokio::test]
async fn backup_has_the_secrets_only_if_asked() {
    let temp = TempDatabase::new();
    let folder = temp.folder();
    create(folder).await;
    let report = succeed(folder, &["backup", "without"]).await;
    assert!(report.contains("It does not have random-connect.secrets"), "{report}");
    let report = succeed(folder, &["backup", "with", "--with-secrets"]).await;
    assert_eq!(report.lines().count(), 1, "{report}");
    let secrets = fs::read(folder.join("random-connect.secrets")).expect("readable");
    let has_secrets = |name: &str| {
        let saved = fs::read(folder.join(name)).expect("readable");
        saved.windows(secrets.len()).any(|window| window == secrets)
    };
    assert!(has_secrets("with") && !has_secrets("without"));

    let other = TempDatabase::new();
    fs::copy(folder.join("with"), other.folder().join("with")).expect("copied");
    let report = succeed(other.folder(), &["restore", "with"]).await;
    assert_eq!(report.lines().count(), 1, "{report}");
    assert_eq!(fs::read(other.folder().join("random-connect.secrets")).expect("readable"), secrets);
    create(other.folder()).await;
    succeed(other.folder(), &["restore", "with", "--force"]).await;

    // Those of another database are never replaced.
    let third = TempDatabase::new();
    create(third.folder()).await;
    fs::copy(folder.join("with"), third.folder().join("with")).expect("copied");
    let different = "random-connect.secrets, the secrets of the database: it has other secrets";
    refuse(third.folder(), &["restore", "with", "--force"], &[], different).await;
}

#[tokio::test]
async fn restore_refuses_what_the_server_could_not_use() {
    let temp = TempDatabase::new();
    let folder = temp.folder();
    create(folder).await;
    succeed(folder, &["backup", "saved"]).await;
    refuse(folder, &["restore", "saved"], &[], "state.db (DATABASE_URL): it exists: add --force")
        .await;
    let other_salt = [("ID_SALT", "another salt of some length")];
    let mismatch =
        "does not fit the secrets of this configuration: it was written with another ID_SALT";
    refuse(folder, &["restore", "saved", "--force"], &other_salt, mismatch).await;
    refuse(folder, &["restore", "missing", "--force"], &[], "backup missing: can't read it").await;
    let nowhere = [("DATABASE_URL", "sqlite:nowhere/state.db")];
    refuse(folder, &["restore", "saved"], &nowhere, "its folder does not exist").await;
    // A newer version of a toolset, and a toolset that this version does not have.
    for (toolset, version) in [("moderation", 9_000), ("chess", 1)] {
        let mut file = File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(folder.join(toolset))
            .expect("a file");
        let schemas = vec![SchemaVersion { toolset: toolset.to_owned(), version }];
        seal(&mut file, &BackupManifest { schemas, ..BackupManifest::default() }).expect("sealed");
        let newer =
            format!("newer version of this program has written it (schema {version} of {toolset})");
        refuse(folder, &["restore", toolset, "--force"], &[], &newer).await;
    }
    succeed(folder, &["restore", "saved", "--force"]).await;
    create(folder).await;
}

#[tokio::test]
async fn backup_says_what_it_can_not_save() {
    let temp = TempDatabase::new();
    let folder = temp.folder();
    refuse(folder, &["backup", "saved"], &[], "state.db (DATABASE_URL): it does not exist").await;
    let none = [("DATABASE_URL", "")];
    refuse(folder, &["backup", "saved"], &none, "there is no database: set DATABASE_URL").await;
    create(folder).await;
    refuse(folder, &["backup", "-"], &[], "can't write -: it needs a name").await;
    refuse(folder, &["backup", "nowhere/saved"], &[], "its folder does not exist").await;
    refuse(folder, &["backup", ".", "--force"], &[], "can't write .: ").await;
    fs::remove_file(folder.join("random-connect.secrets")).expect("removed");
    let set = "there is no file with generated secrets";
    refuse(folder, &["backup", "saved", "--with-secrets"], &[], set).await;
    let key = "ab".repeat(32);
    let redis = [
        ("REDIS_URL", "redis://127.0.0.1:1"),
        ("ID_SALT", "a salt of some length"),
        ("INBOX_KEY", &key),
    ];
    let output = run(folder, &["backup", "saved"], &redis).await;
    let report = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(report.contains("It does not have the data on Redis."), "{report}");
}
