//! The official Python client against the real server; its steps are in `tests/python`.

use std::path::Path;
use std::process::Stdio;

use random_connect::app::toolsets::TOOLSETS;
use random_connect::transport::http::limits::ConnectionLimits;
use tokio::process::Command;
use tokio::time::timeout;

use crate::support::server::{TEST_TIMEOUT, TOKEN, TestServer};
use crate::support::temp_database::TempDatabase;
use crate::tally::TALLY;

/// Executes a script of `tests/python` with the address of the server and a token.
async fn run(script: &str, server: &TestServer, token: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join("target/python/bin/python");
    assert!(python.exists(), "the Python client is not installed: run `make tools`");
    let run = Command::new(python)
        .arg(root.join("tests/python").join(script))
        .args([&server.url, token])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(4 * TEST_TIMEOUT, run).await.expect("in time").expect("Python starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn python_client_receives_messages_on_every_transport() {
    let server =
        TestServer::with(&[("TOOLSETS", "connect,penpal")], ConnectionLimits::default()).await;
    run("agents.py", &server, TOKEN).await;
}

#[tokio::test]
async fn python_client_confirms_a_removal_on_every_transport() {
    const ANN: &str = "a-token-that-belongs-to-ann";
    let folder = TempDatabase::new();
    let url = format!("sqlite:{}", folder.file().display());
    let settings = [
        ("TOOLSETS", "connect,tally"),
        ("OWNER", "ann"),
        ("OWNER_TOKEN", ANN),
        ("DATABASE_URL", &url),
    ];
    let server = TestServer::with_table(&settings, &[TOOLSETS, &[TALLY]].concat()).await;
    run("confirmation.py", &server, ANN).await;
}
