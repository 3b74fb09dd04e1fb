//! Log privacy: a busy run at level `trace` logs no text, id, number or token.
//!
//! To guard another value, add it to [`SECRETS`] and use it in a run.

use std::process::Stdio;

use random_connect::kernel::clock::{Clock, SystemClock};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::support::auth_service::AuthServiceStandIn;
use crate::support::credit_service::{CreditServiceStandIn, SERVICE_TOKEN, ServiceFault};
use crate::support::gateway_socket::GatewaySocket;
use crate::support::graph_api::{
    FailureMode, GraphStandIn, PHONE_NUMBER_ID, StandIn, TOKEN, signature,
};
use crate::support::openid_provider::{OpenIdProvider, SigningKey};
use crate::support::server::{TEST_TIMEOUT, http_client};
use crate::support::temp_database::TempDatabase;
use crate::support::tokens::jwt;

/// Values that no output may contain.
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

/// Standard output of the server.
type Output = BufReader<tokio::process::ChildStdout>;

/// Starts the binary at level `trace` with these settings; returns it, its URL and its output.
async fn start(settings: &[(&str, &str)]) -> (Child, String, Output) {
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
        .envs(settings.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the binary starts");
    let mut stdout = BufReader::new(server.stdout.take().expect("standard output"));
    let mut line = String::new();
    tokio::time::timeout(TEST_TIMEOUT, stdout.read_line(&mut line))
        .await
        .expect("in time")
        .expect("a line");
    let url =
        line.trim().strip_prefix("Random Connect listens on ").expect("the address").to_owned();
    (server, url, stdout)
}

#[tokio::test]
async fn log_holds_no_text_id_number_or_token() {
    let (server, url, stdout) = start(&[]).await;
    let http = http_client();
    let post = |body: String| http.post(&url).bearer_auth(SECRETS[0]).body(body).send();
    let messages = [
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
    for (index, (user, message)) in messages.into_iter().enumerate() {
        for (form, framed) in [false, true].into_iter().enumerate() {
            let key = format!("{}-{index}-{form}", SECRETS[7]);
            let params = json!({ "message": message, "puch_user_id": user, "message_id": key });
            let call = json!({ "name": "handle_message", "arguments": params });
            let body = if framed {
                json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call })
            } else {
                json!({ "method": "handle_message", "params": params })
            };
            post(body.to_string()).await.expect("a response");
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
        post(body.to_string()).await.expect("a response");
    }
    let stats = post(r#"{"method": "get_stats"}"#.to_owned()).await.expect("a response");
    let stats: Value = stats.json().await.expect("JSON");
    assert!(
        stats["result"]["messages_relayed"].as_u64() >= Some(6),
        "too few messages were relayed: {stats}"
    );
    for invalid in [
        "{\"elephants\"",
        "[\"elephants\"]",
        "{\"jsonrpc\":\"elephants\"}",
        "{\"method\":\"elephants\",\"params\":{}}",
    ] {
        post(invalid.to_owned()).await.expect("a response");
    }
    http.post(&url).bearer_auth("elephants").body("elephants").send().await.expect("a response");
    let metrics = http
        .get(url.replace("/mcp", "/metrics"))
        .bearer_auth(SECRETS[0])
        .send()
        .await
        .expect("a response");
    let metrics = metrics.text().await.expect("text");
    let (stdout, log) = stop(server, stdout).await;
    for secret in SECRETS {
        for output in [&log, &stdout, &metrics] {
            assert!(!output.contains(secret), "{secret} leaked");
        }
    }
}

/// Stops the server; returns its standard output and its log.
async fn stop(mut server: Child, mut stdout: Output) -> (String, String) {
    let id = server.id().expect("the server runs").to_string();
    let killed = Command::new("kill").args(["-TERM", &id]).status().await.expect("`kill` runs");
    assert!(killed.success());
    let status = tokio::time::timeout(TEST_TIMEOUT, server.wait())
        .await
        .expect("in time")
        .expect("a status");
    assert_eq!(status.code(), Some(0), "SIGTERM is a normal shutdown");
    let mut output = String::new();
    stdout.read_to_string(&mut output).await.expect("output");
    let mut log = String::new();
    server.stderr.take().expect("standard error").read_to_string(&mut log).await.expect("the log");
    assert!(
        log.contains("\"level\":\"DEBUG\"") && log.contains("\"user\":"),
        "calls must be logged: {log}"
    );
    (output, log)
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
    let (server, url, stdout) = start(&settings).await;
    let (http, webhook) = (http_client(), url.replace("/mcp", "/webhooks/whatsapp"));
    let write = async |from: &str, text: &str| {
        let text = json!({ "body": text });
        let message =
            json!({ "from": from, "id": format!("wamid.{from}"), "type": "text", "text": text });
        let value =
            json!({ "messages": [message], "contacts": [{ "profile": { "name": "elephants" } }] });
        let body = json!({ "entry": [{ "changes": [{ "value": value }] }] }).to_string();
        let signature = signature("app-secret-0815", body.as_bytes());
        let request = http.post(&webhook).header("X-Hub-Signature-256", signature).body(body);
        request.send().await.expect("a response").status()
    };
    for failure in [FailureMode::Code(400, 100), FailureMode::Code(401, 190), FailureMode::Drop] {
        graph.server.fail([failure]);
        let from = format!("91987650001{}", graph.server.failed().len());
        assert_eq!(write(&from, "#nick elephants").await, 200);
        while !graph.server.has_failed() {
            tokio::task::yield_now().await;
        }
    }
    bridge.fail([FailureMode::Status(500)]);
    for (user, message) in [("ann-raw-id-4711", "#meet"), ("ben-raw-id-4712", "#meet")] {
        let params = json!({ "puch_user_id": user, "message": message });
        let body = json!({ "method": "handle_message", "params": params }).to_string();
        http.post(&url).bearer_auth(SECRETS[0]).body(body).send().await.expect("a response");
    }
    bridge.next().await;
    assert_eq!(write("919876500019", "call 9876543210").await, 200);
    graph.until("919876500019", "#meet").await;
    http.get(format!("{webhook}?hub.verify_token=verify-me-please"))
        .send()
        .await
        .expect("a response");
    let (stdout, log) = stop(server, stdout).await;
    assert!(log.contains("the WhatsApp API denied access"), "{log}");
    let channel_secrets =
        ["91987650001", "wamid", "graph-token", "verify-me", "app-secret", "callback-secret"];
    for secret in SECRETS.iter().chain(&channel_secrets) {
        assert!(!log.contains(secret) && !stdout.contains(secret), "{secret} leaked");
    }
}

#[tokio::test]
async fn log_holds_no_signed_token_and_no_owner() {
    let (key, foreign) = (SigningKey::rsa("key-id-0815", 0), SigningKey::rsa("key-id-4711", 1));
    let provider = OpenIdProvider::start(&[&key]).await;
    let (secret, public_url) = ("a-jwt-secret-0815-of-32-bytes-or-more", "https://chat.example");
    let settings = [
        ("JWT_SECRET", secret),
        ("JWT_ISSUER", "issuer-0815"),
        ("OIDC_ISSUER", &*provider.url),
        ("PUBLIC_URL", public_url),
        ("FIREBASE_PROJECT_ID", "chat-0815"),
        // Nothing listens there, so that no request leaves this machine.
        ("HTTPS_PROXY", "http://127.0.0.1:1"),
    ];
    let (server, url, stdout) = start(&settings).await;
    let now = SystemClock::new().now().as_millis() / 1_000;
    let claims = |issuer: &str, exp: u64| {
        json!({
            "iss": issuer, "aud": [public_url, "chat-0815"], "sub": "elephants",
            "scope": "connect:write", "exp": exp,
        })
    };
    let firebase = "https://securetoken.google.com/chat-0815";
    let tokens = [
        jwt(secret, &claims("issuer-0815", now + 60)),
        jwt(secret, &claims("issuer-0815", now - 60)),
        jwt(secret, &claims("Zanzibar", now + 60)),
        jwt("another-secret-of-32-bytes-or-more", &claims("issuer-0815", now + 60)),
        key.sign(&claims(&provider.url, now + 60)),
        foreign.sign(&claims(&provider.url, now + 60)),
        foreign.sign(&claims(firebase, now + 60)),
        "elephants.elephants.elephants".to_owned(),
    ];
    let http = http_client();
    let mut statuses = Vec::new();
    for token in &tokens {
        let body = r##"{"method": "handle_message", "params": {"message": "#meet"}}"##;
        let request = http.post(&url).bearer_auth(token).body(body);
        statuses.push(request.send().await.expect("a response").status().as_u16());
    }
    assert_eq!(statuses, [200, 401, 401, 401, 200, 401, 503, 401]);
    let (stdout, log) = stop(server, stdout).await;
    assert!(log.contains("the keys of the provider can't be fetched"), "{log}");
    let parts = tokens.iter().flat_map(|token| token.split('.'));
    let hidden = [secret, "elephants", "Zanzibar", "issuer-0815", "key-id", "securetoken"];
    for secret in parts.chain(hidden) {
        assert!(!log.contains(secret) && !stdout.contains(secret), "{secret} leaked");
    }
}

#[tokio::test]
async fn log_holds_no_token_of_an_address_and_none_of_a_service() {
    let secret = "a-jwt-secret-0815-of-32-bytes-or-more";
    let exp = SystemClock::new().now().as_millis() / 1_000 + 60;
    let token = jwt(secret, &json!({ "sub": "ann-raw-id-4711", "exp": exp }));
    for switch in ["on", "off"] {
        let credit = CreditServiceStandIn::start(&[("ann-raw-id-4711", 1_000_000)]).await;
        let auth = AuthServiceStandIn::start().await;
        let folder = TempDatabase::new();
        let database = format!("sqlite:{}", folder.file().display());
        let mut settings = vec![
            ("TOOLSETS", "connect,gateway"),
            ("JWT_SECRET", secret),
            ("DATABASE_URL", &database),
            ("GATEWAY_QUERY_TOKEN", switch),
        ];
        settings.extend(credit.settings());
        settings.extend(auth.settings());
        let (server, url, stdout) = start(&settings).await;
        let base = url.trim_end_matches("/mcp");
        let address = base.trim_start_matches("http://");
        let path = format!("/gateway?a=b&token={token}");
        match GatewaySocket::try_open(address, &path, &[]).await {
            Ok((mut socket, _)) => {
                assert_eq!(switch, "on");
                for fault in [ServiceFault::Status(500), ServiceFault::Text("elephants")] {
                    credit.books.fail_checks(fault);
                    socket.send(&json!({ "type": "balance" })).await;
                    assert_eq!(
                        socket.next_of("error").await["error"]["code"],
                        "LEDGER_UNAVAILABLE"
                    );
                }
            }
            Err((status, _)) => assert_eq!((switch, status), ("off", 401)),
        }
        let invalid = GatewaySocket::try_open(address, "/gateway?token=elephants", &[]).await;
        assert_eq!(invalid.err().expect("a refusal").0, 401);
        let http = http_client();
        for path in ["/gateway/health", "/gateway", "/v1/models", "/mcp", "/nowhere", "/"] {
            let address = format!("{base}{path}?token={token}");
            http.get(address).send().await.expect("a response");
        }
        let body = json!({ "method": "handle_message", "params": { "message": "#meet", "puch_user_id": "x" } });
        http.post(&url).bearer_auth(SECRETS[0]).body(body.to_string()).send().await.expect("sent");
        let (stdout, log) = stop(server, stdout).await;
        assert_eq!(log.contains("a service failed"), switch == "on", "{log}");
        let hidden = [secret, SERVICE_TOKEN, "ann-raw-id-4711", "elephants", "token="];
        for secret in token.split('.').chain(hidden) {
            assert!(!log.contains(secret) && !stdout.contains(secret), "{secret} leaked: {log}");
        }
    }
}
