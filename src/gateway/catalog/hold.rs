//! [`HoldBound`]: what a request can cost at most, whichever candidate answers it.

use super::price::{PriceRow, to_credits, to_picos};
use crate::gateway::money::MicroCredits;

/// A model that may answer a request, with the bound of its input.
#[derive(Clone, Copy, Debug)]
pub struct BoundCandidate<'a> {
    pub price: &'a PriceRow,
    /// The input in tokens of this model, at most.
    pub input_tokens: u64,
}

/// The largest cost of a request over all candidates, as a function of the longest answer.
///
/// The cost of a usage is within the hold if its input, cached or not, is within the bound of its candidate, and
/// its output within `max_output` times the number of answers.
#[derive(Clone, Debug)]
pub struct HoldBound {
    /// Pico-credits of the input and of one token of the output, per candidate. Never empty.
    costs: Vec<(i128, i128)>,
}

impl HoldBound {
    /// `None` without candidates. `answers` is the number of answers that the request asks for, at least one;
    /// `long_cache_writes` whether it may ask the provider to cache its input for an hour or longer.
    #[must_use]
    pub fn of<'a>(
        candidates: impl IntoIterator<Item = BoundCandidate<'a>>,
        answers: u32,
        long_cache_writes: bool,
    ) -> Option<Self> {
        let cost = |candidate: BoundCandidate<'_>| {
            let prices = candidate.price.prices(candidate.input_tokens);
            let input = prices.dearest_input(long_cache_writes).times(candidate.input_tokens);
            (input, prices.output.times(u64::from(answers.max(1))))
        };
        let costs: Vec<_> = candidates.into_iter().map(cost).collect();
        (!costs.is_empty()).then_some(Self { costs })
    }

    /// The amount that pays for the input and answers of up to `max_output` tokens each.
    #[must_use]
    pub fn hold(&self, max_output: u32) -> MicroCredits {
        let picos =
            self.costs.iter().map(|(input, output)| input + output * i128::from(max_output));
        to_credits(picos.max().unwrap_or(0))
    }

    /// The largest `max_output` that `amount` pays for. `None` if it does not pay for the input and one token.
    #[must_use]
    pub fn max_output(&self, amount: MicroCredits) -> Option<u32> {
        let amount = to_picos(amount);
        let tokens = self.costs.iter().map(|(input, output)| {
            let rest = amount - input;
            match (rest, output) {
                (..0, _) => 0,
                (_, 0) => u32::MAX,
                _ => u32::try_from(rest / output).unwrap_or(u32::MAX),
            }
        });
        tokens.min().filter(|tokens| *tokens > 0)
    }
}
