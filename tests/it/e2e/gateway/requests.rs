//! Requests that are cancelled, resumed or repeated over the gateway's WebSocket.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::gateway_socket::{GatewayScene, SocketReply, gateway_request};
use crate::support::provider_stand_in::{AnswerScript, StandInFault};

/// An answer of many words, which takes about half a second.
fn long_answer() -> (AnswerScript, String) {
    let words: Vec<_> = (0..50).map(|number| format!("word{number} ")).collect();
    let mut script = AnswerScript::of(words.iter().map(String::as_str));
    script.pace = Duration::from_millis(10);
    (script, words.concat())
}

#[tokio::test]
async fn gateway_cancel_stops_the_provider_and_charges_what_was_received() {
    let scene = GatewayScene::start().await;
    scene.openai.state.add(AnswerScript::with(StandInFault::StallAfter(2)));
    let mut socket = scene.socket("ann").await;
    socket.send(&gateway_request("a", json!({}))).await;
    socket.next_of("chunk").await;
    socket.send(&json!({ "type": "cancel", "id": "a" })).await;
    let reply = socket.reply("a").await;
    assert_eq!((reply.code(), &reply.end["error"]["partial"]), ("CANCELLED", &json!(true)));
    scene.openai.state.wait_for_open(0).await;
    assert!(!scene.openai.state.invoice()[0].complete);
    assert!(reply.charged() > 0, "{}", reply.end);
    assert_eq!(socket.credits().await, (1_000_000 - reply.charged(), 0));
    for id in ["a", "unknown"] {
        socket.send(&json!({ "type": "cancel", "id": id })).await;
    }
    socket.send(&json!({ "type": "ping" })).await;
    assert_eq!(socket.next().await["type"], "pong", "a late cancel is not answered");
}

#[tokio::test]
async fn gateway_resume_loses_and_repeats_nothing_however_often_the_connection_is_lost() {
    let scene = GatewayScene::start().await;
    let (script, text) = long_answer();
    scene.openai.state.add(script);
    let mut socket = scene.socket("ann").await;
    let session = socket.ready["session"].clone();
    socket.send(&gateway_request(1, json!({}))).await;
    let (mut reply, mut connections) = (SocketReply::default(), 1);
    while !reply.add(socket.next().await) {
        socket = scene.socket("ann").await;
        connections += 1;
        let after = reply.seq();
        let resume = json!({ "type": "resume", "id": 1, "session": session, "after": after });
        socket.send(&resume).await;
    }
    assert!(connections > 10, "{connections}");
    assert_eq!((reply.end["type"].as_str(), reply.text), (Some("done"), text));
    assert_eq!(scene.openai.state.requests().len(), 1);
    let end = reply.end["seq"].as_u64().expect("a number");
    for after in [0, end - 1, end, end + 1_000] {
        socket
            .send(&json!({ "type": "resume", "id": 1, "session": session, "after": after }))
            .await;
        let again = socket.reply(1).await;
        assert_eq!(again.end, reply.end, "a complete answer stays for a while");
        assert_eq!(again.messages.len() == 1, after > 0, "{again:?}");
    }
}

#[tokio::test]
async fn gateway_resume_belongs_to_the_user_of_the_request() {
    let scene = GatewayScene::start().await;
    scene.openai.state.add(AnswerScript::with(StandInFault::StallAfter(1)));
    let mut socket = scene.socket("ann").await;
    let session = socket.ready["session"].clone();
    socket.send(&gateway_request(1, json!({}))).await;
    socket.next_of("chunk").await;
    let resume = json!({ "type": "resume", "id": 1, "session": session, "after": 0 });
    let mut other = scene.socket("ben").await;
    other.send(&resume).await;
    let refused = other.next().await;
    assert_eq!(refused["error"]["code"], "INVALID_REQUEST", "{refused}");
    let mut second = scene.socket("ann").await;
    let running = AnswerScript::with(StandInFault::StallAfter(1));
    scene.openai.state.add(running);
    second.send(&gateway_request(1, json!({}))).await;
    second.next_of("chunk").await;
    second.send(&resume).await;
    let refused = second.next_of("error").await;
    assert_eq!(refused["error"]["code"], "DUPLICATE_ID", "one id, two answers: {refused}");
    let mut second = scene.socket("ann").await;
    second.send(&resume).await;
    second.next_of("chunk").await;
    second.send(&json!({ "type": "cancel", "id": 1 })).await;
    assert_eq!(second.reply(1).await.code(), "CANCELLED", "a resumed answer can be cancelled");
    scene.openai.state.wait_for_open(1).await;
}

