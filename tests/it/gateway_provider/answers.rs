//! Complete answers: text, reasoning, calls of tools, usage, raw data, connections.

use std::time::Duration;

use random_connect::gateway::provider::frame::{ProviderEvent, ProviderFinish};
use random_connect::gateway::provider::request::WireFormat;
use serde_json::{Value, json};

use super::{Collected, FORMATS, KEY, answer_to, body, limits, provider, request};
use crate::support::provider_stand_in::{
    AnswerScript, ProviderStandIn, ScriptedCall, ScriptedUsage, StandInFault, count_tokens,
};

fn with_calls() -> AnswerScript {
    let mut script = AnswerScript::of([]);
    script.reasoning = vec!["Two ".into(), "cities.".into()];
    let call = |id, arguments| ScriptedCall { id, name: "weather", arguments };
    script.calls = vec![
        call("call_1", vec!["{\"city\":", "\"Köln\"}"]),
        call("call_2", vec!["{\"city\":\"", "東京", "\"}"]),
    ];
    script.finish = "tool_calls";
    script
}

#[tokio::test]
async fn gateway_provider_streams_text_usage_and_finish() {
    for format in FORMATS {
        let stand_in =
            ProviderStandIn::with([AnswerScript::of(["Grüße", " aus ", "東京 🗼"])]).await;
        let answer = Collected::of(&provider(limits()), request(&stand_in.url, format)).await;
        assert_eq!(answer.text(), "Grüße aus 東京 🗼");
        assert_eq!(answer.finish(), Some(ProviderFinish::Stop));
        let started = answer.events().next().expect("an event");
        let request_id = Some("req_0".to_owned());
        assert!(*started == ProviderEvent::Started { model: "model-1".into(), request_id });
        let (invoice, usage) = (stand_in.state.invoice(), answer.usage());
        assert_eq!(usage.input_tokens, Some(invoice[0].input_tokens));
        assert_eq!(usage.output_tokens, Some(invoice[0].output_tokens));
        assert!(invoice[0].usage_sent && invoice[0].complete);
        assert_eq!(invoice[0].key, KEY);
    }
}

#[tokio::test]
async fn gateway_provider_usage_comes_before_the_finish() {
    for format in FORMATS {
        for usage in [ScriptedUsage::Last, ScriptedUsage::Late(Duration::from_millis(50))] {
            let answer = answer_to(format, AnswerScript::of(["a"]).usage(usage)).await;
            let is_usage = |event: &ProviderEvent| matches!(event, ProviderEvent::Usage(_));
            let events: Vec<_> = answer.events().collect();
            let last = events.iter().rposition(|event| is_usage(event)).expect("a usage");
            assert_eq!(last + 2, events.len(), "{events:?}");
            assert_eq!(answer.usage().output_tokens, Some(1));
        }
    }
}

#[tokio::test]
async fn gateway_provider_answers_in_one_frame_without_a_stream() {
    for format in FORMATS {
        for script in [with_calls(), AnswerScript::of(["Hello, ", "world."])] {
            let stand_in = ProviderStandIn::with([script.clone(), script]).await;
            let provider = provider(limits());
            let mut whole = request(&stand_in.url, format);
            whole.stream = false;
            let whole = Collected::of(&provider, whole).await;
            assert_eq!(whole.frames.len(), 1);
            let streamed = Collected::of(&provider, request(&stand_in.url, format)).await;
            assert_eq!(whole.text(), streamed.text());
            assert_eq!(whole.finish(), streamed.finish());
            assert_eq!(whole.usage(), streamed.usage());
            assert_eq!(calls(&whole), calls(&streamed));
            let raw = whole.frames[0].raw.as_ref().expect("the data");
            let data: Value = serde_json::from_str(&raw.data).expect("the provider's JSON");
            assert_eq!(data["model"], json!("model-1"));
        }
    }
}

