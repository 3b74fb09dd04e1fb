//! Blocks, reports, suspensions and rate limits, as users and agents see them.

use std::time::Duration;

use random_connect::transport::http::limits::ConnectionLimits;
use rmcp::model::ProtocolVersion;
use serde_json::{Value, json};

use crate::support::chats::{establish, pair, pair_and_write};
use crate::support::live_client::{LiveClient, LiveTransport};
use crate::support::server::{TestServer, text};

#[tokio::test]
async fn block_prevents_meeting_again() {
    let server = TestServer::start().await;
    pair(&server, "ann", "ben").await;
    let reply = server.say("ann", "#block").await;
    assert!(reply.contains("🚫 Blocked. The chat is over. You two won't meet again."), "{reply}");
    assert!(server.say("ben", "#m").await.contains("left the chat"));
    // Long enough for the lobby to evict both.
    for _ in 0..2 {
        server.clock.advance(Duration::from_secs(3_600));
        for user in ["ann", "ben"] {
            assert!(server.say(user, "#meet").await.contains("Looking for"), "{user}");
        }
        assert!(server.say("cid", "#meet").await.contains("Connected!"));
        for user in ["ann", "ben", "cid"] {
            server.say(user, "#bye").await;
        }
    }
}

#[tokio::test]
async fn block_works_after_the_partner_left() {
    let server = TestServer::start().await;
    let reply = server.say("ann", "#block").await;
    assert!(reply.contains("no one to block or report"), "{reply}");
    pair(&server, "ann", "ben").await;
    server.say("ben", "#bye").await;
    let reply = server.say("ann", "#block").await;
    assert!(reply.contains("🚫 Blocked. You two won't meet again."), "{reply}");
    server.clock.advance(Duration::from_secs(20 * 60));
    assert!(server.say("ann", "#report spam").await.contains("no one to block or report"));
}

#[tokio::test]
async fn report_requires_a_reason() {
    let server = TestServer::start().await;
    pair(&server, "ann", "ben").await;
    let reply = server.say("ann", "#report").await;
    assert!(reply.contains("spam, abuse, minor, scam, other"), "{reply}");
    let long = server.say("ann", &format!("#report {}", "x".repeat(301))).await;
    assert!(long.contains("300 characters or fewer"), "{long}");
    assert!(server.say("ann", "hello").await.contains("Message sent"), "the chat goes on");
    let reply = server.say("ann", "#report asks for money").await;
    assert!(reply.contains("this person has been reported. The chat is over."), "{reply}");
}

#[tokio::test]
async fn report_limit_per_day_leaves_the_block() {
    let variables = [("RATE_LIMITS", "reports=1")];
    let server = TestServer::with(&variables, ConnectionLimits::default()).await;
    pair(&server, "ann", "ben").await;
    assert!(server.say("ann", "#report spam").await.contains("has been reported"));
    pair(&server, "ann", "cid").await;
    let reply = server.say("ann", "#report spam").await;
    assert!(reply.contains("You've reported too often. Try again in 1 day"), "{reply}");
    assert!(server.say("cid", "hello").await.contains("Message sent"), "the chat goes on");
    assert!(server.say("ann", "#block").await.contains("The chat is over"));
    server.clock.advance(Duration::from_secs(24 * 60 * 60));
    pair(&server, "ann", "dan").await;
    assert!(server.say("ann", "#report spam").await.contains("has been reported"));
}

#[tokio::test]
async fn suspension_grows_with_established_reporters_and_states_its_duration() {
    let server = TestServer::start().await;
    establish(&server, &["r1", "r2", "r3", "r4"]).await;
    for (reporter, wait) in
        [("r1", "1 minute."), ("r2", "5 minutes."), ("r3", "25 minutes."), ("r4", "2 hours.")]
    {
        pair_and_write(&server, "ben", reporter).await;
        server.say(reporter, "#report abuse").await;
        for message in ["#meet", "#again", "hello"] {
            let reply = server.say("ben", message).await;
            assert!(reply.contains(&format!("Try again in {wait}")), "{reply}");
        }
        server.clock.advance(Duration::from_secs(2 * 3_600));
    }
}

#[tokio::test]
async fn report_twice_by_one_person_counts_once() {
    let server = TestServer::start().await;
    pair_and_write(&server, "ann", "ben").await;
    server.say("ann", "#report spam").await;
    server.clock.advance(Duration::from_secs(30));
    server.say("ann", "#report scam").await;
    assert!(server.say("ben", "#meet").await.contains("in 30 seconds."));
}

#[tokio::test]
async fn suspension_ends_the_current_chat() {
    let server = TestServer::start().await;
    pair_and_write(&server, "ann", "ben").await;
    server.say("ben", "#again").await;
    assert!(server.say("cid", "#meet").await.contains("Connected!"));
    server.say("ann", "#report abuse").await;
    assert!(server.say("cid", "hello?").await.contains("left the chat"));
    assert!(server.say("ben", "hello?").await.contains("Try again in 1 minute."));
}

#[tokio::test]
async fn report_retry_targets_the_same_person() {
    let server = TestServer::start().await;
    pair_and_write(&server, "ann", "ben").await;
    let report = json!({ "message": "#report spam", "puch_user_id": "ann", "message_id": "1" });
    server.short_form("handle_message", report.clone()).await;
    pair(&server, "ann", "cid").await;
    let (_, again) = server.short_form("handle_message", report).await;
    assert!(
        again["result"].as_str().is_some_and(|text| text.contains("has been reported")),
        "{again}"
    );
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
    assert!(
        server.say("ben", "#bye").await.contains("left the queue"),
        "the rejected #again changed nothing"
    );
}

