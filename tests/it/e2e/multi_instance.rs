//! Two servers that share a lobby on Redis: whoever is connected to one hears at once what comes
//! through the other.

use std::time::Duration;

use serde_json::json;

use crate::support::live_client::{LIVE_TRANSPORTS, LiveClient};
use crate::support::redis_server::RedisServer;
use crate::support::server::TestServer;
use random_connect::transport::http::limits::ConnectionLimits;

async fn instance(redis: &RedisServer) -> TestServer {
    limited(redis, "off").await
}

/// An instance with these limits.
async fn limited(redis: &RedisServer, limits: &str) -> TestServer {
    let (url, key) = (redis.url(), "ab".repeat(32));
    let variables = [
        ("TOOLSETS", "connect,penpal"),
        ("REDIS_URL", url.as_str()),
        ("ID_SALT", "a salt of some length"),
        ("INBOX_KEY", key.as_str()),
        ("RATE_LIMITS", limits),
    ];
    TestServer::with(&variables, ConnectionLimits::default()).await
}

#[tokio::test]
async fn multi_instance_push_crosses_servers() {
    let redis = RedisServer::start(&[]);
    let [one, other] = [instance(&redis).await, instance(&redis).await];
    for (way, number) in LIVE_TRANSPORTS.into_iter().zip(0..) {
        let mut agent = LiveClient::connect(&one, way).await;
        assert_eq!(agent.enter(json!({})).await["status"], "waiting");
        let person = format!("person-{number}");
        assert!(other.say(&person, "#meet").await.contains("Connected!"), "{way:?}");
        agent.match_notification().await;
        assert!(other.say(&person, "hello").await.contains("Message sent"), "{way:?}");
        assert_eq!(agent.notification("message.received").await["message"], "hello");
        agent.say("hello back").await;
        assert!(one.say(&person, "#m").await.contains(": hello back"), "any call may hit any");
        other.say(&person, "#bye").await;
        assert_eq!(agent.notification("partner.disconnected").await["reason"], "left");
    }
}

#[tokio::test]
async fn multi_instance_block_and_suspension_are_shared() {
    let redis = RedisServer::start(&[]);
    let [one, other] = [instance(&redis).await, instance(&redis).await];
    one.say("ann", "#meet").await;
    assert!(other.say("ben", "#meet").await.contains("Connected!"));
    other.say("ben", "send me money").await;
    assert!(one.say("ann", "#report scam").await.contains("has been reported"));
    assert!(other.say("ben", "#meet").await.contains("Try again in 1 minute."));
    for server in [&one, &other] {
        server.clock.advance(Duration::from_secs(90));
    }
    assert!(one.say("ann", "#meet").await.contains("Looking for"));
    assert!(other.say("ben", "#meet").await.contains("Looking for"));
}

#[tokio::test]
async fn multi_instance_rate_limit_is_shared() {
    let mut redis = RedisServer::start(&[]);
    let limits = "messages=9,same=2,searches=2";
    let [one, other] = [limited(&redis, limits).await, limited(&redis, limits).await];
    one.say("ann", "#meet").await;
    assert!(other.say("ben", "#meet").await.contains("Connected!"));
    one.say("ann", "hello").await;
    other.say("ann", "hello").await;
    assert!(one.say("ann", "hello").await.contains("Try again in 30 seconds"));
    assert!(other.say("ann", "how are you?").await.contains("Message sent"));
    assert!(one.say("ann", "and you?").await.contains("in 7 seconds"));
    assert!(other.say("ben", "#again").await.contains("Looking for"));
    assert!(one.say("ben", "#again").await.contains("Try again in 3 minutes"));
    for server in [&one, &other] {
        server.clock.advance(Duration::from_secs(180));
    }
    assert!(other.say("ben", "#again").await.contains("Looking for"));
    redis.kill();
    let gone = json!({ "message": "#again", "puch_user_id": "ben" });
    let (_, body) = one.short_form("handle_message", gone).await;
    assert!(body.to_string().contains("Please try again shortly"), "{body}");
}
