//! The webhook of WhatsApp: signatures, Meta's challenge, redelivery, order and media.
//!
//! Messages from the server to WhatsApp are tested in `whatsapp.rs`.

use std::time::Duration;

use random_connect::kernel::clock::Clock;
use reqwest::StatusCode;
use serde_json::{Value, json};

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

/// Moves the time at which a message was sent into the past.
fn sent_before(message: &mut Value, seconds: u64) {
    let sent = message["timestamp"].as_str().and_then(|sent| sent.parse::<u64>().ok());
    let sent = sent.expect("a timestamp in seconds").saturating_sub(seconds);
    message["timestamp"] = json!(sent.to_string());
}

#[tokio::test]
async fn webhook_message_older_than_the_idle_time_has_no_effect() {
    let mut fixture = WhatsAppFixture::start().await;
    fixture.pair().await;
    let texts = ["from yesterday", "#bye", "#report abuse", "#nick Old"];
    let mut messages = texts.map(|text| fixture.message(ANN, text));
    for message in &mut messages {
        sent_before(message, 1_801);
    }
    for message in &messages {
        fixture.deliver(&json!([message])).await;
    }
    assert!(fixture.graph.next(ANN).await.starts_with("⚠️ What you wrote earlier arrived late"));
    let mut recent = fixture.message(ANN, "half an hour old");
    sent_before(&mut recent, 1_790);
    fixture.server.clock.advance(Duration::from_secs(5));
    let mut window_closed = fixture.message(ANN, "#bye");
    sent_before(&mut window_closed, 2 * 24 * 3_600);
    fixture.deliver(&json!([window_closed])).await;
    fixture.write(ANN, "now").await;
    let read = fixture.graph.until(BEN, "now").await;
    assert_eq!(read.lines().count(), 1, "{read}");
    assert!(fixture.ask(ANN, "#who", "chatting with").await.lines().count() == 1, "one answer");
}

#[tokio::test]
async fn webhook_message_from_before_the_chat_does_not_reach_its_partner() {
    let mut fixture = WhatsAppFixture::start().await;
    let texts = ["for my last partner", "#bye", "#again", "#block", "#report spam", "#ice", "#bad"];
    let messages = texts.map(|text| fixture.message(ANN, text));
    fixture.server.clock.advance(Duration::from_secs(10));
    fixture.pair().await;
    fixture.deliver(&json!(messages)).await;
    assert!(fixture.graph.next(ANN).await.starts_with("⚠️ What you wrote earlier arrived late"));
    fixture.write(ANN, "hello").await;
    assert!(fixture.graph.next(BEN).await.ends_with(": hello"));
    let who = fixture.ask(ANN, "#who", "chatting with").await;
    assert_eq!(who.trim().lines().count(), 1, "one answer to all: {who}");
}

#[tokio::test]
async fn webhook_leave_from_before_the_search_does_not_end_it() {
    let mut fixture = WhatsAppFixture::start().await;
    let leave = fixture.message(ANN, "#bye");
    fixture.server.clock.advance(Duration::from_secs(10));
    fixture.ask(ANN, "#meet", "Looking for someone").await;
    fixture.deliver(&json!([leave])).await;
    fixture.graph.until(ANN, "arrived late").await;
    fixture.ask(BEN, "#meet", "Connected!").await;
}

#[tokio::test]
async fn webhook_timestamp_in_the_future_or_missing_counts_as_now() {
    let mut fixture = WhatsAppFixture::start().await;
    fixture.pair().await;
    let timestamps =
        [json!("99999999999"), json!("18446744073709551615"), json!(null), json!("x"), json!(-1)];
    for (timestamp, number) in timestamps.into_iter().zip(0..) {
        let mut message = fixture.message(ANN, &word(number));
        message["timestamp"] = timestamp;
        fixture.deliver(&json!([message])).await;
        fixture.graph.until(BEN, &word(number)).await;
    }
}

#[tokio::test]
async fn webhook_informs_the_writer_of_content_that_is_not_relayed() {
    let mut fixture = WhatsAppFixture::start().await;
    fixture.pair().await;
    let cases = [
        (json!({ "type": "unsupported", "errors": [{ "code": 131_051 }] }), "Only text messages"),
        (
            json!({ "type": "edit", "edit": { "original_message_id": "x" } }),
            "Edits aren't passed on",
        ),
        (json!({ "type": "revoke", "revoke": {} }), "Deleting a message"),
        (
            json!({ "type": "reaction", "reaction": { "emoji": "👍" } }),
            "Reactions aren't passed on",
        ),
    ];
    for (fields, expected) in cases {
        let mut message = fixture.message(ANN, "");
        message
            .as_object_mut()
            .expect("an object")
            .extend(fields.as_object().cloned().expect("fields"));
        fixture.deliver(&json!([message])).await;
        let reply = fixture.graph.next(ANN).await;
        assert!(reply.contains(expected), "{expected}: {reply}");
    }
    // The second reaction has no reply, and an album one.
    for kind in ["reaction", "image", "image", "image"] {
        let mut message = fixture.message(ANN, "");
        message["type"] = json!(kind);
        message["reaction"] = json!({ "emoji": "😀" });
        fixture.deliver(&json!([message])).await;
    }
    let mut button = fixture.message(ANN, "");
    button["type"] = json!("button");
    button["button"] = json!({ "payload": "yes-17", "text": "Yes, gladly" });
    fixture.deliver(&json!([button])).await;
    assert!(fixture.graph.next(BEN).await.ends_with(": Yes, gladly"));
    assert!(fixture.graph.next(ANN).await.starts_with("💡 Only text messages"));
}

#[tokio::test]
async fn webhook_failed_delivery_is_repeated_once_the_user_writes() {
    let mut fixture = WhatsAppFixture::start().await;
    fixture.pair().await;
    fixture.write(ANN, "did not arrive").await;
    fixture.graph.until(BEN, "did not arrive").await;
    let fail = |id: String| {
        let status = json!({ "id": id, "status": "failed", "recipient_id": BEN,
            "errors": [{ "code": 131_047, "title": "Re-engagement message" }] });
        json!({ "entry": [{ "changes": [{ "value": { "statuses": [status] } }] }] }).to_string()
    };
    for attempt in 0..2 {
        let failed = fail(fixture.graph.last_id(BEN));
        let signed = signature(APP_SECRET, failed.as_bytes());
        // Meta may repeat a status.
        for _ in 0..2 {
            assert_eq!(fixture.post(failed.clone(), &signed).await.status(), StatusCode::OK);
        }
        fixture.write(BEN, "#who").await;
        let read = fixture.graph.until(BEN, "chatting with").await;
        assert_eq!(read.matches("did not arrive").count(), 1 - attempt, "{read}");
    }
}
