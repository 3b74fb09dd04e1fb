//! [`AnswerEvent`]: the steps of an answer, which every edge writes in its own format.

use std::sync::Arc;
use std::time::Duration;

use crate::gateway::error::GatewayError;
use crate::gateway::ledger::limits::AccountLimitStates;
use crate::gateway::money::MicroCredits;
use crate::gateway::provider::frame::{ProviderEvent, ProviderFinish, ProviderFrame};
use crate::kernel::model::ModelUsage;

/// A step of an answer. Cheap to clone.
///
/// An answer ends with exactly one [`Done`](Self::Done) or [`Failed`](Self::Failed), which comes after its charge is
/// stored.
#[derive(Clone, Debug)]
pub enum AnswerEvent {
    /// The request has its hold.
    Accepted(Arc<AcceptedRequest>),
    /// A part of the answer, or all of it.
    Frame(Arc<ProviderFrame>),
    /// Another provider is tried, because the one before did not begin to answer.
    Failover { provider: Arc<str>, model: Arc<str> },
    /// The answer is complete.
    Done(Arc<Bill>),
    /// The answer is incomplete.
    Failed(Arc<FailedAnswer>),
}

/// A request that has its hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedRequest {
    pub provider: String,
    pub model: String,
    pub held: MicroCredits,
    /// Maximum number of tokens of the answer, which the hold pays for.
    pub max_output_tokens: u32,
    /// The state of the account's limits after the request. `None` if `RATE_LIMITS` is off.
    pub limits: Option<AccountLimitStates>,
}

/// The charge of a request, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bill {
    pub provider: String,
    /// The model that answered, as the provider names it.
    pub model: String,
    /// `None` if the answer is incomplete.
    pub finish: Option<ProviderFinish>,
    pub usage: ModelUsage,
    /// Whether the provider has said the usage. Otherwise it is an estimate.
    pub is_usage_exact: bool,
    pub charged: MicroCredits,
    /// The balance after the charge.
    pub balance: MicroCredits,
    /// The time from the request to the first part of the answer. `None` if there was none.
    pub first_token: Option<Duration>,
    pub total: Duration,
}

/// Why an answer is incomplete, and what it costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedAnswer {
    pub error: GatewayError,
    /// Whether a part of the answer came before.
    pub is_partial: bool,
    /// `None` if nothing was held.
    pub bill: Option<Bill>,
}

impl From<GatewayError> for FailedAnswer {
    fn from(error: GatewayError) -> Self {
        Self { error, is_partial: false, bill: None }
    }
}

impl AnswerEvent {
    /// Returns `true` for the last event of an answer.
    #[must_use]
    pub const fn is_end(&self) -> bool {
        matches!(self, Self::Done(_) | Self::Failed(_))
    }

    /// The approximate size, in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        let texts = match self {
            Self::Frame(frame) => {
                let raw = frame.raw.as_ref().map_or(0, |raw| raw.data.len());
                raw + frame.events.iter().map(event_size).sum::<usize>()
            }
            _ => 0,
        };
        texts + size_of::<Self>()
    }
}

fn event_size(event: &ProviderEvent) -> usize {
    let texts = match event {
        ProviderEvent::Text(text) | ProviderEvent::Reasoning(text) => text.len(),
        ProviderEvent::ToolCall { arguments, .. } => arguments.len(),
        _ => 0,
    };
    texts + size_of::<ProviderEvent>()
}

/// The name of an end, as OpenAI's API has it.
#[must_use]
pub const fn finish_name(finish: ProviderFinish) -> &'static str {
    match finish {
        ProviderFinish::Stop | ProviderFinish::StopText => "stop",
        ProviderFinish::Length => "length",
        ProviderFinish::ToolCalls => "tool_calls",
        ProviderFinish::Refused => "content_filter",
        ProviderFinish::Other => "other",
    }
}
