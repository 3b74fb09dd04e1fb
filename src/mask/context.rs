//! [`Cue`]: the evidence of the words around a window of digits.
//!
//! This module searches for cues near a window. The tables of cues must not be here, but in `cue/`;
//! the digits themselves are read in `shape.rs`. To search for another kind of cue, add a function
//! here and call it in `verdict.rs`.

use std::ops::Range;

use super::cue::Sense;
use super::scene::Scene;
use super::shadow::{Class, Glyph, MarkSet, is_phone};
use super::token::{Kind, Token};

/// Maximum distance of a cue before its number, in tokens.
const CUE_BEFORE: usize = 16;
/// Maximum distance of a cue after its number, in tokens.
const CUE_AFTER: usize = 8;
/// Maximum distance of an adjacent cue, in tokens.
const ADJACENT_TOKENS: usize = 5;
/// Maximum distance of a label, in tokens.
pub(super) const LABEL_TOKENS: usize = 4;
/// Maximum digits of the number of a page, a room, a postcode and the like.
const MAX_SHORT_DIGITS: usize = 8;

/// Strength of the evidence for a phone number around a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cue {
    None,
    /// The sender hands something over, or mentions a number.
    Handover,
    /// The message mentions phones or calls.
    Phone,
    /// A mention of phones or calls right before the number.
    Adjacent,
}

/// Returns the strongest cue around `window`.
pub(super) fn cue(scene: &Scene, window: &Range<usize>) -> Cue {
    let mut strongest = Cue::None;
    if !scene.has_cue {
        return strongest;
    }
    let before = scene.tokens[..window.start].iter().rev().take(CUE_BEFORE).zip(0..);
    let mut crossed_number = false;
    for (token, distance) in before {
        crossed_number |= matches!(token.kind, Kind::Digits | Kind::Lookalike) && token.len() > 3;
        if token.sense.has(Sense::PHONE) {
            let is_adjacent = distance < ADJACENT_TOKENS && !crossed_number;
            strongest = strongest.max(if is_adjacent { Cue::Adjacent } else { Cue::Phone });
        } else if token.sense.has(Sense::HANDOVER) {
            strongest = strongest.max(Cue::Handover);
        }
    }
    for token in scene.tokens[window.end..].iter().take(CUE_AFTER) {
        if token.sense.has(Sense::PHONE) {
            strongest = strongest.max(Cue::Phone);
        } else if token.sense.has(Sense::HANDOVER) {
            strongest = strongest.max(Cue::Handover);
        }
    }
    let has_phone_emoji = || around(scene, window).iter().any(|glyph| is_phone(glyph.plain));
    if scene.shadow.marks.has(MarkSet::PHONE) && has_phone_emoji() {
        strongest.max(Cue::Adjacent)
    } else {
        strongest
    }
}

/// Turns words that mean a phone only next to another word into phone words: my number, area code.
pub(super) fn promote_word_pairs(tokens: &mut [Token]) {
    for index in 0..tokens.len() {
        let sense = tokens[index].sense;
        if !sense.has(Sense::NUMBER.with(Sense::CODE)) {
            continue;
        }
        let has = |index: Option<usize>, sense: Sense| {
            index.and_then(|index| tokens.get(index)).is_some_and(|token| token.sense.has(sense))
        };
        let before = index.checked_sub(1);
        // "My number", "number mera", "my new number".
        let is_own = has(before, Sense::MINE)
            || has(Some(index + 1), Sense::MINE)
            || has(before, Sense::FILLER) && has(index.checked_sub(2), Sense::MINE);
        if sense.has(Sense::NUMBER) && is_own || sense.has(Sense::CODE) && has(before, Sense::AREA)
        {
            tokens[index].sense = sense.with(Sense::PHONE);
        }
    }
}

/// Returns the glyphs of `window` and up to six on either side.
fn around<'a>(scene: &'a Scene, window: &Range<usize>) -> &'a [Glyph] {
    let from = scene.tokens.get(window.start).map_or(0, |token| token.from).saturating_sub(6);
    let to = scene.tokens[..window.end].last().map_or(0, |token| token.to + 6);
    &scene.shadow.glyphs[from..to.min(scene.shadow.glyphs.len())]
}

