//! A busy run with everything logged: nothing of what people said or who they are is in it.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::support::graph_api::{
    FailureMode, GraphStandIn, PHONE_NUMBER_ID, StandIn, TOKEN, signature,
};
use crate::support::server::{TEST_TIMEOUT, http_client};

const SECRETS: [&str; 8] = [
    "a-very-secret-token",
    "919876500001",
    "ann-raw-id-4711",
    "ben-raw-id-4712",
    "elephants",
    "9876543210",
    "Zanzibar",
    "message-key-0815",
];

type Output = BufReader<tokio::process::ChildStdout>;

/// The real binary with everything logged, and these settings besides; returns it and the URL it announced.
async fn start(more: &[(&str, &str)]) -> (Child, String, Output) {
    let mut server = Command::new(env!("CARGO_BIN_EXE_random-connect"))
        .env_clear()
        .current_dir(std::env::temp_dir())
        .envs([
            ("AUTH_TOKEN", SECRETS[0]),
            ("MY_NUMBER", SECRETS[1]),
            ("HOST", "127.0.0.1"),
            ("PORT", "0"),
            ("RATE_LIMITS", "off"),
        ])
        .envs([
            ("TOOLSETS", "connect,penpal"),
            ("LOG_LEVEL", "trace"),
            ("RUST_LOG", "trace"),
            ("LOG_FORMAT", "json"),
            ("REAP_INTERVAL_SECS", "1"),
        ])
        .envs(more.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the binary starts");
    let mut out = BufReader::new(server.stdout.take().expect("its output"));
    let mut line = String::new();
    tokio::time::timeout(TEST_TIMEOUT, out.read_line(&mut line))
        .await
        .expect("in time")
        .expect("a line");
    let url =
        line.trim().strip_prefix("Random Connect listens on ").expect("the address").to_owned();
    (server, url, out)
}

#[tokio::test]
async fn log_holds_no_text_id_number_or_token() {
    let (server, url, out) = start(&[]).await;
    let http = http_client();
    let post = |body: String| http.post(&url).bearer_auth(SECRETS[0]).body(body).send();
    let steps = [
        ("ann-raw-id-4711", "#meet"),
        ("ben-raw-id-4712", "#nick Zanzibar"),
        ("ben-raw-id-4712", "#meet"),
        ("ann-raw-id-4711", "I like elephants"),
        ("ben-raw-id-4712", "call 9876543210"),
        ("ben-raw-id-4712", "#hide"),
        ("ben-raw-id-4712", "call 9876543210"),
        ("ann-raw-id-4711", "#again"),
        ("", "elephants"),
    ];
    for (step, (who, message)) in steps.into_iter().enumerate() {
        for (form, framed) in [false, true].into_iter().enumerate() {
            let key = format!("{}-{step}-{form}", SECRETS[7]);
            let params = json!({ "message": message, "puch_user_id": who, "message_id": key });
            let call = json!({ "name": "handle_message", "arguments": params });
            let body = if framed {
                json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call })
            } else {
                json!({ "method": "handle_message", "params": params })
            };
            post(body.to_string()).await.expect("an answer");
        }
    }
    for (tool, arguments) in [
        ("enter_queue", json!({ "user_id": "ann-raw-id-4711", "interests": ["elephants"] })),
        (
            "enter_queue",
            json!({ "user_id": "ben-raw-id-4712", "display_name": "Zanzibar", "interests": ["elephants"] }),
        ),
        (
            "send_message",
            json!({ "user_id": "ann-raw-id-4711", "room_id": "elephants", "message": "elephants" }),
        ),
        ("rejoin", json!({ "user_id": "ann-raw-id-4711" })),
        (
            "wait_for_message",
            json!({ "user_id": "ben-raw-id-4712", "timeout_seconds": "elephants" }),
        ),
        ("resources/read", json!({ "uri": "penpal://inbox/ann-raw-id-4711" })),
    ] {
        let (method, params) = if tool.contains('/') {
            (tool, arguments)
        } else {
            ("tools/call", json!({ "name": tool, "arguments": arguments }))
        };
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        post(body.to_string()).await.expect("an answer");
    }
    let stats = post(r#"{"method": "get_stats"}"#.to_owned()).await.expect("an answer");
    let stats: Value = stats.json().await.expect("JSON");
    assert!(stats["result"]["messages_relayed"].as_u64() >= Some(6), "the run was busy: {stats}");
    for broken in [
        "{\"elephants\"",
        "[\"elephants\"]",
        "{\"jsonrpc\":\"elephants\"}",
        "{\"method\":\"elephants\",\"params\":{}}",
    ] {
        post(broken.to_owned()).await.expect("an answer");
    }
    http.post(&url).bearer_auth("elephants").body("elephants").send().await.expect("an answer");
    let metrics = http
        .get(url.replace("/mcp", "/metrics"))
        .bearer_auth(SECRETS[0])
        .send()
        .await
        .expect("an answer");
    let said = metrics.text().await.expect("text");
    let (said, log) = stop(server, out, said).await;
    for secret in SECRETS {
        assert!(!log.contains(secret) && !said.contains(secret), "{secret} leaked");
    }
}

