//! Requests in the format that the provider does not have.

use random_connect::gateway::provider::convert::to_chat::to_chat;
use random_connect::gateway::provider::convert::to_messages::to_messages;
use random_connect::gateway::provider::error::{ProviderErrorClass, ProviderRefusal};
use random_connect::gateway::provider::request::{RequestBody, WireFormat};
use serde_json::{Value, json};

use super::{Collected, FORMATS, limits, object, provider, request};
use crate::support::provider_stand_in::ProviderStandIn;

const IMAGE: &str = "data:image/png;base64,iVBORw0KGgo=";

fn schema() -> Value {
    json!({ "type": "object", "properties": { "city": { "type": "string" } } })
}

/// A body of chat completions with all parts that both formats have.
fn chat_body() -> Value {
    let tool = json!({
        "name": "weather", "description": "The weather.", "parameters": schema(), "strict": true,
    });
    let call = |id: &str| {
        let function = json!({ "name": "weather", "arguments": "{\"city\":\"Köln\"}" });
        json!({ "id": id, "type": "function", "function": function })
    };
    let text = |text: &str| json!({ "type": "text", "text": text });
    json!({
        "messages": [
            { "role": "system", "content": [text("Be brief.")] },
            { "role": "user", "content": [
                text("What is this?"),
                { "type": "image_url", "image_url": { "url": IMAGE } },
                { "type": "image_url", "image_url": { "url": "https://example.com/a.png" } },
            ] },
            { "role": "assistant", "content": [text("A city.")], "tool_calls": [call("a"), call("b")] },
            { "role": "tool", "tool_call_id": "a", "content": "sunny" },
            { "role": "tool", "tool_call_id": "b", "content": [text("rainy")] },
            { "role": "user", "content": [text("Thanks.")] },
        ],
        "tools": [{ "type": "function", "function": tool }],
        "tool_choice": "required",
        "parallel_tool_calls": false,
        "stop": ["END"],
        "temperature": 0.5,
        "top_p": 0.9,
        "user": "user-7",
        "reasoning_effort": "low",
        "response_format": {
            "type": "json_schema",
            "json_schema": { "name": "answer", "schema": schema(), "strict": true },
        },
    })
}

#[test]
fn gateway_conversion_to_messages_and_back_keeps_every_part() {
    let messages = to_messages(object(chat_body())).expect("convertible");
    let chat = to_chat(messages).expect("convertible");
    assert_eq!(Value::Object(chat), chat_body());
}

#[test]
fn gateway_conversion_to_messages_has_the_parts_in_their_places() {
    let body = Value::Object(to_messages(object(chat_body())).expect("convertible"));
    assert_eq!(body["system"], json!([{ "type": "text", "text": "Be brief." }]));
    let roles: Vec<_> =
        body["messages"].as_array().expect("a list").iter().map(|m| &m["role"]).collect();
    assert_eq!(roles, ["user", "assistant", "user"], "roles alternate");
    let source = json!({ "type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo=" });
    assert_eq!(body["messages"][0]["content"][1], json!({ "type": "image", "source": source }));
    let call =
        json!({ "type": "tool_use", "id": "a", "name": "weather", "input": { "city": "Köln" } });
    assert_eq!(body["messages"][1]["content"][1], call);
    let result = json!({ "type": "tool_result", "tool_use_id": "a", "content": "sunny" });
    assert_eq!(body["messages"][2]["content"][0], result);
    assert_eq!(body["messages"][2]["content"][2]["text"], "Thanks.");
    assert_eq!(body["tools"][0]["input_schema"], schema());
    assert_eq!(body["tool_choice"], json!({ "type": "any", "disable_parallel_tool_use": true }));
    assert_eq!(body["stop_sequences"], json!(["END"]));
    assert_eq!(body["metadata"], json!({ "user_id": "user-7" }));
    let format = json!({ "type": "json_schema", "schema": schema() });
    assert_eq!(body["output_config"], json!({ "format": format, "effort": "low" }));
}

#[test]
fn gateway_conversion_to_messages_drops_what_only_tunes_an_answer() {
    let extra = json!({
        "messages": [{ "role": "user", "content": "a" }],
        "seed": 1, "presence_penalty": 1, "logit_bias": {}, "n": 1, "temperature": 1.7,
        "logprobs": false, "stream_options": {}, "tools": null, "stop": null,
        "thinking": { "type": "adaptive" },
        "metadata": { "order": "7" }, "prompt_cache_retention": "24h",
    });
    let body = Value::Object(to_messages(object(extra)).expect("convertible"));
    let content = json!([{ "type": "text", "text": "a" }]);
    let expected = json!({
        "messages": [{ "role": "user", "content": content }],
        "temperature": 1,
        "thinking": { "type": "adaptive" },
    });
    assert_eq!(body, expected, "unknown fields stay, and the temperature is in its range");
}

#[test]
fn gateway_conversion_to_messages_wraps_arguments_that_are_no_object() {
    for (arguments, input) in [
        ("", json!({})),
        ("{\"city\":1}", json!({ "city": 1 })),
        ("{\"city\":", json!({ "INVALID_JSON": "{\"city\":" })),
        ("[1]", json!({ "INVALID_JSON": "[1]" })),
    ] {
        let function = json!({ "name": "weather", "arguments": arguments });
        let call = json!({ "id": "a", "type": "function", "function": function });
        let body = json!({ "messages": [{ "role": "assistant", "tool_calls": [call] }] });
        let body = to_messages(object(body)).expect("convertible");
        assert_eq!(body["messages"][0]["content"][0]["input"], input, "{arguments}");
    }
}

