//! [`StoredAnswer`]: an answer that a repeated request gets again, as it is encrypted in the ledger.

use serde::{Deserialize, Serialize};

use super::answer::{Bill, finish_name};
use crate::gateway::provider::frame::{ProviderEvent, ProviderFinish, ProviderFrame};
use crate::gateway::provider::write::whole::{WholeAnswer, WholeToolCall};

/// Maximum size of the answer in JSON, in bytes. A longer one is not stored.
const MAX_BYTES: usize = 512 * 1024;

/// An answer without its usage, which the ledger has.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct StoredAnswer {
    text: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    reasoning: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<StoredToolCall>,
    finish: String,
}

#[derive(Clone, Serialize, Deserialize)]
struct StoredToolCall {
    id: String,
    name: String,
    arguments: String,
}

impl StoredAnswer {
    /// The parts of a complete answer.
    pub fn of(answer: &WholeAnswer) -> Self {
        let call = |call: &WholeToolCall| StoredToolCall {
            id: call.id.clone(),
            name: call.name.clone(),
            arguments: call.arguments.clone(),
        };
        Self {
            text: answer.text.clone(),
            reasoning: answer.reasoning.clone(),
            tool_calls: answer.calls.iter().map(call).collect(),
            finish: answer.finish.map(finish_name).unwrap_or_default().to_owned(),
        }
    }

    /// JSON, unless it is too large.
    pub fn to_bytes(&self) -> Option<Vec<u8>> {
        serde_json::to_vec(self).ok().filter(|bytes| bytes.len() <= MAX_BYTES)
    }

    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    pub fn finish(&self) -> Option<ProviderFinish> {
        FINISHES.into_iter().find(|finish| finish_name(*finish) == self.finish)
    }

    /// The answer as one frame, whose events any edge can write.
    pub fn into_frame(self, bill: &Bill) -> ProviderFrame {
        let finish = self.finish();
        let started = ProviderEvent::Started { model: bill.model.clone(), request_id: None };
        let texts = [
            Some(self.reasoning).filter(|text| !text.is_empty()).map(ProviderEvent::Reasoning),
            Some(self.text).filter(|text| !text.is_empty()).map(ProviderEvent::Text),
        ];
        let calls = self.tool_calls.into_iter().zip(0..).map(|(call, index)| {
            let StoredToolCall { id, name, arguments } = call;
            ProviderEvent::ToolCall { index, id: Some(id), name: Some(name), arguments }
        });
        let end = [
            Some(ProviderEvent::Usage(bill.usage)),
            finish.map(|reason| ProviderEvent::Finished { reason }),
        ];
        let events = std::iter::once(started)
            .chain(texts.into_iter().flatten())
            .chain(calls)
            .chain(end.into_iter().flatten());
        ProviderFrame { events: events.collect(), raw: None, is_usage_only: false }
    }
}

/// Ends with different names.
const FINISHES: [ProviderFinish; 5] = [
    ProviderFinish::Stop,
    ProviderFinish::Length,
    ProviderFinish::ToolCalls,
    ProviderFinish::Refused,
    ProviderFinish::Other,
];