/// Ends the server; returns all it said and all it logged.
async fn stop(mut server: Child, mut out: Output, mut said: String) -> (String, String) {
    let id = server.id().expect("it runs").to_string();
    let told = Command::new("kill").args(["-TERM", &id]).status().await.expect("kill");
    assert!(told.success());
    let ended = tokio::time::timeout(TEST_TIMEOUT, server.wait())
        .await
        .expect("in time")
        .expect("its status");
    assert_eq!(ended.code(), Some(0), "SIGTERM ends it well");
    out.read_to_string(&mut said).await.expect("output");
    let mut log = String::new();
    server.stderr.take().expect("its log").read_to_string(&mut log).await.expect("log");
    assert!(
        log.contains("\"level\":\"DEBUG\"") && log.contains("\"user\":"),
        "calls are logged: {log}"
    );
    (said, log)
}

#[tokio::test]
async fn log_holds_no_channel_data() {
    let (mut graph, mut bridge) = (GraphStandIn::start().await, StandIn::start().await);
    let (base, callback) =
        (format!("{}/v23.0", graph.server.url), format!("{}/Zanzibar", bridge.url));
    let settings = [
        ("WHATSAPP_TOKEN", TOKEN),
        ("WHATSAPP_PHONE_NUMBER_ID", PHONE_NUMBER_ID),
        ("WHATSAPP_VERIFY_TOKEN", "verify-me-please"),
        ("WHATSAPP_APP_SECRET", "app-secret-0815"),
        ("WHATSAPP_API_BASE", &base),
        ("CALLBACK_URL", &callback),
        ("CALLBACK_SECRET", "callback-secret-0815"),
    ];
    let (server, url, out) = start(&settings).await;
    let (http, hook) = (http_client(), url.replace("/mcp", "/webhooks/whatsapp"));
    let write = async |from: &str, text: &str| {
        let text = json!({ "body": text });
        let message =
            json!({ "from": from, "id": format!("wamid.{from}"), "type": "text", "text": text });
        let value =
            json!({ "messages": [message], "contacts": [{ "profile": { "name": "elephants" } }] });
        let body = json!({ "entry": [{ "changes": [{ "value": value }] }] }).to_string();
        let signature = signature("app-secret-0815", body.as_bytes());
        let request = http.post(&hook).header("X-Hub-Signature-256", signature).body(body);
        request.send().await.expect("an answer").status()
    };
    for trouble in [FailureMode::Code(400, 100), FailureMode::Code(401, 190), FailureMode::Drop] {
        graph.server.fail([trouble]);
        let from = format!("91987650001{}", graph.server.failed().len());
        assert_eq!(write(&from, "#nick elephants").await, 200);
        while !graph.server.has_failed() {
            tokio::task::yield_now().await;
        }
    }
    bridge.fail([FailureMode::Status(500)]);
    for (who, message) in [("ann-raw-id-4711", "#meet"), ("ben-raw-id-4712", "#meet")] {
        let params = json!({ "puch_user_id": who, "message": message });
        let body = json!({ "method": "handle_message", "params": params }).to_string();
        http.post(&url).bearer_auth(SECRETS[0]).body(body).send().await.expect("an answer");
    }
    bridge.next().await;
    assert_eq!(write("919876500019", "call 9876543210").await, 200);
    graph.until("919876500019", "#meet").await;
    http.get(format!("{hook}?hub.verify_token=verify-me-please")).send().await.expect("an answer");
    let (said, log) = stop(server, out, String::new()).await;
    assert!(log.contains("the WhatsApp API denied access"), "{log}");
    let numbers =
        ["91987650001", "wamid", "graph-token", "verify-me", "app-secret", "callback-secret"];
    for secret in SECRETS.iter().chain(&numbers) {
        assert!(!log.contains(secret) && !said.contains(secret), "{secret} leaked");
    }
}
