//! People who write to the operator's own number: webhooks go in signed as Meta's are, and what
//! people get comes out at a stand-in for the Graph API.

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

const APP_SECRET: &str = "app-secret-0815";
const ANN: &str = "919876500001";
const BEN: &str = "919876500002";

/// Fast, so that tests are; an attempt may take long enough for a busy machine.
pub const FAST_POLICY: SendPolicy = SendPolicy {
    attempt_timeout: Duration::from_secs(2),
    per_user_interval: Duration::from_millis(5),
    global_interval: Duration::from_micros(100),
    initial_backoff: Duration::from_millis(5),
    max_backoff: Duration::from_millis(20),
};

/// A server, the Graph API it uses, and Meta's side of the webhook.
pub struct WhatsAppFixture {
    pub server: TestServer,
    pub graph: GraphStandIn,
    sent: usize,
}

impl WhatsAppFixture {
    async fn start() -> Self {
        Self::with(&[], FAST_POLICY).await
    }

    pub async fn with(more: &[(&str, &str)], pace: SendPolicy) -> Self {
        let graph = GraphStandIn::start().await;
        let base = format!("{}/v23.0", graph.server.url);
        let mut variables = vec![
            ("WHATSAPP_TOKEN", TOKEN),
            ("WHATSAPP_PHONE_NUMBER_ID", PHONE_NUMBER_ID),
            ("WHATSAPP_VERIFY_TOKEN", "verify-me"),
            ("WHATSAPP_APP_SECRET", APP_SECRET),
            ("WHATSAPP_API_BASE", base.as_str()),
        ];
        variables.extend(more);
        let server =
            TestServer::with_send_policy(&variables, ConnectionLimits::default(), pace).await;
        Self { server, graph, sent: 0 }
    }

    /// Posts a body as it is, with this signature.
    async fn post(&self, body: String, signature: &str) -> Response {
        let request = http_client().post(format!("{}/webhooks/whatsapp", self.server.url));
        request.header("X-Hub-Signature-256", signature).body(body).send().await.expect("an answer")
    }

    /// Posts messages, and sees them taken.
    async fn deliver(&self, messages: &Value) {
        let body = body(messages).to_string();
        let signature = signature(APP_SECRET, body.as_bytes());
        assert_eq!(self.post(body, &signature).await.status(), StatusCode::OK);
    }

    fn message(&mut self, from: &str, text: &str) -> Value {
        self.sent += 1;
        let seconds = self.server.clock.now().as_millis() / 1_000;
        json!({
            "from": from, "id": format!("wamid.{}", self.sent), "timestamp": seconds.to_string(),
            "type": "text", "text": { "body": text },
        })
    }

    /// Somebody writes to the number.
    pub async fn write(&mut self, from: &str, text: &str) {
        let message = self.message(from, text);
        self.deliver(&json!([message])).await;
    }

    /// Somebody writes and reads what comes until this is in it.
    pub async fn ask(&mut self, from: &str, text: &str, answer: &str) -> String {
        self.write(from, text).await;
        self.graph.until(from, answer).await
    }

    /// Ann and Ben are in a chat.
    async fn pair(&mut self) {
        self.ask(ANN, "#meet", "Looking for someone").await;
        self.ask(BEN, "#meet", "Connected!").await;
        self.graph.until(ANN, "Connected!").await;
    }

    /// Ann is in a chat with somebody who comes through Puch.
    async fn pair_with_puch(&mut self) {
        self.ask(ANN, "#meet", "Looking for someone").await;
        assert!(self.server.say("zoe", "#meet").await.contains("Connected!"));
        self.graph.until(ANN, "Connected!").await;
    }
}

/// A word for each number up to 675. The masker takes digits in row of messages for a phone number.
pub fn word(number: u8) -> String {
    let letter = |number: u8| char::from(b'a' + number);
    format!("w{}{}", letter(number / 26), letter(number % 26))
}

