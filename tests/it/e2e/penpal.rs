//! The penpal tools over every live transport: chats, polling, redelivery and history.
//!
//! Sessions themselves are tested in `live_session.rs`.

use std::time::Duration;

use rmcp::model::ProtocolVersion;
use serde_json::{Value, json};

use crate::support::live_client::{LIVE_TRANSPORTS, LiveClient, LiveTransport};
use crate::support::server::TestServer;
use random_connect::kernel::clock::Timestamp;
use random_connect::transport::http::limits::ConnectionLimits;

/// Starts a server with the penpal tools.
pub async fn server() -> TestServer {
    server_with(&[], ConnectionLimits::default()).await
}

/// Starts a server with the penpal tools and these settings.
pub async fn server_with(settings: &[(&str, &str)], limits: ConnectionLimits) -> TestServer {
    let mut variables = vec![("TOOLSETS", "connect,penpal")];
    variables.extend(settings);
    TestServer::with(&variables, limits).await
}

/// Pairs two agents, Ann and Ben.
pub async fn pair(server: &TestServer, transports: [LiveTransport; 2]) -> [LiveClient; 2] {
    let [mut ann, mut ben] = [
        LiveClient::connect(server, transports[0]).await,
        LiveClient::connect(server, transports[1]).await,
    ];
    assert_eq!(ann.enter(json!({ "display_name": "Ann" })).await["status"], "waiting");
    assert_eq!(ben.enter(json!({ "display_name": "Ben" })).await["status"], "matched");
    assert_eq!(ann.match_notification().await["partner"]["display_name"], "Ben");
    [ann, ben]
}

/// Returns the message ids of a list of events.
fn ids(events: &Value) -> Vec<String> {
    let events = events.as_array().expect("a list");
    events.iter().map(|event| event["message_id"].as_str().expect("an id").to_owned()).collect()
}

#[tokio::test]
async fn penpal_any_two_transports_chat() {
    let server = server().await;
    for transports in LIVE_TRANSPORTS.iter().flat_map(|ann| LIVE_TRANSPORTS.map(|ben| [*ann, ben]))
    {
        let [mut ann, mut ben] = pair(&server, transports).await;
        assert_eq!(ann.room_id, ben.room_id);
        for (number, text) in ["hello", "two\nlines", "call 9876543210"].into_iter().enumerate() {
            let sent = ann.say(text).await;
            assert_eq!(sent["delivered"], "pushed", "{transports:?}");
            let received = ben.notification("message.received").await;
            assert_eq!(received["message_id"], sent["message_id"]);
            assert_eq!(received["room_id"], json!(ann.room_id));
            let millis = received["timestamp"].as_u64().expect("milliseconds");
            assert!(millis > 1_700_000_000_000);
            let sent_at = Timestamp::from_millis(millis).to_iso_8601();
            assert_eq!(received["sent_at"], sent_at);
            let shown = ["hello", "two\n› lines", "call [hidden]"][number];
            assert_eq!(received["message"], shown);
        }
        let typing = json!({ "room_id": ben.room_id, "user_id": ben.user_id, "typing": true });
        ben.call("set_typing", typing).await;
        assert_eq!(ann.notification("partner.typing").await["typing"], true);
        let leave = json!({ "room_id": ben.room_id, "user_id": ben.user_id });
        ben.call("leave_chat", leave).await;
        let left = ann.notification("partner.disconnected").await;
        assert_eq!((&left["reason"], &left["room_id"]), (&json!("left"), &json!(ann.room_id)));
        let rejected = ann
            .try_call(
                "send_message",
                json!({ "room_id": ann.room_id, "message": "x", "user_id": ann.user_id }),
            )
            .await;
        assert!(rejected.is_err_and(|message| message.contains("has ended")));
    }
}

#[tokio::test]
async fn penpal_shares_the_queue_with_whatsapp() {
    let server = server().await;
    let mut agent = LiveClient::connect(&server, LiveTransport::WebSocket).await;
    agent.enter(json!({ "interests": ["Music", "tea"] })).await;
    let connected = server.say("ann", "#meet music, hindi").await;
    assert!(connected.contains("You both like: music."), "{connected}");
    assert_eq!(agent.match_notification().await["common_interests"], json!(["music"]));
    server.say("ann", "hi from WhatsApp").await;
    assert_eq!(agent.notification("message.received").await["message"], "hi from WhatsApp");
    assert_eq!(agent.say("hi from an agent").await["delivered"], "queued");
    assert!(server.say("ann", "#m").await.ends_with(": hi from an agent"));
    server.say("ann", "#bye").await;
    assert_eq!(agent.notification("partner.disconnected").await["reason"], "left");
}

