//! Two servers with first Redis: they share chats, pushes, blocks, suspensions and rate limits.

use std::time::Duration;

use serde_json::json;

use crate::support::live_client::{LIVE_TRANSPORTS, LiveClient};
use crate::support::redis_server::RedisServer;
use crate::support::server::TestServer;
use random_connect::transport::http::limits::ConnectionLimits;

/// Starts an instance without rate limits.
async fn instance(redis: &RedisServer) -> TestServer {
    instance_with_limits(redis, "off").await
}

/// Starts an instance with this value of `RATE_LIMITS`.
async fn instance_with_limits(redis: &RedisServer, limits: &str) -> TestServer {
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
    let [first, second] = [instance(&redis).await, instance(&redis).await];
    for (transport, number) in LIVE_TRANSPORTS.into_iter().zip(0..) {
        let mut agent = LiveClient::connect(&first, transport).await;
        assert_eq!(agent.enter(json!({})).await["status"], "waiting");
        let user = format!("user-{number}");
        assert!(second.say(&user, "#meet").await.contains("Connected!"), "{transport:?}");
        agent.match_notification().await;
        assert!(second.say(&user, "hello").await.contains("Message sent"), "{transport:?}");
        assert_eq!(agent.notification("message.received").await["message"], "hello");
        agent.say("hello back").await;
        assert!(
            first.say(&user, "#m").await.contains(": hello back"),
            "a call may reach any instance"
        );
        second.say(&user, "#bye").await;
        assert_eq!(agent.notification("partner.disconnected").await["reason"], "left");
    }
}

#[tokio::test]
async fn multi_instance_block_and_suspension_are_shared() {
    let redis = RedisServer::start(&[]);
    let [first, second] = [instance(&redis).await, instance(&redis).await];
    first.say("ann", "#meet").await;
    assert!(second.say("ben", "#meet").await.contains("Connected!"));
    second.say("ben", "send me money").await;
    assert!(first.say("ann", "#report scam").await.contains("has been reported"));
    assert!(second.say("ben", "#meet").await.contains("Try again in 1 minute."));
    for server in [&first, &second] {
        server.clock.advance(Duration::from_secs(90));
    }
    assert!(first.say("ann", "#meet").await.contains("Looking for"));
    assert!(second.say("ben", "#meet").await.contains("Looking for"));
}

#[tokio::test]
async fn multi_instance_rate_limit_is_shared() {
    let mut redis = RedisServer::start(&[]);
    let limits = "messages=9,same=2,searches=2";
    let [first, second] =
        [instance_with_limits(&redis, limits).await, instance_with_limits(&redis, limits).await];
    first.say("ann", "#meet").await;
    assert!(second.say("ben", "#meet").await.contains("Connected!"));
    first.say("ann", "hello").await;
    second.say("ann", "hello").await;
    assert!(first.say("ann", "hello").await.contains("Try again in 30 seconds"));
    assert!(second.say("ann", "how are you?").await.contains("Message sent"));
    assert!(first.say("ann", "and you?").await.contains("in 7 seconds"));
    assert!(second.say("ben", "#again").await.contains("Looking for"));
    assert!(first.say("ben", "#again").await.contains("Try again in 3 minutes"));
    for server in [&first, &second] {
        server.clock.advance(Duration::from_secs(180));
    }
    assert!(second.say("ben", "#again").await.contains("Looking for"));
    redis.kill();
    let call = json!({ "message": "#again", "puch_user_id": "ben" });
    let (_, body) = first.short_form("handle_message", call).await;
    assert!(body.to_string().contains("Please try again shortly"), "{body}");
}
