//! The notice, languages, icebreakers and ratings, as users and agents see them.

use std::time::Duration;

use random_connect::transport::http::limits::ConnectionLimits;
use serde_json::json;

use crate::support::chats::{establish, pair, pair_and_write};
use crate::support::live_client::{LiveClient, LiveTransport};
use crate::support::server::TestServer;

/// The beginning of the notice in English.
const NOTICE: &str = "ℹ️ Before you chat: you must be 18 or older";

async fn server_with_notice(notice: &str) -> TestServer {
    TestServer::with(&[("NOTICE", notice)], ConnectionLimits::default()).await
}

#[tokio::test]
async fn notice_is_shown_once_per_user() {
    let server = server_with_notice("on").await;
    assert!(!server.say("ann", "#meet").await.contains(NOTICE));
    assert!(server.say("ben", "#meet").await.contains(NOTICE));
    assert!(server.say("ann", "#m").await.contains(NOTICE));
    for _ in 0..2 {
        for user in ["ann", "ben"] {
            server.say(user, "#bye").await;
        }
        server.clock.advance(Duration::from_secs(3_600));
        server.say("ann", "#meet").await;
        let reply = server.say("ben", "#meet").await;
        assert!(reply.contains("Connected!") && !reply.contains(NOTICE), "{reply}");
        let reply = server.say("ann", "#m").await;
        assert!(reply.contains("Connected!") && !reply.contains(NOTICE), "{reply}");
    }
}

#[tokio::test]
async fn notice_required_blocks_matching_until_agreed() {
    let server = server_with_notice("require").await;
    for user in ["ann", "ben"] {
        for message in ["#meet", "#again"] {
            let reply = server.say(user, message).await;
            assert!(reply.contains(NOTICE) && reply.contains("Send #agree"), "{reply}");
        }
        assert!(
            server.say(user, "hi").await.contains("not in a chat yet"),
            "the user is not in the queue"
        );
    }
    assert!(server.say("ann", "#agree").await.contains("Looking for someone"));
    let reply = server.say("ben", "#agree").await;
    assert!(reply.contains("Connected!") && !reply.contains(NOTICE), "{reply}");
    server.say("ben", "#bye").await;
    assert!(server.say("ben", "#meet").await.contains("Looking for"), "acceptance is permanent");
}

#[tokio::test]
async fn notice_required_applies_to_agents() {
    let variables = [("NOTICE", "require"), ("TOOLSETS", "connect,penpal")];
    let server = TestServer::with(&variables, ConnectionLimits::default()).await;
    let mut agent = LiveClient::connect(&server, LiveTransport::WebSocket).await;
    let rejoin = json!({ "user_id": "an-agent-of-some-length" });
    agent.call("rejoin", rejoin.clone()).await;
    let rejected = agent.try_call("enter_queue", rejoin.clone()).await;
    assert!(rejected.is_err_and(|message| message.contains(NOTICE) && message.contains("#agree")));
    let agree = json!({ "user_id": "an-agent-of-some-length", "message": "#agree" });
    assert_eq!(agent.call("say", agree).await["status"], "waiting");
    assert_eq!(agent.call("enter_queue", rejoin).await["status"], "waiting");
}

#[tokio::test]
async fn notice_can_be_disabled() {
    let server = server_with_notice("off").await;
    server.say("ann", "#meet").await;
    assert!(!server.say("ben", "#meet").await.contains(NOTICE));
    assert!(server.say("ben", "#agree").await.contains("✅ Thank you!"));
}

#[tokio::test]
async fn language_is_per_user() {
    let server = server_with_notice("on").await;
    let reply = server.say("ann", "#lang").await;
    assert!(reply.contains("español (es)") && reply.contains("العربية (ar)"), "{reply}");
    assert!(server.say("ann", "#lang klingon").await.contains("#lang with one of them"));
    assert_eq!(server.say("ann", "#lang es").await, "🌐 Desde ahora te escribo en español.");
    assert!(server.say("ben", "#LANG हिन्दी").await.contains("हिन्दी"));
    assert!(server.say("ann", "#meet").await.contains("Buscando a alguien"));
    let reply = server.say("ben", "#meet").await;
    assert!(reply.contains("🎉 जुड़ गए!") && reply.contains("ℹ️ बातचीत से पहले"), "{reply}");
    let reply = server.say("ann", "#m").await;
    assert!(reply.contains("¡Conectado!") && reply.contains("ℹ️ Antes de chatear"), "{reply}");
    assert!(server.say("ann", "#help").await.contains("*#meet* [intereses]"));
    server.say("ben", "#bye").await;
    assert!(server.say("ann", "#m").await.contains("ha dejado el chat"));
}