#[tokio::test]
async fn gateway_request_with_a_repeated_id_runs_once() {
    let scene = GatewayScene::start().await;
    let (script, text) = long_answer();
    scene.openai.state.add(script);
    let mut socket = scene.socket("ann").await;
    let request = gateway_request("a", json!({}));
    socket.send(&request).await;
    socket.next_of("chunk").await;
    socket.send(&request).await;
    let first = socket.reply("a").await;
    let repeated = socket.ask(&request).await;
    assert_eq!((&repeated.end, repeated.text), (&first.end, text));
    assert_eq!(scene.openai.state.requests().len(), 1);
    assert_eq!(socket.credits().await, (1_000_000 - first.charged(), 0));
}

#[tokio::test]
async fn gateway_request_that_has_failed_runs_when_it_is_repeated() {
    let scene = GatewayScene::start().await;
    let error = json!({ "error": { "message": "This is wrong" } });
    let status = StandInFault::Status { status: 400, headers: Vec::new(), body: error };
    scene.openai.state.add(AnswerScript::with(status));
    let mut socket = scene.socket("ann").await;
    let request = gateway_request("a", json!({}));
    assert_eq!(socket.ask(&request).await.code(), "INVALID_REQUEST");
    assert_eq!(socket.ask(&request).await.text, "Hello, world.");
}

#[tokio::test]
async fn gateway_id_of_a_request_in_progress_accepts_no_other_body() {
    let scene = GatewayScene::start().await;
    let (script, text) = long_answer();
    scene.openai.state.add(script);
    let mut socket = scene.socket("ann").await;
    socket.send(&gateway_request("a", json!({}))).await;
    socket.next_of("chunk").await;
    socket.send(&gateway_request("a", json!({ "maxTokens": 100 }))).await;
    socket.send(&json!({ "id": "a", "type": "chat", "messages": [] })).await;
    for code in ["DUPLICATE_ID", "INVALID_REQUEST"] {
        let refused = socket.next_of("error").await;
        assert_eq!(refused["id"], Value::Null, "the request in progress has not ended: {refused}");
        let error = &refused["error"];
        assert_eq!((&error["code"], &error["duplicateOf"]), (&json!(code), &json!("a")));
    }
    let session = socket.ready["session"].clone();
    socket.send(&json!({ "type": "resume", "id": "a", "session": session, "after": 0 })).await;
    let reply = socket.reply("a").await;
    assert_eq!(
        (reply.end["type"].as_str(), scene.openai.state.requests().len()),
        (Some("done"), 1)
    );
    assert!(text.ends_with(&reply.text[reply.text.len() - 10..]));
}

#[tokio::test]
async fn gateway_long_answer_is_read_and_repeated_as_a_whole() {
    let scene = GatewayScene::start().await;
    let large = "x".repeat(900 * 1024);
    let mut socket = scene.socket("ann").await;
    for (id, script) in
        [(1, AnswerScript::of(vec!["word "; 6_000])), (2, AnswerScript::of([large.as_str()]))]
    {
        let text = script.deltas.concat();
        scene.openai.state.add(script);
        let request = gateway_request(id, json!({}));
        for _ in 0..2 {
            let reply = socket.ask(&request).await;
            assert_eq!(reply.end["type"], "done", "{}", reply.end);
            assert!(reply.text == text, "{} bytes", reply.text.len());
        }
    }
    assert_eq!(scene.openai.state.requests().len(), 2);
}

