//! The webhook of WhatsApp: signatures, Meta's challenge, redelivery, order and media.
//!
//! Messages from the server to WhatsApp are tested in `whatsapp.rs`.

use std::time::Duration;

use random_connect::kernel::clock::Clock;
use reqwest::StatusCode;
use serde_json::json;

use super::whatsapp::{ANN, APP_SECRET, BEN, WhatsAppFixture, webhook_body, word};
use crate::support::graph_api::{TOKEN, signature};
use crate::support::server::{TestServer, http_client};

#[tokio::test]
async fn webhook_redelivery_is_handled_once() {
    let mut fixture = WhatsAppFixture::start().await;
    fixture.pair().await;
    let [one, two] = [fixture.message(ANN, "one"), fixture.message(ANN, "two")];
    fixture.deliver(&json!([one])).await;
    fixture.deliver(&json!([one, two])).await;
    fixture.deliver(&json!([two, one])).await;
    // Longer than the lobby stores idempotency keys, which is ten minutes.
    fixture.server.clock.advance(Duration::from_secs(1_200));
    fixture.deliver(&json!([one])).await;
    let three = fixture.message(ANN, "three");
    fixture.deliver(&json!([three])).await;
    let read = fixture.graph.until(BEN, "three").await;
    let received: Vec<_> = read.lines().filter_map(|line| line.split(": ").nth(1)).collect();
    assert_eq!(received, ["one", "two", "three"]);
}

#[tokio::test]
async fn webhook_messages_are_handled_in_order() {
    let mut fixture = WhatsAppFixture::start().await;
    fixture.pair().await;
    let texts: Vec<String> = (0..40).map(word).collect();
    let messages: Vec<_> = texts.iter().map(|text| fixture.message(ANN, text)).collect();
    for part in messages.chunks(8) {
        fixture.deliver(&json!(part)).await;
    }
    let read = fixture.graph.until(BEN, &texts[39]).await;
    let received: Vec<_> = read.lines().filter_map(|line| line.split(": ").nth(1)).collect();
    assert_eq!(received, texts);
}

#[tokio::test]
async fn webhook_requires_a_valid_signature() {
    let mut fixture = WhatsAppFixture::start().await;
    let message = fixture.message(ANN, "#meet");
    let forged = webhook_body(&json!([message])).to_string();
    let wrong = ["another", TOKEN].map(|secret| signature(secret, forged.as_bytes()));
    for wrong in ["", "sha256=", &wrong[0], &wrong[1], &signature(APP_SECRET, b"{}")] {
        let response = fixture.post(forged.clone(), wrong).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    }
    let url = format!("{}/webhooks/whatsapp", fixture.server.url);
    let unsigned = http_client().post(&url).body(forged).send().await.expect("a response");
    assert_eq!(unsigned.status(), StatusCode::UNAUTHORIZED);
    let large = " ".repeat(256 * 1024 + 1);
    let signed = signature(APP_SECRET, large.as_bytes());
    assert_eq!(fixture.post(large, &signed).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
    // The response is 200, because Meta repeats a rejected webhook for days.
    let invalid = signature(APP_SECRET, b"{broken");
    assert_eq!(fixture.post("{broken".to_owned(), &invalid).await.status(), StatusCode::OK);
    fixture.ask(ANN, "#help", "#meet").await;
    let (_, stats) = fixture.server.short_form("get_stats", json!({})).await;
    assert_eq!(stats["result"]["waiting_users"], 0, "forged messages are not handled");
    let metrics = fixture.server.metrics().await;
    for count in
        [r#"{outcome="unsigned"} 6"#, r#"{outcome="invalid"} 1"#, r#"{outcome="accepted"} 1"#]
    {
        assert!(metrics.contains(&format!("random_connect_webhooks_total{count}")), "{metrics}");
    }
}

#[tokio::test]
async fn webhook_challenge_requires_the_verify_token() {
    let fixture = WhatsAppFixture::start().await;
    let ask = async |query: &str| {
        let url = format!("{}/webhooks/whatsapp{query}", fixture.server.url);
        let response = http_client().get(url).send().await.expect("a response");
        (response.status(), response.text().await.expect("text"))
    };
    let valid = "?hub.mode=subscribe&hub.verify_token=verify-me&hub.challenge=1158201444";
    assert_eq!(ask(valid).await, (StatusCode::OK, "1158201444".to_owned()));
    for invalid in [
        "",
        "?hub.mode=subscribe&hub.challenge=1",
        &valid.replace("-me", "-you"),
        &valid.replace("subscribe", "x"),
    ] {
        assert_eq!(ask(invalid).await.0, StatusCode::FORBIDDEN, "{invalid}");
    }
}

#[tokio::test]
async fn webhook_is_absent_without_config() {
    let server = TestServer::start().await;
    let response = server.post("/webhooks/whatsapp").body("{}").send().await.expect("a response");
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn webhook_media_gets_a_text_only_reply() {
    let mut fixture = WhatsAppFixture::start().await;
    fixture.pair().await;
    let kind =
        |id: &str, kind: &str| json!({ "from": ANN, "id": id, "timestamp": "0", "type": kind });
    fixture.deliver(&json!([kind("a", "reaction"), kind("b", "unheard-of"), {}, 7])).await;
    let seconds = fixture.server.clock.now().as_millis() / 1_000;
    let mut image = kind("c", "image");
    image["timestamp"] = json!(seconds.to_string());
    fixture.deliver(&json!([image])).await;
    assert!(fixture.graph.next(ANN).await.starts_with("💡 Only text messages can be sent"));
    let statuses = json!({ "statuses": [{ "id": "x", "status": "read", "recipient_id": ANN }] });
    let body = json!({ "entry": [{ "changes": [{ "value": statuses }] }] }).to_string();
    let signed = signature(APP_SECRET, body.as_bytes());
    assert_eq!(fixture.post(body, &signed).await.status(), StatusCode::OK);
    fixture.write(ANN, "a text").await;
    assert!(fixture.graph.next(BEN).await.ends_with(": a text"));
}
