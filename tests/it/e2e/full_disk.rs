//! A moderation store whose disk is full: the binary with a limit on the size of its files, which
//! fails writes in the same way.

use std::path::Path;
use std::process::Stdio;

use reqwest::StatusCode;
use rlimit::{INFINITY, Resource};
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::support::server::{TEST_TIMEOUT, TOKEN, fetch_json, http_client};

/// The binary with a moderation store in a file.
struct StoreProcess {
    process: Child,
    url: String,
}

impl StoreProcess {
    async fn start(folder: &Path) -> Self {
        // The signal of the limit would end the process; ignored, writes fail instead.
        let script = "trap '' XFSZ; exec \"$0\"";
        let mut process = Command::new("sh")
            .args(["-c", script, env!("CARGO_BIN_EXE_random-connect")])
            .env_clear()
            .current_dir(folder)
            .envs([("AUTH_TOKEN", TOKEN), ("HOST", "127.0.0.1"), ("PORT", "0")])
            .envs([("STATE_DB", "sqlite:state.db"), ("ID_SALT", "a salt of some length")])
            .envs([("INBOX_KEY", "ab".repeat(32).as_str()), ("NOTICE", "off")])
            .envs([("REAP_INTERVAL_SECS", "1"), ("RATE_LIMITS", "off")])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the binary starts");
        let mut line = String::new();
        let stdout = process.stdout.take().expect("standard output");
        let read = timeout(TEST_TIMEOUT, BufReader::new(stdout).read_line(&mut line)).await;
        read.expect("in time").expect("a line");
        let url =
            line.split_whitespace().find(|word| word.starts_with("http")).expect("an address");
        Self { url: url.to_owned(), process }
    }

    /// Limits the size of the files that the process writes, in bytes.
    fn limit_files(&self, bytes: u64) {
        let id = self.process.id().expect("the process runs").try_into().expect("a process id");
        rlimit::prlimit(id, Resource::FSIZE, Some((bytes, INFINITY)), None).expect("a limit");
    }

    async fn say(&self, user: &str, message: &str) -> String {
        let params = json!({ "message": message, "puch_user_id": user });
        let body = json!({ "method": "handle_message", "params": params }).to_string();
        let request = http_client().post(&self.url).bearer_auth(TOKEN).body(body);
        let (status, body) = fetch_json(request).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        body["result"].as_str().expect("a text").to_owned()
    }

    async fn meet(&self, user: &str) -> bool {
        self.say(user, "#meet").await.contains("Connected!")
    }
}

#[tokio::test]
async fn full_disk_still_separates_users_and_says_what_may_not_last() {
    let folder = TempDir::new().expect("a folder");
    let server = StoreProcess::start(folder.path()).await;
    server.meet("ann").await;
    assert!(server.meet("ben").await);
    server.say("ben", "you are stupid").await;
    server.limit_files(0);
    let answer = server.say("ann", "#block").await;
    assert!(answer.contains("The chat is over."), "{answer}");
    assert!(answer.contains("this block may not last"), "{answer}");
    let answer = server.say("ann", "#report abuse").await;
    assert!(answer.contains("this block may not last") && answer.contains("Blocked"), "{answer}");
    assert!(server.say("ben", "#m").await.contains("Your partner left"));
    server.meet("ann").await;
    assert!(!server.meet("ben").await, "the two are kept apart");

    // With space again, the next purge saves the block, which then survives a kill.
    server.limit_files(INFINITY);
    timeout(TEST_TIMEOUT, wait_for_blocks(folder.path())).await.expect("the block is saved");
    drop(server);
    let server = StoreProcess::start(folder.path()).await;
    server.meet("ann").await;
    assert!(!server.meet("ben").await, "the block is saved");
}

/// Waits until the database has blocks.
async fn wait_for_blocks(folder: &Path) {
    let address = format!("sqlite:{}", folder.join("state.db").display());
    let pool = sqlx::SqlitePool::connect(&address).await.expect("the database");
    let count = "SELECT COUNT(*) FROM blocks";
    while sqlx::query_scalar::<_, i64>(count).fetch_one(&pool).await.expect("a count") == 0 {}
}
