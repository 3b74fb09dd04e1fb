//! [`Digits`]: the digits of consecutive tokens.
//!
//! This module reads the digits of digit tokens and look-alikes. Number words must not be read here,
//! but in `speech.rs`.

use std::ops::{Range, RangeInclusive};

use smallvec::SmallVec;

use super::lookalike;
use super::scene::Scene;
use super::shadow::Class;
use super::token::{Kind, Token};

/// The digits of a chain of digit tokens, with the first digit's index for each token.
pub(super) struct Digits {
    values: SmallVec<[u8; 32]>,
    starts: SmallVec<[usize; 16]>,
}

impl Digits {
    pub(super) fn of(scene: &Scene, chain: &Range<usize>) -> Self {
        let tokens = &scene.tokens[chain.clone()];
        let mut values = SmallVec::with_capacity(tokens.iter().map(Token::len).sum());
        let mut starts = SmallVec::with_capacity(tokens.len() + 1);
        starts.push(0);
        for token in tokens {
            debug_assert!(
                !matches!(token.kind, Kind::Number(_)),
                "number words are read by `Speech`"
            );
            let glyphs = &scene.shadow.glyphs[token.from..token.to];
            values.extend(glyphs.iter().filter_map(|glyph| match glyph.class {
                Class::Digit(value) => Some(value),
                _ => lookalike::digit_in_context(glyph.plain),
            }));
            starts.push(values.len());
        }
        Self { values, starts }
    }

    /// Returns all digits of the chain.
    pub(super) fn all(&self) -> &[u8] {
        &self.values
    }

    /// Returns the end tokens of the windows that start at the token `from` and have a number of
    /// digits in `digits`. Tokens are counted from the chain's first, as in [`Self::slice`].
    pub(super) fn ends(&self, from: usize, digits: RangeInclusive<usize>) -> Range<usize> {
        let starts = &self.starts[from..];
        // Each token has at least one digit, so a window has no more tokens than digits.
        let starts = &starts[..starts.len().min(digits.end() + 2)];
        let first = starts[0];
        let shorter = starts.iter().take_while(|start| **start - first < *digits.start()).count();
        let fitting = starts.iter().take_while(|start| **start - first <= *digits.end()).count();
        from + shorter..from + fitting
    }

    /// Returns the digits of the tokens `range`, counted from the chain's first.
    pub(super) fn slice(&self, range: Range<usize>) -> &[u8] {
        &self.values[self.starts[range.start]..self.starts[range.end]]
    }
}
