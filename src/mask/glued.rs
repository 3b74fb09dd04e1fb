//! Numbers that touch letters: [`is_number`] for whole ones, [`is_half`] and [`is_divided`] for
//! parts of them.
//!
//! This module decides whether digits among letters may be a phone number. Codes are recognized in
//! `tokenizer.rs`.

use std::ops::Range;

use smallvec::SmallVec;

use super::scene::COMPLETE_DIGITS;
use super::shadow::{Class, Glyph, Shadow};
use super::shape::is_indian_mobile;

/// Minimum digits of a group between letters.
const MIN_GROUP: usize = 3;
/// Maximum letters between two groups.
const MAX_DIVIDER: usize = 3;

/// Returns `true` if the digits are long enough for a phone number, and the letters before them
/// are not the capitals of a code. A mobile number may follow any letters.
pub(super) fn is_number(shadow: &Shadow, part: &Range<usize>, from: usize) -> bool {
    let glyphs = &shadow.glyphs;
    let before = &glyphs[from..part.start];
    let is_capital =
        |glyph: &Glyph| shadow.text[glyph.offset..].chars().next().is_some_and(char::is_uppercase);
    let values = digit_values(&glyphs[part.clone()]);
    matches!(glyphs[part.start].class, Class::Digit(_))
        && part.len() >= 8
        && (!before.iter().all(is_capital) | before.is_empty() || is_indian_mobile(&values))
}

/// Returns `true` if the digits are the half of a mobile number whose other half is in the next
/// or previous run: data98765 43210, 98765 43210bye.
pub(super) fn is_half(shadow: &Shadow, part: &Range<usize>, run: Range<usize>) -> bool {
    let glyphs = &shadow.glyphs;
    let is_digit =
        |index: usize| glyphs.get(index).is_some_and(|g| matches!(g.class, Class::Digit(_)));
    if !is_digit(part.start) || !(2..=8).contains(&part.len()) {
        return false;
    }
    // Between the halves is one space or mark.
    let is_gap = |index: usize| {
        glyphs.get(index).is_some_and(|g| matches!(g.class, Class::Space | Class::Mark))
    };
    let mut whole = part.clone();
    if part.end == run.end && is_gap(part.end) {
        let other = (part.end + 1..).take(COMPLETE_DIGITS).take_while(|index| is_digit(*index));
        whole.end = part.end + 1 + other.count();
    } else if part.start == run.start && part.start > 1 && is_gap(part.start - 1) {
        let other = (0..part.start - 1).rev().take(COMPLETE_DIGITS);
        whole.start = part.start - 1 - other.take_while(|index| is_digit(*index)).count();
    }
    let values = digit_values(&glyphs[whole]);
    values.len() == COMPLETE_DIGITS && is_indian_mobile(&values)
}

/// Returns `true` if `parts`, letters and digits in turn, are a mobile number with few letters
/// between its groups: x98765x43210x.
pub(super) fn is_divided(shadow: &Shadow, parts: &[Range<usize>]) -> bool {
    let is_digit = |part: &Range<usize>| matches!(shadow.glyphs[part.start].class, Class::Digit(_));
    let (Some(first), Some(last)) =
        (parts.iter().position(&is_digit), parts.iter().rposition(&is_digit))
    else {
        return false;
    };
    let inner = &parts[first..=last];
    let fits = |part: &Range<usize>| {
        if is_digit(part) { part.len() >= MIN_GROUP } else { part.len() <= MAX_DIVIDER }
    };
    (3..=7).contains(&inner.len()) && inner.iter().all(fits) && {
        let digits = inner.iter().filter(|part| is_digit(part));
        let values: SmallVec<[u8; 16]> =
            digits.flat_map(|part| digit_values(&shadow.glyphs[part.clone()])).collect();
        is_indian_mobile(&values)
    }
}

/// Returns the values of the digits among `glyphs`.
fn digit_values(glyphs: &[Glyph]) -> SmallVec<[u8; 16]> {
    let value = |glyph: &Glyph| match glyph.class {
        Class::Digit(value) => Some(value),
        _ => None,
    };
    glyphs.iter().filter_map(value).collect()
}