/// Returns `true` if a label near the `digits` digits of `window` names an id, a code, a count or
/// the like.
///
/// A label after a number that is `vouched` for as a phone number names something else: "call me
/// on … only for the order".
pub(super) fn is_labelled(
    scene: &Scene,
    window: &Range<usize>,
    digits: usize,
    vouched: bool,
) -> bool {
    let is_label = |token: &Token| {
        let is_too_short = token.sense.has(Sense::SHORT) && digits > MAX_SHORT_DIGITS;
        token.sense.has(Sense::LABEL) && !is_too_short
    };
    let mut index = window.start;
    while index > 0 && window.start - index < LABEL_TOKENS {
        let gap = scene.gap(index - 1);
        let token = &scene.tokens[index - 1];
        if index == window.start && is_serial(scene, token, gap) {
            return true;
        }
        if ends_clause(gap) || token.sense.has(Sense::PHONE) {
            break;
        }
        if is_label(token) {
            let is_qualified = index >= 2 && {
                let sense = scene.tokens[index - 2].sense;
                sense.has(Sense::PHONE.with(Sense::PLATFORM))
            };
            return !is_qualified;
        }
        if !is_neutral(token) {
            break;
        }
        index -= 1;
    }
    if vouched {
        return false;
    }
    for index in window.end..(window.end + LABEL_TOKENS).min(scene.tokens.len()) {
        let token = &scene.tokens[index];
        if ends_clause(scene.gap(index - 1)) || token.sense.has(Sense::PHONE) {
            break;
        }
        if is_label(token) {
            return true;
        }
        if !is_neutral(token) {
            break;
        }
    }
    false
}

/// Returns `true` if a label may be on the other side of `token`.
pub(super) fn is_neutral(token: &Token) -> bool {
    let is_short = token.kind == Kind::Digits && token.len() <= 2
        || token.kind == Kind::Code && token.len() <= 4;
    is_short
        || token.sense.has(Sense::FILLER)
        || matches!(token.kind, Kind::Number(number) if number.everyday)
}

/// Returns `true` if `gap` ends a sentence or a clause.
pub(super) fn ends_clause(gap: &[Glyph]) -> bool {
    gap.iter().any(|glyph| matches!(glyph.plain, ',' | ';' | '!' | '?' | '(' | ')'))
        || gap.iter().any(|glyph| glyph.class == Class::LineEnd)
        || gap
            .windows(2)
            .any(|pair| pair[0].plain == '.' && pair[1].class == Class::Space && gap.len() > 2)
}

/// Returns `true` if `token` is the prefix of a serial number: INV-2045518837, AB/12345678.
pub(super) fn is_serial(scene: &Scene, token: &Token, gap: &[Glyph]) -> bool {
    let [glyph] = gap else { return false };
    if !matches!(glyph.plain, '-' | '_' | '/')
        || token.sense.has(Sense::PHONE.with(Sense::HANDOVER))
    {
        return false;
    }
    let is_capital = |glyph: &Glyph| {
        scene.shadow.text[glyph.offset..].chars().next().is_some_and(char::is_uppercase)
    };
    token.kind == Kind::Code
        || token.kind == Kind::Word
            && token.len() <= 5
            && scene.shadow.glyphs[token.from..token.to].iter().all(is_capital)
}

pub(super) const fn is_currency(glyph: &Glyph) -> bool {
    matches!(glyph.plain, '₹' | '$' | '€' | '£' | '¥' | '₽' | '₩' | '₺' | '₨' | '฿' | '₫' | '₦')
}

