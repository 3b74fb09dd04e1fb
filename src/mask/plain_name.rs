//! [`is_named_plainly`]: whether the words around a certain mobile number name something else.
//!
//! Numbers that may be anything need less to be named: their labels are read in `context.rs`. To add
//! a name, add it to the tables in `cue/label.rs`.

use std::ops::Range;

use super::context::{LABEL_TOKENS, ends_clause, is_currency, is_neutral, is_serial};
use super::cue::Sense;
use super::scene::Scene;
use super::shadow::{Class, Glyph};
use super::token::Kind;

/// Extensions of files that people name in chats.
const FILE_EXTENSIONS: [&str; 15] = [
    "jpg", "jpeg", "png", "gif", "webp", "heic", "mp", "mov", "mkv", "opus", "pdf", "doc", "docx",
    "txt", "zip",
];
/// First words of the names of files.
const FILE_PREFIXES: [&str; 12] = [
    "img",
    "vid",
    "aud",
    "ptt",
    "dsc",
    "pxl",
    "mvimg",
    "screenshot",
    "scan",
    "photo",
    "image",
    "doc",
];

/// Returns `true` if the text says plainly that the number `window` is not a phone number.
///
/// A label beside it is not plain: "my job 98…" and "98… status" hand over a phone number. A name
/// that people use for nothing else is, and so is a thing together with the word for its number:
/// order number 98…, ticket #98…, número de pedido 98…, 98… is my order id.
pub(super) fn is_named_plainly(scene: &Scene, window: &Range<usize>, vouched: bool) -> bool {
    let number_word = Sense::NUMBER.with(Sense::CODE).with(Sense::ID);
    let token = |index: usize| scene.tokens.get(index).copied();
    let names_number = |index: usize| token(index).is_some_and(|t| t.sense.has(number_word));
    let is_hash = |gap: &[Glyph]| gap.iter().any(|glyph| glyph.plain == '#');
    let mut has_number_word = false;
    for index in (window.start.saturating_sub(LABEL_TOKENS)..window.start).rev() {
        let (token, gap) = (&scene.tokens[index], scene.gap(index));
        if index + 1 == window.start && is_serial(scene, token, gap) {
            let is_name = token.sense.has(Sense::NUMBERED.with(Sense::PLAIN));
            return is_name || token.kind == Kind::Code;
        }
        if ends_clause(gap) || token.sense.has(Sense::PHONE) {
            break;
        }
        let is_named = has_number_word
            || is_hash(gap)
            || index > 0 && names_number(index - 1)
            || index > 1 && names_number(index - 2) && is_neutral(&scene.tokens[index - 1]);
        if token.sense.has(Sense::PLAIN) || is_named && token.sense.has(Sense::NUMBERED) {
            let is_qualified =
                index > 0 && scene.tokens[index - 1].sense.has(Sense::PHONE.with(Sense::PLATFORM));
            return !is_qualified;
        }
        has_number_word |= token.sense.has(number_word);
        if !token.sense.has(number_word) && !is_neutral(token) {
            break;
        }
    }
    // "98… is my order id".
    let mut index = window.end;
    while index < window.end + LABEL_TOKENS
        && token(index).is_some_and(|token| token.sense.has(Sense::FILLER))
        && !ends_clause(scene.gap(index - 1))
    {
        index += 1;
    }
    !vouched
        && index > window.end
        && token(index).is_some_and(|token| token.sense.has(Sense::NUMBERED))
        && names_number(index + 1)
}

/// Returns `true` if a currency sign precedes `window`, or a sign of a measure follows it.
pub(super) fn has_amount_sign(scene: &Scene, window: &Range<usize>) -> bool {
    let glyphs = &scene.shadow.glyphs;
    let (Some(first), Some(last)) =
        (scene.tokens.get(window.start), scene.tokens[..window.end].last())
    else {
        return false;
    };
    let mut before = glyphs[..first.from].iter().rev().take(2);
    let mut after = glyphs[last.to..].iter();
    let sign = after.next();
    // "98…₹200": the sign belongs to the next number.
    let leads = after.take(2).any(|glyph| matches!(glyph.class, Class::Digit(_)));
    before.any(is_currency)
        || sign.is_some_and(|glyph| matches!(glyph.plain, '%' | '°') || is_currency(glyph))
            && !leads
}

/// Returns `true` if `window` is the number in the name of a file that a camera or an app wrote:
/// IMG_98….jpg. An extension alone is not enough.
pub(super) fn is_file_name(scene: &Scene, window: &Range<usize>) -> bool {
    let glyphs = &scene.shadow.glyphs;
    let (Some(first), Some(last)) =
        (scene.tokens.get(window.start), scene.tokens[..window.end].last())
    else {
        return false;
    };
    let is_letter = |glyph: &&Glyph| glyph.class == Class::Letter;
    let extension = match &glyphs[last.to..] {
        [dot, after @ ..] if dot.plain == '.' => after.iter().take_while(is_letter),
        _ => return false,
    };
    let extension: String = extension.take(6).map(|glyph| glyph.plain).collect();
    let before = &glyphs[..first.from];
    let before = match before {
        [name @ .., joint] if matches!(joint.plain, '_' | '-') => name,
        name => name,
    };
    let name: String =
        before.iter().rev().take_while(is_letter).take(12).map(|g| g.plain).collect();
    FILE_EXTENSIONS.contains(&extension.as_str())
        && FILE_PREFIXES.iter().any(|prefix| name.chars().rev().eq(prefix.chars()))
}

/// Returns `true` if two words for money precede `window`: it costs Rs. 98….
pub(super) fn is_priced(scene: &Scene, window: &Range<usize>) -> bool {
    let is_money = |back: usize| {
        let index = window.start.checked_sub(back);
        index.is_some_and(|index| scene.tokens[index].sense.has(Sense::MONEY))
    };
    is_money(1) && is_money(2)
}
