//! [`EndedAnswer`]: an answer with its end. Pure.

use std::sync::Arc;
use std::time::Duration;

use super::answer::{Bill, finish_name};
use super::charge::{AnswerCharge, WrittenTokens};
use super::gen_ai::MeasuredAnswer;
use super::prepare::PreparedCandidate;
use crate::gateway::catalog::model::{Catalog, CatalogModel};
use crate::gateway::error::{GatewayError, GatewayErrorCode};
use crate::gateway::ledger::usage::{GatewayUsage, UsageSource, UsageStatus};
use crate::gateway::money::MicroCredits;
use crate::gateway::provider::write::whole::WholeAnswer;
use crate::gateway::routing::answer::RoutedAnswer;
use crate::gateway::routing::request::RouteError;
use crate::kernel::model::ModelUsage;

/// The end of an answer.
pub(super) enum AnswerEnd {
    Complete,
    /// The client has cancelled the request or left.
    Cancelled,
    /// The server stops.
    Stopped,
    /// The client has left, and the provider's policy is to charge nothing.
    Forgiven,
    Failed(Box<RouteError>),
}

/// An answer with its end.
pub(super) struct EndedAnswer {
    pub answer: WholeAnswer,
    pub end: AnswerEnd,
    /// The first model that the request could be sent to.
    pub asked: Arc<CatalogModel>,
    /// The candidate that has answered, or was tried last.
    pub candidate: PreparedCandidate,
    pub is_streamed: bool,
    pub has_content: bool,
    /// The time from the request to the first content.
    pub first_token: Option<Duration>,
    /// Number of requests to providers.
    pub attempts: u32,
    /// The most that the request may cost, if it says so.
    pub budget: Option<MicroCredits>,
}

impl EndedAnswer {
    /// Notes the attempts, and the candidate of the last one.
    pub fn observe(&mut self, routed: &RoutedAnswer, candidates: &[PreparedCandidate]) {
        self.attempts = u32::try_from(routed.attempt_count()).unwrap_or(u32::MAX);
        let name = routed.model().map(|model| &model.name);
        let candidate = candidates.iter().find(|other| Some(&other.model.name) == name);
        if let Some(candidate) = candidate {
            self.candidate = candidate.clone();
        }
    }

    /// The present price of the answer. `written` has what earlier calls have counted.
    pub fn price(&self, catalog: &Catalog, written: &mut WrittenTokens) -> MicroCredits {
        self.priced(catalog, written).price
    }

    /// The price, at most the budget of the request, whatever model the provider says that it used.
    fn priced(&self, catalog: &Catalog, written: &mut WrittenTokens) -> AnswerCharge {
        let (answer, candidate) = (&self.answer, &self.candidate);
        let charge = AnswerCharge::of(answer, candidate, catalog, written);
        let price = self.budget.map_or(charge.price, |budget| charge.price.min(budget));
        AnswerCharge { price, ..charge }
    }

    /// The charge at the end: nothing for an answer that did not begin.
    pub fn charge(&self, catalog: &Catalog) -> AnswerCharge {
        let charge = self.priced(catalog, &mut WrittenTokens::default());
        let is_charged = match &self.end {
            AnswerEnd::Complete => true,
            AnswerEnd::Cancelled | AnswerEnd::Stopped => self.attempts > 0,
            AnswerEnd::Forgiven => false,
            AnswerEnd::Failed(_) => self.has_content,
        };
        if is_charged {
            return charge;
        }
        AnswerCharge { usage: ModelUsage::default(), price: MicroCredits::ZERO, ..charge }
    }

    pub const fn status(&self) -> UsageStatus {
        match &self.end {
            AnswerEnd::Complete => UsageStatus::Done,
            AnswerEnd::Cancelled | AnswerEnd::Stopped | AnswerEnd::Forgiven => {
                UsageStatus::Cancelled
            }
            AnswerEnd::Failed(_) if self.has_content => UsageStatus::Broken,
            AnswerEnd::Failed(_) => UsageStatus::Failed,
        }
    }

    fn response_model(&self) -> Option<&String> {
        Some(&self.answer.model).filter(|model| !model.is_empty())
    }

    /// The record of the request, `total` after its start.
    pub fn usage(&self, charge: &AnswerCharge, total: Duration) -> GatewayUsage {
        GatewayUsage {
            provider: self.candidate.model.provider.clone(),
            response_model: self.response_model().cloned(),
            tokens: charge.usage,
            source: if charge.is_exact { UsageSource::Provider } else { UsageSource::Estimated },
            status: self.status(),
            finish: self.answer.finish.map(|finish| finish_name(finish).to_owned()),
            first_token_ms: self.first_token.map(millis),
            total_ms: millis(total),
            attempts: self.attempts,
        }
    }

    /// The answer for the metrics, `total` after the start of the request.
    pub fn measured<'a>(
        &'a self,
        charge: &AnswerCharge,
        total: Duration,
        catalog: &'a Catalog,
    ) -> MeasuredAnswer<'a> {
        let candidate = &self.candidate.model;
        let answered = |name: &String| catalog.model_of_answer(candidate, name).name.as_str();
        MeasuredAnswer {
            asked: &self.asked,
            candidate,
            answered: self.response_model().map(answered),
            usage: charge.usage,
            is_streamed: self.is_streamed,
            first_token: self.first_token,
            total,
            error: self.error().map(|error| error.code),
        }
    }

    /// The bill, before the amounts of the ledger are known.
    pub fn bill(&self, charge: &AnswerCharge, total: Duration) -> Bill {
        let model = &self.candidate.model;
        Bill {
            provider: model.provider.clone(),
            model: self.response_model().unwrap_or(&model.provider_model).clone(),
            finish: self.answer.finish,
            usage: charge.usage,
            is_usage_exact: charge.is_exact,
            charged: MicroCredits::ZERO,
            balance: MicroCredits::ZERO,
            first_token: self.first_token,
            total,
        }
    }

    /// The error for the caller. `None` if the answer is complete.
    pub fn error(&self) -> Option<GatewayError> {
        match &self.end {
            AnswerEnd::Complete => None,
            AnswerEnd::Cancelled | AnswerEnd::Forgiven => Some(cancelled()),
            AnswerEnd::Stopped => Some(GatewayError::new(
                GatewayErrorCode::Draining,
                "The server stops, so that the answer is incomplete: ask again",
            )),
            AnswerEnd::Failed(error) => Some(GatewayError::from(error.as_ref())),
        }
    }
}

pub(super) fn cancelled() -> GatewayError {
    GatewayError::new(GatewayErrorCode::Cancelled, "The request was cancelled")
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