/// Returns `true` if a currency or a unit is next to the `digits` digits of `window`.
///
/// Words after a number that is `vouched` for as a phone number do not count.
pub(super) fn is_amount(
    scene: &Scene,
    window: &Range<usize>,
    digits: usize,
    vouched: bool,
) -> bool {
    let glyphs = &scene.shadow.glyphs;
    let (Some(first), Some(last)) =
        (scene.tokens.get(window.start), scene.tokens[..window.end].last())
    else {
        return false;
    };
    let mut before =
        glyphs[..first.from].iter().rev().take(2).take_while(|g| g.class != Class::LineEnd);
    let mut after = glyphs[last.to..].iter().take(2).take_while(|g| g.class != Class::LineEnd);
    if before.any(is_currency) || after.any(is_currency) {
        return true;
    }
    if glyphs.get(last.to).is_some_and(|glyph| matches!(glyph.plain, '%' | '°')) {
        return true;
    }
    let previous = window.start.checked_sub(1).and_then(|index| scene.tokens.get(index));
    let has_price = previous.is_some_and(|token| token.sense.has(Sense::MONEY))
        && scene.gap(window.start.saturating_sub(1)).len() <= 3;
    let has_unit = || {
        scene.tokens.get(window.end).is_some_and(|token| {
            // One or two letters are a unit only after a short number: "am", "m", "s".
            let is_unit = token.sense.has(Sense::UNIT) && (token.len() > 2 || digits < 10);
            // "9876512340 rs 500": the currency belongs to the number after it.
            let belongs_to_next = digits >= 10
                && scene.tokens.get(window.end + 1).is_some_and(|token| token.kind == Kind::Digits);
            let is_money = token.sense.has(Sense::MONEY) && !belongs_to_next;
            (is_unit || is_money) && scene.gap(window.end - 1).len() <= 1
        })
    };
    has_price || !vouched && has_unit()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::explain;
    use crate::mask::find::scene;

    /// Returns the scene of a text and the window of its only token of digits.
    fn digits(text: &str) -> (Scene<'_>, Range<usize>) {
        let (scene, _) = scene(text);
        let index = scene.tokens.iter().position(|token| token.kind == Kind::Digits);
        let index = index.expect("the text contains digits");
        (scene, index..index + 1)
    }

    #[test]
    fn cue_is_strongest_right_before_the_number() {
        for (text, expected) in [
            ("call me on 81971340", Cue::Adjacent),
            ("81971340 is my whatsapp", Cue::Phone),
            ("save it 81971340", Cue::Handover),
            ("📞 81971340", Cue::Adjacent),
            ("about 81971340 ants", Cue::None),
        ] {
            let (scene, window) = digits(text);
            assert_eq!(cue(&scene, &window), expected, "{text}");
        }
    }

    #[test]
    fn cue_label_next_to_a_number_names_it() {
        for (text, expected) in [
            ("my order number is 2045518837", true),
            ("2045518837 is the booking", true),
            ("INV-2045518837", true),
            ("order was late, 2045518837", false),
            ("whatsapp id 2045518837", false),
            ("WA-2045518837", false),
        ] {
            let (scene, window) = digits(text);
            assert_eq!(is_labelled(&scene, &window, 8, false), expected, "{text}");
        }
    }

    #[test]
    fn cue_word_after_a_mobile_number_is_ignored() {
        for word in ["order", "id", "points", "votes", "days", "year", "rupees", "page", "usd"] {
            for text in [
                format!("call me on 9871652340 {word} only"),
                format!("9871652340 is my {word} on whatsapp"),
                format!("my number 9871652340 {word} ok"),
            ] {
                assert!(!explain(&text).is_empty(), "{text}");
            }
        }
        for word in ["order", "id", "points", "votes", "days", "rupees", "account"] {
            assert!(!explain(&format!("9871652340 {word}")).is_empty(), "{word}");
            assert!(explain(&format!("2045518837 {word}")).is_empty(), "{word}");
        }
    }

    #[test]
    fn cue_short_label_does_not_name_ten_digits() {
        for (text, found) in [
            ("my room no is 9871652340", 1),
            ("pin 40007612", 0),
            ("my order no is 9871652340", 0),
            ("zip 10001, 60614, 77005", 0),
        ] {
            assert_eq!(explain(text).len(), found, "{text}");
        }
    }

    #[test]
    fn cue_my_number_and_area_code_mean_phone() {
        for (text, expected) in [
            ("my new number 81971340", Cue::Adjacent),
            ("nomor saya 81971340", Cue::Adjacent),
            ("area code 81971340", Cue::Adjacent),
            ("the number 81971340", Cue::Handover),
            ("source code 81971340", Cue::None),
        ] {
            let (scene, window) = digits(text);
            assert_eq!(cue(&scene, &window), expected, "{text}");
        }
    }

    #[test]
    fn cue_money_and_units_mean_amount() {
        for (text, expected) in [
            ("₹ 2045518837", true),
            ("Rs. 2045518837", true),
            ("2045518837 rupees", true),
            ("149597870 km", true),
            ("9876543210 am free", false),
            ("9876543210 rs 500", false),
        ] {
            let (scene, window) = digits(text);
            let length = window.clone().map(|index| scene.tokens[index].len()).sum();
            assert_eq!(is_amount(&scene, &window, length, false), expected, "{text}");
        }
    }
}
