//! [`AnswerCharge`]: what an answer costs, complete or not. Pure.

use crate::gateway::catalog::model::Catalog;
use crate::gateway::catalog::price::input_tokens;
use crate::gateway::catalog::prompt::{MESSAGES_PERCENT, text_tokens};
use crate::gateway::catalog::provider::ProviderFormat;
use crate::gateway::money::MicroCredits;
use crate::gateway::provider::write::whole::WholeAnswer;
use crate::gateway::service::prepare::PreparedCandidate;
use crate::kernel::model::ModelUsage;

/// The price of an answer, with the usage that it is computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AnswerCharge {
    pub usage: ModelUsage,
    /// Whether the provider has counted the whole usage. Otherwise it is an estimate.
    pub is_exact: bool,
    pub price: MicroCredits,
}

impl AnswerCharge {
    /// The charge for `answer`, which `candidate` has given.
    ///
    /// The counts of the provider hold if the answer is complete and has them, other than 0. Otherwise the input is what
    /// the provider has counted or the estimate, and the output what was received.
    pub fn of(answer: &WholeAnswer, candidate: &PreparedCandidate, catalog: &Catalog) -> Self {
        let counted = answer.usage;
        // Servers that do not count write 0, which would be free. No request is without input.
        let counts_output =
            counted.output_tokens.is_some_and(|tokens| tokens > 0 || answer.written_bytes() == 0);
        let is_exact = answer.finish.is_some() && counts_output && input_tokens(&counted) > 0;
        let usage = if is_exact { counted } else { estimated(answer, candidate) };
        let price = catalog.price_of_answer(&candidate.model, &answer.model).cost(&usage);
        Self { usage, is_exact, price }
    }
}

fn estimated(answer: &WholeAnswer, candidate: &PreparedCandidate) -> ModelUsage {
    let counted = answer.usage;
    let percent = match candidate.model.format {
        ProviderFormat::Chat => 100,
        ProviderFormat::Messages => MESSAGES_PERCENT,
    };
    let written = (written_tokens(answer) * percent).div_ceil(100);
    let output_tokens = Some(written.max(counted.output_tokens.unwrap_or_default()));
    if input_tokens(&counted) > 0 {
        return ModelUsage { output_tokens, ..counted };
    }
    let input_tokens = Some(candidate.estimated_input_tokens);
    ModelUsage { input_tokens, output_tokens, ..counted }
}

/// Tokens of all that the model has written.
fn written_tokens(answer: &WholeAnswer) -> u64 {
    let calls = answer.calls.iter().flat_map(|call| [&call.name, &call.arguments]);
    [&answer.reasoning, &answer.text].into_iter().chain(calls).map(|text| text_tokens(text)).sum()
}
