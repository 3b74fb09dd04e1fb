//! [`InvoiceRow`]: the tokens that a request is charged for.

use std::sync::Arc;

use serde_json::Value;

use super::StandInState;
use super::tokens::count_tokens;

/// A request on the invoice. The provider charges for each token that it has produced, also if no one reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct InvoiceRow {
    /// The credential of the request.
    pub(crate) key: String,
    pub(crate) request_id: String,
    pub(crate) model: String,
    pub(crate) input_tokens: u64,
    pub(crate) output_tokens: u64,
    /// Whether the caller got the usage.
    pub(crate) usage_sent: bool,
    /// Whether the caller got the whole answer.
    pub(crate) complete: bool,
}

/// The row of an answer that is being sent.
pub(super) struct OpenRow {
    state: Arc<StandInState>,
    index: usize,
}

impl OpenRow {
    pub(super) fn new(state: &Arc<StandInState>, key: String, body: &Value) -> Self {
        let model = body.get("model").and_then(Value::as_str).unwrap_or_default().to_owned();
        let input_tokens = ["system", "messages", "tools"]
            .iter()
            .filter_map(|name| body.get(*name))
            .map(count_in)
            .sum();
        let mut invoice = state.invoice.lock();
        let index = invoice.len();
        let request_id = format!("req_{index}");
        let (output_tokens, usage_sent, complete) = (0, false, false);
        invoice.push(InvoiceRow {
            key,
            request_id,
            model,
            input_tokens,
            output_tokens,
            usage_sent,
            complete,
        });
        drop(invoice);
        state.open.send_modify(|open| *open += 1);
        Self { state: Arc::clone(state), index }
    }

    /// The id of the request, the model and the input.
    pub(super) fn facts(&self) -> (String, String, u64) {
        let row = self.state.invoice.lock()[self.index].clone();
        (row.request_id, row.model, row.input_tokens)
    }

    pub(super) fn add_output(&self, tokens: u64) {
        self.change(|row| row.output_tokens += tokens);
    }

    pub(super) fn send_usage(&self) {
        self.change(|row| row.usage_sent = true);
    }

    pub(super) fn finish(&self) {
        self.change(|row| row.complete = true);
    }

    /// Ends an answer in one piece.
    pub(super) fn end(&self, usage_sent: bool) {
        self.change(|row| (row.usage_sent, row.complete) = (usage_sent, true));
    }

    fn change(&self, change: impl FnOnce(&mut InvoiceRow)) {
        change(&mut self.state.invoice.lock()[self.index]);
    }
}

impl Drop for OpenRow {
    fn drop(&mut self) {
        self.state.open.send_modify(|open| *open -= 1);
    }
}

/// The tokens of all texts in a value. The data of images is no text.
fn count_in(value: &Value) -> u64 {
    match value {
        Value::String(text) if text.starts_with("data:") => 85,
        Value::String(text) => count_tokens(text),
        Value::Array(values) => values.iter().map(count_in).sum(),
        Value::Object(fields) => {
            let is_text = |name: &str| !matches!(name, "role" | "type" | "data" | "media_type");
            fields.iter().filter(|(name, _)| is_text(name)).map(|(_, value)| count_in(value)).sum()
        }
        _ => 0,
    }
}
