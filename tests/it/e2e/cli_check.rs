//! The commands `check` and `code`, and the warnings about settings.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use random_connect::kernel::id::{IdHasher, Realm};
use random_connect::kernel::secrets::SecretFingerprints;
use random_connect::kernel::sql::Database;
use random_connect::kernel::sql::url::DatabaseUrl;
use random_connect::moderation::migrations::MIGRATIONS;
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::support::redis_server::RedisServer;
use crate::support::server::TEST_TIMEOUT;

const BINARY: &str = env!("CARGO_BIN_EXE_random-connect");
/// The `ID_SALT` of all tests.
const SALT: &str = "a salt of some length";
/// An `INBOX_KEY`.
const KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// An empty folder, removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn create(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("random-connect-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder that is left behind does no harm.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Runs the binary in `folder` with no other environment variables.
fn run(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(BINARY);
    command.args(arguments).env_clear().envs(variables.iter().copied()).current_dir(folder);
    command.stdin(Stdio::null()).output().expect("the binary exits")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Returns the line of a report that starts with `name`, with single spaces.
fn line(report: &str, name: &str) -> String {
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let found = report.lines().map(words).find(|line| line.split(' ').next() == Some(name));
    found.unwrap_or_else(|| panic!("no line {name}: {report}"))
}

#[test]
fn cli_check_prints_settings_without_secrets() {
    let folder = Folder::create("check");
    fs::write(folder.0.join(".env"), "PORT=9000\nAUTH_TOKE=secret-1\nADMIN_TOKEN=secret-2\n")
        .expect("written");
    let variables = [("AUTH_TOKEN", "secret-2"), ("HOST", "127.0.0.1"), ("LOG_LEVELL", "debug")];
    let output = run(&folder.0, &["check"], &variables);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let report = stdout(&output);
    assert_eq!(line(&report, "AUTH_TOKEN"), "AUTH_TOKEN environment set");
    assert_eq!(line(&report, "PORT"), "PORT .env 9000");
    assert_eq!(line(&report, "TOOLSETS"), "TOOLSETS default connect,penpal");
    assert_eq!(line(&report, "LINKS"), "LINKS default defang");
    assert_eq!(line(&report, "MY_NUMBER"), "MY_NUMBER default not set");
    for warning in [
        ".env line 2, AUTH_TOKE, is not a setting and has no effect: did you mean AUTH_TOKEN?",
        "the variable LOG_LEVELL is not a setting and has no effect: did you mean LOG_LEVEL?",
        "ADMIN_TOKEN is too short to be safe",
        "ADMIN_TOKEN equals AUTH_TOKEN",
    ] {
        assert!(report.contains(warning), "{warning}: {report}");
    }
    assert_eq!(line(&report, "lobby"), "lobby memory ok");
    assert!(!report.contains("secret-") && output.stderr.is_empty(), "{report}");
}

#[test]
fn cli_check_status_is_2_for_an_invalid_setting() {
    let folder = Folder::create("check-invalid");
    let output = run(&folder.0, &["check"], &[("PORT", "http")]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("PORT=\"http\""));
}

#[test]
fn cli_check_asks_each_store() {
    let folder = Folder::create("check-stores");
    let mut redis = RedisServer::start(&[]);
    let url = redis.url();
    let variables = [("REDIS_URL", url.as_str()), ("ID_SALT", SALT), ("INBOX_KEY", KEY)];
    let output = run(&folder.0, &["check"], &variables);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(line(&stdout(&output), "rate_limit"), "rate_limit Redis ok");
    redis.kill();
    let output = run(&folder.0, &["check"], &variables);
    assert_eq!(output.status.code(), Some(1));
    let report = stdout(&output);
    for store in ["lobby", "moderation", "rate_limit"] {
        assert!(line(&report, store).starts_with(&format!("{store} Redis failed: ")), "{report}");
    }
    let url = format!("sqlite:{}", folder.0.display());
    let report = stdout(&run(&folder.0, &["check"], &[("DATABASE_URL", &url)]));
    assert!(line(&report, "database").ends_with("it is a folder: name a file in it"), "{report}");
}

#[tokio::test]
async fn cli_check_creates_no_file() {
    let folder = Folder::create("check-file");
    let check = |state_db: &str| {
        let variables = [("STATE_DB", state_db), ("ID_SALT", SALT), ("INBOX_KEY", KEY)];
        let output = run(&folder.0, &["check"], &variables);
        (output.status.code(), line(&stdout(&output), "database"))
    };
    let created = "database SQLite ok, the server will create the file";
    assert_eq!(check("sqlite:state.db"), (Some(0), created.to_owned()));
    assert_eq!(fs::read_dir(&folder.0).expect("a folder").count(), 0);
    let (status, problem) = check("sqlite:nowhere/state.db");
    assert!(status == Some(1) && problem.contains("its folder does not exist"), "{problem}");
    fs::write(folder.0.join("state.db"), "this is no database, but a text of some length")
        .expect("written");
    let (status, problem) = check("sqlite:state.db");
    assert!(status == Some(1) && problem.contains("it is not an SQLite database"), "{problem}");
    let others = SecretFingerprints::new(b"another salt of some length", &[[7; 32]]);
    let other = DatabaseUrl::Sqlite(folder.0.join("other.db"));
    let database = Database::open_with(&other, &[&MIGRATIONS], &others).await.expect("a new file");
    database.close().await;
    let (status, problem) = check("sqlite:other.db");
    assert!(status == Some(1) && problem.contains("another ID_SALT"), "{problem}");
}

#[test]
fn cli_code_prints_the_digits_of_logs_and_operator_tools() {
    let folder = Folder::create("code");
    let variables = [("STATE_DB", "sqlite:state.db"), ("ID_SALT", SALT), ("INBOX_KEY", KEY)];
    let ids = IdHasher::from_salt(SALT.as_bytes());
    let code = |realm| ids.user_id(realm, "919876543210").to_string();
    let output = run(&folder.0, &["code", "919876543210", "--source", "puch"], &variables);
    assert_eq!(stdout(&output), format!("{}\n", code(Realm::Puch)));
    let all = stdout(&run(&folder.0, &["code", " 919876543210 "], &variables));
    for (name, realm) in
        [("puch", Realm::Puch), ("penpal", Realm::PenPal), ("whatsapp", Realm::WhatsApp)]
    {
        assert_eq!(line(&all, name), format!("{name} {}", code(realm)));
    }
    let empty = run(&folder.0, &["code"], &variables);
    assert_eq!(empty.status.code(), Some(1), "standard input is empty");
    let random = run(&folder.0, &["code", "919876543210"], &[]);
    assert_eq!(random.status.code(), Some(1));
    let problem = String::from_utf8_lossy(&random.stderr).into_owned();
    assert!(problem.contains("random key at each start") && !problem.contains("9198"), "{problem}");
}

#[tokio::test]
async fn config_warnings_are_logged_at_the_start() {
    let mut server = tokio::process::Command::new(BINARY)
        .env_clear()
        .envs([("PORT", "0"), ("ADMIN_TOKE", "secret-1"), ("ADMIN_TOKEN", "secret-2")])
        .current_dir(std::env::temp_dir())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the binary starts");
    let mut lines = BufReader::new(server.stderr.take().expect("standard error")).lines();
    let log = tokio::time::timeout(TEST_TIMEOUT, async {
        let mut log = String::new();
        while !log.contains("listening") {
            log += &lines.next_line().await.expect("a line").expect("the server runs");
        }
        log
    });
    let log = log.await.expect("in time");
    assert!(log.contains("the variable ADMIN_TOKE is not a setting"), "{log}");
    assert!(
        log.contains("ADMIN_TOKEN is too short to be safe") && !log.contains("secret-"),
        "{log}"
    );
}
