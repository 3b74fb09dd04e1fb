//! [`is_list`]: rows of numbers that are a list, a sum or a count, and so not a phone number.
//!
//! This module judges a row of tokens as a whole. Whether one window is a number must not be
//! decided here, but in `verdict.rs`; the shapes of values are in `shape.rs`. To recognize another
//! kind of list, add a function and call it in [`is_list`].

use std::ops::Range;

use super::chain::to_plain;
use super::context;
use super::context::Cue;
use super::digits::Digits;
use super::figure;
use super::scene::Scene;
use super::shadow::{Class, MarkSet};
use super::shape;
use super::token::Token;

/// Returns `true` if a whole chain is counting, or a row of years or scores, so that no part of it
/// is a phone number. An adjacent cue overrules this.
pub(super) fn is_list(scene: &Scene, chain: &Range<usize>) -> bool {
    let is_short = (2..=64).contains(&chain.len()) && !scene.has_plus(chain.start);
    is_short
        && (is_sum(scene, chain)
            || is_listed(scene, chain)
            || is_amount_list(scene, chain)
            || is_book(scene, chain))
        || is_short
            && chain.len() >= 4
            && match context::cue(scene, chain) {
                Cue::Adjacent => false,
                cue => {
                    is_count(scene, chain, cue)
                        || figure::looks_like_something_else(&to_plain(scene.glyphs(chain)))
                }
            }
}

/// Returns `true` if a chain is the number of a book in groups: 978 0 306 40615 7.
fn is_book(scene: &Scene, chain: &Range<usize>) -> bool {
    (4..=5).contains(&chain.len()) && {
        let lengths: Vec<_> = scene.tokens[chain.clone()].iter().map(Token::len).collect();
        let is_number = chain.len() == 4 || matches!(lengths[..], [3, .., 1]);
        is_number && shape::is_isbn(Digits::of(scene, chain).all(), &lengths)
    }
}

/// Returns `true` if a chain is grouped thousands with a currency or unit next to it.
fn is_amount_list(scene: &Scene, chain: &Range<usize>) -> bool {
    if chain.len() < 3 || scene.tokens[chain.start + 1].len() != 3 {
        return false;
    }
    let lengths: Vec<_> = scene.tokens[chain.clone()].iter().map(Token::len).collect();
    shape::is_thousands(&lengths)
        && context::is_amount(scene, chain, lengths.iter().sum(), false)
        && context::cue(scene, chain) != Cue::Adjacent
}

/// Returns `true` if `tokens` are counting or marks, and `cue` does not make them a phone number.
pub(super) fn is_count(scene: &Scene, tokens: &Range<usize>, cue: Cue) -> bool {
    // Fewer numbers are not a series.
    if tokens.len() < shape::MIN_SERIES {
        return false;
    }
    let values = values(scene, tokens);
    shape::is_counting(&values) && (cue == Cue::None || !shape::is_countdown(&values))
        || cue <= Cue::Handover && shape::is_marks(&values)
}

/// Returns `true` if a chain lists several numbers of the kind that a label before it names: zip
/// 10001, 60614, 77005.
fn is_listed(scene: &Scene, chain: &Range<usize>) -> bool {
    let length = scene.tokens[chain.start].len();
    let have_equal_length = scene.tokens[chain.clone()].iter().all(|token| token.len() == length);
    let has_comma = |index: usize| scene.gap(index).iter().any(|glyph| glyph.plain == ',');
    have_equal_length
        && (3..=6).contains(&length) | (length == 2 && chain.len() >= 5)
        && (chain.len() >= 3 || has_comma(chain.start))
        && context::is_labelled(scene, chain, length, false)
}

/// Returns `true` if `tokens` contain an equals sign and another mark, as a sum does.
pub(super) fn is_sum(scene: &Scene, tokens: &Range<usize>) -> bool {
    if !scene.shadow.marks.has(MarkSet::EQUALS) {
        return false;
    }
    let glyphs = scene.glyphs(tokens);
    let marks = || {
        glyphs
            .iter()
            .filter(|glyph| glyph.class != Class::Letter && !matches!(glyph.class, Class::Digit(_)))
    };
    marks().any(|glyph| glyph.plain == '=') && marks().any(|glyph| glyph.plain != '=')
}

/// Returns the value of each token, saturated at [`u64::MAX`].
///
/// A group that starts with a zero is not an item of a list. Its value is [`u64::MAX`], so that it
/// is part of no list.
fn values(scene: &Scene, tokens: &Range<usize>) -> Vec<u64> {
    let value = |token: &Token| {
        let glyphs = &scene.shadow.glyphs[token.from..token.to];
        if glyphs.len() > 1 && glyphs[0].class == Class::Digit(0) {
            return u64::MAX;
        }
        glyphs.iter().fold(0, |value: u64, glyph| {
            let digit = if let Class::Digit(digit) = glyph.class { u64::from(digit) } else { 0 };
            value.saturating_mul(10).saturating_add(digit)
        })
    };
    scene.tokens[tokens.clone()].iter().map(value).collect()
}
