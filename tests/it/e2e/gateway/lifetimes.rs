//! The end of a socket of the gateway: its token expires, the server stops, or the client reads nothing.

use std::time::Duration;

use random_connect::transport::http::limits::ConnectionLimits;
use serde_json::json;

use crate::support::gateway_socket::{GatewayScene, GatewaySocket, gateway_request};
use crate::support::provider_stand_in::{AnswerScript, StandInFault};
use crate::support::server::http_client;

/// An answer that takes about half a second.
fn slow_answer() -> AnswerScript {
    let mut script = AnswerScript::of(["word "; 50]);
    script.pace = Duration::from_millis(10);
    script
}

#[tokio::test]
async fn gateway_socket_asks_for_another_token_and_takes_it_from_its_user_only() {
    let scene = GatewayScene::start().await;
    let token = scene.token_for("ann", Duration::from_secs(90));
    let mut socket = GatewaySocket::open(scene.server.address(), &token).await;
    scene.server.clock.advance(Duration::from_secs(40));
    socket.send(&json!({ "type": "ping" })).await;
    let notice = socket.next_of("notice").await;
    assert_eq!(notice["kind"], "token_expiring", "{notice}");
    for (id, token, code) in [
        (1, scene.token("ben"), "UNAUTHORIZED"),
        (2, "no token".to_owned(), "UNAUTHORIZED"),
        (3, scene.token_for("ann", Duration::ZERO), "TOKEN_EXPIRED"),
    ] {
        socket.send(&json!({ "type": "auth", "id": id, "token": token })).await;
        let refused = socket.next().await;
        assert_eq!((&refused["id"], &refused["error"]["code"]), (&json!(id), &json!(code)));
    }
    let token = scene.token("ann");
    socket.send(&json!({ "type": "auth", "id": 4, "token": token })).await;
    let renewed = socket.next_of("auth").await;
    assert!(
        renewed["expiresAt"]
            .as_str()
            .is_some_and(|at| at > notice["expiresAt"].as_str().unwrap_or("9"))
    );
    scene.server.clock.advance(Duration::from_secs(60));
    assert_eq!(socket.ask(&gateway_request(5, json!({}))).await.text, "Hello, world.");
}

#[tokio::test]
async fn gateway_socket_closes_when_its_token_has_expired_and_its_answers_are_complete() {
    let scene = GatewayScene::start().await;
    scene.openai.state.add(slow_answer());
    let token = scene.token_for("ann", Duration::from_secs(90));
    let (mut idle, mut busy) = (
        GatewaySocket::open(scene.server.address(), &token).await,
        GatewaySocket::open(scene.server.address(), &token).await,
    );
    busy.send(&gateway_request(1, json!({}))).await;
    busy.next_of("chunk").await;
    scene.server.clock.advance(Duration::from_secs(91));
    assert_eq!(idle.close_code().await, Some(4401));
    busy.send(&gateway_request(2, json!({}))).await;
    let (mut is_done, mut refusal) = (false, None);
    let close = loop {
        match busy.receive().await {
            Ok(text) => {
                let message: serde_json::Value = serde_json::from_str(&text).expect("JSON");
                is_done |= message["id"] == 1 && message["type"] == "done";
                if message["id"] == 2 && message["type"] == "error" {
                    refusal = message["error"]["code"].as_str().map(str::to_owned);
                }
            }
            Err(close) => break close.map(|frame| u16::from(frame.code)),
        }
    };
    assert_eq!((is_done, refusal.as_deref(), close), (true, Some("TOKEN_EXPIRED"), Some(4401)));
}

#[tokio::test]
async fn gateway_sockets_close_at_shutdown_when_their_answers_are_complete() {
    let mut scene = GatewayScene::start().await;
    scene.openai.state.add(slow_answer());
    let (mut idle, mut busy) = (scene.socket("ann").await, scene.socket("ben").await);
    busy.send(&gateway_request(1, json!({}))).await;
    busy.next_of("chunk").await;
    scene.server.stop();
    assert_eq!(idle.close_code().await, Some(1001));
    busy.send(&gateway_request(2, json!({}))).await;
    let refused = busy.reply(2).await;
    assert_eq!(refused.code(), "DRAINING");
    let reply = busy.reply(1).await;
    assert_eq!(
        (reply.end["type"].as_str(), &reply.end["finishReason"]),
        (Some("done"), &json!("stop"))
    );
    assert_eq!(busy.close_code().await, Some(1001));
}

#[tokio::test]
async fn gateway_client_that_reads_nothing_is_cut_off_and_delays_no_other() {
    let limits =
        ConnectionLimits { write_timeout: Duration::from_secs(1), ..ConnectionLimits::default() };
    let scene = GatewayScene::with(&[], limits).await;
    let piece = "x".repeat(16 * 1024);
    scene.openai.state.add(AnswerScript::of(vec![piece.as_str(); 1_000]));
    let mut silent = scene.socket("ann").await;
    silent.send(&gateway_request(1, json!({}))).await;
    scene.openai.state.wait_for_open(1).await;
    let mut other = scene.socket("ann").await;
    for id in 0..5 {
        assert_eq!(other.ask(&gateway_request(id, json!({}))).await.text, "Hello, world.");
    }
    scene.openai.state.wait_for_open(0).await;
    loop {
        match silent.receive().await {
            Ok(text) => assert!(!text.contains("\"done\"")),
            Err(close) => {
                let code = close.map(|frame| u16::from(frame.code));
                assert!(matches!(code, None | Some(4408)), "{code:?}");
                break;
            }
        }
    }
}

#[tokio::test]
async fn gateway_answer_that_the_end_of_the_server_cuts_may_be_asked_for_again() {
    let limits =
        ConnectionLimits { shutdown_grace: Duration::from_secs(2), ..ConnectionLimits::default() };
    let mut scene = GatewayScene::with(&[], limits).await;
    scene.openai.state.add(AnswerScript::with(StandInFault::StallAfter(1)));
    let body = json!({
        "model": "gpt-6-luna", "stream": true, "messages": [{ "role": "user", "content": "Hi" }],
    });
    let url = format!("{}/v1/chat/completions", scene.server.url);
    let request = http_client().post(url).bearer_auth(scene.token("ann")).json(&body);
    let response = request.send().await.expect("an answer");
    scene.server.stop();
    let text = response.text().await.expect("a text");
    assert!(text.contains("Hello") && text.contains("\"DRAINING\""), "{text}");
}
