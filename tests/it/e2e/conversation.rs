//! A conversation from `#meet` to `#bye`: the exact replies of `handle_message`.

use std::time::Duration;

use random_connect::transport::http::limits::ConnectionLimits;
use rmcp::model::ProtocolVersion;

use crate::support::server::{TestServer, partner_name};

/// The reply to a search that finds no partner yet.
const LOOKING: &str =
    "🔍 Looking for someone to chat with... Please wait while we find you a partner!";
/// The last line of the answer for the only user.
const ALONE: &str = "💡 No one else is here right now. You're connected as soon as someone comes.";

#[tokio::test]
async fn conversation_from_meet_to_bye() {
    let server = TestServer::start().await;
    let puch = server.client(ProtocolVersion::V_2025_06_18).await;

    assert_eq!(
        puch.say("ann", "#meet").await,
        format!("{LOOKING}\n⏳ Your place in the queue: 1\n{ALONE}")
    );
    let connected = puch.say("ben", "#MEET").await;
    let ann = partner_name(&connected);
    assert_eq!(connected, format!("🎉 Connected! You're now chatting with {ann}. Say hello!"));

    let first = puch.say("ann", "Call me at 9876543210").await;
    let ben = partner_name(&first);
    assert_eq!(
        first,
        format!(
            "🎉 Connected! You're now chatting with {ben}. Say hello!\n\n\
             📤 Message sent to your partner from {ann}: Call me at [hidden]"
        )
    );
    assert_eq!(
        puch.say("ann", "  two\nlines ").await,
        format!("📤 Message sent to your partner from {ann}: two\n› lines")
    );
    assert_eq!(
        puch.say("ben", "#m").await,
        format!("💬 {ann}: Call me at [hidden]\n💬 {ann}: two\n› lines")
    );
    assert_eq!(puch.say("ben", "#inbox").await, "📭 Inbox empty.");
    assert_eq!(puch.say("ben", "#who").await, format!("👤 You're chatting with: {ann}"));
    assert_eq!(
        puch.say("ben", "#meet").await,
        "You're already in a chat! Use #bye to end it first, or #again to find a new partner."
    );
    assert_eq!(
        puch.say("ben", "#r #meet").await,
        format!("📤 Message sent to your partner from {ben}: #meet")
    );
    assert_eq!(
        puch.say("ben", "#meeting tomorrow").await,
        format!("📤 Message sent to your partner from {ben}: #meeting tomorrow")
    );
    assert_eq!(
        puch.say("ann", "#bye").await,
        format!(
            "💬 {ben}: #meet\n💬 {ben}: #meeting tomorrow\n\n👋 Chat ended. Use #meet to connect with someone new!"
        )
    );
    assert_eq!(
        puch.say("ben", "are you there?").await,
        "Your partner left the chat. Use #meet to find a new one.\n\n\
         💡 You're not in a chat yet. Use #meet to find someone to talk to, or #help for all commands."
    );
    assert_eq!(puch.say("ben", "#bye").await, "You're not currently in a chat.");
    assert_eq!(
        puch.say("ben", "#who").await,
        "You're not currently in a chat. Use #meet to connect!"
    );
}

#[tokio::test]
async fn queue_can_be_left() {
    let server = TestServer::start().await;
    server.say("ann", "#meet").await;
    assert_eq!(
        server.say("ann", "hello?").await,
        "🔍 Still looking for a partner, so your message was not sent. Use #bye to stop looking."
    );
    assert_eq!(server.say("ann", "#bye").await, "👋 You left the queue. Use #meet to look again.");
    assert_eq!(
        server.say("ben", "#meet").await,
        format!("{LOOKING}\n⏳ Your place in the queue: 1\n{ALONE}")
    );
}

#[tokio::test]
async fn match_again_finds_someone_else() {
    let server = TestServer::start().await;
    server.say("ann", "#meet").await;
    server.say("ben", "#meet").await;
    let again = server.say("ben", "#again").await;
    assert!(again.starts_with("🔍 Looking for a new chat partner... Please wait!"), "{again}");
    assert!(
        server.say("ann", "#meet").await.contains("\n\n🔍 Looking for someone to chat with...")
    );
    let connected = server.say("cat", "#meet").await;
    assert!(connected.starts_with("🎉 Connected!"), "{connected}");
    let next = server.say("cat", "#again").await;
    assert!(next.starts_with("🔄 New connection! You're now chatting with User_"), "{next}");
}

#[tokio::test]
async fn mask_toggle_belongs_to_the_sender() {
    let server = TestServer::start().await;
    server.say("ann", "#meet").await;
    server.say("ben", "#meet").await;
    server.say("ann", "#m").await;
    assert_eq!(server.say("ann", "#hide").await, "🔒 Phone number masking is now OFF.");
    assert!(server.say("ann", "9876543210").await.ends_with(": 9876543210"));
    let reply = server.say("ben", "9876543210").await;
    let (received, sent) = reply.split_once("\n\n").expect("a message and a confirmation");
    assert!(received.ends_with(": 9876543210") && sent.ends_with(": [hidden]"), "{reply}");
    assert!(server.say("ann", "#m").await.ends_with(": [hidden]"));
    assert_eq!(server.say("ann", "＃ＨＩＤＥ").await, "🔒 Phone number masking is now ON.");
}

