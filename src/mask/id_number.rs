//! [`find`]: payment cards and the numbers that governments assign to people.
//!
//! This module contains their shapes, check digits and cues. Documents with letters, such as India's
//! PAN, can't be mistaken for a phone number and stay. Phone numbers must not be handled
//! here. To add a document, add its shape to [`government`]. If only its name identifies it, add
//! the name to the tables in `cue/`.

use std::ops::Range;

use super::chain;
use super::cue::Sense;
use super::rule::Rule;
use super::scene::Scene;
use super::shadow::{Class, Glyph};
use super::token::{Kind, Token};

/// Maximum distance of a document's name before its number, in tokens.
const CUE_TOKENS: usize = 5;
/// Minimum digits of a card or document.
const MIN_DIGITS: usize = 7;
/// Maximum groups of a card or document; of a longer run only the start can be one.
const MAX_GROUPS: usize = 8;

/// Finds the cards and documents in `scene`; returns the tokens and the rule of each.
pub(super) fn find(scene: &Scene) -> Vec<(Range<usize>, Rule)> {
    let mut found = Vec::new();
    for chain in runs(scene) {
        let mut lengths = [0; MAX_GROUPS];
        for (length, token) in lengths.iter_mut().zip(&scene.tokens[chain.clone()]) {
            *length = token.len();
        }
        if let Some((count, rule)) = leading(scene, &chain, &lengths[..chain.len()]) {
            found.push((chain.start..chain.start + count, rule));
        }
    }
    found
}

/// Returns the runs of digit tokens that may begin with a card or document.
fn runs(scene: &Scene) -> impl Iterator<Item = Range<usize>> {
    let is_digits = |index: usize| scene.tokens.get(index).is_some_and(|t| t.kind == Kind::Digits);
    let mut index = 0;
    let next = move || {
        while index < scene.tokens.len() && !is_digits(index) {
            index += 1;
        }
        let from = index;
        while is_digits(index)
            && (index == from
                || scene.gap(index - 1).len() <= 2 && chain::joins(scene.gap(index - 1)))
        {
            index += 1;
        }
        (from < index).then_some(from..index.min(from + MAX_GROUPS))
    };
    let digit_count = |run: &Range<usize>| scene.tokens[run.clone()].iter().map(Token::len).sum();
    std::iter::from_fn(next).filter(move |run| MIN_DIGITS <= digit_count(run))
}

/// Returns the digits of `tokens`: at most 20 per token, one more than a card has.
fn digits(scene: &Scene, tokens: Range<usize>) -> Vec<u8> {
    let glyphs = |token: &Token| &scene.shadow.glyphs[token.from..token.to.min(token.from + 20)];
    let value = |glyph: &Glyph| match glyph.class {
        Class::Digit(value) => Some(value),
        _ => None,
    };
    scene.tokens[tokens].iter().flat_map(|token| glyphs(token).iter().filter_map(value)).collect()
}

/// Returns the count of leading tokens that are a card or document, and the rule for it.
fn leading(scene: &Scene, chain: &Range<usize>, lengths: &[usize]) -> Option<(usize, Rule)> {
    if scene.has_plus(chain.start) {
        return None;
    }
    let cue = cue(scene, chain.start);
    let groups: &[&[usize]] = &[&[4, 4, 4, 4], &[4, 6, 5], &[4, 4, 4, 4, 3], &[16], &[15]];
    for shape in groups {
        let card = || is_card(&digits(scene, chain.start..chain.start + shape.len()));
        if lengths.starts_with(shape) && (cue.has(Sense::CARD) || card()) {
            return Some((shape.len(), Rule::Card));
        }
    }
    if let Some(count) = government(scene, chain, lengths) {
        return Some((count, Rule::GovId));
    }
    let total: usize = lengths.iter().sum();
    if cue.has(Sense::CARD) && (13..=19).contains(&total) {
        return Some((lengths.len(), Rule::Card));
    }
    let touches_letter = scene
        .shadow
        .before(scene.tokens[chain.start].from)
        .is_some_and(|glyph| glyph.class == Class::Letter);
    (cue.has(Sense::GOVERNMENT) && !touches_letter && (7..=14).contains(&total))
        .then_some((lengths.len(), Rule::GovId))
}

/// Returns the count of leading tokens that have the shape of a document.
fn government(scene: &Scene, chain: &Range<usize>, lengths: &[usize]) -> Option<usize> {
    if !matches!(lengths, [3 | 4, _, _, ..]) {
        return None;
    }
    let digits = digits(scene, chain.start..chain.start + 3);
    let have_mark = |plain: char, count: usize| {
        (chain.start..chain.start + count)
            .all(|index| matches!(scene.gap(index), [glyph] if glyph.plain == plain))
    };
    match lengths {
        // India's Aadhaar: three groups of four with a check digit at the end.
        [4, 4, 4] if digits[0] >= 2 && !is_years(&digits) && is_verhoeff(&digits) => Some(3),
        // The social security number of the United States.
        [3, 2, 4, ..] if have_mark('-', 2) && digits[0] != 9 && digits[..3] != [0, 0, 0] => Some(3),
        // Brazil's CPF: 123.456.789-09.
        [3, 3, 3, 2, ..]
            if have_mark('.', 2) && matches!(scene.gap(chain.start + 2), [g] if g.plain == '-') =>
        {
            Some(4)
        }
        _ => None,
    }
}

