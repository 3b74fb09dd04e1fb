//! Look-alikes: letters and signs that replace a [`digit`], and digits that replace letters.
//!
//! This module contains the tables, and recognizes disguised numbers. Characters that are digits
//! must not be here, but in `digit.rs`. To add a look-alike, add its plain form to [`digit`].

use std::ops::Range;

use once_cell::sync::Lazy;
use rustc_hash::FxHashMap;

use super::lexicon::{LEXICON, Number};
use super::number_words;
use super::shadow::{Class, Glyph, Shadow};
use super::shape::is_indian_mobile;
use super::token::{Kind, Token};

/// Maximum digits of a mobile number with its calling code.
const MAX_MOBILE_DIGITS: usize = 13;

/// Number words with digits for some of their letters: 9ine, f0ur, s3v3n.
static LEET_WORDS: Lazy<FxHashMap<String, Number>> = Lazy::new(|| {
    let mut table = FxHashMap::default();
    let words =
        number_words::ALL[0].units.iter().filter_map(|table| table.split_whitespace().next());
    for (word, value) in words.zip('0'..='9') {
        let Some(number) = LEXICON.entry(word).number else { continue };
        let letters: Vec<char> = word.chars().collect();
        for set in 1..1_u32 << letters.len() {
            for uses_own_digit in [false, true] {
                let replace = |(index, letter): (usize, &char)| match index {
                    _ if set & 1 << index == 0 => Some(*letter),
                    0 if uses_own_digit => Some(value),
                    _ => for_letter(*letter),
                };
                table.extend(
                    letters
                        .iter()
                        .enumerate()
                        .map(replace)
                        .collect::<Option<String>>()
                        .map(|w| (w, number)),
                );
            }
        }
    }
    table.retain(|word, _| word.chars().filter(char::is_ascii_alphabetic).count() >= 2);
    table
});

/// Builds the table now, so that the first such word does not wait for it.
pub(super) fn warm_up() {
    Lazy::force(&LEET_WORDS);
}

/// Returns the digit that replaces a letter in leet.
const fn for_letter(letter: char) -> Option<char> {
    Some(match letter {
        'o' => '0',
        'i' | 'l' => '1',
        'e' => '3',
        'a' => '4',
        's' => '5',
        't' => '7',
        'g' => '9',
        _ => return None,
    })
}

/// Returns the number of a word with digits for letters.
pub(super) fn leet_number(word: &str) -> Option<Number> {
    LEET_WORDS.get(word).copied()
}

/// Returns the digit that a plain character may be read as.
pub(super) const fn digit(plain: char) -> Option<u8> {
    Some(match plain {
        'o' | 'q' | 'о' | 'ο' => 0,
        'i' | 'l' | '|' | '!' | 'і' => 1,
        'z' => 2,
        'з' => 3,
        's' | '$' => 5,
        'б' => 6,
        'b' | 'в' => 8,
        'g' => 9,
        _ => return None,
    })
}

/// Returns the digit that a plain character may be read as if the digits around it form a number.
pub(super) const fn digit_in_context(plain: char) -> Option<u8> {
    match plain {
        'e' => Some(3),
        _ => digit(plain),
    }
}

/// Turns groups into look-alikes if they form an Indian mobile number with their letters read as
/// digits, and at least half of their characters are digits: 9B-B2-6l-47-SO, +9I 98O2b l4E7l.
pub(super) fn correct(shadow: &Shadow, tokens: &mut [Token]) {
    // Letters among digits become a code, or a word that touches digits.
    let is_mixed = |token: &Token| matches!(token.kind, Kind::Code | Kind::Lookalike);
    let touches = |pair: &[Token]| pair[0].to == pair[1].from;
    if !tokens.iter().any(is_mixed) && !tokens.windows(2).any(touches) {
        return;
    }
    let mut index = 0;
    while index < tokens.len() {
        let to = mobile(shadow, tokens, index).unwrap_or(index);
        for token in &mut tokens[index..to] {
            token.kind = Kind::Lookalike;
        }
        index = to.max(index + 1);
    }
}

