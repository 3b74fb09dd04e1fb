//! Look-alikes: letters and signs that replace a [`digit`].
//!
//! This module contains the tables, and recognizes disguised numbers. Characters that are digits
//! must not be here, but in `digit.rs`; digits that replace letters are in `leet.rs`. To add a look-alike, add its plain form to [`digit`].

use std::ops::Range;

use super::cue::Sense;
use super::scene::COMPLETE_DIGITS;
use super::shadow::{Class, Glyph, Shadow};
use super::shape::is_indian_mobile;
use super::token::{Kind, Token};

/// Maximum digits of a mobile number with its calling code.
const MAX_MOBILE_DIGITS: usize = 13;

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
        'a' => Some(4),
        't' => Some(7),
        _ => digit(plain),
    }
}

/// Minimum real digits of a mobile number if letters that hardly resemble digits replace the others.
const MIN_REAL_DIGITS: usize = 7;

/// Maximum distance between a number in look-alikes and the word for a phone, in tokens.
const CUE_TOKENS: usize = 4;

/// Returns the Latin letter that a Cyrillic or Greek letter looks like.
pub(super) const fn latin(plain: char) -> Option<char> {
    Some(match plain {
        'а' | 'α' => 'a',
        'в' | 'β' => 'b',
        'с' => 'c',
        'ԁ' => 'd',
        'е' | 'є' | 'ε' => 'e',
        'ԍ' => 'g',
        'һ' | 'н' | 'η' => 'h',
        'і' | 'ї' | 'ι' => 'i',
        'ғ' => 'f',
        'к' | 'κ' => 'k',
        'м' => 'm',
        'п' => 'n',
        'о' | 'ο' => 'o',
        'р' | 'ρ' => 'p',
        'г' => 'r',
        'ѕ' => 's',
        'т' | 'τ' => 't',
        'υ' => 'u',
        'ν' | 'ѵ' => 'v',
        'ԝ' | 'ѡ' | 'ω' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'γ' => 'y',
        _ => return None,
    })
}

/// Maximum glyphs of a number that contains bars for ones.
///
/// Without a limit, the scan would read a row of bars again from each bar, in quadratic time.
const MAX_DISGUISED_GLYPHS: usize = 40;

/// Returns `true` if the glyph is not a letter but may replace a one.
const fn is_bar(glyph: &Glyph) -> bool {
    matches!(glyph.plain, '|' | '!')
}

/// Returns the end of the digits in disguise that start with the glyphs `run` and contain bars for
/// ones, not beyond `limit`.
#[inline]
pub(super) fn disguised_end(shadow: &Shadow, run: Range<usize>, limit: usize) -> Option<usize> {
    let glyphs = &shadow.glyphs;
    // A bar among look-alikes is a one; a bar among digits separates groups.
    if !glyphs
        .get(run.end)
        .is_some_and(|glyph| is_bar(glyph) && (glyph.plain == '|' || !run.is_empty()))
    {
        return None;
    }
    let from = run.start;
    let candidates = glyphs[from..limit].iter().take(MAX_DISGUISED_GLYPHS + 1);
    let mut to = from
        + candidates
            .take_while(|glyph| {
                matches!(glyph.class, Class::Digit(_) | Class::Letter) || is_bar(glyph)
            })
            .count();
    while to > run.end && glyphs[to - 1].plain == '!' {
        to -= 1;
    }
    let is_disguised = to - from <= MAX_DISGUISED_GLYPHS
        && is_disguised(&glyphs[from..to])
        && glyphs[from..to].iter().any(|glyph| glyph.class == Class::Letter);
    is_disguised.then_some(to)
}

/// Turns groups into look-alikes if they form an Indian mobile number with their letters read as
/// digits, and at least half of their characters are digits: 9B-B2-6l-47-SO, +9I 98O2b l4E7l.
pub(super) fn correct(shadow: &Shadow, tokens: &mut [Token]) {
    // Letters among digits become a code, or a word that touches digits.
    let is_mixed = |token: &Token| matches!(token.kind, Kind::Code | Kind::Lookalike);
    let touches = |pair: &[Token]| pair[0].to == pair[1].from;
    let is_single = |token: &Token| token.len() == 1;
    let are_single = |three: &[Token]| {
        three.iter().all(is_single) && three.iter().any(|token| token.kind != Kind::Digits)
    };
    let has_single_row = || {
        // Three in a row contain one of these.
        tokens.iter().skip(2).step_by(3).any(is_single) && tokens.windows(3).any(are_single)
    };
    let may_be_disguised =
        tokens.iter().any(is_mixed) || tokens.windows(2).any(touches) || has_single_row();
    if !may_be_disguised {
        return;
    }
    let mut index = 0;
    while index < tokens.len() {
        let called = || is_called(shadow, tokens, index).then_some(index + 1);
        let to = mobile(shadow, tokens, index).or_else(called).unwrap_or(index);
        for token in &mut tokens[index..to] {
            token.kind = Kind::Lookalike;
        }
        index = to.max(index + 1);
    }
}

