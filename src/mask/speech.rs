//! [`Speech`]: the digits of numbers in words, or in words and digits.
//!
//! This module turns words into digits. Whether they are a phone number must not be decided here, but
//! in `spoken.rs`. To add words, add them in `number_words/`.

use std::ops::Range;

use super::lexicon::{Number, Role};
use super::lookalike;
use super::scene::Scene;
use super::shadow::Class;
use super::token::{Kind, Token};

/// The meaning of a range of tokens: its digits, and the value of each number.
#[derive(Debug, Default)]
pub(super) struct Speech {
    pub(super) digits: Vec<u8>,
    pub(super) values: Vec<u64>,
    /// Number of tokens that are words.
    pub(super) word_count: usize,
}

impl Speech {
    /// Reads the tokens `range`, which must all say digits.
    pub(super) fn of(scene: &Scene, range: &Range<usize>) -> Self {
        let tokens = &scene.tokens[range.clone()];
        let mut speech = Self {
            digits: Vec::with_capacity(2 * tokens.len()),
            values: Vec::with_capacity(tokens.len()),
            word_count: 0,
        };
        let mut times = 1;
        // Number of last digits that the next word may replace: the zeros of tens or hundreds.
        let mut open = 0;
        let mut rest = tokens.iter().peekable();
        while let Some(token) = rest.next() {
            if let Kind::Number(number) = token.kind {
                match number.role {
                    Role::Link => continue,
                    Role::Repeat => (times, open) = (usize::from(number.value), 0),
                    Role::Scale => open = speech.multiply(number.value),
                    _ => {
                        // "Eight hundred" is one number and replaces zeros of "seven thousand".
                        let scaled = rest.peek().and_then(|next| scaled(number, next));
                        if scaled.is_some() {
                            speech.word_count += 1;
                            rest.next();
                        }
                        open = speech.push(scaled.unwrap_or(number), times, open);
                        times = 1;
                    }
                }
                speech.word_count += 1;
                continue;
            }
            let glyphs = &scene.shadow.glyphs[token.from..token.to];
            let digits = glyphs.iter().filter_map(|glyph| match glyph.class {
                Class::Digit(value) => Some(value),
                _ => lookalike::digit_in_context(glyph.plain),
            });
            let before = speech.digits.len();
            speech.digits.extend(digits);
            let added = &speech.digits[before..];
            let value =
                added.iter().fold(0, |n: u64, d| n.saturating_mul(10).saturating_add((*d).into()));
            if let (2.., [first, ..]) = (times, added) {
                let repeated = vec![*first; times - 1];
                speech.digits.splice(before..before, repeated);
            }
            speech.values.push(value);
            (times, open) = (1, 0);
        }
        speech
    }

    /// Multiplies the last number; returns how many of its last digits the next one may replace.
    fn multiply(&mut self, by: u16) -> usize {
        let zeros = by.checked_ilog10().unwrap_or(0) as usize;
        if self.digits.is_empty() {
            self.digits.push(1);
            self.values.push(1);
        }
        self.digits.extend(std::iter::repeat_n(0, zeros));
        if let Some(value) = self.values.last_mut() {
            *value = value.saturating_mul(by.into());
        }
        zeros
    }

    /// Adds one number; returns how many of its last digits the next one may replace.
    fn push(&mut self, number: Number, times: usize, open: usize) -> usize {
        let length = number.value.checked_ilog10().map_or(1, |log| log as usize + 1);
        let fits = length <= open && number.value > 0;
        for round in 0..times {
            if fits && round == 0 {
                self.digits.truncate(self.digits.len() - length);
                if let Some(value) = self.values.last_mut() {
                    *value = value.saturating_add(number.value.into());
                }
            } else {
                self.values.push(number.value.into());
            }
            let places = [100, 10, 1].into_iter().skip(3 - length);
            self.digits.extend(places.map(|place| (number.value / place % 10) as u8));
        }
        match number.role {
            Role::Tens => 1,
            Role::Hundreds => 2,
            _ => 0,
        }
    }
}

/// Combines one digit and the "ty" or "hundred" that follows it into one number.
fn scaled(number: Number, next: &Token) -> Option<Number> {
    let Kind::Number(Number { value: scale @ (10 | 100), role: Role::Scale, .. }) = next.kind
    else {
        return None;
    };
    let role = if scale == 10 { Role::Tens } else { Role::Hundreds };
    let fits = number.role == Role::Unit && number.value > 0;
    fits.then_some(Number { value: number.value * scale, role, ..number })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::find::scene;

    fn digits(text: &str) -> String {
        let (scene, _) = scene(text);
        let speech = Speech::of(&scene, &(0..scene.tokens.len()));
        speech.digits.iter().map(|digit| char::from(b'0' + digit)).collect()
    }

    #[test]
    fn speech_words_become_digits() {
        assert_eq!(digits("nine double eight triple two"), "988222");
        assert_eq!(digits("eighty four fifteen fifty four"), "841554");
        assert_eq!(digits("forty seventy four"), "4074");
        assert_eq!(digits("девятьсот двадцать шесть сто три"), "926103");
        assert_eq!(digits("double 7 nine"), "779");
    }
}
