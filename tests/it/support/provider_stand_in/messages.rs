//! Answers in the format of Anthropic's messages.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::script::{AnswerScript, PlayedStep, ScriptedUsage, StandInFault, Steps};
use super::tokens::count_tokens;

const PING: &str = "event: ping\ndata: {\"type\": \"ping\"}\n\n";

fn event(data: &Value) -> String {
    format!("event: {}\ndata: {data}\n\n", data["type"].as_str().expect("a type"))
}

fn error_event(error: &Value) -> String {
    event(&json!({ "type": "error", "error": error, "request_id": "req_of_error" }))
}

fn usage(script: &AnswerScript, input: u64, output: u64) -> Value {
    match script.usage {
        ScriptedUsage::Never => Value::Null,
        ScriptedUsage::Nulls => json!({ "input_tokens": null, "output_tokens": null }),
        ScriptedUsage::Zeros => json!({ "input_tokens": 0, "output_tokens": 0 }),
        _ => json!({
            "input_tokens": input.saturating_sub(script.cached_tokens),
            "cache_read_input_tokens": script.cached_tokens,
            "cache_creation_input_tokens": 0,
            "output_tokens": output,
        }),
    }
}

fn stop_reason(finish: &str) -> &str {
    match finish {
        "stop" => "end_turn",
        "length" => "max_tokens",
        "tool_calls" => "tool_use",
        "content_filter" => "refusal",
        other => other,
    }
}

fn tool_use(call: &super::ScriptedCall, input: &Value) -> Value {
    json!({ "type": "tool_use", "id": call.id, "name": call.name, "input": input })
}

/// The whole answer, and the number of its tokens.
pub(super) fn whole(script: &AnswerScript, id: &str, model: &str, input: u64) -> (Value, u64) {
    let (output, _) = script.output();
    let mut content = Vec::new();
    if !script.reasoning.is_empty() {
        let thinking = script.reasoning.concat();
        content.push(json!({ "type": "thinking", "thinking": thinking, "signature": "sig" }));
    }
    if !script.deltas.is_empty() {
        content.push(json!({ "type": "text", "text": script.deltas.concat() }));
    }
    for call in &script.calls {
        let input = serde_json::from_str(&call.arguments.concat()).expect("arguments in JSON");
        content.push(tool_use(call, &input));
    }
    let answer = json!({
        "id": format!("msg_{id}"), "type": "message", "role": "assistant", "model": model,
        "content": content, "stop_reason": stop_reason(script.finish), "stop_sequence": null,
        "usage": usage(script, input, output),
    });
    (answer, output)
}

/// The steps of a stream.
pub(super) fn steps(
    script: &AnswerScript,
    id: &str,
    model: &str,
    input: u64,
) -> VecDeque<PlayedStep> {
    let mut steps = Steps::new(script, PING);
    let message = json!({
        "id": format!("msg_{id}"), "type": "message", "role": "assistant", "model": model,
        "content": [], "stop_reason": null, "stop_sequence": null, "usage": usage(script, input, 1),
    });
    steps.push(&event(&json!({ "type": "message_start", "message": message })), 0, false);
    steps.push(PING, 0, false);
    if script.has(|fault| matches!(fault, StandInFault::UnknownEvents)) {
        steps.push(&event(&json!({ "type": "mood_delta", "mood": "calm" })), 0, false);
    }
    let mut index = 0;
    let texts =
        [(&script.reasoning, "thinking", "thinking_delta"), (&script.deltas, "text", "text_delta")];
    for (texts, field, delta_type) in texts {
        if texts.is_empty() {
            continue;
        }
        let block = json!({ "type": field, field: "" });
        start_block(&mut steps, index, &block);
        for text in texts {
            let delta = json!({ "type": delta_type, field: text });
            steps.delta(&delta_event(index, &delta), count_tokens(text), error_event);
        }
        stop_block(&mut steps, index);
        index += 1;
    }
    for call in &script.calls {
        start_block(&mut steps, index, &tool_use(call, &json!({})));
        for (number, part) in call.arguments.iter().enumerate() {
            let delta = json!({ "type": "input_json_delta", "partial_json": part });
            let tokens = if number == 0 { call.tokens() } else { 0 };
            steps.delta(&delta_event(index, &delta), tokens, error_event);
        }
        stop_block(&mut steps, index);
        index += 1;
    }
    steps.faults(error_event);
    if let ScriptedUsage::Late(pause) = script.usage {
        steps.wait(pause);
    }
    let delta = json!({ "stop_reason": stop_reason(script.finish), "stop_sequence": null });
    let (output, _) = script.output();
    let usage = usage(script, input, output);
    let uncounted = [ScriptedUsage::Never, ScriptedUsage::Nulls, ScriptedUsage::Zeros];
    let sends_usage = !uncounted.contains(&script.usage);
    let last = json!({ "type": "message_delta", "delta": delta, "usage": usage });
    steps.push(&event(&last), 0, sends_usage);
    if script.has(|fault| matches!(fault, StandInFault::HangAfterFinish)) {
        steps.hang();
    }
    if !script.has(|fault| matches!(fault, StandInFault::NoEnd)) {
        steps.push(&event(&json!({ "type": "message_stop" })), 0, false);
    }
    steps.into_steps()
}

fn start_block(steps: &mut Steps<'_>, index: usize, block: &Value) {
    let start = json!({ "type": "content_block_start", "index": index, "content_block": block });
    steps.push(&event(&start), 0, false);
}

fn stop_block(steps: &mut Steps<'_>, index: usize) {
    steps.push(&event(&json!({ "type": "content_block_stop", "index": index })), 0, false);
}

fn delta_event(index: usize, delta: &Value) -> String {
    event(&json!({ "type": "content_block_delta", "index": index, "delta": delta }))
}
