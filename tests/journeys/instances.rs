//! Two servers that share a lobby on Redis: whoever is connected to one hears at once what comes
//! through the other.

use std::time::Duration;

use serde_json::json;

use crate::agent::{Agent, WAYS};
use crate::redis_server::RedisServer;
use crate::support::Server;
use random_connect::transport::core::Limits;

async fn instance(redis: &RedisServer) -> Server {
    let (url, key) = (redis.url(), "ab".repeat(32));
    let variables = [
        ("TOOLSETS", "connect,penpal"),
        ("REDIS_URL", url.as_str()),
        ("ID_SALT", "a salt of some length"),
        ("INBOX_KEY", key.as_str()),
    ];
    Server::with(&variables, Limits::default()).await
}

#[tokio::test]
async fn whoever_is_connected_to_one_server_is_told_what_is_written_through_another() {
    let redis = RedisServer::start(&[]);
    let [one, other] = [instance(&redis).await, instance(&redis).await];
    for (way, number) in WAYS.into_iter().zip(0..) {
        let mut agent = Agent::connect(&one, way).await;
        assert_eq!(agent.enter(json!({})).await["status"], "waiting");
        let person = format!("person-{number}");
        assert!(other.say(&person, "#meet").await.contains("Connected!"), "{way:?}");
        agent.found().await;
        assert!(other.say(&person, "hello").await.contains("Message sent"), "{way:?}");
        assert_eq!(agent.told("message.received").await["message"], "hello");
        agent.say("hello back").await;
        assert!(one.say(&person, "#m").await.contains(": hello back"), "any call may hit any");
        other.say(&person, "#bye").await;
        assert_eq!(agent.told("partner.disconnected").await["reason"], "left");
    }
}

#[tokio::test]
async fn whoever_is_blocked_or_barred_on_one_server_is_so_on_the_other() {
    let redis = RedisServer::start(&[]);
    let [one, other] = [instance(&redis).await, instance(&redis).await];
    one.say("ann", "#meet").await;
    assert!(other.say("ben", "#meet").await.contains("Connected!"));
    other.say("ben", "send me money").await;
    assert!(one.say("ann", "#report scam").await.contains("is reported"));
    assert!(other.say("ben", "#meet").await.contains("You can again in 1 minute."));
    for server in [&one, &other] {
        server.clock.advance(Duration::from_secs(90));
    }
    assert!(one.say("ann", "#meet").await.contains("Looking for"));
    assert!(other.say("ben", "#meet").await.contains("Looking for"));
}