/// The calls of an answer: id, name, arguments; and its reasoning.
fn calls(answer: &Collected) -> (Vec<(String, String, String)>, String) {
    let (mut calls, mut reasoned) = (Vec::new(), String::new());
    for event in answer.events() {
        match event {
            ProviderEvent::ToolCall { index, id, name, arguments } => {
                let index = usize::try_from(*index).expect("small");
                if index == calls.len() {
                    calls.push(Default::default());
                }
                let call: &mut (String, String, String) = &mut calls[index];
                call.0.push_str(id.as_deref().unwrap_or_default());
                call.1.push_str(name.as_deref().unwrap_or_default());
                call.2.push_str(arguments);
            }
            ProviderEvent::Reasoning(text) => reasoned.push_str(text),
            _ => {}
        }
    }
    (calls, reasoned)
}

#[tokio::test]
async fn gateway_provider_streams_reasoning_and_calls_of_tools() {
    for format in FORMATS {
        let answer = answer_to(format, with_calls()).await;
        let call = |id: &str, city: &str| {
            (id.to_owned(), "weather".to_owned(), json!({ "city": city }).to_string())
        };
        let (calls, reasoned) = calls(&answer);
        assert_eq!(calls, [call("call_1", "Köln"), call("call_2", "東京")]);
        assert_eq!(reasoned, "Two cities.");
        assert_eq!(answer.finish(), Some(ProviderFinish::ToolCalls));
    }
}

#[tokio::test]
async fn gateway_provider_counts_cached_tokens_once() {
    for format in FORMATS {
        let mut script = AnswerScript::of(["a"]);
        script.cached_tokens = 2;
        let stand_in = ProviderStandIn::with([script]).await;
        let answer = Collected::of(&provider(limits()), request(&stand_in.url, format)).await;
        let (usage, input) = (answer.usage(), stand_in.state.invoice()[0].input_tokens);
        assert_eq!((usage.input_tokens, usage.cache_read_tokens), (Some(input - 2), Some(2)));
    }
}

#[tokio::test]
async fn gateway_provider_replaces_the_usage_of_each_delta() {
    let script = AnswerScript::of(["one", " two", " three"]).usage(ScriptedUsage::EachDelta);
    let answer = answer_to(WireFormat::Chat, script).await;
    assert_eq!(answer.usage().output_tokens, Some(3));
}

#[tokio::test]
async fn gateway_provider_accepts_null_choices_in_the_chunk_with_the_usage() {
    let script = AnswerScript::of(["one"]).usage(ScriptedUsage::NullChoices);
    let answer = answer_to(WireFormat::Chat, script).await;
    assert_eq!(answer.usage().output_tokens, Some(1));
    let usage_only: Vec<_> = answer.frames.iter().filter(|frame| frame.is_usage_only).collect();
    assert_eq!(usage_only.len(), 1, "a caller who did not ask for it must not get it");
}

#[tokio::test]
async fn gateway_provider_without_usage_has_no_counts() {
    for format in FORMATS {
        for usage in [ScriptedUsage::Never, ScriptedUsage::Nulls] {
            let answer = answer_to(format, AnswerScript::of(["one"]).usage(usage)).await;
            assert_eq!(answer.usage().output_tokens, None);
            assert_eq!(answer.text(), "one");
        }
    }
}

#[tokio::test]
async fn gateway_provider_passes_the_data_of_a_stream_on() {
    for format in FORMATS {
        let answer = answer_to(format, AnswerScript::with(StandInFault::UnknownEvents)).await;
        let raw: Vec<_> = answer.frames.iter().filter_map(|frame| frame.raw.as_ref()).collect();
        assert_eq!(raw.len(), answer.frames.len());
        assert!(raw.iter().any(|raw| raw.data.contains("calm")), "an unknown event");
        let last = raw.last().expect("a frame");
        match format {
            WireFormat::Chat => assert_eq!((last.event.as_deref(), &*last.data), (None, "[DONE]")),
            WireFormat::Messages => assert_eq!(last.event.as_deref(), Some("message_stop")),
        }
        assert_eq!(answer.text(), "Hello, world.");
    }
}

#[tokio::test]
async fn gateway_provider_reads_a_whole_answer_to_a_request_for_a_stream() {
    for format in FORMATS {
        let answer = answer_to(format, AnswerScript::with(StandInFault::Whole)).await;
        assert_eq!((answer.text().as_str(), answer.frames.len()), ("Hello, world.", 1));
        assert!(answer.frames[0].raw.is_none(), "it is no event of a stream");
    }
}