#[tokio::test]
async fn language_is_detected_from_first_messages() {
    let server = server_with_notice("off").await;
    server.say("ann", "#meet").await;
    server.say("ben", "#meet").await;
    let sent = server.say("ann", "hola, ¿cómo estás? ¿de dónde eres y qué haces?").await;
    assert!(sent.contains("hola"), "{sent}");
    assert!(server.say("ann", "#who").await.contains("👤 Chateas con"));
    assert!(server.say("ben", "#who").await.contains("👤 You're chatting with"));
    server.say("ann", "this is a sentence in English, is it not? I hope so").await;
    assert!(
        server.say("ann", "#who").await.contains("👤 Chateas con"),
        "a second guess must not change it"
    );
    server.say("ann", "#lang en").await;
    assert!(server.say("ann", "#who").await.contains("👤 You're chatting with"));
}

#[tokio::test]
async fn icebreaker_is_localized_for_each_side() {
    let server = TestServer::start().await;
    assert!(server.say("ann", "#ice").await.contains("not in a chat yet"));
    server.say("ann", "#lang pt").await;
    server.say("ann", "#meet").await;
    server.say("ben", "#meet").await;
    server.say("ann", "#m").await;
    let question = server.say("ben", "#ice").await;
    assert!(question.starts_with("🧊 ") && question.ends_with('?'), "{question}");
    let translated = server.say("ann", "#m").await;
    assert!(translated.starts_with("🧊 ") && translated != question, "{translated}");
}

#[tokio::test]
async fn rating_poorly_rated_user_waits_longer_silently() {
    let server = TestServer::start().await;
    assert!(server.say("eve", "#good").await.contains("no one to rate"));
    establish(&server, &["r1", "r2", "r3", "r4"]).await;
    for rater in ["r1", "r2", "r3"] {
        pair_and_write(&server, "eve", rater).await;
        server.say("eve", "#bye").await;
        assert_eq!(
            server.say(rater, "#bad").await.lines().last(),
            Some("👍 Thank you, that helps us match people.")
        );
        assert!(!server.say("eve", "#m").await.contains("👍"));
    }
    assert!(server.say("eve", "#meet").await.contains("Looking for"));
    assert!(
        server.say("ann", "#meet").await.contains("Looking for"),
        "not for the first 30 seconds"
    );
    server.clock.advance(Duration::from_secs(31));
    assert!(server.say("ben", "#meet").await.contains("Connected!"));
    for rater in ["r1", "r2", "r3"] {
        server.say(rater, "#bye").await;
    }
}

#[tokio::test]
async fn rating_by_invented_users_does_not_count() {
    let server = TestServer::start().await;
    for number in 0..10 {
        let rater = format!("invented-{number}");
        pair_and_write(&server, "eve", &rater).await;
        server.say("eve", "#bye").await;
        assert!(server.say(&rater, "#bad").await.contains("👍"));
    }
    assert!(server.say("eve", "#meet").await.contains("Looking for"));
    assert!(server.say("ann", "#meet").await.contains("Connected!"));
}

#[tokio::test]
async fn rating_of_a_chat_without_messages_does_not_count() {
    let server = TestServer::start().await;
    establish(&server, &["r1", "r2", "r3", "r4"]).await;
    for rater in ["r1", "r2", "r3"] {
        pair(&server, "eve", rater).await;
        server.say("eve", "#bye").await;
        assert!(server.say(rater, "#bad").await.contains("👍"));
    }
    assert!(server.say("eve", "#meet").await.contains("Looking for"));
    assert!(server.say("ann", "#meet").await.contains("Connected!"));
}

#[tokio::test]
async fn search_answer_says_why_no_one_is_found() {
    let server = TestServer::start().await;
    assert!(server.say("ann", "#meet").await.contains("No one else is here right now"));
    assert!(server.say("ben", "#meet").await.contains("Connected!"));
    assert!(server.say("cid", "#meet").await.contains("Everyone else is chatting right now"));
    let choosy = server.say("dan", "#meet chess").await;
    assert!(choosy.contains("Looking first for people who like: chess"), "{choosy}");
    assert!(!choosy.contains("chatting right now"), "{choosy}");
    server.say("cid", "#bye").await;
    let open = server.say("cid", "#meet").await;
    assert!(open.contains("after 30 seconds for anyone"), "{open}");
}
