//! [`PriceRow`]: the prices of a model, and the cost of a usage.
//!
//! A price is a whole number of pico-credits per token, which is the same number of micro-credits per million
//! tokens: `"2.5"` dollars per million tokens is 2,500,000. Sums are exact in 128 bits and rounded up once per
//! request.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Expected, Visitor};
use thiserror::Error as ThisError;

use crate::gateway::money::MicroCredits;
use crate::kernel::model::ModelUsage;

/// Pico-credits in a micro-credit.
const PICOS_PER_MICRO: i128 = 1_000_000;

/// A price in credits per million tokens, from a decimal text with up to six places.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenPrice(i64);

impl TokenPrice {
    /// The largest price: a billion credits per million tokens. No sum of costs overflows with it.
    pub const MAX: Self = Self(MicroCredits::MAX.as_micros());

    /// A price in pico-credits per token, moved into the range from zero to the largest price.
    #[must_use]
    pub fn from_picos(picos: i64) -> Self {
        Self(picos.clamp(0, Self::MAX.0))
    }

    /// Pico-credits per token.
    #[must_use]
    pub const fn as_picos(self) -> i64 {
        self.0
    }

    /// Pico-credits of this many tokens.
    pub(super) fn times(self, tokens: u64) -> i128 {
        i128::from(self.0) * i128::from(tokens)
    }
}

impl<'de> Deserialize<'de> for TokenPrice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TokenPriceVisitor)
    }
}

struct TokenPriceVisitor;

impl Visitor<'_> for TokenPriceVisitor {
    type Value = TokenPrice;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a price as text, in dollars per million tokens, such as \"2.5\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<TokenPrice, E> {
        let amount = text.parse::<MicroCredits>().ok().filter(|amount| !amount.is_negative());
        let price = amount.map(|amount| TokenPrice(amount.as_micros()));
        price.ok_or_else(|| E::custom(format!("expected {}", &self as &dyn Expected)))
    }
}

/// The prices of a model for requests of one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenPrices {
    pub input: TokenPrice,
    /// Input that the provider's cache had.
    pub cache_read: TokenPrice,
    /// Input that the cache took for some minutes.
    pub cache_write: TokenPrice,
    /// Input that the cache took for an hour or longer.
    pub long_cache_write: TokenPrice,
    pub output: TokenPrice,
}

impl TokenPrices {
    /// The dearest price of an input token.
    pub(super) fn dearest_input(&self, long_cache_writes: bool) -> TokenPrice {
        let dearest = self.input.max(self.cache_read).max(self.cache_write);
        if long_cache_writes { dearest.max(self.long_cache_write) } else { dearest }
    }

    /// Each price is at least that of `other`.
    fn covers(&self, other: &Self) -> bool {
        self.input >= other.input
            && self.cache_read >= other.cache_read
            && self.cache_write >= other.cache_write
            && self.long_cache_write >= other.long_cache_write
            && self.output >= other.output
    }

    /// Pico-credits of a usage.
    fn picos(&self, usage: &ModelUsage) -> i128 {
        let counts = [
            (self.input, usage.input_tokens),
            (self.cache_read, usage.cache_read_tokens),
            (self.cache_write, usage.cache_write_tokens),
            (self.long_cache_write, usage.long_cache_write_tokens),
            (self.output, usage.output_tokens),
        ];
        counts.iter().map(|(price, tokens)| price.times(tokens.unwrap_or(0))).sum()
    }
}

/// The prices of requests with more input than a number of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceTier {
    /// All input of the request together is more than this many tokens.
    pub above: u64,
    pub prices: TokenPrices,
}

/// Tiers that make no price row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ThisError)]
pub enum PriceRowError {
    #[error("tiers in ascending order of `above`, which is at least 1")]
    Order,
    #[error("no price of a tier below the one of a smaller tier")]
    Cheaper,
}

/// The prices of a model. The total input of a request selects the tier, which applies to all its tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceRow {
    base: TokenPrices,
    /// Ascending, and no price is less than in the tier before.
    tiers: Vec<PriceTier>,
}

impl PriceRow {
    /// # Errors
    /// Returns [`PriceRowError`] if the tiers do not ascend, or one is cheaper than a smaller one: a hold for much
    /// input would then not cover less input.
    pub fn new(base: TokenPrices, tiers: Vec<PriceTier>) -> Result<Self, PriceRowError> {
        let mut smaller = PriceTier { above: 0, prices: base };
        for tier in &tiers {
            if tier.above <= smaller.above {
                return Err(PriceRowError::Order);
            }
            if !tier.prices.covers(&smaller.prices) {
                return Err(PriceRowError::Cheaper);
            }
            smaller = *tier;
        }
        Ok(Self { base, tiers })
    }

    /// The prices of a request with this much input, cached or not.
    #[must_use]
    pub fn prices(&self, input_tokens: u64) -> &TokenPrices {
        let tier = self.tiers.iter().rev().find(|tier| input_tokens > tier.above);
        tier.map_or(&self.base, |tier| &tier.prices)
    }

    /// The prices of a request with little input.
    #[must_use]
    pub const fn base(&self) -> &TokenPrices {
        &self.base
    }

    /// The tiers above the base, ascending.
    #[must_use]
    pub fn tiers(&self) -> &[PriceTier] {
        &self.tiers
    }

    /// The cost of a usage, rounded up. An unknown count is zero. At most [`MicroCredits::MAX`].
    #[must_use]
    pub fn cost(&self, usage: &ModelUsage) -> MicroCredits {
        to_credits(self.prices(input_tokens(usage)).picos(usage))
    }
}

/// All input of a usage, cached or not.
#[must_use]
pub fn input_tokens(usage: &ModelUsage) -> u64 {
    let counts = [
        usage.input_tokens,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
        usage.long_cache_write_tokens,
    ];
    counts.into_iter().flatten().fold(0, u64::saturating_add)
}

/// Rounds up to micro-credits.
pub(super) fn to_credits(picos: i128) -> MicroCredits {
    let micros = picos.saturating_add(PICOS_PER_MICRO - 1).div_euclid(PICOS_PER_MICRO);
    let largest = MicroCredits::MAX.as_micros();
    MicroCredits::from_micros(i64::try_from(micros).unwrap_or(largest).min(largest))
}

/// Pico-credits of an amount.
pub(super) fn to_picos(amount: MicroCredits) -> i128 {
    i128::from(amount.as_micros()) * PICOS_PER_MICRO
}
