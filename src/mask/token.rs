//! [`Token`]: a run of digits, a number word, another word or a code in the text.
//!
//! This module contains only the type. `tokenizer.rs` creates tokens, and `chain.rs` joins them
//! into numbers. To add a kind of token, add a variant to [`Kind`] and create it in `tokenizer.rs`.

use super::cue::Sense;
use super::lexicon::Number;

/// The glyphs `from..to` as a unit of meaning. The glyphs between two tokens are a gap.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) kind: Kind,
    pub(super) sense: Sense,
}

/// The kind of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Digits,
    /// Digits and letters that look like digits.
    Lookalike,
    /// A word that says digits.
    Number(Number),
    Word,
    /// A mix of letters and digits that is not a number: a code, a hash, part of a link.
    Code,
}

impl Token {
    /// Returns `true` if the token may be part of a phone number.
    pub(super) const fn says_digits(&self) -> bool {
        matches!(self.kind, Kind::Digits | Kind::Lookalike | Kind::Number(_))
    }

    /// Returns the length in glyphs.
    pub(super) const fn len(&self) -> usize {
        self.to - self.from
    }
}