#[test]
fn gateway_conversion_to_chat_drops_reasoning_and_moves_images_of_results() {
    let image =
        json!({ "type": "image", "source": { "type": "url", "url": "https://example.com/a.png" } });
    let result = json!([{ "type": "text", "text": "seen" }, image]);
    let body = json!({
        "system": "Be brief.",
        "messages": [
            { "role": "user", "content": "Look." },
            { "role": "assistant", "content": [
                { "type": "thinking", "thinking": "hm", "signature": "s" },
                { "type": "tool_use", "id": "a", "name": "camera", "input": {} },
            ] },
            { "role": "user", "content": [
                { "type": "tool_result", "tool_use_id": "a", "content": result },
            ] },
        ],
        "top_k": 5, "thinking": { "type": "adaptive" }, "cache_control": { "type": "ephemeral" },
    });
    let body = Value::Object(to_chat(object(body)).expect("convertible"));
    let call = json!({
        "id": "a", "type": "function", "function": { "name": "camera", "arguments": "{}" },
    });
    let image = json!({ "type": "image_url", "image_url": { "url": "https://example.com/a.png" } });
    let seen = json!([{ "type": "text", "text": "seen" }]);
    let expected = json!({ "messages": [
        { "role": "system", "content": "Be brief." },
        { "role": "user", "content": "Look." },
        { "role": "assistant", "content": null, "tool_calls": [call] },
        { "role": "tool", "tool_call_id": "a", "content": seen },
        { "role": "user", "content": [image] },
    ] });
    assert_eq!(body, expected);
}

#[test]
fn gateway_conversion_refuses_what_would_change_the_answer() {
    let user = json!([{ "role": "user", "content": "a" }]);
    let with = |extra: Value| {
        let mut body = object(json!({ "messages": user }));
        body.extend(object(extra));
        body
    };
    for extra in [
        json!({ "n": 2 }),
        json!({ "logprobs": true }),
        json!({ "functions": [] }),
        json!({ "modalities": ["text", "audio"] }),
        json!({ "response_format": { "type": "json_object" } }),
        json!({ "tools": [{ "type": "custom", "custom": {} }] }),
        json!({ "tools": "none" }),
        json!({ "messages": null }),
        json!({ "messages": [{ "role": "critic", "content": "a" }] }),
        json!({ "messages": [{ "role": "tool", "content": "a" }] }),
        json!({ "messages": [{ "role": "user", "content": [{ "type": "input_audio" }] }] }),
        json!({ "messages": [{ "role": "user", "content": 7 }] }),
        json!({ "messages": [{ "role": "user", "content": "" }] }),
    ] {
        let error = to_messages(with(extra.clone())).expect_err("not convertible");
        assert_eq!(error.class, ProviderErrorClass::Caller(ProviderRefusal::NotSent), "{extra}");
        assert!(!error.message.expose().is_empty());
    }
    for extra in [
        json!({ "mcp_servers": [] }),
        json!({ "tools": [{ "type": "web_search_20250305", "name": "web_search" }] }),
        json!({ "messages": [{ "role": "user", "content": [{ "type": "document" }] }] }),
        json!({ "messages": [{ "role": "critic", "content": "a" }] }),
        json!({ "tool_choice": { "type": "sometimes" } }),
    ] {
        assert!(to_chat(with(extra.clone())).is_err(), "{extra}");
    }
}

#[tokio::test]
async fn gateway_provider_answers_a_body_of_the_other_format() {
    for format in FORMATS {
        let stand_in = ProviderStandIn::start().await;
        let mut request = request(&stand_in.url, format);
        let messages = to_messages(object(chat_body())).expect("convertible");
        request.body = match format {
            WireFormat::Chat => RequestBody::Messages(messages),
            WireFormat::Messages => RequestBody::Chat(object(chat_body())),
        };
        // For a body in the other format they would mean another version.
        request.headers.beta = Some("of the caller".to_owned());
        let answer = Collected::of(&provider(limits()), request).await;
        assert_eq!(answer.text(), "Hello, world.");
        let sent = stand_in.state.requests().remove(0);
        assert_eq!(sent.body["max_tokens"], json!(100));
        match format {
            WireFormat::Chat => {
                assert_eq!(sent.body["messages"], chat_body()["messages"]);
            }
            WireFormat::Messages => {
                assert_eq!(sent.headers["anthropic-version"], "2023-06-01", "for a temperature");
                assert!(sent.headers.get("anthropic-beta").is_none());
            }
        }
    }
}

#[tokio::test]
async fn gateway_provider_drops_reasoning_that_has_no_signature() {
    let stand_in = ProviderStandIn::start().await;
    let mut request = request(&stand_in.url, WireFormat::Messages);
    let block =
        |signature: &str| json!({ "type": "thinking", "thinking": "hm", "signature": signature });
    let blocks = json!([block(""), block("of the provider"), { "type": "text", "text": "a" }]);
    let body = json!({ "messages": [{ "role": "assistant", "content": blocks }] });
    request.body = RequestBody::Messages(object(body));
    Collected::of(&provider(limits()), request).await;
    let sent = stand_in.state.requests().remove(0).body;
    let content = sent["messages"][0]["content"].as_array().expect("blocks");
    assert_eq!(content.len(), 2);
    assert_eq!(content[0]["signature"], "of the provider");
}
