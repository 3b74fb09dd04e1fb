//! [`strip_invisible`]: removes characters without a visible glyph.
//!
//! Such characters can encode a text that a language model reads and a person does not see. Each
//! one stays only where a script or an emoji needs it, and only one at a time.
//!
//! Sources: Unicode Technical Standard 51 (emoji sequences), RFC 5892 appendix A (joiners), Unicode
//! Technical Report 36 (characters to exclude from identifiers).

use std::borrow::Cow;
use std::cell::LazyCell;

use unicode_script::{Script, UnicodeScript};

/// The flags that are written as tags after U+1F3F4: England, Scotland and Wales.
const TAG_FLAGS: [&str; 3] = ["gbeng", "gbsct", "gbwls"];

/// Removes control characters and invisible characters. Every kind of line end becomes `\n`.
pub fn strip_invisible(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n')) {
        return Cow::Borrowed(text);
    }
    let mut stripped = String::with_capacity(text.len());
    // Lazy, because most texts contain no bidi control and need no scan.
    let has_rtl = LazyCell::new(|| text.chars().any(is_rtl));
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let next = rest.clone().next();
        match c {
            '\r' if next == Some('\n') => {}
            '\r' | '\n' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                stripped.push('\n');
            }
            '\t' => stripped.push(' '),
            c if c.is_control() => {}
            '\u{1f3f4}' => {
                stripped.push(c);
                if let Some(tags) = flag_tags(rest.as_str()) {
                    stripped.push_str(tags);
                    rest = rest.as_str()[tags.len()..].chars();
                }
            }
            // The blank Braille pattern is the space of Braille text.
            '\u{2800}' => stripped.push(c),
            c if !is_invisible_char(c) => stripped.push(c),
            c if is_meaningful(c, stripped.chars().next_back(), next, || *has_rtl) => {
                stripped.push(c);
            }
            _ => {}
        }
    }
    Cow::Owned(stripped)
}

/// Returns `true` for a character without a visible glyph: a joiner, bidi control, filler,
/// variation selector, tag or invisible formatting character.
#[must_use]
pub const fn is_invisible_char(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{17b4}'
            | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Returns `true` if an invisible character affects the display of its neighbors `previous` and
/// `next`.
fn is_meaningful(
    c: char,
    previous: Option<char>,
    next: Option<char>,
    has_rtl: impl Fn() -> bool,
) -> bool {
    let Some(previous) = previous.filter(|previous| !previous.is_whitespace()) else {
        // At the start of a word, only a bidi control has an effect.
        return is_bidi_control(c) && has_rtl();
    };
    match c {
        // One invisible character at a time. A joiner may follow the selector of an emoji.
        _ if is_invisible_char(previous) && !(c == '\u{200d}' && previous == '\u{fe0f}') => false,
        '\u{200d}' if is_emoji(previous) || previous == '\u{fe0f}' => next.is_some_and(is_emoji),
        '\u{200c}' | '\u{200d}' => uses_joiners(previous),
        c if is_bidi_control(c) => has_rtl(),
        '\u{fe0e}' | '\u{fe0f}' => is_emoji(previous) || takes_variation_selector(previous),
        '\u{e0100}'..='\u{e01ef}' => previous.script() == Script::Han,
        '\u{fe00}' => previous.script() == Script::Myanmar,
        '\u{180b}'..='\u{180f}' => previous.script() == Script::Mongolian,
        // A zero-width space separates words in scripts without spaces.
        '\u{200b}' => {
            matches!(
                previous.script(),
                Script::Thai | Script::Lao | Script::Khmer | Script::Myanmar
            ) && next.is_some_and(|next| next.script() == previous.script())
        }
        _ => false,
    }
}

const fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{61c}')
}

fn is_rtl(c: char) -> bool {
    matches!(
        c.script(),
        Script::Arabic | Script::Hebrew | Script::Syriac | Script::Thaana | Script::Nko
    )
}

