//! What makes strangers feel welcome, as people see it: their language, a notice, questions, nudges,
//! ratings.

use std::time::Duration;

use random_connect::transport::http::limits::ConnectionLimits;
use serde_json::json;

use crate::support::live_client::{LiveClient, LiveTransport};
use crate::support::server::TestServer;

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
        let met = server.say("ben", "#meet").await;
        assert!(met.contains("Connected!") && !met.contains(NOTICE), "{met}");
        let met = server.say("ann", "#m").await;
        assert!(met.contains("Connected!") && !met.contains(NOTICE), "{met}");
    }
}

#[tokio::test]
async fn notice_required_blocks_matching_until_agreed() {
    let server = server_with_notice("require").await;
    for user in ["ann", "ben"] {
        for message in ["#meet", "#again"] {
            let held = server.say(user, message).await;
            assert!(held.contains(NOTICE) && held.contains("Send #agree"), "{held}");
        }
        assert!(server.say(user, "hi").await.contains("not in a chat yet"), "they do not wait");
    }
    assert!(server.say("ann", "#agree").await.contains("Looking for someone"));
    let met = server.say("ben", "#agree").await;
    assert!(met.contains("Connected!") && !met.contains(NOTICE), "{met}");
    server.say("ben", "#bye").await;
    assert!(server.say("ben", "#meet").await.contains("Looking for"), "once is for good");
}

#[tokio::test]
async fn notice_required_applies_to_agents() {
    let variables = [("NOTICE", "require"), ("TOOLSETS", "connect,penpal")];
    let server = TestServer::with(&variables, ConnectionLimits::default()).await;
    let mut agent = LiveClient::connect(&server, LiveTransport::WebSocket).await;
    let rejoin = json!({ "user_id": "an-agent-of-some-length" });
    agent.call("rejoin", rejoin.clone()).await;
    let held = agent.try_call("enter_queue", rejoin.clone()).await;
    assert!(held.is_err_and(|message| message.contains(NOTICE) && told.contains("#agree")));
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
    let all = server.say("ann", "#lang").await;
    assert!(all.contains("español (es)") && all.contains("العربية (ar)"), "{all}");
    assert!(server.say("ann", "#lang klingon").await.contains("#lang with one of them"));
    assert_eq!(server.say("ann", "#lang es").await, "🌐 Desde ahora te escribo en español.");
    assert!(server.say("ben", "#LANG हिन्दी").await.contains("हिन्दी"));
    assert!(server.say("ann", "#meet").await.contains("Buscando a alguien"));
    let met = server.say("ben", "#meet").await;
    assert!(met.contains("🎉 जुड़ गए!") && met.contains("ℹ️ लिखने से पहले"), "{met}");
    let met = server.say("ann", "#m").await;
    assert!(met.contains("¡Conectado!") && met.contains("ℹ️ Antes de escribir"), "{met}");
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
    assert!(server.say("ann", "#who").await.contains("👤 Chateas con"), "it does not flicker");
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
    let asked = server.say("ben", "#ice").await;
    assert!(asked.starts_with("🧊 ") && asked.ends_with('?'), "{asked}");
    let asked_too = server.say("ann", "#m").await;
    assert!(asked_too.starts_with("🧊 ") && asked_too != asked, "{asked_too}");
}

#[tokio::test]
async fn rating_poorly_rated_user_waits_longer_silently() {
    let server = TestServer::start().await;
    assert!(server.say("eve", "#good").await.contains("no one to rate"));
    for rater in ["r1", "r2", "r3"] {
        server.say("eve", "#meet").await;
        assert!(server.say(rater, "#meet").await.contains("Connected!"), "{rater}");
        server.say("eve", "#bye").await;
        assert_eq!(
            server.say(rater, "#bad").await.lines().last(),
            Some("👍 Thank you, that helps us match people.")
        );
        assert!(!server.say("eve", "#m").await.contains("👍"));
    }
    assert!(server.say("eve", "#meet").await.contains("Looking for"));
    assert!(server.say("ann", "#meet").await.contains("Looking for"), "not at once");
    server.clock.advance(Duration::from_secs(31));
    assert!(server.say("ben", "#meet").await.contains("Connected!"));
    for rater in ["r1", "r2", "r3"] {
        server.say(rater, "#bye").await;
    }
}
