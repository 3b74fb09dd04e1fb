//! Providers that fail, and accounts without credits.

use std::collections::HashMap;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use random_connect::transport::http::limits::ConnectionLimits;
use serde_json::json;

use crate::support::gateway_socket::{GatewayScene, SocketReply, gateway_request};
use crate::support::provider_stand_in::{AnswerScript, ScriptedUsage, StandInFault};

fn status(status: u16) -> StandInFault {
    let body = json!({ "error": { "type": "overloaded_error", "message": "overloaded" } });
    StandInFault::Status { status, headers: Vec::new(), body }
}

#[tokio::test]
async fn gateway_notice_names_the_equivalent_that_answers_for_an_overloaded_provider() {
    let scene = GatewayScene::start().await;
    scene.openai.state.add(AnswerScript::with(status(529)));
    let mut socket = scene.socket("ann").await;
    let reply = socket.ask(&gateway_request(1, json!({}))).await;
    let notices: Vec<_> = reply.messages.iter().filter(|m| m["type"] == "notice").collect();
    let [notice] = notices[..] else { panic!("{reply:?}") };
    let named = ("failover", "claude", "claude-haiku-5-5");
    let text = |name: &str| notice[name].as_str().unwrap_or_default();
    assert_eq!((text("kind"), text("provider"), text("model")), named);
    assert_eq!((reply.text.as_str(), &reply.end["provider"]), ("Hello, world.", &json!("claude")));
    assert_eq!(reply.end["usage"]["source"], "provider");
    assert!(scene.openai.state.invoice().is_empty(), "it is free");
}

#[tokio::test]
async fn gateway_request_for_one_provider_has_no_failover() {
    let scene = GatewayScene::start().await;
    for _ in 0..2 {
        let body = json!({ "error": { "message": "broken" } });
        let fault = StandInFault::Status { status: 500, headers: Vec::new(), body };
        scene.openai.state.add(AnswerScript::with(fault));
    }
    let mut socket = scene.socket("ann").await;
    let reply = socket.ask(&gateway_request(1, json!({ "provider": "openai" }))).await;
    assert_eq!(reply.code(), "PROVIDER_UNAVAILABLE");
    assert!(scene.claude.state.requests().is_empty());
    assert_eq!(socket.credits().await, (1_000_000, 0), "an answer that did not begin is free");
}

#[tokio::test]
async fn gateway_equivalent_that_lacks_a_feature_hides_no_outage() {
    let scene = GatewayScene::start().await;
    for _ in 0..2 {
        let body = json!({ "error": { "message": "broken" } });
        let fault = StandInFault::Status { status: 500, headers: Vec::new(), body };
        scene.openai.state.add(AnswerScript::with(fault));
    }
    let mut socket = scene.socket("ann").await;
    let feature = json!({ "responseFormat": { "type": "json_object" } });
    let reply = socket.ask(&gateway_request(1, feature.clone())).await;
    let error = &reply.end["error"];
    assert_eq!((reply.code(), &error["retryable"]), ("PROVIDER_UNAVAILABLE", &json!(true)));
    let mut asks_claude = feature;
    asks_claude["model"] = json!("claude-haiku-5-5");
    let reply = socket.ask(&gateway_request(2, asks_claude)).await;
    let message = reply.end["error"]["message"].as_str().unwrap_or_default();
    assert_eq!(reply.code(), "INVALID_REQUEST");
    assert!(message.starts_with("The chosen model does not support"), "{message}");
    assert!(scene.claude.state.requests().is_empty());
}

#[tokio::test]
async fn gateway_answer_that_breaks_off_is_partial_and_charged() {
    let error = json!({ "type": "server_error", "message": "broken" });
    for fault in [
        StandInFault::ErrorAfter { deltas: 2, error },
        StandInFault::TruncateAfter(2),
        StandInFault::DisconnectAfter(2),
    ] {
        let scene = GatewayScene::start().await;
        scene.openai.state.add(AnswerScript::with(fault));
        let mut socket = scene.socket("ann").await;
        let reply = socket.ask(&gateway_request(1, json!({}))).await;
        let error = &reply.end["error"];
        assert_eq!((reply.code(), &error["partial"]), ("STREAM_BROKEN", &json!(true)));
        assert_eq!((reply.text.as_str(), &error["retryable"]), ("Hello, ", &json!(true)));
        assert_eq!(reply.end["usage"]["source"], "estimated");
        assert!(reply.charged() > 0);
        assert_eq!(socket.credits().await, (1_000_000 - reply.charged(), 0));
        assert!(scene.claude.state.requests().is_empty());
    }
}

#[tokio::test]
async fn gateway_broken_answer_of_claude_is_counted_by_the_tokens_of_its_input() {
    // The stand-in counts a word as a token; Anthropic's tokenizers make more of it.
    for (prompt, tokens) in [(200, 95..=105), (2, 110..=120)] {
        let scene = GatewayScene::start().await;
        let script = AnswerScript::of(vec!["word "; 200]);
        scene.claude.state.add(script.fault(StandInFault::TruncateAfter(100)));
        let mut socket = scene.socket("ann").await;
        let messages = json!([{ "role": "user", "content": "word ".repeat(prompt) }]);
        let request = json!({ "model": "claude-haiku-5-5", "messages": messages });
        let reply = socket.ask(&gateway_request(1, request)).await;
        assert_eq!(reply.code(), "STREAM_BROKEN");
        let counted = reply.end["usage"]["completionTokens"].as_u64().unwrap_or_default();
        assert!(tokens.contains(&counted), "{}", reply.end);
    }
}