fn body(messages: &Value) -> Value {
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
    let mut world = WhatsAppFixture::start().await;
    world.pair().await;
    world.write(ANN, "hello Ben").await;
    let read = world.graph.until(BEN, "hello Ben").await;
    assert!(read.starts_with("💬 "), "{read}");
    world.write(BEN, "hello Ann").await;
    // Nobody is told that their own message was sent: the next thing they read is the partner's.
    assert!(world.graph.next(ANN).await.ends_with(": hello Ann"));
    let told = world.ask(ANN, "call 9876543210", "🔒").await;
    assert_eq!(told.trim(), "🔒 Your message was sent with the phone number in it hidden.");
    assert!(world.graph.next(BEN).await.ends_with(": call [hidden]"));
    assert!(world.ask(ANN, "#m", "📭").await.contains("Nothing is waiting"));
    world.ask(BEN, "#bye", "Chat ended").await;
    world.graph.until(ANN, "Your partner left the chat").await;
}

#[tokio::test]
async fn whatsapp_user_chats_with_puch_user() {
    let mut world = WhatsAppFixture::start().await;
    world.pair_with_puch().await;
    for word in (0..5).map(word) {
        world.server.say("zoe", &format!("from Puch {word}")).await;
        world.graph.until(ANN, &format!("from Puch {word}")).await;
        world.write(ANN, &format!("from WhatsApp {word}")).await;
        // What comes back shows that Ann's message has been carried out.
        world.ask(ANN, "#who", "chatting with").await;
        assert!(world.server.say("zoe", "#m").await.ends_with(&format!(": from WhatsApp {word}")));
    }
    world.ask(ANN, "#bye", "Chat ended").await;
    assert!(world.server.say("zoe", "#m").await.contains("Your partner left"));
}

#[tokio::test]
async fn whatsapp_batches_pending_items_in_order() {
    let mut world = WhatsAppFixture::start().await;
    world.pair_with_puch().await;
    let gate = Arc::new(Semaphore::new(0));
    world.graph.server.fail([FailureMode::Hold(Arc::clone(&gate))]);
    let before = world.graph.messages;
    let texts: Vec<String> = (0..30).map(|number| format!("text {}", word(number))).collect();
    for text in &texts {
        world.server.say("zoe", text).await;
    }
    gate.add_permits(1);
    let read = world.graph.until(ANN, &texts[29]).await;
    let places: Vec<_> = texts.iter().map(|text| read.find(text.as_str())).collect();
    assert!(places.is_sorted() && places.iter().all(Option::is_some), "{read}");
    assert_eq!(read.matches("text ").count(), 30, "each once");
    assert!(world.graph.messages - before <= 4, "{} messages", world.graph.messages - before);
}

#[tokio::test]
async fn whatsapp_splits_long_texts() {
    let mut world = WhatsAppFixture::start().await;
    world.pair_with_puch().await;
    for number in 0..4 {
        world.server.say("zoe", &format!("{number}{}", "é".repeat(3_000))).await;
    }
    let read = world.graph.until(ANN, ": 3é").await;
    assert_eq!(read.matches('é').count(), 12_000);
}

