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
    ///
    /// `written` has what earlier calls have counted of this answer, which grows.
    pub fn of(
        answer: &WholeAnswer,
        candidate: &PreparedCandidate,
        catalog: &Catalog,
        written: &mut WrittenTokens,
    ) -> Self {
        let counted = answer.usage;
        // Servers that do not count write 0, which would be free. No request is without input.
        let counts_output =
            counted.output_tokens.is_some_and(|tokens| tokens > 0 || answer.written_bytes() == 0);
        let is_exact = answer.finish.is_some() && counts_output && input_tokens(&counted) > 0;
        let usage = if is_exact { counted } else { estimated(answer, candidate, written) };
        let price = catalog.price_of_answer(&candidate.model, &answer.model).cost(&usage);
        Self { usage, is_exact, price }
    }
}

fn estimated(
    answer: &WholeAnswer,
    candidate: &PreparedCandidate,
    written: &mut WrittenTokens,
) -> ModelUsage {
    let counted = answer.usage;
    let written = candidate_tokens(written.count(answer), candidate, input_tokens(&counted));
    let output_tokens = Some(written.max(counted.output_tokens.unwrap_or_default()));
    if input_tokens(&counted) > 0 {
        return ModelUsage { output_tokens, ..counted };
    }
    let input_tokens = Some(candidate.estimated_input_tokens);
    ModelUsage { input_tokens, output_tokens, ..counted }
}

/// Tokens of input from which the counts of the provider show how its tokenizer differs from o200k.
const MIN_COMPARED: u64 = 50;

/// Converts tokens of o200k to those of the candidate. `counted` is the input by the provider's count, 0 if there is none.
///
/// Anthropic's protocol has the count of the input before the answer: its ratio to the estimate holds for the answer too.
fn candidate_tokens(tokens: u64, candidate: &PreparedCandidate, counted: u64) -> u64 {
    let percent = match candidate.model.format {
        ProviderFormat::Chat => 100,
        ProviderFormat::Messages => MESSAGES_PERCENT,
    };
    let estimated = candidate.estimated_input_tokens;
    let is_comparable = candidate.is_text && counted.min(estimated) >= MIN_COMPARED;
    let (counted, estimated) = if is_comparable {
        (counted.clamp(estimated / 2, estimated * 2), estimated)
    } else {
        (1, 1)
    };
    tokens.saturating_mul(percent).saturating_mul(counted).div_ceil(estimated.saturating_mul(100))
}

/// Length of a text without a space, in bytes, after which it is cut and counted in parts.
const MAX_UNCUT: usize = 1_024;

/// The tokens of all that the model has written. A text that grows is counted once.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct WrittenTokens {
    text: CountedText,
    reasoning: CountedText,
}

/// The counted beginning of a text.
#[derive(Clone, Copy, Debug, Default)]
struct CountedText {
    bytes: usize,
    tokens: u64,
}

impl WrittenTokens {
    fn count(&mut self, answer: &WholeAnswer) -> u64 {
        let calls = answer.calls.iter().flat_map(|call| [&call.name, &call.arguments]);
        let calls: u64 = calls.map(|text| text_tokens(text)).sum();
        calls + self.text.count(&answer.text) + self.reasoning.count(&answer.reasoning)
    }
}

impl CountedText {
    /// Returns the tokens of `text`, which begins with the one of the call before. A token hardly ever has a space
    /// behind its beginning, so texts are cut before one.
    fn count(&mut self, text: &str) -> u64 {
        let added = text.get(self.bytes..).unwrap_or_default();
        let is_long = added.len() > MAX_UNCUT;
        let space = added.rfind(' ').filter(|space| *space > 0);
        let cut = space.or_else(|| is_long.then_some(added.len())).unwrap_or_default();
        let (whole, rest) = added.split_at(cut);
        self.tokens += text_tokens(whole);
        self.bytes += cut;
        self.tokens + text_tokens(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gateway_text_that_grows_has_the_tokens_of_the_whole_text() {
        let text =
            "The sky is blue because air scatters short waves more than long ones, by 1/λ⁴. "
                .repeat(9);
        let mut counted = CountedText::default();
        for end in (0..=text.len()).filter(|end| text.is_char_boundary(*end)).step_by(7) {
            assert_eq!(counted.count(&text[..end]), text_tokens(&text[..end]), "{end}");
        }
        assert!(counted.bytes + 20 > text.len() - 7, "only the last word is counted again");
    }

    #[test]
    fn gateway_text_without_spaces_is_counted_in_parts() {
        let text = "空が青いのは空気が短い波長の光をよく散乱させるからです。".repeat(100);
        let mut counted = CountedText::default();
        let mut tokens = 0;
        for end in (0..=text.len()).filter(|end| text.is_char_boundary(*end)) {
            tokens = counted.count(&text[..end]);
        }
        let whole = text_tokens(&text);
        assert!((whole..whole + 20).contains(&tokens), "{tokens}, and {whole} as a whole");
    }
}
