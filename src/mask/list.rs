//! Several numbers side by side that are a list, a sum or a count, and so no phone number.
//!
//! What lives here: what a row of tokens says as a whole. What must not: whether one window is a
//! number (see `verdict.rs`), or the shapes of values (see `shape.rs`). To know another kind of list:
//! a function asked by [`is_list`].

use std::ops::Range;

use super::chain::{Scene, to_plain};
use super::context;
use super::context::Cue;
use super::shadow::{Class, MarkSet};
use super::shape;
use super::token::Token;

/// Whether a whole chain is counting, a row of years or of scores, so that no part of it is a
/// number. A word about phones right before it tells otherwise.
pub(super) fn is_list(scene: &Scene, chain: &Range<usize>) -> bool {
    let few = (2..=64).contains(&chain.len()) && !scene.has_plus(chain.start);
    few && (is_sum(scene, chain) || is_listed(scene, chain) || is_amount_list(scene, chain))
        || few
            && chain.len() >= 4
            && match context::cue(scene, chain) {
                Cue::Adjacent => false,
                cue => {
                    is_count(scene, chain, cue)
                        || shape::looks_like_something_else(&to_plain(scene.glyphs(chain)))
                }
            }
}

/// Whether a chain is thousands in groups, and a currency or unit beside it says of what.
fn is_amount_list(scene: &Scene, chain: &Range<usize>) -> bool {
    if chain.len() < 3 || scene.tokens[chain.start + 1].len() != 3 {
        return false;
    }
    let lengths: Vec<_> = scene.tokens[chain.clone()].iter().map(Token::len).collect();
    shape::is_thousands(&lengths)
        && context::is_amount(scene, chain, lengths.iter().sum(), false)
        && context::cue(scene, chain) != Cue::Adjacent
}

/// Whether numbers are counted, and nothing is said that makes them a phone number.
pub(super) fn is_count(scene: &Scene, tokens: &Range<usize>, cue: Cue) -> bool {
    // Fewer are no row of anything.
    if tokens.len() < shape::MIN_SERIES {
        return false;
    }
    let values = values(scene, tokens);
    shape::is_counting(&values) && (cue == Cue::None || !shape::is_countdown(&values))
        || cue <= Cue::Handover && shape::is_marks(&values)
}

/// Whether a chain lists several of what a label before it names: zip 10001, 60614, 77005.
fn is_listed(scene: &Scene, chain: &Range<usize>) -> bool {
    let length = scene.tokens[chain.start].len();
    let alike = scene.tokens[chain.clone()].iter().all(|token| token.len() == length);
    let comma = |at: usize| scene.gap(at).iter().any(|glyph| glyph.plain == ',');
    alike
        && (3..=6).contains(&length) | (length == 2 && chain.len() >= 5)
        && (chain.len() >= 3 || comma(chain.start))
        && context::is_labelled(scene, chain, length, false)
}

/// Whether an equals sign among other marks makes it a sum.
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

/// What each token says as one number, as far as it fits. A group that starts with a zero is no
/// item of a list: it counts for nothing, so that no list has it.
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