#[tokio::test]
async fn command_hide_with_a_word_never_does_the_opposite() {
    let server = TestServer::start().await;
    let (on, off) = ("🔒 Phone number masking is now ON.", "🔒 Phone number masking is now OFF.");
    for (message, expected) in
        [("#hide on", on), ("#hide off", off), ("#hide OFF!", off), ("#hide ein", on)]
    {
        assert_eq!(server.say("ann", message).await, expected, "{message}");
    }
    let usage = server.say("ann", "#hide and seek").await;
    assert!(usage.starts_with("💡 Nothing was changed. Send #hide on"), "{usage}");
    server.say("ann", "#meet").await;
    server.say("ben", "#meet").await;
    server.say("ann", "#m").await;
    assert!(server.say("ann", "9876543210").await.ends_with(": [hidden]"));
    let refused = server.say("ben", "#agree no").await;
    assert!(
        refused.contains("💡 Nothing was done, because of the words after #agree."),
        "{refused}"
    );
}

#[tokio::test]
async fn command_misspelling_is_answered_and_not_sent() {
    let server = TestServer::start().await;
    server.say("ann", "#meet").await;
    server.say("ben", "#meet").await;
    server.say("ann", "#m").await;
    let hint = "💡 Your message was not sent. Did you mean #report? To send it as text, write #r before it.";
    assert_eq!(server.say("ann", "#repot rude").await, hint);
    assert!(server.say("ann", "#stop").await.contains("Did you mean #bye?"));
    assert_eq!(server.say("ben", "#m").await, "📭 Inbox empty.");
    assert!(server.say("ann", "#r #repot rude").await.ends_with(": #repot rude"));
    assert!(server.say("ann", "#food").await.ends_with(": #food"));
}

#[tokio::test]
async fn nickname_comes_from_the_user_not_the_caller() {
    let server = TestServer::start().await;
    let call = serde_json::json!({ "message": "#meet", "puch_user_id": "ann", "user_nickname": "Ann Realname" });
    server.short_form("handle_message", call).await;
    assert_eq!(
        server.say("ben", "#nick Sunny 🌻").await,
        "✏️ From your next chat on, your nickname is Sunny 🌻."
    );
    for name in ["🎉 Connected", "ADМIN", "🅰🅳🅼🅸🅽", "Equipo oficial", "एडमिन"]
    {
        let rejected = server.say("ben", &format!("#nick {name}")).await;
        assert!(rejected.starts_with("⚠️ That nickname can't be used: "), "{rejected}");
    }
    assert!(!server.say("ben", "#meet").await.contains("Realname"));
    assert!(server.say("ann", "#who").await.contains("You're chatting with: Sunny 🌻"));
}

#[tokio::test]
async fn nickname_and_message_together_show_no_number() {
    let variables = [("USE_CALLER_NICKNAMES", "on")];
    let server = TestServer::with(&variables, ConnectionLimits::default()).await;
    server.say("ann", "#nick 98345").await;
    server.say("ann", "#meet").await;
    // The caller's name counts, too.
    let call =
        serde_json::json!({ "message": "#meet", "puch_user_id": "ben", "user_nickname": "98345" });
    server.short_form("handle_message", call).await;
    server.say("ann", "#m").await;
    assert!(server.say("ann", "hello").await.ends_with(": hello"));
    assert!(server.say("ann", "12607").await.ends_with("98345: [hidden]"));
    let sent = server.say("ben", "one two six zero seven").await;
    assert!(sent.ends_with("98345: [hidden]"), "{sent}");
    let refused = server.say("ben", "#nick 9820143756").await;
    assert!(
        refused.ends_with("it contains a phone number or another contact detail."),
        "{refused}"
    );
    server.say("ben", "#bye").await;
    let refused = server.say("ben", "#meet chess, 9820143756").await;
    assert!(
        refused.starts_with("⚠️ No search was started: an interest can't contain"),
        "{refused}"
    );
}

#[tokio::test]
async fn match_of_the_only_two_users_is_immediate() {
    let server = TestServer::start().await;
    let waiting = server.say("ann", "#meet music").await;
    assert!(waiting.contains("people who like: music. After 30 seconds, for anyone."), "{waiting}");
    assert!(server.say("ben", "#meet").await.starts_with("🎉 Connected!"));
    server.say("cat", "#meet music").await;
    assert!(server.say("dan", "#meet").await.starts_with("🔍 Looking for someone"));
}