#[tokio::test]
async fn penpal_partner_alias_is_per_room() {
    let server = server().await;
    let [mut ann, mut ben] =
        pair(&server, [LiveTransport::WebSocket, LiveTransport::Session]).await;
    let alias =
        |entered: Value| entered["partner"]["user_id"].as_str().expect("an alias").to_owned();
    let first = alias(ben.enter(json!({})).await);
    assert_ne!(first, ann.user_id);
    let rejoined = ben.try_call("rejoin", json!({ "user_id": first })).await;
    assert_eq!(rejoined.map(|result| result["status"].clone()), Ok(json!("idle")));
    ann.call("leave_chat", json!({ "room_id": ann.room_id, "user_id": ann.user_id })).await;
    server.clock.advance(Duration::from_secs(1_260));
    ben.notification("partner.disconnected").await;
    ben.enter(json!({})).await;
    ann.enter(json!({})).await;
    assert_ne!(alias(ben.call("rejoin", json!({ "user_id": ben.user_id })).await), first);
}

#[tokio::test]
async fn penpal_invalid_arguments_change_nothing() {
    let server = server().await;
    let [mut ann, mut ben] = pair(&server, [LiveTransport::Session, LiveTransport::Sse]).await;
    let mut eve = LiveClient::connect(&server, LiveTransport::WebSocket).await;
    eve.enter(json!({})).await;
    for (tool, arguments, expected) in [
        (
            "send_message",
            json!({ "room_id": ann.room_id, "message": "x", "user_id": eve.user_id }),
            "not one of yours",
        ),
        (
            "send_message",
            json!({ "room_id": "x", "message": "x", "user_id": ann.user_id }),
            "not one of yours",
        ),
        (
            "leave_chat",
            json!({ "room_id": ann.room_id, "user_id": eve.user_id }),
            "not one of yours",
        ),
        (
            "set_typing",
            json!({ "room_id": ann.room_id, "user_id": eve.user_id, "typing": true }),
            "not one of yours",
        ),
        (
            "get_history",
            json!({ "room_id": ann.room_id, "user_id": ann.user_id, "limit": 5 }),
            "both sides must pass keep_history",
        ),
        (
            "send_message",
            json!({ "room_id": ann.room_id, "message": " ", "user_id": ann.user_id }),
            "is empty",
        ),
        (
            "send_message",
            json!({ "room_id": ann.room_id, "message": "x".repeat(4_097), "user_id": ann.user_id }),
            "at most 4096",
        ),
        (
            "wait_for_message",
            json!({ "room_id": ann.room_id, "user_id": eve.user_id, "timeout_seconds": 0 }),
            "not one of yours",
        ),
        (
            "wait_for_message",
            json!({ "user_id": eve.user_id, "timeout_seconds": -1 }),
            "must not be negative",
        ),
        ("rejoin", json!({ "user_id": " " }), "user_id is empty"),
        ("enter_queue", json!({ "user_id": "x".repeat(257) }), "at most 256"),
        ("enter_queue", json!({ "display_name": "Admin" }), "mistaken for a system message"),
        ("enter_queue", json!({ "display_name": "9820143756" }), "contains a phone number"),
        ("enter_queue", json!({ "interests": ["tea", "98201"] }), "contains a phone number"),
    ] {
        let rejected = eve.try_call(tool, arguments).await;
        assert!(
            rejected.as_ref().is_err_and(|message| message.contains(expected)),
            "{tool}: {rejected:?}"
        );
    }
    ann.say("still here").await;
    assert_eq!(ben.notification("message.received").await["message"], "still here");
}

#[tokio::test]
async fn penpal_wait_for_message_long_polls() {
    let server = server().await;
    for transport in LIVE_TRANSPORTS {
        let mut ann = LiveClient::connect(&server, transport).await;
        let mut ben = LiveClient::connect(&server, LiveTransport::WebSocket).await;
        ann.enter(json!({ "push": false })).await;
        ben.enter(json!({})).await;
        assert_eq!(ben.say("one").await["delivered"], "queued");
        let wait = json!({ "user_id": ann.user_id, "timeout_seconds": 60 });
        let events = ann.call("wait_for_message", wait.clone()).await["events"].clone();
        assert_eq!(events[0]["type"], "chatroom.found");
        assert_eq!(
            (&events[1]["type"], &events[1]["message"]),
            (&json!("message.received"), &json!("one"))
        );
        let room = json!({ "user_id": ann.user_id, "room_id": ben.room_id, "timeout_seconds": 60 });
        let (polled, sent) =
            tokio::join!(ann.call("wait_for_message", room.clone()), ben.say("two"));
        assert_eq!(polled["events"][0]["message_id"], sent["message_id"]);
        let leave = json!({ "user_id": ben.user_id, "room_id": ben.room_id });
        let (polled, _) =
            tokio::join!(ann.call("wait_for_message", room.clone()), ben.call("leave_chat", leave));
        assert_eq!(polled["events"][0]["type"], "partner.disconnected");
        assert!(
            ann.try_call("wait_for_message", room)
                .await
                .is_err_and(|message| message.contains("has ended"))
        );
        let no_wait = json!({ "user_id": ann.user_id, "timeout_seconds": 0 });
        assert_eq!(ann.call("wait_for_message", no_wait).await["events"], json!([]));
    }
}