#[tokio::test]
async fn whatsapp_api_failure_loses_nothing() {
    let pace = SendPolicy { attempt_timeout: Duration::from_millis(700), ..FAST_POLICY };
    let mut world = WhatsAppFixture::with(&[], pace).await;
    world.pair_with_puch().await;
    let troubles = [
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
    for (trouble, number) in troubles.into_iter().zip(0..) {
        world.graph.server.fail([trouble]);
        let texts = ["first", "second"].map(|text| format!("{text} {}", word(number)));
        for text in &texts {
            world.server.say("zoe", text).await;
        }
        let read = world.graph.until(ANN, &texts[1]).await;
        assert!(world.graph.server.has_failed());
        assert!(read.find(&texts[0]) < read.find(&texts[1]), "{read}");
        assert_eq!(
            (read.matches("first").count(), read.matches("second").count()),
            (1, 1),
            "{read}"
        );
    }
    world.graph.server.fail([FailureMode::Hang, FailureMode::Drop, FailureMode::Status(500)]);
    world.ask(ANN, "#who", "chatting with").await;
    let metrics = world.server.metrics().await;
    let count = r#"random_connect_outbound_requests_total{channel="whatsapp",outcome="later"} "#;
    let (_, later) = metrics.split_once(count).expect("the figure");
    let later = later.lines().next().and_then(|figure| figure.parse::<u32>().ok());
    assert!(later >= Some(12), "{metrics}");
}

#[tokio::test]
async fn whatsapp_rejected_items_wait_for_the_next_message() {
    let mut world = WhatsAppFixture::start().await;
    world.pair_with_puch().await;
    world.graph.server.fail([FailureMode::Code(400, 131_047)]);
    world.server.say("zoe", "refused once").await;
    let refused = r#"{channel="whatsapp",outcome="refused"} 1"#;
    while !world.server.metrics().await.contains(refused) {}
    // Somebody else's news goes out meanwhile.
    world.ask(BEN, "#help", "#meet").await;
    world.write(ANN, "#who").await;
    let first = world.graph.next(ANN).await;
    let places = ["chatting with", "refused once"].map(|text| first.find(text));
    assert!(places.is_sorted() && places.iter().all(Option::is_some), "{first}");
}

#[tokio::test]
async fn webhook_redelivery_is_handled_once() {
    let mut world = WhatsAppFixture::start().await;
    world.pair().await;
    let [one, two] = [world.message(ANN, "one"), world.message(ANN, "two")];
    world.deliver(&json!([one])).await;
    world.deliver(&json!([one, two])).await;
    world.deliver(&json!([two, one])).await;
    // After ten minutes the lobby does not know of it any more.
    world.server.clock.advance(Duration::from_secs(1_200));
    world.deliver(&json!([one])).await;
    let three = world.message(ANN, "three");
    world.deliver(&json!([three])).await;
    let read = world.graph.until(BEN, "three").await;
    let told: Vec<_> = read.lines().filter_map(|line| line.split(": ").nth(1)).collect();
    assert_eq!(told, ["one", "two", "three"]);
}

#[tokio::test]
async fn webhook_messages_are_handled_in_order() {
    let mut world = WhatsAppFixture::start().await;
    world.pair().await;
    let texts: Vec<String> = (0..40).map(word).collect();
    let messages: Vec<_> = texts.iter().map(|text| world.message(ANN, text)).collect();
    for part in messages.chunks(8) {
        world.deliver(&json!(part)).await;
    }
    let read = world.graph.until(BEN, &texts[39]).await;
    let told: Vec<_> = read.lines().filter_map(|line| line.split(": ").nth(1)).collect();
    assert_eq!(told, texts);
}

#[tokio::test]
async fn webhook_requires_a_valid_signature() {
    let mut world = WhatsAppFixture::start().await;
    let message = world.message(ANN, "#meet");
    let forged = body(&json!([message])).to_string();
    let wrong = ["another", TOKEN].map(|secret| signature(secret, forged.as_bytes()));
    for wrong in ["", "sha256=", &wrong[0], &wrong[1], &signature(APP_SECRET, b"{}")] {
        let response = world.post(forged.clone(), wrong).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    }
    let url = format!("{}/webhooks/whatsapp", world.server.url);
    let unsigned = http_client().post(&url).body(forged).send().await.expect("an answer");
    assert_eq!(unsigned.status(), StatusCode::UNAUTHORIZED);
    let large = " ".repeat(256 * 1024 + 1);
    let signed = signature(APP_SECRET, large.as_bytes());
    assert_eq!(world.post(large, &signed).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
    // Meta would send it for days if it were told that this is no JSON.
    let broken = signature(APP_SECRET, b"{broken");
    assert_eq!(world.post("{broken".to_owned(), &broken).await.status(), StatusCode::OK);
    world.ask(ANN, "#help", "#meet").await;
    let (_, stats) = world.server.short_form("get_stats", json!({})).await;
    assert_eq!(stats["result"]["waiting_users"], 0, "nothing came of what was forged");
    let metrics = world.server.metrics().await;
    for count in
        [r#"{outcome="unsigned"} 6"#, r#"{outcome="invalid"} 1"#, r#"{outcome="accepted"} 1"#]
    {
        assert!(metrics.contains(&format!("random_connect_webhooks_total{count}")), "{metrics}");
    }
}

#[tokio::test]
async fn webhook_challenge_requires_the_verify_token() {
    let world = WhatsAppFixture::start().await;
    let ask = async |query: &str| {
        let url = format!("{}/webhooks/whatsapp{query}", world.server.url);
        let response = http_client().get(url).send().await.expect("an answer");
        (response.status(), response.text().await.expect("text"))
    };
    let right = "?hub.mode=subscribe&hub.verify_token=verify-me&hub.challenge=1158201444";
    assert_eq!(ask(right).await, (StatusCode::OK, "1158201444".to_owned()));
    for wrong in [
        "",
        "?hub.mode=subscribe&hub.challenge=1",
        &right.replace("-me", "-you"),
        &right.replace("subscribe", "x"),
    ] {
        assert_eq!(ask(wrong).await.0, StatusCode::FORBIDDEN, "{wrong}");
    }
}

#[tokio::test]
async fn webhook_is_absent_without_config() {
    let server = TestServer::start().await;
    let response = server.post("/webhooks/whatsapp").body("{}").send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn webhook_media_gets_a_text_only_reply() {
    let mut world = WhatsAppFixture::start().await;
    world.pair().await;
    let kind =
        |id: &str, kind: &str| json!({ "from": ANN, "id": id, "timestamp": "0", "type": kind });
    world.deliver(&json!([kind("a", "reaction"), kind("b", "unheard-of"), {}, 7])).await;
    let seconds = world.server.clock.now().as_millis() / 1_000;
    let mut image = kind("c", "image");
    image["timestamp"] = json!(seconds.to_string());
    world.deliver(&json!([image])).await;
    assert!(world.graph.next(ANN).await.starts_with("💡 Only text messages can be sent"));
    let statuses = json!({ "statuses": [{ "id": "x", "status": "read", "recipient_id": ANN }] });
    let body = json!({ "entry": [{ "changes": [{ "value": statuses }] }] }).to_string();
    let signed = signature(APP_SECRET, body.as_bytes());
    assert_eq!(world.post(body, &signed).await.status(), StatusCode::OK);
    world.write(ANN, "a text").await;
    assert!(world.graph.next(BEN).await.ends_with(": a text"));
}

#[tokio::test]
async fn whatsapp_messaging_window_closes_after_24_hours() {
    for (age_hours, hours) in [(0, 24), (23, 2)] {
        let mut world =
            WhatsAppFixture::with(&[("IDLE_TIMEOUT_SECS", "259200")], FAST_POLICY).await;
        world.pair_with_puch().await;
        // Meta may bring a message late: the day begins when it was written.
        let mut ahead = world.message(ANN, "#nick Star");
        let seconds = world.server.clock.now().as_millis() / 1_000;
        world.server.clock.advance(Duration::from_secs(age_hours * 3_600));
        ahead["timestamp"] = json!(seconds.to_string());
        world.deliver(&json!([ahead])).await;
        world.graph.until(ANN, "nickname is Star").await;
        world.server.clock.advance(Duration::from_secs(hours * 3_600));
        world.server.say("zoe", "too late").await;
        world.ask(BEN, "#help", "#meet").await;
        world.server.say("zoe", "later still").await;
        world.write(ANN, "#who").await;
        let first = world.graph.next(ANN).await;
        let places = ["chatting with", "too late", "later still"].map(|text| first.find(text));
        assert!(places.is_sorted() && places.iter().all(Option::is_some), "{first}");
    }
}

#[tokio::test]
async fn whatsapp_user_without_a_number_is_reachable() {
    let mut world = WhatsAppFixture::start().await;
    let mut message = world.message("", "#help");
    let fields = message.as_object_mut().expect("an object");
    fields.remove("from");
    fields.insert("from_user_id".to_owned(), json!("IN.4711"));
    world.deliver(&json!([message])).await;
    world.graph.until("IN.4711", "#meet").await;
}

#[tokio::test]
async fn whatsapp_per_user_interval_does_not_delay_others() {
    let hour = Duration::from_secs(3_600);
    let mut world =
        WhatsAppFixture::with(&[], SendPolicy { per_user_interval: hour, ..FAST_POLICY }).await;
    world.ask(ANN, "#meet", "Looking for someone").await;
    world.server.say("zoe", "#meet").await;
    for person in 10..20 {
        world.ask(&format!("9198765001{person}"), "#help", "#meet").await;
    }
    assert_eq!(world.graph.messages, 11, "nothing more came for Ann");
}
