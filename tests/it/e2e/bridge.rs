//! A bridge to another messenger: it calls for its people, and gets what comes for them posted.

use std::collections::HashSet;
use std::time::Duration;

use random_connect::kernel::clock::Clock;
use random_connect::transport::channels::outbound::SendPolicy;
use random_connect::transport::http::limits::ConnectionLimits;
use reqwest::Method;
use serde_json::Value;

use super::whatsapp::{FAST_POLICY, word};
use crate::support::graph_api::{FailureMode, StandIn, signature};
use crate::support::server::TestServer;

const SECRET: &str = "callback-secret-0815";

struct BridgeFixture {
    server: TestServer,
    bridge: StandIn,
}

impl BridgeFixture {
    async fn start(pace: SendPolicy) -> Self {
        let bridge = StandIn::start().await;
        let url = format!("{}/news?key=1", bridge.url);
        let variables = [("CALLBACK_URL", url.as_str()), ("CALLBACK_SECRET", SECRET)];
        let server =
            TestServer::with_send_policy(&variables, ConnectionLimits::default(), pace).await;
        Self { server, bridge }
    }

    /// The next item that the bridge acknowledges.
    async fn next(&mut self) -> Value {
        let asked = self.bridge.next().await;
        assert_eq!((&asked.method, asked.path.as_str()), (&Method::POST, "/news"));
        assert_eq!(asked.headers["content-type"], "application/json");
        assert_eq!(asked.headers["x-signature-256"], signature(SECRET, &asked.body));
        serde_json::from_slice(&asked.body).expect("JSON")
    }

    /// Ann and Ben are in a chat.
    async fn pair(&mut self) {
        self.server.say("ann", "#meet").await;
        self.server.say("ben", "#meet").await;
        let found = self.next().await;
        assert_eq!((&found["type"], &found["user_id"]), (&"chatroom.found".into(), &"ann".into()));
    }
}

#[tokio::test]
async fn bridge_items_are_signed_and_delivered_once() {
    let mut world = BridgeFixture::start(FAST_POLICY).await;
    world.pair().await;
    assert!(world.server.say("ben", "hello").await.contains("Message sent"));
    let posted = world.next().await;
    assert_eq!(posted["user_id"], "ann");
    assert_eq!(posted["type"], "message.received");
    assert!(
        posted["text"]
            .as_str()
            .is_some_and(|text| text.starts_with("💬 ") && text.ends_with(": hello"))
    );
    assert_eq!(posted["timestamp"], world.server.clock.now().as_millis());
    for id in ["item_id", "room_id"] {
        assert_eq!(posted[id].as_str().map(str::len), Some(32), "{posted}");
    }
    assert_eq!(world.server.say("ann", "#m").await, "📭 Inbox empty.");
    world.server.say("ann", "#bye").await;
    let left = world.next().await;
    assert_eq!((&left["type"], &left["user_id"]), (&"partner.disconnected".into(), &"ben".into()));
    assert_eq!(left["room_id"], posted["room_id"]);
}

#[tokio::test]
async fn bridge_failure_keeps_items_in_order() {
    let pace = SendPolicy { attempt_timeout: Duration::from_millis(700), ..FAST_POLICY };
    let mut world = BridgeFixture::start(pace).await;
    world.pair().await;
    let troubles =
        [FailureMode::Status(500), FailureMode::Drop, FailureMode::Hang, FailureMode::Status(404)];
    for (trouble, number) in troubles.into_iter().zip(0..) {
        world.bridge.fail([trouble]);
        let texts = [number * 2, number * 2 + 1].map(word);
        for text in &texts {
            world.server.say("ben", text).await;
        }
        for text in &texts {
            let posted = world.next().await;
            assert!(posted["text"].as_str().is_some_and(|shown| shown.ends_with(text)), "{posted}");
        }
        assert!(world.bridge.has_failed());
    }
}

#[tokio::test]
async fn bridge_redelivery_reuses_the_item_id() {
    let mut world = BridgeFixture::start(FAST_POLICY).await;
    world.pair().await;
    world.bridge.fail([FailureMode::Status(500)]);
    let mut names = HashSet::new();
    for number in 0..20 {
        world.server.say("ben", &word(number)).await;
    }
    for number in 0..20 {
        let posted = world.next().await;
        assert!(posted["text"].as_str().is_some_and(|shown| shown.ends_with(&word(number))));
        assert!(names.insert(posted["item_id"].clone()), "each has its own");
    }
    let refused: Value = serde_json::from_slice(&world.bridge.failed()[0]).expect("JSON");
    assert!(refused["text"].as_str().is_some_and(|shown| shown.ends_with(&word(0))));
    assert!(names.contains(&refused["item_id"]));
}

#[tokio::test]
async fn bridge_410_pauses_a_user_until_the_next_call() {
    let mut world = BridgeFixture::start(FAST_POLICY).await;
    world.pair().await;
    world.bridge.fail([FailureMode::Status(410)]);
    world.server.say("ben", "unread").await;
    let given_up = "random_connect_channels_given_up_total 1";
    while !world.server.metrics().await.contains(given_up) {}
    world.server.say("ben", "unread too").await;
    let read = world.server.say("ann", "#who").await;
    assert!(read.find("unread").is_some_and(|at| read[at + 1..].contains("unread too")), "{read}");
    world.server.say("ben", "posted again").await;
    assert!(world.next().await["text"].as_str().is_some_and(|text| text.ends_with("posted again")));
}