#[tokio::test]
async fn gateway_answer_whose_begin_is_lost_is_refused_for_its_id_alone() {
    let scene = GatewayScene::start().await;
    let piece = "x".repeat(16 * 1024);
    let mut script = AnswerScript::of(vec![piece.as_str(); 200]);
    // The client keeps up.
    script.pace = Duration::from_millis(2);
    scene.openai.state.add(script);
    let mut socket = scene.socket("ann").await;
    let session = socket.ready["session"].clone();
    let request = gateway_request("a", json!({}));
    let reply = socket.ask(&request).await;
    assert_eq!((reply.end["type"].as_str(), reply.text.len()), (Some("done"), 200 * piece.len()));
    let resume = json!({ "type": "resume", "id": "a", "session": session, "after": 0 });
    for message in [&request, &resume, &request] {
        let refused = socket.ask(message).await;
        let text = refused.end["error"]["message"].as_str().unwrap_or_default();
        assert_eq!(refused.code(), "INVALID_REQUEST", "{}", refused.end);
        assert!(text.contains("begin of the answer is no longer stored"), "{text}");
    }
    assert_eq!(socket.ask(&gateway_request("b", json!({}))).await.text, "Hello, world.");
    assert_eq!(scene.openai.state.requests().len(), 2, "a repeated request is not charged again");
}

#[tokio::test]
async fn gateway_idempotency_key_answers_again_on_every_socket_and_charges_once() {
    let scene = GatewayScene::start().await;
    let (script, text) = long_answer();
    scene.openai.state.add(script);
    let (mut first, mut second) = (scene.socket("ann").await, scene.socket("ann").await);
    let request = gateway_request(1, json!({ "idempotencyKey": "k" }));
    first.send(&request).await;
    first.next_of("accepted").await;
    // One while the first is in progress, one after it.
    let (one, two) = tokio::join!(first.reply(1), second.ask(&request));
    let three = second.ask(&gateway_request(2, json!({ "idempotencyKey": "k" }))).await;
    for reply in [&one, &two, &three] {
        assert_eq!((&reply.end["type"], &reply.text), (&json!("done"), &text));
        let facts =
            |reply: &SocketReply| (reply.end["credits"].clone(), reply.end["usage"].clone());
        assert_eq!(facts(reply), facts(&one));
    }
    assert_eq!(scene.openai.state.requests().len(), 1);
    assert_eq!(first.credits().await, (1_000_000 - one.charged(), 0));
    let other: Value = gateway_request(3, json!({ "idempotencyKey": "k", "maxTokens": 7 }));
    assert_eq!(second.ask(&other).await.code(), "DUPLICATE_ID");
    let foreign = scene.socket("ben").await.ask(&request).await;
    assert_eq!(foreign.text, "Hello, world.", "a key belongs to its user");
}

#[tokio::test]
async fn gateway_idempotency_key_of_a_broken_answer_charges_no_second_time() {
    let scene = GatewayScene::start().await;
    scene.openai.state.add(AnswerScript::with(StandInFault::TruncateAfter(2)));
    let mut socket = scene.socket("ann").await;
    let request = |id: u8| gateway_request(id, json!({ "idempotencyKey": "k" }));
    let broken = socket.ask(&request(1)).await;
    assert_eq!(broken.code(), "STREAM_BROKEN");
    let again = socket.ask(&request(2)).await;
    assert_eq!(again.code(), "DUPLICATE_ID");
    let message = again.end["error"]["message"].as_str().expect("a text");
    assert!(message.contains("ended without a complete answer"), "{message}");
    assert_eq!(socket.credits().await, (1_000_000 - broken.charged(), 0));
    assert_eq!(scene.openai.state.requests().len(), 1);
}

#[tokio::test]
async fn gateway_budget_is_the_most_that_an_answer_costs() {
    let scene = GatewayScene::start().await;
    // A provider that ignores the maximum length.
    let words = vec!["word "; 5_000];
    for (budget, is_reached) in [(0.000_2, true), (0.5, false)] {
        scene.openai.state.add(AnswerScript::of(words.iter().copied()));
        let mut socket = scene.socket("ann").await;
        let request = gateway_request(1, json!({ "maxTokens": 64, "budget": budget }));
        let reply = socket.ask(&request).await;
        assert_eq!(reply.end["type"], "done", "{}", reply.end);
        assert_eq!(reply.charged() == 200, is_reached, "{}", reply.end);
    }
}