/// Returns the end of the disguised mobile number that starts with the token `from`.
fn mobile(shadow: &Shadow, tokens: &[Token], from: usize) -> Option<usize> {
    let (mut digits, mut count, mut real_count) = ([0; MAX_MOBILE_DIGITS], 0, 0);
    for index in from..tokens.len().min(from + MAX_MOBILE_DIGITS) {
        let token = &tokens[index];
        if matches!(token.kind, Kind::Number(_)) || count + token.len() > MAX_MOBILE_DIGITS {
            return None;
        }
        let previous_count = real_count;
        for glyph in &shadow.glyphs[token.from..token.to] {
            digits[count] = if let Class::Digit(value) = glyph.class {
                real_count += 1;
                value
            } else {
                digit_in_context(glyph.plain)?
            };
            count += 1;
        }
        let gap =
            index.checked_sub(1).filter(|_| index > from).map(|left| tokens[left].to..token.from);
        let is_near = gap.as_ref().is_none_or(|gap| gap.len() <= 1);
        if !is_near
            || real_count == previous_count
                && (index == from || !is_meant_as_digits(shadow, token, gap))
        {
            return None;
        }
        if real_count < count && real_count * 2 >= count && is_indian_mobile(&digits[..count]) {
            return Some(index + 1);
        }
    }
    None
}

/// Returns `true` if letters are meant as digits: capitals, or letters that a mark joins to the
/// digits before them.
fn is_meant_as_digits(shadow: &Shadow, token: &Token, gap: Option<Range<usize>>) -> bool {
    let is_marked =
        gap.is_some_and(|gap| shadow.glyphs[gap].iter().all(|g| g.class == Class::Mark));
    let is_capital =
        |glyph: &Glyph| shadow.text[glyph.offset..].chars().next().is_some_and(char::is_uppercase);
    is_marked || shadow.glyphs[token.from..token.to].iter().all(is_capital)
}

/// Returns `true` if `run` consists of digits and letters that look like digits, and at least a
/// fifth of it are digits.
pub(super) fn is_disguised(run: &[Glyph]) -> bool {
    let digits = run.iter().filter(|glyph| matches!(glyph.class, Class::Digit(_))).count();
    run.len() >= 3
        && digits * 5 >= run.len()
        && run
            .iter()
            .all(|glyph| matches!(glyph.class, Class::Digit(_)) || digit(glyph.plain).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::mask;

    fn disguised(text: &str) -> bool {
        is_disguised(&Shadow::of(text).glyphs)
    }

    #[test]
    fn lookalike_letters_among_digits_are_digits() {
        assert!(disguised("86IOl"));
        assert!(disguised("7s6O6l2769"));
        assert!(disguised("9В8О7"));
    }

    #[test]
    fn lookalike_groups_need_half_real_digits() {
        for (text, expected) in [
            ("num 9B-B2-6l-47-SO", "num [hidden]"),
            ("+9I 98O2b l4E7l", "[hidden]"),
            ("7OO8l9E42b is mine", "[hidden] is mine"),
            ("9!87O624!5 whatsapp", "[hidden] whatsapp"),
            ("68 so big 9 is 4 go", "68 so big 9 is 4 go"),
            ("SE98-BO12-ISLE", "SE98-BO12-ISLE"),
        ] {
            assert_eq!(mask(text).as_str(), expected);
        }
    }

    #[test]
    fn lookalike_leet_number_words_are_read() {
        assert_eq!(mask("9ine 8ight 7even 0ne 2wo 5ive f1ve 6ix 4our zer0").as_str(), "[hidden]");
        assert_eq!(leet_number("s3v3n").map(|number| number.value), Some(7));
        assert!(["51x", "gr8", "b4", "2nd", "one"].iter().all(|word| leet_number(word).is_none()));
    }

    #[test]
    fn lookalike_ignores_shorthand_and_capitals() {
        assert!(["B8", "gr8", "l8r", "IIIlllII", "SOS", "9f86d0"].iter().all(|t| !disguised(t)));
    }
}