/// Returns `true` if joiners change the shape of letters in the script of `c`.
fn uses_joiners(c: char) -> bool {
    let scripts = [
        Script::Arabic,
        Script::Syriac,
        Script::Nko,
        Script::Mongolian,
        Script::Devanagari,
        Script::Bengali,
        Script::Gurmukhi,
        Script::Gujarati,
        Script::Oriya,
        Script::Tamil,
        Script::Telugu,
        Script::Kannada,
        Script::Malayalam,
        Script::Sinhala,
        Script::Khmer,
        Script::Myanmar,
        Script::Tibetan,
    ];
    scripts.contains(&c.script())
}

/// Returns `true` for an emoji pictograph, or a modifier of skin or hair color.
const fn is_emoji(c: char) -> bool {
    matches!(c, '\u{1f000}'..='\u{1faff}' | '\u{2600}'..='\u{27bf}' | '\u{2b00}'..='\u{2bff}' | '\u{2300}'..='\u{23ff}')
        || matches!(c, '\u{2190}'..='\u{21ff}' | '\u{25a0}'..='\u{25ff}' | '\u{2934}' | '\u{2935}')
}

/// Returns `true` for the other characters that have a text and an emoji presentation.
const fn takes_variation_selector(c: char) -> bool {
    matches!(
        c,
        '0'..='9'
            | '#'
            | '*'
            | '©'
            | '®'
            | '‼'
            | '⁉'
            | '™'
            | 'ℹ'
            | 'Ⓜ'
            | '〰'
            | '〽'
            | '㊗'
            | '㊙'
    )
}

/// The flag tags at the start of `rest`. `None` unless they encode one of [`TAG_FLAGS`].
fn flag_tags(rest: &str) -> Option<&str> {
    let end = rest.find('\u{e007f}')? + '\u{e007f}'.len_utf8();
    let is_known = TAG_FLAGS.iter().any(|flag| {
        let tags = flag.bytes().filter_map(|byte| char::from_u32(0xe_0000 + u32::from(byte)));
        rest[..end].chars().eq(tags.chain(['\u{e007f}']))
    });
    is_known.then(|| &rest[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strip_removes_control_characters_and_normalizes_line_ends() {
        assert_eq!(strip_invisible("a\u{0}b\u{7}c\u{1b}[31m"), "abc[31m");
        assert_eq!(strip_invisible("abc\u{202e}def\u{2066}ghi"), "abcdefghi");
        assert_eq!(strip_invisible("a\r\nb\rc\u{2028}d\u{85}e\tf"), "a\nb\nc\nd\ne f");
    }

    #[test]
    fn strip_keeps_invisible_characters_that_scripts_need() {
        for text in [
            "👩‍👩‍👧 🏳️‍🌈 👍🏽 👨🏿‍🚀 ❤️‍🔥 5️⃣ ©️ 🏴󠁧󠁢󠁳󠁣󠁴󠁿 🇮🇳 ☺︎",
            "می‌خواهم",
            "क्‍ष र्‍य",
            "مرحبا \u{200f}بك",
            "ന്‍",
            "葛\u{e0100}",
            "ខ្ញុំ\u{200b}ទៅ",
            "⠓⠑⠇⠇⠕⠀⠺",
        ] {
            assert_eq!(strip_invisible(text), text);
        }
    }

    #[test]
    fn strip_removes_characters_that_can_hide_text() {
        for (text, stripped) in [
            ("hi\u{e0069}\u{e0067}\u{e006e}\u{e006f}\u{e0072}\u{e0065}", "hi"),
            ("🏴\u{e0069}\u{e0067}\u{e007f}", "🏴"),
            ("😀\u{fe01}\u{fe05}\u{e0101}\u{e0170}", "😀"),
            ("😀\u{fe0f}\u{fe0e}\u{fe0f}", "😀\u{fe0f}"),
            ("h\u{200b}\u{200c}\u{200d}\u{2060}\u{feff}i", "hi"),
            ("i\u{ad}g\u{34f}n\u{2062}o\u{2063}re", "ignore"),
            ("a\u{200e}\u{200f}b", "ab"),
            ("می\u{200c}\u{200d}\u{200c}خ", "می\u{200c}خ"),
            ("ㅤa\u{ffa0}\u{115f}", "a"),
            ("a\u{fff9}b\u{fffa}c\u{fffb}", "abc"),
        ] {
            assert_eq!(strip_invisible(text), stripped, "{text:?}");
        }
    }
}