#[tokio::test]
async fn gateway_answer_of_a_provider_that_does_not_count_is_charged_as_an_estimate() {
    let unknown = [ScriptedUsage::Zeros, ScriptedUsage::Nulls, ScriptedUsage::Never];
    for (usage, stream) in unknown.into_iter().flat_map(|usage| [(usage, true), (usage, false)]) {
        for model in ["gpt-6-luna", "claude-haiku-5-5"] {
            let scene = GatewayScene::start().await;
            for provider in [&scene.openai, &scene.claude] {
                provider.state.add(AnswerScript::of(["Hello", ", ", "world", "."]).usage(usage));
            }
            let mut socket = scene.socket("ann").await;
            let request = json!({ "model": model, "stream": stream });
            let reply = socket.ask(&gateway_request(1, request)).await;
            let counted = &reply.end["usage"];
            assert_eq!(
                (&reply.end["type"], &counted["source"]),
                (&json!("done"), &json!("estimated"))
            );
            let tokens = |name: &str| counted[name].as_u64().unwrap_or_default();
            assert!(tokens("promptTokens") > 4 && tokens("completionTokens") >= 4, "{counted}");
            assert!(reply.charged() > 0);
        }
    }
}

#[tokio::test]
async fn gateway_refusal_without_credits_says_what_is_needed_and_available() {
    let credits = [("GATEWAY_START_CREDITS", "0.000001")];
    let scene = GatewayScene::with(&credits, ConnectionLimits::default()).await;
    let mut socket = scene.socket("ann").await;
    let reply = socket.ask(&gateway_request(1, json!({}))).await;
    let error = &reply.end["error"];
    assert_eq!((reply.code(), error["available"].as_f64()), ("INSUFFICIENT_CREDITS", Some(1e-6)));
    assert!(error["needed"].as_f64().is_some_and(|needed| needed > 1e-6), "{error}");
    assert!(scene.openai.state.requests().is_empty());
}

/// An answer with random faults, all of which end.
fn random_script(rng: &mut StdRng) -> AnswerScript {
    let words: Vec<_> = (0..rng.random_range(0..12)).map(|_| "word ").collect();
    let mut script = AnswerScript::of(words);
    script.usage = *[ScriptedUsage::Last, ScriptedUsage::EachDelta, ScriptedUsage::Never]
        .choose(rng)
        .expect("one");
    let after = rng.random_range(0..6);
    let error = json!({ "type": "overloaded_error", "message": "x" });
    let fault = match rng.random_range(0..10) {
        0 => status(500),
        1 => status(400),
        2 => StandInFault::ErrorAfter { deltas: after, error },
        3 => StandInFault::TruncateAfter(after),
        4 => StandInFault::DisconnectAfter(after),
        5 => StandInFault::BrokenJson(after),
        6 => StandInFault::Whole,
        7 => StandInFault::SplitBytes,
        8 => StandInFault::NoEnd,
        _ => return script,
    };
    script.fault(fault)
}

#[tokio::test]
async fn gateway_requests_have_one_end_each_and_charges_that_sum_up_whatever_fails() {
    for seed in 0..6 {
        let mut rng = StdRng::seed_from_u64(seed);
        let scene = GatewayScene::start().await;
        for _ in 0..40 {
            scene.openai.state.add(random_script(&mut rng));
            scene.claude.state.add(random_script(&mut rng));
        }
        let mut socket = scene.socket("ann").await;
        let mut replies: HashMap<i64, SocketReply> = HashMap::new();
        for id in 0..24 {
            let stream = rng.random_bool(0.7);
            socket.send(&gateway_request(id, json!({ "stream": stream }))).await;
            if rng.random_bool(0.2) {
                socket.send(&json!({ "type": "cancel", "id": id })).await;
            }
            replies.insert(id, SocketReply::default());
        }
        while replies.values().any(|reply| reply.end.is_null()) {
            let message = socket.next().await;
            // A request may have ended before it is cancelled.
            if message.get("seq").is_none() && message["error"]["code"] == "INVALID_REQUEST" {
                continue;
            }
            let id = message["id"].as_i64().expect("an id");
            replies.get_mut(&id).expect("a request").add(message);
        }
        for reply in replies.values() {
            let numbers: Vec<_> = reply.messages.iter().map(|m| m["seq"].as_u64()).collect();
            assert!(numbers.is_sorted_by(|a, b| a < b), "seed {seed}: {numbers:?}");
        }
        let charged: i64 = replies.values().map(SocketReply::charged).sum();
        assert_eq!(socket.credits().await, (1_000_000 - charged, 0), "seed {seed}");
    }
}
