//! Payment cards and the numbers that governments give to people.
//!
//! What lives here: their shapes, check digits and cues. What must not: phone numbers. To add a
//! document: its shape in [`government`], or its name in the tables of `cue/` if only that tells.

use std::ops::Range;

use super::chain;
use super::chain::Scene;
use super::cue::Sense;
use super::rule::Rule;
use super::shadow::{Class, Glyph};
use super::token::{Kind, Token};

/// How far before its number a document may be named, in tokens.
const CUE_TOKENS: usize = 5;
/// The fewest digits of anything sought.
const MIN_DIGITS: usize = 7;
/// Nothing sought has more groups; of a longer run only its start can be one.
const MAX_GROUPS: usize = 8;

/// The cards and documents of `scene`: their tokens, each with its rule.
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
    for (at, token) in scene.tokens.iter().enumerate() {
        if token.kind == Kind::Code && is_code(scene, at, token) {
            found.push((at..at + 1, Rule::GovId));
        }
    }
    found.sort_unstable_by_key(|(tokens, _)| tokens.start);
    found
}

/// Runs of digit tokens, in which a card or document may be the first few.
fn runs(scene: &Scene) -> impl Iterator<Item = Range<usize>> {
    let is_digits = |at: usize| scene.tokens.get(at).is_some_and(|t| t.kind == Kind::Digits);
    let mut at = 0;
    let next = move || {
        while at < scene.tokens.len() && !is_digits(at) {
            at += 1;
        }
        let from = at;
        while is_digits(at)
            && (at == from || scene.gap(at - 1).len() <= 2 && chain::joins(scene.gap(at - 1)))
        {
            at += 1;
        }
        (from < at).then_some(from..at.min(from + MAX_GROUPS))
    };
    let length = |run: &Range<usize>| scene.tokens[run.clone()].iter().map(Token::len).sum();
    std::iter::from_fn(next).filter(move |run| MIN_DIGITS <= length(run))
}

/// The digits of `tokens`; of a token no more than a card has.
fn digits(scene: &Scene, tokens: Range<usize>) -> Vec<u8> {
    let own = |token: &Token| &scene.shadow.glyphs[token.from..token.to.min(token.from + 20)];
    let value = |glyph: &Glyph| match glyph.class {
        Class::Digit(value) => Some(value),
        _ => None,
    };
    scene.tokens[tokens].iter().flat_map(|token| own(token).iter().filter_map(value)).collect()
}

/// How many tokens from the first on are a card or document, and which.
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
    (cue.has(Sense::GOVERNMENT) && (7..=14).contains(&total))
        .then_some((lengths.len(), Rule::GovId))
}

/// The documents whose shape tells them.
fn government(scene: &Scene, chain: &Range<usize>, lengths: &[usize]) -> Option<usize> {
    if !matches!(lengths, [3 | 4, _, _, ..]) {
        return None;
    }
    let digits = digits(scene, chain.start..chain.start + 3);
    let marks = |plain: char, count: usize| {
        (chain.start..chain.start + count)
            .all(|at| matches!(scene.gap(at), [glyph] if glyph.plain == plain))
    };
    match lengths {
        // India's Aadhaar: three groups of four, the last digit a check.
        [4, 4, 4] if digits[0] >= 2 && !is_years(&digits) && is_verhoeff(&digits) => Some(3),
        // The social security number of the United States.
        [3, 2, 4, ..] if marks('-', 2) && digits[0] != 9 && digits[..3] != [0, 0, 0] => Some(3),
        // Brazil's CPF: 123.456.789-09.
        [3, 3, 3, 2, ..]
            if marks('.', 2) && matches!(scene.gap(chain.start + 2), [g] if g.plain == '-') =>
        {
            Some(4)
        }
        _ => None,
    }
}

/// Whether each four digits are a year of the last or this century.
fn is_years(digits: &[u8]) -> bool {
    digits.chunks(4).all(|year| matches!(year, [1, 9, ..] | [2, 0, ..]))
}

/// Whether a code is a document: India's PAN by its shape, others by being named.
fn is_code(scene: &Scene, at: usize, token: &Token) -> bool {
    let glyphs = &scene.shadow.glyphs[token.from..token.to];
    if !(6..=20).contains(&glyphs.len()) {
        return false;
    }
    let shape: String = glyphs
        .iter()
        .map(|glyph| if matches!(glyph.class, Class::Digit(_)) { '9' } else { 'a' })
        .collect();
    let capital = |glyph: &Glyph| {
        scene.shadow.text[glyph.at..].chars().next().is_some_and(|c| !c.is_lowercase())
    };
    let holder =
        matches!(glyphs[3].plain, 'p' | 'c' | 'h' | 'f' | 'a' | 't' | 'b' | 'l' | 'j' | 'g');
    shape == "aaaaa9999a" && holder && glyphs.iter().all(capital)
        || shape.contains('9') && cue(scene, at).has(Sense::GOVERNMENT)
}

/// The documents named right before the token `at`.
fn cue(scene: &Scene, at: usize) -> Sense {
    let mut sense = Sense::NONE;
    for token in scene.tokens[..at].iter().rev().take(CUE_TOKENS) {
        if token.sense.has(Sense::PHONE) || token.kind == Kind::Digits && token.len() > 3 {
            break;
        }
        sense = sense.with(token.sense);
    }
    sense
}

/// Whether the digits start as those of the large card networks do, and their check digit fits.
fn is_card(digits: &[u8]) -> bool {
    let network = match digits.len() {
        15 => matches!(digits, [3, 4 | 7, ..]),
        16 | 19 => matches!(
            digits,
            [2, 2..=7, ..] | [3, 5, ..] | [4, ..] | [5, 0..=8, ..] | [6, 0 | 2..=5 | 7 | 8, ..]
        ),
        _ => false,
    };
    network && is_luhn(digits)
}

/// Whether the last digit is the check digit of payment cards.
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

/// Multiplication in the dihedral group of order ten, which Verhoeff's check is made of.
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

/// The permutation that Verhoeff's check applies once per place.
const PERMUTATION: [usize; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];

/// Whether the last digit is the check digit of Aadhaar numbers.
fn is_verhoeff(digits: &[u8]) -> bool {
    let check = digits.iter().rev().enumerate().fold(0, |check, (place, digit)| {
        let permuted = (0..place % 8).fold(usize::from(*digit), |digit, _| PERMUTATION[digit]);
        usize::from(DIHEDRAL[check][permuted])
    });
    check == 0
}

#[cfg(test)]
mod tests {
    use super::super::explain;
    use super::*;

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
        assert_eq!(rules("ABCPE1234F is it"), [Rule::GovId]);
        assert_eq!(rules("passport no K1234567"), [Rule::GovId]);
        assert_eq!(rules("cpf 529.982.247-25"), [Rule::GovId]);
    }

    #[test]
    fn id_number_check_digits_are_verified() {
        assert!(is_luhn(&[7, 9, 9, 2, 7, 3, 9, 8, 7, 1, 3]));
        assert!(!is_luhn(&[7, 9, 9, 2, 7, 3, 9, 8, 7, 1, 4]));
        assert!(is_verhoeff(&[2, 3, 6, 3]));
        assert!(!is_verhoeff(&[2, 3, 6, 4]));
    }
}
