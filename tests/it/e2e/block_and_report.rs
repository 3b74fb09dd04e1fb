//! Blocking, reporting and what comes of it, as people see it.

use std::time::Duration;

use random_connect::transport::http::limits::ConnectionLimits;
use rmcp::model::ProtocolVersion;
use serde_json::{Value, json};

use crate::support::live_client::{LiveClient, LiveTransport};
use crate::support::server::{TestServer, text};

async fn pair(server: &TestServer, one: &str, other: &str) {
    server.say(one, "#meet").await;
    let met = server.say(other, "#meet").await;
    assert!(met.contains("Connected!"), "{met}");
}

#[tokio::test]
async fn block_prevents_meeting_again() {
    let server = TestServer::start().await;
    pair(&server, "ann", "ben").await;
    let told = server.say("ann", "#block").await;
    assert!(told.contains("🚫 Blocked. The chat is over. You two won't meet again."), "{told}");
    assert!(server.say("ben", "#m").await.contains("left the chat"));
    // Long enough for the lobby to forget both.
    for _ in 0..2 {
        server.clock.advance(Duration::from_secs(3_600));
        for who in ["ann", "ben"] {
            assert!(server.say(who, "#meet").await.contains("Looking for"), "{who}");
        }
        assert!(server.say("cid", "#meet").await.contains("Connected!"));
        for who in ["ann", "ben", "cid"] {
            server.say(who, "#bye").await;
        }
    }
}

#[tokio::test]
async fn block_works_after_the_partner_left() {
    let server = TestServer::start().await;
    let nobody = server.say("ann", "#block").await;
    assert!(nobody.contains("no one to block or report"), "{nobody}");
    pair(&server, "ann", "ben").await;
    server.say("ben", "#bye").await;
    let told = server.say("ann", "#block").await;
    assert!(told.contains("🚫 Blocked. You two won't meet again."), "{told}");
    server.clock.advance(Duration::from_secs(20 * 60));
    assert!(server.say("ann", "#report spam").await.contains("no one to block or report"));
}

#[tokio::test]
async fn report_requires_a_reason() {
    let server = TestServer::start().await;
    pair(&server, "ann", "ben").await;
    let asked = server.say("ann", "#report").await;
    assert!(asked.contains("spam, abuse, minor, scam, other"), "{asked}");
    let long = server.say("ann", &format!("#report {}", "x".repeat(301))).await;
    assert!(long.contains("300 characters or fewer"), "{long}");
    assert!(server.say("ann", "hello").await.contains("Message sent"), "the chat goes on");
    let told = server.say("ann", "#report asks for money").await;
    assert!(told.contains("this person has been reported. The chat is over."), "{told}");
}

#[tokio::test]
async fn suspension_grows_and_states_its_duration() {
    let server = TestServer::start().await;
    for (reporter, waits) in
        [("r1", "1 minute."), ("r2", "5 minutes."), ("r3", "25 minutes."), ("r4", "2 hours.")]
    {
        pair(&server, "ben", reporter).await;
        server.say(reporter, "#report abuse").await;
        for message in ["#meet", "#again", "hello"] {
            let told = server.say("ben", message).await;
            assert!(told.contains(&format!("Try again in {waits}")), "{told}");
        }
        server.clock.advance(Duration::from_secs(2 * 3_600));
    }
}

#[tokio::test]
async fn report_twice_by_one_person_counts_once() {
    let server = TestServer::start().await;
    pair(&server, "ann", "ben").await;
    server.say("ann", "#report spam").await;
    server.clock.advance(Duration::from_secs(30));
    server.say("ann", "#report scam").await;
    assert!(server.say("ben", "#meet").await.contains("in 30 seconds."));
}

#[tokio::test]
async fn suspension_ends_the_current_chat() {
    let server = TestServer::start().await;
    pair(&server, "ann", "ben").await;
    server.say("ben", "#again").await;
    assert!(server.say("cid", "#meet").await.contains("Connected!"));
    server.say("ann", "#report abuse").await;
    assert!(server.say("cid", "hello?").await.contains("left the chat"));
    assert!(server.say("ben", "hello?").await.contains("Try again in 1 minute."));
}

#[tokio::test]
async fn report_retry_targets_the_same_person() {
    let server = TestServer::start().await;
    pair(&server, "ann", "ben").await;
    let report = json!({ "message": "#report spam", "puch_user_id": "ann", "message_id": "1" });
    server.short_form("handle_message", report.clone()).await;
    pair(&server, "ann", "cid").await;
    let (_, again) = server.short_form("handle_message", report).await;
    assert!(again["result"].as_str().is_some_and(|text| text.contains("has been reported")), "{again}");
    assert!(server.say("cid", "hello").await.contains("Message sent"), "the chat goes on");
    assert!(server.say("ben", "#meet").await.contains("You were reported"));
}

