//! The messages of the gateway's WebSocket, as clients of the first version know them.

use serde_json::{Value, json};

use crate::support::gateway_socket::{GatewayScene, gateway_request, micros};
use crate::support::provider_stand_in::{AnswerScript, ScriptedCall};

#[tokio::test]
async fn gateway_socket_streams_chunks_and_one_done_with_usage() {
    let scene = GatewayScene::start().await;
    let mut socket = scene.socket("ann").await;
    let reply = socket.ask(&gateway_request("7", json!({ "temperature": 0.7 }))).await;
    let time = scene.timestamp();
    let (_, millis) = time.split_once('.').expect("milliseconds");
    assert!(millis.len() == 4 && millis.ends_with('Z') && time.as_bytes()[10] == b'T', "{time}");
    assert_eq!(reply.text, "Hello, world.");
    for message in &reply.messages {
        assert_eq!(
            (&message["id"], &message["timestamp"]),
            (&json!("7"), &json!(time)),
            "{message}"
        );
    }
    let [accepted, chunks @ .., done] = &reply.messages[..] else { panic!("{reply:?}") };
    let mut accepted = accepted.clone();
    let held = accepted.as_object_mut().and_then(|fields| fields.remove("held"));
    assert!(micros(&held.unwrap_or_default()) > 0, "{reply:?}");
    let expected = json!({
        "id": "7", "type": "accepted", "seq": 1, "provider": "openai", "model": "gpt-6-luna",
        "maxTokens": 200, "timestamp": time,
    });
    assert_eq!(accepted, expected);
    for chunk in chunks {
        let text = &chunk["data"];
        let expected = json!({
            "id": "7", "type": "chunk", "seq": chunk["seq"], "data": text, "timestamp": time,
        });
        assert_eq!(chunk, &expected);
    }
    let numbers: Vec<_> = reply.messages.iter().map(|message| message["seq"].as_u64()).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    assert!(done.get("data").is_none(), "{done}");
    let invoice = scene.openai.state.invoice().pop().expect("a row");
    let (input, output) = (invoice.input_tokens, invoice.output_tokens);
    let expected = json!({
        "promptTokens": input, "completionTokens": output, "totalTokens": input + output,
        "cachedTokens": 0, "cacheWriteTokens": 0, "reasoningTokens": 0, "source": "provider",
    });
    assert_eq!(done["usage"], expected);
    assert_eq!((&done["type"], &done["finishReason"]), (&json!("done"), &json!("stop")));
    let sent = &scene.openai.state.requests()[0].body;
    assert_eq!((&sent["temperature"], &sent["model"]), (&json!(0.7), &json!("gpt-6-luna")));
}

#[tokio::test]
async fn gateway_socket_answers_without_a_stream_in_one_message() {
    let scene = GatewayScene::start().await;
    let call = ScriptedCall { id: "call_1", name: "look_up", arguments: vec!["{\"q\":", "1}"] };
    let mut script = AnswerScript::of(["Hello", "!"]);
    script.calls.push(call);
    scene.openai.state.add(script);
    let mut socket = scene.socket("ann").await;
    let request = gateway_request(7, json!({ "type": "completion", "stream": false }));
    let reply = socket.ask(&request).await;
    assert_eq!(reply.messages.len(), 2, "accepted and done: {reply:?}");
    assert_eq!((&reply.end["id"], &reply.end["data"]), (&json!(7), &json!("Hello!")));
    let function = json!({ "name": "look_up", "arguments": "{\"q\":1}" });
    let calls = json!([{ "id": "call_1", "type": "function", "function": function }]);
    assert_eq!(reply.end["toolCalls"], calls);
    let balance = micros(&reply.end["credits"]["balance"]);
    assert!(reply.charged() > 0 && balance == 1_000_000 - reply.charged(), "{}", reply.end);
    assert_eq!(socket.credits().await, (balance, 0));
}

#[tokio::test]
async fn gateway_socket_errors_have_the_id_a_code_and_a_message() {
    let scene = GatewayScene::start().await;
    let mut socket = scene.socket("ann").await;
    let message = |more| gateway_request("9", more).to_string();
    for (text, id, code) in [
        ("{".to_owned(), Value::Null, "INVALID_JSON"),
        (r#"{"id":"9","type":"agent_flow"}"#.to_owned(), json!("9"), "INVALID_REQUEST"),
        (message(json!({ "messages": [] })), json!("9"), "INVALID_REQUEST"),
        (message(json!({ "model": "gpt-9" })), json!("9"), "UNKNOWN_MODEL"),
        (message(json!({ "maxTokens": 0 })), json!("9"), "INVALID_REQUEST"),
        (message(json!({ "n": 2 })), json!("9"), "INVALID_REQUEST"),
        (message(json!({ "budget": -1 })), json!("9"), "INVALID_REQUEST"),
        (r#"{"type":"cancel"}"#.to_owned(), Value::Null, "INVALID_REQUEST"),
        (
            r#"{"id":"9","type":"resume","session":"none","after":0}"#.to_owned(),
            json!("9"),
            "INVALID_REQUEST",
        ),
    ] {
        socket.send_text(&text).await;
        let error = socket.next().await;
        assert_eq!((&error["type"], &error["id"]), (&json!("error"), &id), "{text}: {error}");
        assert_eq!(error["error"]["code"], code, "{text}: {error}");
        assert!(error["error"]["message"].as_str().is_some_and(|text| !text.is_empty()));
        assert_eq!(error["timestamp"], scene.timestamp());
    }
    assert!(scene.openai.state.requests().is_empty());
    assert_eq!(socket.credits().await, (1_000_000, 0), "an error is free");
}

#[tokio::test]
async fn gateway_socket_is_ready_and_answers_balance_and_ping() {
    let scene = GatewayScene::start().await;
    let mut socket = scene.socket("ann").await;
    let ready = &socket.ready;
    assert_eq!((&ready["balance"], &ready["held"]), (&json!(1), &json!(0)), "{ready}");
    assert_eq!(ready["limits"]["maxTokens"], 16_384, "{ready}");
    assert!(ready["session"].as_str().is_some_and(|name| name.len() == 32), "{ready}");
    let time = scene.timestamp();
    socket.send(&json!({ "type": "ping", "id": 1 })).await;
    assert_eq!(socket.next().await, json!({ "type": "pong", "id": 1, "timestamp": time }));
    socket.send(&json!({ "type": "balance" })).await;
    let balance = json!({ "type": "balance", "balance": 1, "held": 0, "timestamp": time });
    assert_eq!(socket.next().await, balance);
}
