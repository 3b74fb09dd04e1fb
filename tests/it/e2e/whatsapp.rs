//! WhatsApp: chats of its users, and messages that the server sends to the Graph API.
//!
//! [`WhatsAppFixture`] plays both sides of Meta: the webhook and the API. Tests of the webhook
//! alone are in `webhook.rs`.

use std::sync::Arc;
use std::time::Duration;

use random_connect::kernel::clock::Clock;
use random_connect::transport::channels::outbound::SendPolicy;
use random_connect::transport::http::limits::ConnectionLimits;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::support::graph_api::{FailureMode, GraphStandIn, PHONE_NUMBER_ID, TOKEN, signature};
use crate::support::server::{TestServer, http_client};

/// The `WHATSAPP_APP_SECRET` that signs webhooks.
pub const APP_SECRET: &str = "app-secret-0815";
pub const ANN: &str = "919876500001";
pub const BEN: &str = "919876500002";

/// A send policy with short delays, so that tests are fast.
///
/// Only the timeout of an attempt is long, because the machine may be busy.
pub const FAST_POLICY: SendPolicy = SendPolicy {
    attempt_timeout: Duration::from_secs(2),
    per_user_interval: Duration::from_millis(5),
    global_interval: Duration::from_micros(100),
    initial_backoff: Duration::from_millis(5),
    max_backoff: Duration::from_millis(20),
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A server, the Graph API it uses, and Meta's side of the webhook.
pub struct WhatsAppFixture {
    pub server: TestServer,
    pub graph: GraphStandIn,
    /// Number of messages that users have written.
    sent: usize,
}

impl WhatsAppFixture {
    /// Starts a server that sends with [`FAST_POLICY`].
    pub async fn start() -> Self {
        Self::with(&[], FAST_POLICY).await
    }

    /// Starts a server with these settings and this send policy.
    pub async fn with(settings: &[(&str, &str)], policy: SendPolicy) -> Self {
        let graph = GraphStandIn::start().await;
        let base = format!("{}/v23.0", graph.server.url);
        let mut variables = vec![
            ("WHATSAPP_TOKEN", TOKEN),
            ("WHATSAPP_PHONE_NUMBER_ID", PHONE_NUMBER_ID),
            ("WHATSAPP_VERIFY_TOKEN", "verify-me"),
            ("WHATSAPP_APP_SECRET", APP_SECRET),
            ("WHATSAPP_API_BASE", base.as_str()),
        ];
        variables.extend(settings);
        let server =
            TestServer::with_send_policy(&variables, ConnectionLimits::default(), policy).await;
        Self { server, graph, sent: 0 }
    }

    /// Posts a webhook with this body and signature.
    pub async fn post(&self, body: String, signature: &str) -> Response {
        let request = http_client().post(format!("{}/webhooks/whatsapp", self.server.url));
        request
            .header("X-Hub-Signature-256", signature)
            .body(body)
            .send()
            .await
            .expect("a response")
    }

    /// Posts a signed webhook with these messages; asserts that it is accepted.
    pub async fn deliver(&self, messages: &Value) {
        let body = webhook_body(messages).to_string();
        let signature = signature(APP_SECRET, body.as_bytes());
        assert_eq!(self.post(body, &signature).await.status(), StatusCode::OK);
    }

    /// Creates a text message as Meta sends it.
    pub fn message(&mut self, from: &str, text: &str) -> Value {
        self.sent += 1;
        let seconds = self.server.clock.now().as_millis() / 1_000;
        json!({
            "from": from, "id": format!("wamid.{}", self.sent), "timestamp": seconds.to_string(),
            "type": "text", "text": { "body": text },
        })
    }

    /// Has a user write a message.
    pub async fn write(&mut self, from: &str, text: &str) {
        let message = self.message(from, text);
        self.deliver(&json!([message])).await;
    }

    /// Has a user write a message and wait for `reply`; returns the messages up to it.
    pub async fn ask(&mut self, from: &str, text: &str, reply: &str) -> String {
        self.write(from, text).await;
        self.graph.until(from, reply).await
    }

    /// Pairs Ann and Ben.
    pub async fn pair(&mut self) {
        self.ask(ANN, "#meet", "Looking for someone").await;
        self.ask(BEN, "#meet", "Connected!").await;
        self.graph.until(ANN, "Connected!").await;
    }

    /// Pairs Ann with Zoe, a user of Puch.
    async fn pair_with_puch(&mut self) {
        self.ask(ANN, "#meet", "Looking for someone").await;
        assert!(self.server.say("zoe", "#meet").await.contains("Connected!"));
        self.graph.until(ANN, "Connected!").await;
    }
}

/// Returns a word for a number up to 675.
///
/// A word, because the masker takes digits in a row of messages for a phone number.
pub fn word(number: u8) -> String {
    let letter = |number: u8| char::from(b'a' + number);
    format!("w{}{}", letter(number / 26), letter(number % 26))
}

/// Creates the body of a webhook.
pub fn webhook_body(messages: &Value) -> Value {
    let value = json!({
        "messaging_product": "whatsapp",
        "metadata": { "display_phone_number": "15550100123", "phone_number_id": PHONE_NUMBER_ID },
        "messages": messages,
    });
    let change = json!({ "field": "messages", "value": value });
    json!({ "object": "whatsapp_business_account", "entry": [{ "id": "1", "changes": [change] }] })
}

#[tokio::test]
async fn whatsapp_users_chat() {
    let mut fixture = WhatsAppFixture::start().await;
    fixture.pair().await;
    fixture.write(ANN, "hello Ben").await;
    let read = fixture.graph.until(BEN, "hello Ben").await;
    assert!(read.starts_with("💬 "), "{read}");
    fixture.write(BEN, "hello Ann").await;
    // A sent message is not confirmed, so the next one that Ann reads is Ben's.
    assert!(fixture.graph.next(ANN).await.ends_with(": hello Ann"));
    let reply = fixture.ask(ANN, "call 9876543210", "🔒").await;
    assert_eq!(reply.trim(), "🔒 Your message was sent with the phone number in it hidden.");
    assert!(fixture.graph.next(BEN).await.ends_with(": call [hidden]"));
    assert!(fixture.ask(ANN, "#m", "📭").await.contains("Nothing is waiting"));
    fixture.ask(BEN, "#bye", "Chat ended").await;
    fixture.graph.until(ANN, "Your partner left the chat").await;
}

#[tokio::test]
async fn whatsapp_user_chats_with_puch_user() {
    let mut fixture = WhatsAppFixture::start().await;
    fixture.pair_with_puch().await;
    for word in (0..5).map(word) {
        fixture.server.say("zoe", &format!("from Puch {word}")).await;
        fixture.graph.until(ANN, &format!("from Puch {word}")).await;
        fixture.write(ANN, &format!("from WhatsApp {word}")).await;
        // The reply shows that Ann's earlier message has been handled.
        fixture.ask(ANN, "#who", "chatting with").await;
        assert!(
            fixture.server.say("zoe", "#m").await.ends_with(&format!(": from WhatsApp {word}"))
        );
    }
    fixture.ask(ANN, "#bye", "Chat ended").await;
    assert!(fixture.server.say("zoe", "#m").await.contains("Your partner left"));
}

#[tokio::test]
async fn whatsapp_batches_pending_items_in_order() {
    let mut fixture = WhatsAppFixture::start().await;
    fixture.pair_with_puch().await;
    let gate = Arc::new(Semaphore::new(0));
    fixture.graph.server.fail([FailureMode::Hold(Arc::clone(&gate))]);
    let before = fixture.graph.messages;
    let texts: Vec<String> = (0..30).map(|number| format!("text {}", word(number))).collect();
    for text in &texts {
        fixture.server.say("zoe", text).await;
    }
    gate.add_permits(1);
    let read = fixture.graph.until(ANN, &texts[29]).await;
    let positions: Vec<_> = texts.iter().map(|text| read.find(text.as_str())).collect();
    assert!(positions.is_sorted() && positions.iter().all(Option::is_some), "{read}");
    assert_eq!(read.matches("text ").count(), 30, "each text once");
    assert!(fixture.graph.messages - before <= 4, "{} messages", fixture.graph.messages - before);
}

#[tokio::test]
async fn whatsapp_splits_long_texts() {
    let mut fixture = WhatsAppFixture::start().await;
    fixture.pair_with_puch().await;
    for number in 0..4 {
        fixture.server.say("zoe", &format!("{number}{}", "é".repeat(3_000))).await;
    }
    let read = fixture.graph.until(ANN, ": 3é").await;
    assert_eq!(read.matches('é').count(), 12_000);
}

#[tokio::test]
async fn whatsapp_api_failure_loses_nothing() {
    let policy = SendPolicy { attempt_timeout: Duration::from_millis(700), ..FAST_POLICY };
    let mut fixture = WhatsAppFixture::with(&[], policy).await;
    fixture.pair_with_puch().await;
    let failures = [
        FailureMode::Status(429),
        FailureMode::Status(500),
        FailureMode::Code(400, 131_056),
        FailureMode::Code(400, 130_429),
        FailureMode::Code(401, 190),
        FailureMode::Drop,
        FailureMode::Hang,
        FailureMode::Drop,
        FailureMode::Status(503),
    ];
    for (failure, number) in failures.into_iter().zip(0..) {
        fixture.graph.server.fail([failure]);
        let texts = ["first", "second"].map(|text| format!("{text} {}", word(number)));
        for text in &texts {
            fixture.server.say("zoe", text).await;
        }
        let read = fixture.graph.until(ANN, &texts[1]).await;
        assert!(fixture.graph.server.has_failed());
        assert!(read.find(&texts[0]) < read.find(&texts[1]), "{read}");
        assert_eq!(
            (read.matches("first").count(), read.matches("second").count()),
            (1, 1),
            "{read}"
        );
    }
    fixture.graph.server.fail([FailureMode::Hang, FailureMode::Drop, FailureMode::Status(500)]);
    fixture.ask(ANN, "#who", "chatting with").await;
    let metrics = fixture.server.metrics().await;
    let count = r#"random_connect_outbound_requests_total{channel="whatsapp",outcome="later"} "#;
    let (_, later) = metrics.split_once(count).expect("the metric");
    let later = later.lines().next().and_then(|value| value.parse::<u32>().ok());
    assert!(later >= Some(12), "{metrics}");
}

#[tokio::test]
async fn whatsapp_rejected_items_wait_for_the_next_message() {
    let mut fixture = WhatsAppFixture::start().await;
    fixture.pair_with_puch().await;
    fixture.graph.server.fail([FailureMode::Code(400, 131_047)]);
    fixture.server.say("zoe", "refused once").await;
    let rejected = r#"{channel="whatsapp",outcome="refused"} 1"#;
    while !fixture.server.metrics().await.contains(rejected) {}
    // Messages to another user are still sent.
    fixture.ask(BEN, "#help", "#meet").await;
    fixture.write(ANN, "#who").await;
    let first = fixture.graph.next(ANN).await;
    let positions = ["chatting with", "refused once"].map(|text| first.find(text));
    assert!(positions.is_sorted() && positions.iter().all(Option::is_some), "{first}");
}

#[tokio::test]
async fn whatsapp_messaging_window_closes_after_24_hours() {
    for (age_hours, hours) in [(0, 24), (23, 2)] {
        let mut fixture =
            WhatsAppFixture::with(&[("IDLE_TIMEOUT_SECS", "259200")], FAST_POLICY).await;
        fixture.pair_with_puch().await;
        // Meta may deliver a message late: the 24 hours begin when the user wrote it.
        let mut late = fixture.message(ANN, "#nick Star");
        let seconds = fixture.server.clock.now().as_millis() / 1_000;
        fixture.server.clock.advance(Duration::from_secs(age_hours * 3_600));
        late["timestamp"] = json!(seconds.to_string());
        fixture.deliver(&json!([late])).await;
        fixture.graph.until(ANN, "nickname is Star").await;
        fixture.server.clock.advance(Duration::from_secs(hours * 3_600));
        fixture.server.say("zoe", "too late").await;
        fixture.ask(BEN, "#help", "#meet").await;
        fixture.server.say("zoe", "later still").await;
        fixture.write(ANN, "#who").await;
        let first = fixture.graph.next(ANN).await;
        let positions = ["chatting with", "too late", "later still"].map(|text| first.find(text));
        assert!(positions.is_sorted() && positions.iter().all(Option::is_some), "{first}");
    }
}

#[tokio::test]
async fn whatsapp_messaging_window_ignores_a_jump_of_the_clock() {
    let mut fixture = WhatsAppFixture::start().await;
    fixture.pair_with_puch().await;
    let clock = Arc::clone(&fixture.server.clock);
    let now = clock.now();
    for (jumped, text) in [(now + 2 * DAY, "tomorrow"), (now, "today")] {
        clock.jump_to(jumped);
        assert!(fixture.server.say("zoe", text).await.contains("Message sent"));
        fixture.graph.until(ANN, text).await;
    }
}

#[tokio::test]
async fn whatsapp_user_without_a_number_is_reachable() {
    let mut fixture = WhatsAppFixture::start().await;
    let mut message = fixture.message("", "#help");
    let fields = message.as_object_mut().expect("an object");
    fields.remove("from");
    fields.insert("from_user_id".to_owned(), json!("IN.4711"));
    fixture.deliver(&json!([message])).await;
    fixture.graph.until("IN.4711", "#meet").await;
}

#[tokio::test]
async fn whatsapp_per_user_interval_does_not_delay_others() {
    let hour = Duration::from_secs(3_600);
    let mut fixture =
        WhatsAppFixture::with(&[], SendPolicy { per_user_interval: hour, ..FAST_POLICY }).await;
    fixture.ask(ANN, "#meet", "Looking for someone").await;
    fixture.server.say("zoe", "#meet").await;
    for number in 10..20 {
        fixture.ask(&format!("9198765001{number}"), "#help", "#meet").await;
    }
    assert_eq!(fixture.graph.messages, 11, "Ann gets only one message");
}