/// Returns `true` if each group of four digits is a year of the last or this century.
fn is_years(digits: &[u8]) -> bool {
    digits.chunks(4).all(|year| matches!(year, [1, 9, ..] | [2, 0, ..]))
}

/// Returns the senses of the words right before the token `index`.
fn cue(scene: &Scene, index: usize) -> Sense {
    let mut sense = Sense::NONE;
    for token in scene.tokens[..index].iter().rev().take(CUE_TOKENS) {
        if token.sense.has(Sense::PHONE) || token.kind == Kind::Digits && token.len() > 3 {
            break;
        }
        sense = sense.with(token.sense);
    }
    sense
}

/// Returns `true` if the digits have the prefix of a large card network and a valid check digit.
fn is_card(digits: &[u8]) -> bool {
    let is_network = match digits.len() {
        15 => matches!(digits, [3, 4 | 7, ..]),
        16 | 19 => matches!(
            digits,
            [2, 2..=7, ..] | [3, 5, ..] | [4, ..] | [5, 0..=8, ..] | [6, 0 | 2..=5 | 7 | 8, ..]
        ),
        _ => false,
    };
    is_network && is_luhn(digits)
}

/// Returns `true` if the last digit is the check digit of payment cards.
fn is_luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .zip([1, 2].into_iter().cycle())
        .map(|(digit, weight)| u32::from(*digit) * weight)
        .map(|product| if product > 9 { product - 9 } else { product })
        .sum();
    sum.is_multiple_of(10) && digits.iter().any(|digit| *digit != 0)
}

/// Multiplication in the dihedral group of order ten, on which Verhoeff's check is based.
const DIHEDRAL: [[u8; 10]; 10] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    [1, 2, 3, 4, 0, 6, 7, 8, 9, 5],
    [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
    [3, 4, 0, 1, 2, 8, 9, 5, 6, 7],
    [4, 0, 1, 2, 3, 9, 5, 6, 7, 8],
    [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
    [6, 5, 9, 8, 7, 1, 0, 4, 3, 2],
    [7, 6, 5, 9, 8, 2, 1, 0, 4, 3],
    [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
    [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
];

/// The permutation that Verhoeff's check applies once per position.
const PERMUTATION: [usize; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];

/// Returns `true` if the last digit is the check digit of Aadhaar numbers.
fn is_verhoeff(digits: &[u8]) -> bool {
    let check = digits.iter().rev().enumerate().fold(0, |check, (position, digit)| {
        let permuted = (0..position % 8).fold(usize::from(*digit), |digit, _| PERMUTATION[digit]);
        usize::from(DIHEDRAL[check][permuted])
    });
    check == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::explain;

    fn rules(text: &str) -> Vec<Rule> {
        explain(text).iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn id_number_card_is_found_by_check_digit_or_name() {
        assert_eq!(rules("4539 5787 6362 1486"), [Rule::Card]);
        assert_eq!(rules("take 5425233430109903"), [Rule::Card]);
        assert_eq!(rules("3782 822463 10005"), [Rule::Card]);
        assert_eq!(rules("my debit card 4539 5787 6362 1487"), [Rule::Card]);
    }

    #[test]
    fn id_number_government_id_is_found_by_shape_or_name() {
        assert_eq!(rules("aadhaar 4987 2310 6654"), [Rule::GovId]);
        assert_eq!(rules("won in 2000, 2008, 2020"), []);
        assert_eq!(rules("219-09-9999"), [Rule::GovId]);
        assert_eq!(rules("aadhar no 548290117364"), [Rule::GovId]);
        assert_eq!(rules("cpf 529.982.247-25"), [Rule::GovId]);
    }

    #[test]
    fn id_number_with_letters_is_no_contact_detail() {
        for text in ["my pan is ABCPE1234F", "passport no K1234567", "voter id ABC1234567"] {
            assert_eq!(rules(text), [], "{text}");
        }
    }

    #[test]
    fn id_number_check_digits_are_verified() {
        assert!(is_luhn(&[7, 9, 9, 2, 7, 3, 9, 8, 7, 1, 3]));
        assert!(!is_luhn(&[7, 9, 9, 2, 7, 3, 9, 8, 7, 1, 4]));
        assert!(is_verhoeff(&[2, 3, 6, 3]));
        assert!(!is_verhoeff(&[2, 3, 6, 4]));
    }
}
