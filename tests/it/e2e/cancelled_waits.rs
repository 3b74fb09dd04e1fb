//! Cancelled waits: a `wait_for_message` whose client has cancelled it or is gone ends immediately.

use random_connect::transport::http::limits::ConnectionLimits;
use serde_json::json;
use tokio::task::yield_now;
use tokio::time::timeout;

use super::http_limits::{connect, head};
use super::penpal::{server, server_with};
use crate::support::live_client::{LIVE_TRANSPORTS, LiveClient};
use crate::support::server::{TEST_TIMEOUT, TestServer};

/// Longer than [`TEST_TIMEOUT`], so that a test fails if a wait does not end early.
const WAIT_SECS: u32 = 60;

/// Waits until this number of waits has ended.
async fn until_ended(server: &TestServer, waits: usize) {
    let ended = async {
        loop {
            let metrics = server.metrics().await;
            let counts = metrics.lines().filter_map(|line| {
                let rest = line.strip_prefix("random_connect_tool_calls_total{")?;
                rest.contains("wait_for_message").then(|| rest.rsplit_once(' '))?
            });
            let count: f64 = counts.map(|(_, count)| count.parse::<f64>().expect("a count")).sum();
            if count >= f64::from(u32::try_from(waits).expect("few waits")) {
                return;
            }
            yield_now().await;
        }
    };
    timeout(TEST_TIMEOUT, ended).await.expect("the waits end in time");
}

#[tokio::test]
async fn wait_for_message_ends_when_the_client_cancels_it() {
    let server = server().await;
    for (ended, transport) in (1..).zip(LIVE_TRANSPORTS) {
        let mut agent = LiveClient::connect(&server, transport).await;
        agent.enter(json!({})).await;
        let arguments = json!({ "user_id": agent.user_id, "timeout_seconds": WAIT_SECS });
        agent.call_and_cancel("wait_for_message", arguments).await;
        until_ended(&server, ended).await;
        agent.enter(json!({})).await;
    }
}

#[tokio::test]
async fn wait_for_message_ends_when_its_connection_closes() {
    let server = server_with(&[], ConnectionLimits::default()).await;
    server.say("ann", "#meet").await;
    let arguments = json!({ "user_id": "ann", "timeout_seconds": WAIT_SECS });
    let params = json!({ "name": "wait_for_message", "arguments": arguments, "_meta": {} });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let body = body.to_string();
    let connection = connect(&server, &format!("{}{body}", head(body.len()))).await;
    // Once a call on a newer connection is answered, this one has been read.
    server.say("ben", "#who").await;
    drop(connection);
    until_ended(&server, 1).await;
}
