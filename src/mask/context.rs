//! What the words around a window of digits say about it.
//!
//! What lives here: looking for cues near a window. What must not: the tables of cues (see
//! `cue/`) or the digits themselves (see `shape.rs`). To look for another kind of cue: a function
//! here, asked by the verdict.

use std::ops::Range;

use super::chain::Scene;
use super::cue::Sense;
use super::shadow::{Class, Glyph, is_phone};
use super::token::{Kind, Token};

/// How far a cue may stand from its number, in tokens.
const BEFORE: usize = 16;
const AFTER: usize = 8;
const NEAR: usize = 5;
const LABEL: usize = 4;

/// How strongly the words around a window speak of a phone number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cue {
    None,
    /// Somebody hands something over, or speaks of a number.
    Reach,
    /// The message speaks of phones or calls.
    Phone,
    /// It does so right before the number.
    Near,
}

/// The strongest cue around `window`.
pub(super) fn cue(scene: &Scene, window: &Range<usize>) -> Cue {
    let mut strongest = Cue::None;
    if !scene.cued {
        return strongest;
    }
    let before = scene.tokens[..window.start].iter().rev().take(BEFORE).zip(0..);
    let mut other_number = false;
    for (token, distance) in before {
        other_number |= matches!(token.kind, Kind::Digits | Kind::Lookalike) && token.len() > 3;
        if token.sense.has(Sense::PHONE) {
            let near = distance < NEAR && !other_number;
            strongest = strongest.max(if near { Cue::Near } else { Cue::Phone });
        } else if token.sense.has(Sense::REACH) {
            strongest = strongest.max(Cue::Reach);
        }
    }
    for token in scene.tokens[window.end..].iter().take(AFTER) {
        if token.sense.has(Sense::PHONE) {
            strongest = strongest.max(Cue::Phone);
        } else if token.sense.has(Sense::REACH) {
            strongest = strongest.max(Cue::Reach);
        }
    }
    let pictured = || around(scene, window).iter().any(|glyph| is_phone(glyph.plain));
    if scene.shadow.seen.phone && pictured() { strongest.max(Cue::Near) } else { strongest }
}

/// The glyphs up to a few before and after `window`.
fn around<'a>(scene: &'a Scene, window: &Range<usize>) -> &'a [Glyph] {
    let from = scene.tokens.get(window.start).map_or(0, |token| token.from).saturating_sub(6);
    let to = scene.tokens[..window.end].last().map_or(0, |token| token.to + 6);
    &scene.shadow.glyphs[from..to.min(scene.shadow.glyphs.len())]
}

/// Whether a word before or after `window` says that it is an id, a code, a count or the like.
pub(super) fn is_labelled(scene: &Scene, window: &Range<usize>) -> bool {
    let mut at = window.start;
    while at > 0 && window.start - at < LABEL {
        let gap = scene.gap(at - 1);
        let token = &scene.tokens[at - 1];
        if at == window.start && is_serial(scene, token, gap) {
            return true;
        }
        if ends_clause(gap) || token.sense.has(Sense::PHONE) {
            break;
        }
        if token.sense.has(Sense::LABEL) {
            let qualified = at >= 2 && {
                let sense = scene.tokens[at - 2].sense;
                sense.has(Sense::PHONE.with(Sense::PLATFORM))
            };
            return !qualified;
        }
        if !says_nothing(token) {
            break;
        }
        at -= 1;
    }
    for at in window.end..(window.end + LABEL).min(scene.tokens.len()) {
        let token = &scene.tokens[at];
        if ends_clause(scene.gap(at - 1)) || token.sense.has(Sense::PHONE) {
            break;
        }
        if token.sense.has(Sense::LABEL) {
            return true;
        }
        if !says_nothing(token) {
            break;
        }
    }
    false
}

/// Whether a label may stand on the far side of the token.
fn says_nothing(token: &Token) -> bool {
    let short = token.kind == Kind::Digits && token.len() <= 2;
    short
        || token.sense.has(Sense::FILLER)
        || matches!(token.kind, Kind::Number(number) if number.everyday)
}

/// Whether the gap ends a sentence or part of one.
fn ends_clause(gap: &[Glyph]) -> bool {
    gap.iter().any(|glyph| matches!(glyph.plain, ',' | ';' | '!' | '?' | '(' | ')'))
        || gap.iter().any(|glyph| glyph.class == Class::LineEnd)
        || gap
            .windows(2)
            .any(|pair| pair[0].plain == '.' && pair[1].class == Class::Space && gap.len() > 2)
}

