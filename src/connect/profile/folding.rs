//! [`skeleton`]: folds a text so that texts that look alike are equal, for comparison with reserved
//! names and phrases. The result is not meant for display.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::guard::is_invisible_char;

/// Small capitals in the order of the alphabet. Unicode Technical Standard 39 maps only some.
const SMALL_CAPITALS: &str = "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡxʏᴢ";

/// Maximum number of combining marks in a row that a name keeps: more are decoration, and cover
/// other lines.
const MAX_MARKS: usize = 2;

/// Folds compatible and confusable characters (Unicode Technical Standard 39) and case, removes
/// accents and invisible characters, and collapses white space to one space.
pub(super) fn skeleton(text: &str) -> String {
    let visible = text.nfkc().filter(|c| !is_invisible_char(*c));
    let folded: String = visible.flat_map(|c| fold_char(c).chars().collect::<Vec<_>>()).collect();
    // The standard distinguishes these in lower case, but a reader may not.
    let folded = folded.replace("rn", "m").replace(['1', '|', 'l'], "i").replace('0', "o");
    folded.replace('’', "'").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Folds one character to lower case and plain ASCII if it resembles it.
fn fold_char(c: char) -> String {
    if let Some(letter) = enclosed_letter(c).or_else(|| small_capital(c)) {
        return letter.to_string();
    }
    let lower: String = c.to_lowercase().collect();
    let [lower, upper] = [lower, c.to_string()].map(|text| {
        let plain = unicode_security::skeleton(&text).flat_map(char::to_lowercase);
        plain.filter(|c| !is_accent(*c)).map(|c| small_capital(c).unwrap_or(c)).collect::<String>()
    });
    // A capital may resemble a Latin letter that its small form does not, such as the Cyrillic М.
    if lower.is_ascii() || !upper.is_ascii() { lower } else { upper }
}

/// Returns the letter in a circle or a square that has no compatible form, or of a flag.
fn enclosed_letter(c: char) -> Option<char> {
    let index = match c {
        '\u{1f150}'..='\u{1f169}' => c as u32 - 0x1f150,
        '\u{1f170}'..='\u{1f189}' => c as u32 - 0x1f170,
        '\u{1f1e6}'..='\u{1f1ff}' => c as u32 - 0x1f1e6,
        _ => return None,
    };
    char::from_u32('a' as u32 + index)
}

fn small_capital(c: char) -> Option<char> {
    let mut pairs = SMALL_CAPITALS.chars().zip('a'..='z');
    pairs.find(|(capital, _)| *capital == c).map(|(_, letter)| letter)
}

/// Returns `true` for marks that decorate letters. The vowel signs of Indic scripts are not among
/// them.
const fn is_accent(c: char) -> bool {
    matches!(
        c,
        '\u{300}'..='\u{36f}'
            | '\u{483}'..='\u{489}'
            | '\u{64b}'..='\u{65f}'
            | '\u{670}'
            | '\u{1ab0}'..='\u{1aff}'
            | '\u{1dc0}'..='\u{1dff}'
            | '\u{20d0}'..='\u{20ff}'
            | '\u{fe20}'..='\u{fe2f}'
    )
}

/// Removes combining marks that follow [`MAX_MARKS`] others.
pub(super) fn limit_marks(text: &str) -> String {
    let mut marks = 0;
    let is_kept = |c: &char| {
        marks = if is_combining_mark(*c) { marks + 1 } else { 0 };
        marks <= MAX_MARKS
    };
    // Composed first, so that an accent that is part of a letter does not count.
    text.nfc().filter(is_kept).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skeleton_folds_look_alikes_before_and_after_case() {
        for text in [
            "ADMIN",
            "ADМIN",
            "аdmin",
            "ᴀᴅᴍɪɴ",
            "🅰🅳🅼🅸🅽",
            "🅐🅓🅜🅘🅝",
            "ⓐⓓⓜⓘⓝ",
            "🇦🇩🇲🇮🇳",
            "A\u{335}\u{321}D\u{338}\u{301}MIN",
            "Ａｄｍｉｎ",
            "𝓪𝓭𝓶𝓲𝓷",
            "ADM1N",
            "aDrnin",
            "ädmín",
        ] {
            assert_eq!(skeleton(text), skeleton("admin"), "{text}");
        }
        assert_ne!(skeleton("टीम"), skeleton("टम"), "vowel signs stay");
    }

    #[test]
    fn folding_keeps_two_marks_in_a_row() {
        assert_eq!(limit_marks("a\u{300}\u{301}\u{302}\u{303}b"), "à\u{301}\u{302}b");
        for name in ["Nguyễn", "हूँ", "क्ष्मी", "ที่", "اللّٰه", "Zoë", "❤️"]
        {
            assert_eq!(limit_marks(name), name.nfc().collect::<String>(), "{name}");
        }
    }
}
