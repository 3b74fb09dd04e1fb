//! The official Python client against the real server; its steps are in `tests/python/agents.py`.

use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;
use tokio::time::timeout;

use crate::support::server::{TEST_TIMEOUT, TOKEN, TestServer};
use random_connect::transport::http::limits::ConnectionLimits;

#[tokio::test]
async fn python_client_receives_messages_on_every_transport() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join("target/python/bin/python");
    assert!(python.exists(), "the Python client is not installed: run `make tools`");
    let server =
        TestServer::with(&[("TOOLSETS", "connect,penpal")], ConnectionLimits::default()).await;
    let run = Command::new(python)
        .arg(root.join("tests/python/agents.py"))
        .args([&server.url, TOKEN])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(4 * TEST_TIMEOUT, run).await.expect("in time").expect("Python starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
