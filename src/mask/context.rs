//! What the words around a window of digits say about it.
//!
//! What lives here: looking for cues near a window. What must not: the tables of cues (see
//! `cue/`) or the digits themselves (see `shape.rs`). To look for another kind of cue: a function
//! here, asked by the verdict.

use std::ops::Range;

use super::chain::Scene;
use super::cue::Sense;
use super::shadow::{Class, Glyph, MarkSet, is_phone};
use super::token::{Kind, Token};

/// How far a cue may stand from its number, in tokens.
const CUE_BEFORE: usize = 16;
const CUE_AFTER: usize = 8;
const ADJACENT_TOKENS: usize = 5;
const LABEL_TOKENS: usize = 4;
/// The most digits of what has few: a page, a room, a postcode.
const MAX_SHORT_DIGITS: usize = 8;

/// How strongly the words around a window speak of a phone number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cue {
    None,
    /// Somebody hands something over, or speaks of a number.
    Handover,
    /// The message speaks of phones or calls.
    Phone,
    /// It does so right before the number.
    Adjacent,
}

/// The strongest cue around `window`.
pub(super) fn cue(scene: &Scene, window: &Range<usize>) -> Cue {
    let mut strongest = Cue::None;
    if !scene.has_cue {
        return strongest;
    }
    let before = scene.tokens[..window.start].iter().rev().take(CUE_BEFORE).zip(0..);
    let mut other_number = false;
    for (token, distance) in before {
        other_number |= matches!(token.kind, Kind::Digits | Kind::Lookalike) && token.len() > 3;
        if token.sense.has(Sense::PHONE) {
            let near = distance < ADJACENT_TOKENS && !other_number;
            strongest = strongest.max(if near { Cue::Adjacent } else { Cue::Phone });
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
    let pictured = || around(scene, window).iter().any(|glyph| is_phone(glyph.plain));
    if scene.shadow.marks.has(MarkSet::PHONE) && pictured() {
        strongest.max(Cue::Adjacent)
    } else {
        strongest
    }
}

/// Makes words about phones of those that are some beside another word: my number, area code.
pub(super) fn promote_word_pairs(tokens: &mut [Token]) {
    for at in 0..tokens.len() {
        let sense = tokens[at].sense;
        if !sense.has(Sense::NUMBER.with(Sense::CODE)) {
            continue;
        }
        let said = |at: Option<usize>, sense: Sense| {
            at.and_then(|at| tokens.get(at)).is_some_and(|token| token.sense.has(sense))
        };
        let before = at.checked_sub(1);
        // "My number", "number mera", "my new number".
        let mine = said(before, Sense::MINE)
            || said(Some(at + 1), Sense::MINE)
            || said(before, Sense::FILLER) && said(at.checked_sub(2), Sense::MINE);
        if sense.has(Sense::NUMBER) && mine || sense.has(Sense::CODE) && said(before, Sense::AREA) {
            tokens[at].sense = sense.with(Sense::PHONE);
        }
    }
}

/// The glyphs up to a few before and after `window`.
fn around<'a>(scene: &'a Scene, window: &Range<usize>) -> &'a [Glyph] {
    let from = scene.tokens.get(window.start).map_or(0, |token| token.from).saturating_sub(6);
    let to = scene.tokens[..window.end].last().map_or(0, |token| token.to + 6);
    &scene.shadow.glyphs[from..to.min(scene.shadow.glyphs.len())]
}

/// Whether a word before or after the `digits` digits of `window` says that they are an id, a code,
/// a count or the like. What follows a number that is `vouched` for labels something else: "call
/// me on … only for the order".
pub(super) fn is_labelled(
    scene: &Scene,
    window: &Range<usize>,
    digits: usize,
    vouched: bool,
) -> bool {
    let labels = |token: &Token| {
        let brief = token.sense.has(Sense::SHORT) && digits > MAX_SHORT_DIGITS;
        token.sense.has(Sense::LABEL) && !brief
    };
    let mut at = window.start;
    while at > 0 && window.start - at < LABEL_TOKENS {
        let gap = scene.gap(at - 1);
        let token = &scene.tokens[at - 1];
        if at == window.start && is_serial(scene, token, gap) {
            return true;
        }
        if ends_clause(gap) || token.sense.has(Sense::PHONE) {
            break;
        }
        if labels(token) {
            let qualified = at >= 2 && {
                let sense = scene.tokens[at - 2].sense;
                sense.has(Sense::PHONE.with(Sense::PLATFORM))
            };
            return !qualified;
        }
        if !is_neutral(token) {
            break;
        }
        at -= 1;
    }
    if vouched {
        return false;
    }
    for at in window.end..(window.end + LABEL_TOKENS).min(scene.tokens.len()) {
        let token = &scene.tokens[at];
        if ends_clause(scene.gap(at - 1)) || token.sense.has(Sense::PHONE) {
            break;
        }
        if labels(token) {
            return true;
        }
        if !is_neutral(token) {
            break;
        }
    }
    false
}

/// Whether a label may stand on the far side of the token.
fn is_neutral(token: &Token) -> bool {
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
    if !matches!(glyph.plain, '-' | '_' | '/')
        || token.sense.has(Sense::PHONE.with(Sense::HANDOVER))
    {
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

/// Whether a currency or a unit stands beside the `digits` digits of `window`; behind a number that
/// is `vouched` for no word counts.
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
    let measured = || {
        scene.tokens.get(window.end).is_some_and(|token| {
            // One or two letters are a unit only behind a short number: "am", "m", "s".
            let unit = token.sense.has(Sense::UNIT) && (token.len() > 2 || digits < 10);
            // "9876512340 rs 500": the currency is of what follows it.
            let others = digits >= 10
                && scene.tokens.get(window.end + 1).is_some_and(|token| token.kind == Kind::Digits);
            let money = token.sense.has(Sense::MONEY) && !others;
            (unit || money) && scene.gap(window.end - 1).len() <= 1
        })
    };
    priced || !vouched && measured()
}

#[cfg(test)]
mod tests {
    use super::super::explain;
    use super::super::shadow::Shadow;
    use super::super::token::tokens;
    use super::*;

    /// The scene of a text and the window of its only token of digits.
    fn digits(text: &str) -> (Scene<'_>, Range<usize>) {
        let shadow = Shadow::of(text);
        let tokens = tokens(&shadow, &[]);
        let at = tokens.iter().position(|token| token.kind == Kind::Digits).expect("digits");
        (Scene::of(shadow, tokens), at..at + 1)
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
    fn cue_label_after_a_vouched_number_is_ignored() {
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
            assert!(explain(&format!("9871652340 {word}")).is_empty(), "{word}");
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
            let length = window.clone().map(|at| scene.tokens[at].len()).sum();
            assert_eq!(is_amount(&scene, &window, length, false), expected, "{text}");
        }
    }
}