#[tokio::test]
async fn gateway_provider_sends_unknown_fields_and_the_fields_of_the_gateway() {
    for format in FORMATS {
        let stand_in = ProviderStandIn::start().await;
        let mut request = request(&stand_in.url, format);
        let extra = json!({
            "model": "of the caller", "max_tokens": 9_999, "max_completion_tokens": 9_999,
            "stream": false, "stream_options": { "include_obfuscation": false },
            "new_field": { "a": [1, null] },
        });
        request.body = body(format, extra);
        Collected::of(&provider(limits()), request).await;
        let received = stand_in.state.requests().remove(0);
        let path = match format {
            WireFormat::Chat => "/v1/chat/completions",
            WireFormat::Messages => "/v1/messages",
        };
        assert_eq!(received.path, path);
        let sent = received.body;
        assert_eq!(sent["new_field"], json!({ "a": [1, null] }));
        assert_eq!((&sent["model"], &sent["max_tokens"]), (&json!("model-1"), &json!(100)));
        assert_eq!(sent["stream"], json!(true));
        if format == WireFormat::Chat {
            let options = json!({ "include_obfuscation": false, "include_usage": true });
            assert_eq!(sent["stream_options"], options);
            assert!(sent.get("max_completion_tokens").is_none());
        }
    }
}

#[tokio::test]
async fn gateway_provider_chooses_a_version_that_takes_the_temperature() {
    let stand_in = ProviderStandIn::start().await;
    let provider = provider(limits());
    for (extra, version) in [
        (json!({}), "2026-10-21"),
        (json!({ "temperature": null }), "2026-10-21"),
        (json!({ "temperature": 1 }), "2023-06-01"),
        (json!({ "top_k": 5 }), "2023-06-01"),
    ] {
        let mut request = request(&stand_in.url, WireFormat::Messages);
        request.body = body(WireFormat::Messages, extra);
        Collected::of(&provider, request).await;
        let sent = stand_in.state.requests().pop().expect("a request");
        assert_eq!(sent.headers["anthropic-version"], version);
        assert_eq!(sent.headers["x-api-key"], KEY);
    }
    let mut request = request(&stand_in.url, WireFormat::Messages);
    (request.headers.version, request.headers.beta) = (Some("2030-01-01".into()), Some("b".into()));
    Collected::of(&provider, request).await;
    let sent = stand_in.state.requests().pop().expect("a request");
    assert_eq!(sent.headers["anthropic-version"], "2030-01-01", "the caller's own");
    assert_eq!(sent.headers["anthropic-beta"], "b");
}

#[tokio::test]
async fn gateway_provider_uses_a_connection_again() {
    const ROUNDS: usize = 10;
    for format in FORMATS {
        // The end of the bytes is not in the packet of the last event.
        let script = AnswerScript::with(StandInFault::LateEnd(Duration::from_millis(20)));
        let stand_in = ProviderStandIn::with(vec![script; ROUNDS]).await;
        let provider = provider(limits());
        for _ in 0..ROUNDS {
            Collected::of(&provider, request(&stand_in.url, format)).await;
            stand_in.state.wait_for_open(0).await;
        }
        let connections = stand_in.state.connection_count();
        // A request may start before the connection of the last one is back.
        assert!(connections <= ROUNDS / 2, "{connections} connections");
    }
}

#[test]
fn gateway_stand_in_counts_english_prose_as_the_vendor_does() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in ["docs/moderation.md", "ARCHITECTURE.md"] {
        let text = std::fs::read_to_string(root.join(file)).expect("readable");
        // Tables, code and addresses are no prose.
        let is_prose = |line: &&str| !line.contains(['|', '`', '<', '/', '#', '_']);
        let prose: Vec<_> = text.lines().filter(is_prose).collect();
        let prose = prose.join("\n");
        assert!(prose.len() > 2_000, "{file} has {} bytes of prose", prose.len());
        let exact = u64::try_from(bpe_openai::o200k_base().count(&prose)).expect("small");
        let counted = count_tokens(&prose);
        assert!(counted.abs_diff(exact) * 10 <= exact, "{file}: {counted}, exactly {exact}");
    }
}
