//! The messages of the server. Amounts are in credits, times in ISO 8601 with milliseconds.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::RequestId;
use crate::gateway::catalog::roles::RoleLimits;
use crate::gateway::error::GatewayError;
use crate::gateway::ledger::entry::LedgerBalance;
use crate::gateway::ledger::limits::{AccountLimitStates, LimitState};
use crate::gateway::money::decimal_json;
use crate::gateway::provider::write::whole::{WholeAnswer, WholeToolCall};
use crate::gateway::service::answer::{AcceptedRequest, Bill, FailedAnswer, finish_name};
use crate::kernel::clock::Timestamp;
use crate::kernel::model::ModelUsage;

/// A message without a number, for everything but the steps of an answer.
#[must_use]
pub fn plain(kind: &str, id: Option<&RequestId>, mut fields: Value, now: Timestamp) -> String {
    if let Some(fields) = fields.as_object_mut() {
        if let Some(id) = id {
            fields.insert("id".to_owned(), json!(id));
        }
        fields.insert("type".to_owned(), json!(kind));
        fields.insert("timestamp".to_owned(), json!(now.to_iso_8601()));
    }
    decimal_json(&fields)
}

/// The first message of a connection.
#[must_use]
pub fn ready(
    session: &str,
    balance: &LedgerBalance,
    limits: &RoleLimits,
    now: Timestamp,
) -> String {
    let fields = json!({
        "session": session,
        "balance": balance.balance,
        "held": balance.held,
        "limits": {
            "requestsPerMinute": limits.requests_per_minute,
            "tokensPerMinute": limits.tokens_per_minute,
            "maxTokens": limits.max_output_tokens,
            "concurrentRequests": limits.concurrent_requests,
            "sockets": limits.sockets,
        },
    });
    plain("ready", None, fields, now)
}

#[must_use]
pub fn balance(id: Option<&RequestId>, balance: &LedgerBalance, now: Timestamp) -> String {
    let LedgerBalance { balance, held } = balance;
    plain("balance", id, json!({ "balance": balance, "held": held }), now)
}

/// An error that belongs to no answer.
#[must_use]
pub fn refusal(id: Option<&RequestId>, error: &GatewayError, now: Timestamp) -> String {
    plain("error", id, json!({ "error": error_fields(error, false) }), now)
}

/// An error about a message that has the id of a request in progress. The `id` is in the error alone.
#[must_use]
pub fn refusal_beside(id: &RequestId, error: &GatewayError, now: Timestamp) -> String {
    let mut fields = error_fields(error, false);
    fields["duplicateOf"] = json!(id);
    plain("error", None, json!({ "error": fields }), now)
}

/// A step of the answer to a request.
#[derive(Clone, Copy)]
pub struct Step<'a> {
    pub id: &'a RequestId,
    /// The number of the step: the last one of those that the message joins.
    pub number: u64,
    pub now: Timestamp,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StepMessage<'a, T: Serialize> {
    id: &'a RequestId,
    r#type: &'static str,
    seq: u64,
    #[serde(flatten)]
    fields: T,
    timestamp: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ChunkFields<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    data: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    reasoning: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Value>,
}