/// Returns `true` if the token `index` has as many digits and look-alikes as a mobile number, and a
/// word for a phone is near: call me 7AEbsOl2zq.
fn is_called(shadow: &Shadow, tokens: &[Token], index: usize) -> bool {
    let token = &tokens[index];
    let glyphs = &shadow.glyphs[token.from..token.to];
    let is_digit = |glyph: &Glyph| matches!(glyph.class, Class::Digit(_));
    token.kind == Kind::Code
        && glyphs.len() == COMPLETE_DIGITS
        && glyphs.iter().any(is_digit)
        && glyphs.iter().all(|glyph| is_digit(glyph) || digit_in_context(glyph.plain).is_some())
        && {
            let from = index.saturating_sub(CUE_TOKENS);
            let to = tokens.len().min(index + 1 + CUE_TOKENS);
            // "Text me on" needs a number that would be a mobile one.
            let digit = |glyph: &Glyph| match glyph.class {
                Class::Digit(value) => Some(value),
                _ => digit_in_context(glyph.plain),
            };
            let cue = Sense::PHONE.with(Sense::NUMBER);
            let cue = match glyphs.first().and_then(digit) {
                Some(6..=9) => cue.with(Sense::HANDOVER),
                _ => cue,
            };
            tokens[from..to].iter().any(|token| token.sense.has(cue))
        }
}

/// Returns the end of the disguised mobile number that starts with the token `from`.
fn mobile(shadow: &Shadow, tokens: &[Token], from: usize) -> Option<usize> {
    let (mut digits, mut count, mut real_count) = ([0; MAX_MOBILE_DIGITS], 0, 0);
    let mut min_real_count = 0;
    let is_single = |index: usize| tokens.get(index).is_some_and(|token| token.len() == 1);
    let are_single = is_single(from) && is_single(from + 1) && is_single(from + 2);
    for index in from..tokens.len().min(from + MAX_MOBILE_DIGITS) {
        let token = &tokens[index];
        let is_word = matches!(token.kind, Kind::Number(_)) && !(are_single && is_single(index));
        if is_word || count + token.len() > MAX_MOBILE_DIGITS {
            return None;
        }
        let previous_count = real_count;
        for glyph in &shadow.glyphs[token.from..token.to] {
            digits[count] = if let Class::Digit(value) = glyph.class {
                real_count += 1;
                value
            } else {
                if matches!(glyph.plain, 'a' | 't') {
                    min_real_count = MIN_REAL_DIGITS;
                }
                digit_in_context(glyph.plain)?
            };
            count += 1;
        }
        let gap =
            index.checked_sub(1).filter(|_| index > from).map(|left| tokens[left].to..token.from);
        let is_near = gap.as_ref().is_none_or(|gap| gap.len() <= 1);
        if !is_near
            || real_count == previous_count
                && !(are_single && is_single(index))
                && (index == from || !is_meant_as_digits(shadow, token, gap))
        {
            return None;
        }
        if real_count < count
            && real_count * 2 >= count
            && real_count >= min_real_count
            && is_indian_mobile(&digits[..count])
        {
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
            ("gB33A12506", "[hidden]"),
            ("9 8 l 2 S O 4 b 3 3", "[hidden]"),
            ("call me 7AEbsOl2zq", "call me [hidden]"),
            ("my number is 9BEEAlZSOb", "my number is [hidden]"),
            ("the hash 7AEbsOl2zq", "the hash 7AEbsOl2zq"),
            ("call me at GATEBOSS12", "call me at [hidden]"),
            ("68 so big 9 is 4 go", "68 so big 9 is 4 go"),
            ("SE98-BO12-ISLE", "SE98-BO12-ISLE"),
        ] {
            assert_eq!(mask(text).as_str(), expected);
        }
    }

    #[test]
    fn lookalike_letters_of_other_scripts_spell_number_words() {
        for text in [
            "nіne еight оne twо fіve fоur zerо sіx sіx thrее",
            "ⓝⓘⓝⓔ ⓔⓘⓖⓗⓣ ⓞⓝⓔ ⓣⓦⓞ ⓕⓘⓥⓔ ⓕⓞⓤⓡ ⓩⓔⓡⓞ ⓢⓘⓧ ⓢⓘⓧ ⓣⓗⓡⓔⓔ",
            "🅝🅘🅝🅔 🅴🅸🅶🅷🆃 one two five four zero six six three",
        ] {
            assert_eq!(mask(text).as_str(), "[hidden]", "{text}");
        }
    }

    #[test]
    fn lookalike_ignores_shorthand_and_capitals() {
        assert!(["B8", "gr8", "l8r", "IIIlllII", "SOS", "9f86d0"].iter().all(|t| !disguised(t)));
    }
}
