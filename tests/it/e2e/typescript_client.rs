//! The official TypeScript client against the real server; its steps are in `tests/interop/clients/journey.mjs`.
//! `make interop` runs more clients, over every transport.

use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;
use tokio::time::timeout;

use super::penpal::server;
use crate::support::server::{TEST_TIMEOUT, TOKEN};

#[tokio::test]
async fn typescript_client_chats_in_a_session() {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("target");
    let script = target.join("typescript/src/clients/typescript_2.mjs");
    assert!(script.exists(), "the TypeScript client is not installed: run `make tools`");
    let server = server().await;
    let run = Command::new(target.join("node/bin/node"))
        // Packages are beside the link to the script, and not beside the script.
        .args(["--preserve-symlinks", "--preserve-symlinks-main"])
        .arg(script)
        .arg("session")
        .env("SERVER_URL", &server.url)
        .env("TOKEN", TOKEN)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(4 * TEST_TIMEOUT, run).await.expect("in time").expect("Node starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