#[tokio::test]
async fn rate_limit_reply_states_the_wait() {
    let server = TestServer::with(&[("RATE_LIMITS", "on")], ConnectionLimits::default()).await;
    pair(&server, "ann", "ben").await;
    for n in 0..10 {
        assert!(server.say("ann", &format!("message {n}")).await.contains("Message sent"));
    }
    assert!(server.say("ann", "one more").await.contains("Try again in 2 seconds."));
    server.clock.advance(Duration::from_secs(2));
    assert!(server.say("ann", "one more").await.contains("Message sent"));
    for _ in 0..3 {
        assert!(server.say("ben", "buy").await.contains("Message sent"));
    }
    assert!(server.say("ben", "buy").await.contains("not sent again. Try again in 20 seconds."));
    for _ in 0..9 {
        server.say("ben", "#again").await;
    }
    assert!(server.say("ben", "#again").await.contains("Try again in 28 seconds."));
    assert!(server.say("ben", "#bye").await.contains("left the queue"), "nothing was changed");
}

#[tokio::test]
async fn suspension_applies_to_agents() {
    let server =
        TestServer::with(&[("TOOLSETS", "connect,penpal")], ConnectionLimits::default()).await;
    let pal = server.client(ProtocolVersion::V_2025_06_18).await;
    let enter = async || text(&pal.call("enter_queue", json!({ "user_id": "pal" })).await);
    enter().await;
    assert!(server.say("ann", "#meet").await.contains("Connected!"));
    server.say("ann", "#report spam").await;
    let told = enter().await;
    assert!(told.contains("Try again in 1 minute."), "{told}");
}

#[tokio::test]
async fn moderation_store_sqlite_keeps_blocks_and_reports() {
    let file = std::env::temp_dir().join(format!("journey-{}.db", std::process::id()));
    let (state, key) = (format!("sqlite:{}", file.display()), "ab".repeat(32));
    let variables = [
        ("STATE_DB", state.as_str()),
        ("ID_SALT", "a salt of some length"),
        ("INBOX_KEY", key.as_str()),
    ];
    let before = TestServer::with(&variables, ConnectionLimits::default()).await;
    pair(&before, "ann", "ben").await;
    before.say("ann", "#report abuse").await;
    drop(before);
    let after = TestServer::with(&variables, ConnectionLimits::default()).await;
    assert!(after.say("ben", "#meet").await.contains("You were reported"));
    after.clock.advance(Duration::from_secs(120));
    for who in ["ann", "ben"] {
        assert!(after.say(who, "#meet").await.contains("Looking for"));
    }
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", file.display()));
    }
}

#[tokio::test]
async fn block_and_report_work_for_agents() {
    let server =
        TestServer::with(&[("TOOLSETS", "connect,penpal")], ConnectionLimits::default()).await;
    let mut agent = LiveClient::connect(&server, LiveTransport::WebSocket).await;
    agent.enter(json!({})).await;
    let nobody = agent.try_call("block", json!({ "user_id": agent.user_id })).await;
    assert!(nobody.is_err_and(|told| told.contains("no one to block")));
    for (tool, reason) in [("report", json!("scam")), ("block", Value::Null)] {
        agent.enter(json!({})).await;
        assert!(server.say(tool, "#meet").await.contains("Connected!"));
        agent.match_notification().await;
        server.say(tool, "send me money").await;
        agent.notification("message.received").await;
        for bad in [" ".to_owned(), "x".repeat(301)] {
            let arguments = json!({ "user_id": agent.user_id, "reason": bad });
            let refused = agent.try_call("report", arguments).await;
            assert!(refused.is_err_and(|told| told.contains("The reason is")));
        }
        let arguments = json!({
            "user_id": agent.user_id, "room_id": agent.room_id, "reason": reason,
        });
        let parted = agent.call(tool, arguments.clone()).await;
        assert_eq!(parted, json!({ "chat_ended": true, "reported": tool == "report" }));
        assert!(server.say(tool, "#m").await.contains("left the chat"));
        let over = agent.try_call(tool, arguments).await;
        assert!(over.is_err_and(|told| told.contains("has ended")), "the room is not theirs now");
    }
    assert!(server.say("report", "#meet").await.contains("You were reported"));
    // Long enough for recent partners to be met again, had there been no block.
    server.clock.advance(Duration::from_secs(1_260));
    agent.enter(json!({})).await;
    for who in ["report", "block"] {
        assert!(server.say(who, "#meet").await.contains("Looking for"), "{who}");
        server.say(who, "#bye").await;
    }
}
