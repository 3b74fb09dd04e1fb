//! Answers in the format of OpenAI's chat completions.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::script::{AnswerScript, PlayedStep, ScriptedUsage, StandInFault, Steps};
use super::tokens::count_tokens;

fn event(data: &Value) -> String {
    format!("data: {data}\n\n")
}

fn error_event(error: &Value) -> String {
    event(&json!({ "error": error }))
}

fn usage(script: &AnswerScript, input: u64, output: u64, reasoning: u64) -> Value {
    match script.usage {
        ScriptedUsage::Never => Value::Null,
        ScriptedUsage::Nulls => json!({
            "prompt_tokens": null, "completion_tokens": null, "total_tokens": null,
            "prompt_tokens_details": null, "completion_tokens_details": null,
        }),
        ScriptedUsage::Zeros => {
            json!({ "prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0 })
        }
        _ => json!({
            "prompt_tokens": input,
            "completion_tokens": output,
            "total_tokens": input + output,
            "prompt_tokens_details": { "cached_tokens": script.cached_tokens },
            "completion_tokens_details": { "reasoning_tokens": reasoning },
        }),
    }
}

/// The whole answer, and the number of its tokens.
pub(super) fn whole(script: &AnswerScript, id: &str, model: &str, input: u64) -> (Value, u64) {
    let (output, reasoning) = script.output();
    let mut message =
        json!({ "role": "assistant", "content": script.deltas.concat(), "refusal": null });
    if !script.reasoning.is_empty() {
        message["reasoning_content"] = json!(script.reasoning.concat());
    }
    if !script.calls.is_empty() {
        let calls = script.calls.iter().map(|call| {
            let function = json!({ "name": call.name, "arguments": call.arguments.concat() });
            json!({ "id": call.id, "type": "function", "function": function })
        });
        message["tool_calls"] = calls.collect();
        if script.deltas.is_empty() {
            message["content"] = Value::Null;
        }
    }
    let choice = json!({ "index": 0, "message": message, "finish_reason": script.finish });
    let answer = json!({
        "id": format!("chatcmpl-{id}"), "object": "chat.completion", "created": 1_795_824_000,
        "model": model, "choices": [choice], "usage": usage(script, input, output, reasoning),
    });
    (answer, output)
}

/// The steps of a stream.
pub(super) fn steps(
    script: &AnswerScript,
    id: &str,
    model: &str,
    input: u64,
    request: &Value,
) -> VecDeque<PlayedStep> {
    let includes_usage = request["stream_options"]["include_usage"] == json!(true);
    let chunk = |choices: Value, usage: Value| {
        json!({
            "id": format!("chatcmpl-{id}"), "object": "chat.completion.chunk",
            "created": 1_795_824_000, "model": model, "choices": choices, "usage": usage,
        })
    };
    let choice = |delta: Value, finish: Value| json!([{ "index": 0, "delta": delta, "finish_reason": finish }]);
    let mut output = 0;
    let mut steps = Steps::new(script, "data: {\"choices\":[]}\n\n");
    let role = choice(json!({ "role": "assistant", "content": "" }), Value::Null);
    steps.push(&event(&chunk(role, Value::Null)), 0, false);
    if script.has(|fault| matches!(fault, StandInFault::UnknownEvents)) {
        let unknown = json!([{ "index": 0, "delta": { "mood": "calm" }, "finish_reason": null }]);
        steps.push(&event(&chunk(unknown, Value::Null)), 0, false);
    }
    let mut add = |steps: &mut Steps<'_>, delta: Value, tokens: u64| {
        output += tokens;
        let now = match script.usage {
            ScriptedUsage::EachDelta => usage(script, input, output, 0),
            _ => Value::Null,
        };
        steps.delta(&event(&chunk(choice(delta, Value::Null), now)), tokens, error_event);
    };
    for text in &script.reasoning {
        add(&mut steps, json!({ "reasoning_content": text }), count_tokens(text));
    }
    for text in &script.deltas {
        add(&mut steps, json!({ "content": text }), count_tokens(text));
    }
    for (index, call) in script.calls.iter().enumerate() {
        let function = json!({ "name": call.name, "arguments": "" });
        let first =
            json!({ "index": index, "id": call.id, "type": "function", "function": function });
        add(&mut steps, json!({ "tool_calls": [first] }), call.tokens());
        for part in &call.arguments {
            let part = json!({ "index": index, "function": { "arguments": part } });
            add(&mut steps, json!({ "tool_calls": [part] }), 0);
        }
    }
    steps.faults(error_event);
    steps.push(&event(&chunk(choice(json!({}), json!(script.finish)), Value::Null)), 0, false);
    if script.has(|fault| matches!(fault, StandInFault::HangAfterFinish)) {
        steps.hang();
    }
    if let ScriptedUsage::Late(pause) = script.usage {
        steps.wait(pause);
    }
    let (output, reasoning) = script.output();
    let sends_usage = !matches!(script.usage, ScriptedUsage::Never | ScriptedUsage::EachDelta);
    if sends_usage && includes_usage {
        let choices = match script.usage {
            ScriptedUsage::NullChoices => Value::Null,
            _ => json!([]),
        };
        let data = chunk(choices, usage(script, input, output, reasoning));
        let is_counted = !matches!(script.usage, ScriptedUsage::Nulls | ScriptedUsage::Zeros);
        steps.push(&event(&data), 0, is_counted);
    }
    if !script.has(|fault| matches!(fault, StandInFault::NoEnd)) {
        steps.push("data: [DONE]\n\n", 0, false);
    }
    steps.into_steps()
}