#[tokio::test]
async fn rate_limit_of_equal_texts_is_judged_before_masking() {
    let server = TestServer::with(&[("RATE_LIMITS", "on")], ConnectionLimits::default()).await;
    pair(&server, "ann", "ben").await;
    for n in 0..5 {
        let sent = server.say("ann", &format!("call me: 983341250{n}")).await;
        assert!(sent.ends_with("call me: [hidden]"), "{sent}");
    }
    for _ in 0..3 {
        assert!(server.say("ben", "9833412506").await.contains("Message sent"));
    }
    assert!(server.say("ben", "9833412506").await.contains("You've already sent this"));
}

#[tokio::test]
async fn suspension_applies_to_agents() {
    let server =
        TestServer::with(&[("TOOLSETS", "connect,penpal")], ConnectionLimits::default()).await;
    let agent = server.client(ProtocolVersion::V_2025_06_18).await;
    let enter = async || text(&agent.call("enter_queue", json!({ "user_id": "pal" })).await);
    enter().await;
    assert!(server.say("ann", "#meet").await.contains("Connected!"));
    agent.call("say", json!({ "user_id": "pal", "message": "hello" })).await;
    assert!(server.say("ann", "#m").await.contains("hello"));
    server.say("ann", "#report spam").await;
    let reply = enter().await;
    assert!(reply.contains("Try again in 1 minute."), "{reply}");
}

#[tokio::test]
async fn moderation_store_sqlite_keeps_blocks_and_reports() {
    let file = std::env::temp_dir().join(format!("block-and-report-{}.db", std::process::id()));
    let (state, key) = (format!("sqlite:{}", file.display()), "ab".repeat(32));
    let variables = [
        ("STATE_DB", state.as_str()),
        ("ID_SALT", "a salt of some length"),
        ("INBOX_KEY", key.as_str()),
    ];
    let before = TestServer::with(&variables, ConnectionLimits::default()).await;
    pair_and_write(&before, "ann", "ben").await;
    before.say("ann", "#report abuse").await;
    drop(before);
    let after = TestServer::with(&variables, ConnectionLimits::default()).await;
    assert!(after.say("ben", "#meet").await.contains("You were reported"));
    after.clock.advance(Duration::from_secs(120));
    for user in ["ann", "ben"] {
        assert!(after.say(user, "#meet").await.contains("Looking for"));
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
    let no_target = agent.try_call("block", json!({ "user_id": agent.user_id })).await;
    assert!(no_target.is_err_and(|message| message.contains("no one to block")));
    for (tool, reason) in [("report", json!("scam")), ("block", Value::Null)] {
        agent.enter(json!({})).await;
        assert!(server.say(tool, "#meet").await.contains("Connected!"));
        agent.match_notification().await;
        server.say(tool, "send me money").await;
        agent.notification("message.received").await;
        for invalid in [" ".to_owned(), "x".repeat(301)] {
            let arguments = json!({ "user_id": agent.user_id, "reason": invalid });
            let rejected = agent.try_call("report", arguments).await;
            assert!(rejected.is_err_and(|message| message.contains("The reason ")));
        }
        let arguments = json!({
            "user_id": agent.user_id, "room_id": agent.room_id, "reason": reason,
        });
        let result = agent.call(tool, arguments.clone()).await;
        assert_eq!(
            result,
            json!({ "chat_ended": true, "reported": tool == "report", "saved": true })
        );
        assert!(server.say(tool, "#m").await.contains("left the chat"));
        let repeated = agent.try_call(tool, arguments).await;
        assert!(
            repeated.is_err_and(|message| message.contains("has ended")),
            "the chat in this room is over"
        );
    }
    assert!(server.say("report", "#meet").await.contains("You were reported"));
    // After this time only the block keeps recent partners apart.
    server.clock.advance(Duration::from_secs(1_260));
    agent.enter(json!({})).await;
    for user in ["report", "block"] {
        assert!(server.say(user, "#meet").await.contains("Looking for"), "{user}");
        server.say(user, "#bye").await;
    }
}

#[tokio::test]
async fn report_of_someone_who_wrote_nothing_has_no_effect() {
    let server = TestServer::start().await;
    for reporter in ["r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8"] {
        pair(&server, reporter, "ben").await;
        server.say(reporter, "hello").await;
        server.say("ben", "#bye").await;
        assert!(server.say(reporter, "#report abuse").await.contains("has been reported"));
    }
    assert!(server.say("ben", "#meet").await.contains("Looking for"));
}

#[tokio::test]
async fn report_by_a_crowd_without_history_suspends_for_a_minute() {
    let server = TestServer::start().await;
    for number in 0..20 {
        let reporter = format!("invented-{number}");
        pair_and_write(&server, "ben", &reporter).await;
        server.say(&reporter, "#report minor").await;
        if number == 0 {
            assert!(server.say("ben", "#meet").await.contains("Try again in 1 minute."));
            server.clock.advance(Duration::from_secs(60));
        }
        assert!(server.say("ben", "#meet").await.contains("Looking for"), "{number}");
        server.say("ben", "#bye").await;
    }
}

#[tokio::test]
async fn report_by_someone_suspended_has_no_effect() {
    let server = TestServer::start().await;
    pair_and_write(&server, "ann", "ben").await;
    server.say("ann", "#report abuse").await;
    assert!(server.say("ben", "#meet").await.contains("Try again in 1 minute."));
    let reply = server.say("ben", "#report abuse").await;
    assert!(reply.contains("has been reported"), "{reply}");
    assert!(server.say("ann", "#meet").await.contains("Looking for"));
}
