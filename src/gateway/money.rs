//! [`MicroCredits`]: the unit of all amounts of the gateway.

use std::str::FromStr;
use std::{fmt, io};

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Serializer;
use serde_json::ser::{CompactFormatter, Formatter};
use serde_json::value::RawValue;
use thiserror::Error;

/// An amount in millionths of a credit. One credit is what one US dollar buys at list price.
///
/// Its text is a decimal number of credits with up to six places, such as `0.25`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MicroCredits(i64);

impl MicroCredits {
    pub const ZERO: Self = Self(0);
    /// The largest absolute value of an amount: a billion credits. A JSON number holds it exactly.
    pub const MAX: Self = Self(1_000_000_000 * MICROS_PER_CREDIT);

    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// The sum, at most the largest value of the type.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, at least the smallest value of the type.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

/// Millionths of a credit.
const MICROS_PER_CREDIT: i64 = 1_000_000;
/// Decimal places of a credit.
const PLACES: usize = 6;

/// A text is no amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AmountError {
    #[error("an amount is a number with up to six decimal places, such as 12.5")]
    NoAmount,
    #[error("an amount is at most a billion credits")]
    TooLarge,
}

impl FromStr for MicroCredits {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
        let (whole, places) = digits.split_once('.').unwrap_or((digits, "0"));
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !is_number(whole) || !is_number(places) || places.len() > PLACES {
            return Err(AmountError::NoAmount);
        }
        let whole: i64 = whole.parse().map_err(|_| AmountError::TooLarge)?;
        let places: i64 =
            format!("{places:0<PLACES$}").parse().map_err(|_| AmountError::NoAmount)?;
        let micros =
            whole.checked_mul(MICROS_PER_CREDIT).and_then(|whole| whole.checked_add(places));
        match micros.map(|micros| Self(sign * micros)) {
            Some(amount) if (-Self::MAX.0..=Self::MAX.0).contains(&amount.0) => Ok(amount),
            _ => Err(AmountError::TooLarge),
        }
    }
}

impl fmt::Display for MicroCredits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let absolute = self.0.unsigned_abs();
        let unit = MICROS_PER_CREDIT.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        let text = format!("{sign}{}.{:0PLACES$}", absolute / unit, absolute % unit);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// A JSON number with up to six decimal places. Serializes to JSON only.
impl Serialize for MicroCredits {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number = RawValue::from_string(self.to_string()).map_err(serde::ser::Error::custom)?;
        number.serialize(serializer)
    }
}

/// A decimal text.
impl<'de> Deserialize<'de> for MicroCredits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Writes JSON whose small numbers are decimals, as amounts are: 0.000006 and not 6e-6.
struct DecimalNumbers;

impl Formatter for DecimalNumbers {
    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        // serde_json writes smaller numbers with an exponent.
        if value != 0.0 && value.abs() < 1e-5 {
            return write!(writer, "{value}");
        }
        CompactFormatter.write_f64(writer, value)
    }
}

/// A value with amounts as JSON text. Empty if it has a key that is no text.
#[must_use]
pub fn decimal_json(value: &impl Serialize) -> String {
    let mut json = Vec::new();
    let written = value.serialize(&mut Serializer::with_formatter(&mut json, DecimalNumbers));
    written.ok().and_then(|()| String::from_utf8(json).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn gateway_small_amounts_are_written_without_an_exponent() {
        for (micros, text) in
            [(6, "0.000006"), (-1, "-0.000001"), (10, "0.00001"), (0, "0"), (1_500_000, "1.5")]
        {
            let value = serde_json::json!({ "charged": MicroCredits::from_micros(micros) });
            assert_eq!(decimal_json(&value), format!("{{\"charged\":{text}}}"));
        }
    }

    #[test]
    fn gateway_amount_that_is_no_decimal_number_is_refused() {
        for text in ["", ".", "1.", ".5", "+1", "1e3", "1,5", "0.0000001", "--1", " 1", "１", "NaN"]
        {
            assert_eq!(text.parse::<MicroCredits>(), Err(AmountError::NoAmount), "{text:?}");
        }
        for text in ["1000000000.000001", "99999999999999999999", "-1000000001"] {
            assert_eq!(text.parse::<MicroCredits>(), Err(AmountError::TooLarge), "{text:?}");
        }
    }

    #[test]
    fn gateway_amount_has_a_short_text() {
        for (micros, text) in
            [(0, "0"), (1, "0.000001"), (-2_500_000, "-2.5"), (100_000_000, "100")]
        {
            assert_eq!(MicroCredits::from_micros(micros).to_string(), text);
        }
    }

    proptest! {
        #[test]
        fn gateway_amount_survives_its_texts(micros in -MicroCredits::MAX.0..=MicroCredits::MAX.0) {
            let amount = MicroCredits::from_micros(micros);
            prop_assert_eq!(amount.to_string().parse(), Ok(amount));
            let json = serde_json::to_string(&amount).expect("a number");
            prop_assert_eq!(&json, &amount.to_string());
            let number: f64 = serde_json::from_str(&json).expect("a number");
            prop_assert_eq!(format!("{number:.6}").parse(), Ok(amount));
        }
    }
}
