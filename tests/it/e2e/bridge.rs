//! A bridge to another messenger: it calls for its users and receives their events by HTTP POST.

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

/// The `CALLBACK_SECRET` that signs the posts.
const SECRET: &str = "callback-secret-0815";

/// A server and the bridge that it posts to.
struct BridgeFixture {
    server: TestServer,
    bridge: StandIn,
}

impl BridgeFixture {
    async fn start(policy: SendPolicy) -> Self {
        let bridge = StandIn::start().await;
        let url = format!("{}/events?key=1", bridge.url);
        let variables = [("CALLBACK_URL", url.as_str()), ("CALLBACK_SECRET", SECRET)];
        let server =
            TestServer::with_send_policy(&variables, ConnectionLimits::default(), policy).await;
        Self { server, bridge }
    }

    /// Waits for the next item that the bridge acknowledges; asserts its headers and signature.
    async fn next(&mut self) -> Value {
        let request = self.bridge.next().await;
        assert_eq!((&request.method, request.path.as_str()), (&Method::POST, "/events"));
        assert_eq!(request.headers["content-type"], "application/json");
        assert_eq!(request.headers["x-signature-256"], signature(SECRET, &request.body));
        serde_json::from_slice(&request.body).expect("JSON")
    }

    /// Pairs Ann and Ben and reads the match event of Ann.
    async fn pair(&mut self) {
        self.server.say("ann", "#meet").await;
        self.server.say("ben", "#meet").await;
        let found = self.next().await;
        assert_eq!((&found["type"], &found["user_id"]), (&"chatroom.found".into(), &"ann".into()));
    }
}

#[tokio::test]
async fn bridge_items_are_signed_and_delivered_once() {
    let mut fixture = BridgeFixture::start(FAST_POLICY).await;
    fixture.pair().await;
    assert!(fixture.server.say("ben", "hello").await.contains("Message sent"));
    let posted = fixture.next().await;
    assert_eq!(posted["user_id"], "ann");
    assert_eq!(posted["type"], "message.received");
    assert!(
        posted["text"]
            .as_str()
            .is_some_and(|text| text.starts_with("💬 ") && text.ends_with(": hello"))
    );
    assert_eq!(posted["timestamp"], fixture.server.clock.now().as_millis());
    for id in ["item_id", "room_id"] {
        assert_eq!(posted[id].as_str().map(str::len), Some(32), "{posted}");
    }
    assert_eq!(fixture.server.say("ann", "#m").await, "📭 Inbox empty.");
    fixture.server.say("ann", "#bye").await;
    let left = fixture.next().await;
    assert_eq!((&left["type"], &left["user_id"]), (&"partner.disconnected".into(), &"ben".into()));
    assert_eq!(left["room_id"], posted["room_id"]);
}

#[tokio::test]
async fn bridge_failure_keeps_items_in_order() {
    let policy = SendPolicy { attempt_timeout: Duration::from_millis(700), ..FAST_POLICY };
    let mut fixture = BridgeFixture::start(policy).await;
    fixture.pair().await;
    let failures =
        [FailureMode::Status(500), FailureMode::Drop, FailureMode::Hang, FailureMode::Status(404)];
    for (failure, number) in failures.into_iter().zip(0..) {
        fixture.bridge.fail([failure]);
        let texts = [number * 2, number * 2 + 1].map(word);
        for text in &texts {
            fixture.server.say("ben", text).await;
        }
        for text in &texts {
            let posted = fixture.next().await;
            assert!(posted["text"].as_str().is_some_and(|shown| shown.ends_with(text)), "{posted}");
        }
        assert!(fixture.bridge.has_failed());
    }
}

#[tokio::test]
async fn bridge_redelivery_reuses_the_item_id() {
    let mut fixture = BridgeFixture::start(FAST_POLICY).await;
    fixture.pair().await;
    fixture.bridge.fail([FailureMode::Status(500)]);
    let mut ids = HashSet::new();
    for number in 0..20 {
        fixture.server.say("ben", &word(number)).await;
    }
    for number in 0..20 {
        let posted = fixture.next().await;
        assert!(posted["text"].as_str().is_some_and(|shown| shown.ends_with(&word(number))));
        assert!(ids.insert(posted["item_id"].clone()), "item ids are unique");
    }
    let failed: Value = serde_json::from_slice(&fixture.bridge.failed()[0]).expect("JSON");
    assert!(failed["text"].as_str().is_some_and(|shown| shown.ends_with(&word(0))));
    assert!(ids.contains(&failed["item_id"]));
}

#[tokio::test]
async fn bridge_410_pauses_a_user_until_the_next_call() {
    let mut fixture = BridgeFixture::start(FAST_POLICY).await;
    fixture.pair().await;
    fixture.bridge.fail([FailureMode::Status(410)]);
    fixture.server.say("ben", "unread").await;
    let closed = "random_connect_channels_given_up_total 1";
    while !fixture.server.metrics().await.contains(closed) {}
    fixture.server.say("ben", "unread too").await;
    let read = fixture.server.say("ann", "#who").await;
    assert!(
        read.find("unread").is_some_and(|index| read[index + 1..].contains("unread too")),
        "{read}"
    );
    fixture.server.say("ben", "posted again").await;
    assert!(
        fixture.next().await["text"].as_str().is_some_and(|text| text.ends_with("posted again"))
    );
}