/// Whether the token before is the letters of a serial number: INV-2045518837, AB/12345678.
fn is_serial(scene: &Scene, token: &Token, gap: &[Glyph]) -> bool {
    let [glyph] = gap else { return false };
    if !matches!(glyph.plain, '-' | '_' | '/') || token.sense.has(Sense::PHONE.with(Sense::REACH)) {
        return false;
    }
    let capital = |glyph: &Glyph| {
        scene.shadow.text[glyph.at..].chars().next().is_some_and(char::is_uppercase)
    };
    token.kind == Kind::Code
        || token.kind == Kind::Word
            && token.len() <= 5
            && scene.shadow.glyphs[token.from..token.to].iter().all(capital)
}

/// Whether a currency or a unit stands beside the `digits` digits of `window`.
pub(super) fn is_amount(scene: &Scene, window: &Range<usize>, digits: usize) -> bool {
    let glyphs = &scene.shadow.glyphs;
    let (Some(first), Some(last)) =
        (scene.tokens.get(window.start), scene.tokens[..window.end].last())
    else {
        return false;
    };
    let currency = |glyph: &&Glyph| {
        matches!(glyph.plain, '₹' | '$' | '€' | '£' | '¥' | '₽' | '₩' | '₺' | '₨' | '฿' | '₫' | '₦')
    };
    let mut before =
        glyphs[..first.from].iter().rev().take(2).take_while(|g| g.class != Class::LineEnd);
    let mut after = glyphs[last.to..].iter().take(2).take_while(|g| g.class != Class::LineEnd);
    if before.any(|glyph| currency(&glyph)) || after.any(|glyph| currency(&glyph)) {
        return true;
    }
    if glyphs.get(last.to).is_some_and(|glyph| matches!(glyph.plain, '%' | '°')) {
        return true;
    }
    let previous = window.start.checked_sub(1).and_then(|at| scene.tokens.get(at));
    let priced = previous.is_some_and(|token| token.sense.has(Sense::MONEY))
        && scene.gap(window.start.saturating_sub(1)).len() <= 3;
    let measured = scene.tokens.get(window.end).is_some_and(|token| {
        // One or two letters are a unit only behind a short number: "am", "m", "s".
        let unit = token.sense.has(Sense::UNIT) && (token.len() > 2 || digits < 10);
        (unit || token.sense.has(Sense::MONEY)) && scene.gap(window.end - 1).len() <= 1
    });
    priced || measured
}

#[cfg(test)]
mod tests {
    use super::super::token::tokens;
    use super::*;
    use crate::mask::shadow::Shadow;

    /// The scene of a text and the window of its only token of digits.
    fn digits(text: &str) -> (Scene<'_>, Range<usize>) {
        let shadow = Shadow::of(text);
        let tokens = tokens(&shadow, &[]);
        let at = tokens.iter().position(|token| token.kind == Kind::Digits).expect("digits");
        (Scene::of(shadow, tokens), at..at + 1)
    }

    #[test]
    fn a_phone_word_is_a_cue_and_counts_most_right_before_the_number() {
        for (text, expected) in [
            ("call me on 81971340", Cue::Near),
            ("81971340 is my whatsapp", Cue::Phone),
            ("save it 81971340", Cue::Reach),
            ("📞 81971340", Cue::Near),
            ("about 81971340 ants", Cue::None),
        ] {
            let (scene, window) = digits(text);
            assert_eq!(cue(&scene, &window), expected, "{text}");
        }
    }

    #[test]
    fn a_label_beside_the_number_names_it() {
        for (text, expected) in [
            ("my order number is 2045518837", true),
            ("2045518837 is the booking", true),
            ("INV-2045518837", true),
            ("order was late, 2045518837", false),
            ("whatsapp id 2045518837", false),
            ("WA-2045518837", false),
        ] {
            let (scene, window) = digits(text);
            assert_eq!(is_labelled(&scene, &window), expected, "{text}");
        }
    }

    #[test]
    fn prices_and_measures_are_amounts() {
        for (text, expected) in [
            ("₹ 2045518837", true),
            ("Rs. 2045518837", true),
            ("2045518837 rupees", true),
            ("149597870 km", true),
            ("9876543210 am free", false),
        ] {
            let (scene, window) = digits(text);
            let length = window.clone().map(|at| scene.tokens[at].len()).sum();
            assert_eq!(is_amount(&scene, &window, length), expected, "{text}");
        }
    }
}