impl Step<'_> {
    fn write(&self, kind: &'static str, fields: impl Serialize) -> String {
        let timestamp = self.now.to_iso_8601();
        let (id, seq) = (self.id, self.number);
        let message = StepMessage { id, r#type: kind, seq, fields, timestamp };
        decimal_json(&message)
    }

    #[must_use]
    pub fn accepted(&self, accepted: &AcceptedRequest) -> String {
        let AcceptedRequest { provider, model, held, max_output_tokens, limits } = accepted;
        let mut fields = json!({
            "provider": provider, "model": model, "held": held, "maxTokens": max_output_tokens,
        });
        if let Some(AccountLimitStates { requests, tokens }) = limits {
            let state = |state: &LimitState| {
                let LimitState { limit, remaining, reset } = state;
                let reset = reset.as_millis();
                json!({ "limit": limit, "remaining": remaining, "resetMs": reset })
            };
            fields["limits"] = json!({ "requests": state(requests), "tokens": state(tokens) });
        }
        self.write("accepted", fields)
    }

    /// The next piece of an answer. Pieces of calls of tools have their index.
    #[must_use]
    pub fn chunk(&self, text: &str, reasoning: &str, tool_calls: Vec<Value>) -> String {
        self.write("chunk", ChunkFields { data: text, reasoning, tool_calls })
    }

    #[must_use]
    pub fn failover(&self, provider: &str, model: &str) -> String {
        let fields = json!({ "kind": "failover", "provider": provider, "model": model });
        self.write("notice", fields)
    }

    /// The end of a complete answer. `whole` is the text of an answer that was not sent in chunks.
    #[must_use]
    pub fn done(&self, bill: &Bill, whole: Option<&WholeAnswer>) -> String {
        let mut fields = bill_fields(bill);
        if let Some(whole) = whole {
            fields.insert("data".to_owned(), json!(whole.text));
            if !whole.calls.is_empty() {
                fields.insert("toolCalls".to_owned(), json!(whole_tool_calls(whole)));
            }
        }
        self.write("done", fields)
    }

    #[must_use]
    pub fn failed(&self, failed: &FailedAnswer) -> String {
        let mut fields = failed.bill.as_ref().map(bill_fields).unwrap_or_default();
        fields.insert("error".to_owned(), error_fields(&failed.error, failed.is_partial));
        self.write("error", fields)
    }
}

/// A piece of a call of a tool, as OpenAI writes it.
#[must_use]
pub fn tool_call_piece(index: u32, id: Option<&str>, name: Option<&str>, arguments: &str) -> Value {
    let mut function = Map::new();
    if let Some(name) = name {
        function.insert("name".to_owned(), json!(name));
    }
    function.insert("arguments".to_owned(), json!(arguments));
    let mut piece = Map::new();
    piece.insert("index".to_owned(), json!(index));
    if let Some(id) = id {
        piece.insert("id".to_owned(), json!(id));
        piece.insert("type".to_owned(), json!("function"));
    }
    piece.insert("function".to_owned(), Value::Object(function));
    Value::Object(piece)
}

fn whole_tool_calls(answer: &WholeAnswer) -> Vec<Value> {
    let call = |call: &WholeToolCall| {
        json!({
            "id": call.id, "type": "function",
            "function": { "name": call.name, "arguments": call.arguments },
        })
    };
    answer.calls.iter().map(call).collect()
}

/// An error, as the answers of all edges have it.
#[must_use]
pub fn error_fields(error: &GatewayError, is_partial: bool) -> Value {
    let mut fields = json!({
        "code": error.code.name(),
        "message": error.message,
        "retryable": error.code.is_retryable(),
    });
    if let Some(pause) = error.retry_after {
        fields["retryAfterMs"] = json!(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX));
    }
    if let Some(shortfall) = &error.shortfall {
        fields["needed"] = json!(shortfall.needed);
        fields["available"] = json!(shortfall.available);
    }
    if is_partial {
        fields["partial"] = json!(true);
    }
    fields
}

fn bill_fields(bill: &Bill) -> Map<String, Value> {
    let fields = json!({
        "finishReason": bill.finish.map(finish_name),
        "provider": bill.provider,
        "model": bill.model,
        "usage": usage(&bill.usage, bill.is_usage_exact),
        "credits": { "charged": bill.charged, "balance": bill.balance },
        "timings": {
            "firstTokenMs": bill.first_token.map(|time| time.as_millis()),
            "totalMs": bill.total.as_millis(),
        },
    });
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// The usage of a request. `promptTokens` has all input, cached or not.
#[must_use]
pub fn usage(usage: &ModelUsage, is_exact: bool) -> Value {
    let count = |count: Option<u64>| count.unwrap_or_default();
    let written = count(usage.cache_write_tokens) + count(usage.long_cache_write_tokens);
    let prompt = count(usage.input_tokens) + count(usage.cache_read_tokens) + written;
    let completion = count(usage.output_tokens);
    json!({
        "promptTokens": prompt,
        "completionTokens": completion,
        "totalTokens": prompt + completion,
        "cachedTokens": count(usage.cache_read_tokens),
        "cacheWriteTokens": written,
        "reasoningTokens": count(usage.reasoning_tokens),
        "source": if is_exact { "provider" } else { "estimated" },
    })
}
