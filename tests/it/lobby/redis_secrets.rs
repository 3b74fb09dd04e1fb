//! Instances on one Redis whose secrets differ, or are rotated.

use crate::support::redis_server::RedisServer;
use crate::support::redis_wire::command;
use crate::support::server_process::{ServerProcess, TIMEOUT};

/// Starts an instance with this `INBOX_KEY`.
async fn start(redis: &RedisServer, keys: &str) -> ServerProcess {
    let url = redis.url();
    let variables = [("REDIS_URL", url.as_str()), ("INBOX_KEY", keys), ("NOTICE", "off")];
    ServerProcess::start(0, &[&variables[..], &[("RATE_LIMITS", "off")]].concat()).await
}

/// Sends a text from one user to the other, each through another instance.
async fn talk(from: (&ServerProcess, &str), to: (&ServerProcess, &str), text: &str) {
    let answer = from.0.say(from.1, text, text).await;
    assert!(answer.contains("Message sent"), "{answer}");
    let inbox = to.0.say(to.1, "#m", &format!("read {text}")).await;
    assert!(inbox.contains(text), "{inbox}");
}

#[tokio::test]
async fn inbox_key_rotation_is_rolling() {
    let redis = RedisServer::start(&[]);
    let [old, new] = ["ab".repeat(32), "cd".repeat(32)];
    let (mut here, mut there) = (start(&redis, &old).await, start(&redis, &old).await);
    meet(&here, &there, "at first").await;
    for (step, keys) in [format!("{old},{new}"), format!("{new},{old}"), new].iter().enumerate() {
        if step == 2 {
            // A day later, no key of the lobby is left that the old key sealed.
            for key in command(&redis, &["KEYS", "{random-connect}:[0-9]*"]) {
                command(&redis, &["DEL", &key]);
            }
            meet(&here, &there, "a day later").await;
        }
        let text = |name: &str| format!("{name} {}", ["first", "second", "third"][step]);
        // A text that waits while the instances restart one after the other.
        let waiting = text("before");
        let answer = there.say("ben", &waiting, &waiting).await;
        assert!(answer.contains("Message sent"), "{answer}");
        here = start(&redis, keys).await;
        let inbox = here.say("ann", "#m", &format!("read {waiting}")).await;
        assert!(inbox.contains(&waiting), "{inbox}");
        talk((&here, "ben"), (&there, "ann"), &text("mixed one")).await;
        talk((&there, "ann"), (&here, "ben"), &text("mixed two")).await;
        there = start(&redis, keys).await;
        talk((&here, "ann"), (&there, "ben"), &text("same")).await;
    }
}

/// Starts a chat of two users, each on another instance.
async fn meet(here: &ServerProcess, there: &ServerProcess, when: &str) {
    here.say("ann", "#meet", &format!("ann {when}")).await;
    assert!(there.say("ben", "#meet", &format!("ben {when}")).await.contains("Connected"));
    here.say("ann", "#m", &format!("read {when}")).await;
}

#[tokio::test]
async fn secret_that_differs_is_refused_at_start() {
    let redis = RedisServer::start(&[]);
    let [old, new] = ["ab".repeat(32), "cd".repeat(32)];
    let _running = start(&redis, &old).await;
    let url = redis.url();
    let both = format!("{new},{old}");
    for (name, value) in [
        ("ID_SALT", "another salt of some length"),
        ("INBOX_KEY", new.as_str()),
        ("INBOX_KEY", &both),
    ] {
        let (status, errors) = ServerProcess::refuse(&[("REDIS_URL", &url), (name, value)]).await;
        assert_eq!(status, Some(2), "{errors}");
        assert!(errors.contains(&format!("{name} differs")), "{errors}");
        assert!(!errors.contains(value), "{errors}");
    }
}

#[tokio::test]
async fn secret_that_differs_is_refused_while_running() {
    let mut redis = RedisServer::start(&[]);
    redis.kill();
    let wrong = [("REDIS_URL", redis.url()), ("ID_SALT", "another salt of some length".into())];
    let wrong = wrong.each_ref().map(|(name, value)| (*name, value.as_str()));
    let wrong = ServerProcess::start(0, &wrong).await;
    redis.run();
    // Other instances have stored their secrets, and the connection is replaced.
    command(&redis, &["FLUSHALL"]);
    let stored = ["id_salt", "x", "seal_key", "y", "other_key", ""];
    command(&redis, &[&["HSET", "{random-connect}:safety:secrets"][..], &stored].concat());
    command(&redis, &["CLIENT", "KILL", "TYPE", "normal"]);
    command(&redis, &["CLIENT", "KILL", "TYPE", "pubsub"]);
    let becomes = async {
        while wrong.ready().await.0 != 503 || wrong.try_say("ann", "#meet", "1").await.is_some() {}
    };
    tokio::time::timeout(TIMEOUT, becomes).await.expect("it is refused");
}