#[tokio::test]
async fn penpal_first_poll_repeats_recent_pushes() {
    let server = server().await;
    let [mut ann, mut ben] =
        pair(&server, [LiveTransport::WebSocket, LiveTransport::Session]).await;
    let sent = ann.say("did you see this?").await;
    let pushed = ben.notification("message.received").await;
    let room = json!({ "user_id": ben.user_id, "room_id": ben.room_id, "timeout_seconds": 60 });
    // The message is read but not shown; a poll returns it once the courier has settled its lease.
    let mut events = json!([]);
    while ids(&events).is_empty() {
        events = ben.call("wait_for_message", room.clone()).await["events"].clone();
    }
    assert_eq!(ids(&events), [sent["message_id"].as_str().expect("an id")]);
    assert_eq!(events[0]["message_id"], pushed["message_id"]);
    ann.say("and this?").await;
    let events = ben.call("wait_for_message", room).await["events"].clone();
    assert_eq!(events[0]["message"], "and this?");
    assert!(!ben.has_notification(Duration::from_millis(50)).await);
}

#[tokio::test]
async fn lease_unacknowledged_push_is_redelivered() {
    let server = server().await;
    for transport in LIVE_TRANSPORTS {
        let [mut ann, ben] = pair(&server, [LiveTransport::WebSocket, transport]).await;
        let (user_id, room_id) = (ben.user_id.clone(), ben.room_id.clone());
        ann.say("before").await;
        // Ben disconnects before he has read anything.
        drop(ben);
        ann.say("after").await;
        let mut again = LiveClient::connect(&server, transport).await;
        // The items that were leased to the closed session are among the missed events.
        let rejoined = again.call("rejoin", json!({ "user_id": user_id })).await;
        assert_eq!(
            (&rejoined["status"], &rejoined["room_id"]),
            (&json!("matched"), &json!(room_id))
        );
        let events = rejoined["missed"].as_array().expect("a list");
        let missed: Vec<_> = events.iter().map(|event| event["message"].clone()).collect();
        assert_eq!(missed, ["before", "after"], "{transport:?}");
        again.user_id = user_id;
        again.room_id = room_id;
        again.say("I am back").await;
        assert_eq!(ann.notification("message.received").await["message"], "I am back");
        let leave = json!({ "room_id": again.room_id, "user_id": again.user_id });
        again.call("leave_chat", leave).await;
    }
}

#[tokio::test]
async fn history_is_kept_when_both_opt_in() {
    let server = server().await;
    let mut ann = LiveClient::connect(&server, LiveTransport::Session).await;
    let mut ben = LiveClient::connect(&server, LiveTransport::WebSocket).await;
    ann.enter(json!({ "keep_history": true })).await;
    ben.enter(json!({ "keep_history": true })).await;
    let first = ben.say("one").await;
    ann.match_notification().await;
    ann.say("call 9876543210").await;
    let history = json!({ "room_id": ann.room_id, "user_id": ann.user_id, "limit": 50 });
    let messages = ann.call("get_history", history).await["messages"].clone();
    assert_eq!((&messages[0]["message"], &messages[0]["own"]), (&json!("one"), &json!(false)));
    assert_eq!(messages[0]["message_id"], first["message_id"]);
    assert_eq!(
        (&messages[1]["message"], &messages[1]["own"]),
        (&json!("call [hidden]"), &json!(true))
    );
}

#[tokio::test]
async fn eviction_reports_partner_timeout_to_agents() {
    let server = server_with(&[("REAP_INTERVAL_SECS", "1")], ConnectionLimits::default()).await;
    let [mut ann, mut ben] =
        pair(&server, [LiveTransport::WebSocket, LiveTransport::Session]).await;
    server.clock.advance(Duration::from_secs(1_799));
    ann.say("hello?").await;
    ben.notification("message.received").await;
    server.clock.advance(Duration::from_secs(1));
    assert_eq!(ann.notification("partner.disconnected").await["reason"], "timeout");
}

#[tokio::test]
async fn toolset_penpal_is_off_by_default() {
    let default_server = TestServer::start().await;
    let client = default_server.client(ProtocolVersion::V_2025_06_18).await;
    let tools = client.0.list_all_tools().await.expect("the tools");
    assert!(tools.iter().all(|tool| tool.name != "enter_queue"));
    let server = server().await;
    let client = server.client(ProtocolVersion::V_2025_06_18).await;
    let tools = client.0.list_all_tools().await.expect("the tools");
    let names: Vec<_> = tools.into_iter().map(|tool| tool.name).collect();
    for name in [
        "enter_queue",
        "send_message",
        "wait_for_message",
        "leave_chat",
        "set_typing",
        "get_history",
        "rejoin",
        "handle_message",
    ] {
        assert!(names.iter().any(|listed| listed == name), "{name}");
    }
}