#[tokio::test]
async fn forget_asks_first_and_then_deletes() {
    let server = TestServer::with(&[("NOTICE", "on")], ConnectionLimits::default()).await;
    server.say("ann", "#nick Sunny").await;
    server.say("ann", "#meet").await;
    server.say("ben", "#meet").await;
    let question = server.say("ann", "#forget").await;
    assert!(question.contains("⚠️ This ends your chat and deletes"), "{question}");
    assert!(server.say("ben", "#who").await.contains("Sunny"), "nothing is deleted yet");
    server.say("ben", "hello there").await;
    let done = server.say("ann", "#forget yes").await;
    assert!(done.starts_with("✅ Your data was deleted: nickname,"), "{done}");
    assert!(!done.contains("hello there"), "{done}");
    assert!(server.say("ben", "#m").await.starts_with("Your partner left the chat."));
    assert_eq!(server.say("ann", "#m").await, "📭 Inbox empty.");
    server.say("cat", "#meet").await;
    let connected = server.say("ann", "#meet").await;
    assert!(connected.contains("Before you chat"), "the notice is new again: {connected}");
    assert!(server.say("cat", "#who").await.contains("chatting with: User_"));
}

#[tokio::test]
async fn nickname_from_the_caller_when_enabled() {
    let server =
        TestServer::with(&[("USE_CALLER_NICKNAMES", "on")], ConnectionLimits::default()).await;
    let call =
        serde_json::json!({ "message": "#meet", "puch_user_id": "ann", "user_nickname": "Annie" });
    server.short_form("handle_message", call).await;
    assert!(server.say("ben", "#meet").await.contains("chatting with Annie."));
}

#[tokio::test]
async fn command_help_and_unknown_commands() {
    let server = TestServer::start().await;
    let help = server.say("ann", "#help").await;
    for command in
        ["#meet", "#bye", "#again", "#hide", "#who", "#m", "#inbox", "#r", "#nick", "#help"]
    {
        assert!(help.contains(&format!("*{command}*")), "{help}");
    }
    assert!(server.say("ann", "#1 song").await.starts_with("💡 You're not in a chat yet."));
    assert_eq!(server.say("ann", " \u{0} ").await, "💡 There was no text to send.");
}

#[tokio::test]
async fn eviction_after_thirty_idle_minutes() {
    let server =
        TestServer::with(&[("REAP_INTERVAL_SECS", "1")], ConnectionLimits::default()).await;
    server.say("ann", "#meet").await;
    server.clock.advance(Duration::from_secs(1_799));
    server.say("ben", "#meet").await;
    server.clock.advance(Duration::from_secs(1));
    let timed_out = tokio::time::timeout(crate::support::server::TEST_TIMEOUT, async {
        loop {
            let reply = server.say("ben", "#m").await;
            if reply != "📭 Inbox empty." {
                return reply;
            }
        }
    });
    assert_eq!(
        timed_out.await.expect("an event in time"),
        "Your partner timed out. Use #meet to find a new one."
    );
}

#[tokio::test]
async fn impersonation_is_impossible_in_relayed_lines() {
    let server = TestServer::start().await;
    server.say("ann", "#meet").await;
    server.say("ben", "#meet").await;
    server.say("ben", "hi\nYour partner left the chat. Use #meet\u{202e} to find a new one.").await;
    let read = server.say("ann", "#m").await;
    assert!(
        read.ends_with(": hi\n› Your partner left the chat. Use #meet to find a new one."),
        "{read}"
    );
}

#[tokio::test]
async fn inbox_overflow_continues_in_the_next_answer() {
    let server = TestServer::start().await;
    server.say("ann", "#meet").await;
    server.say("ben", "#meet").await;
    server.say("ann", "#m").await;
    for number in 0..12 {
        server.say("ben", &format!("{number:02} {}", "x".repeat(997))).await;
    }
    let mut read = String::new();
    for waiting in [
        "9 more messages are waiting",
        "6 more messages are waiting",
        "3 more messages are waiting",
        "zzz",
    ] {
        let reply = server.say("ann", "#m").await;
        assert!(reply.chars().count() <= 4_096);
        assert!(reply.contains(waiting) || waiting == "zzz", "{reply}");
        read.push_str(&reply);
    }
    let order: Vec<_> = (0..12)
        .map(|number| read.find(&format!(": {number:02} x")).expect("every message"))
        .collect();
    assert!(order.is_sorted());
}

#[tokio::test]
async fn inbox_full_is_reported_to_the_sender() {
    let server = TestServer::start().await;
    server.say("ann", "#meet").await;
    server.say("ben", "#meet").await;
    server.say("ann", "#m").await;
    for _ in 0..200 {
        server.say("ben", "hi").await;
    }
    let rejected = server.say("ben", "one more").await;
    assert!(
        rejected.starts_with(
            "⚠️ Your message was not sent: your partner has too many unread messages."
        )
    );
    assert_eq!(server.say("ann", "#m").await.matches(": hi").count(), 200);
}

#[tokio::test]
async fn mask_catches_a_number_split_over_messages() {
    let server = TestServer::start().await;
    server.say("ann", "#meet").await;
    server.say("ben", "#meet").await;
    server.say("ann", "#m").await;
    for piece in ["98765", "43210"] {
        server.say("ben", piece).await;
    }
    let read = server.say("ann", "#m").await;
    assert!(read.ends_with(": [hidden]"), "{read}");
    server.say("ben", "#hide").await;
    for piece in ["98765", "43210"] {
        server.say("ben", piece).await;
    }
    let read = server.say("ann", "#m").await;
    assert!(read.contains(": 98765\n") && read.ends_with(": 43210"), "{read}");
}
