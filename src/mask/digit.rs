//! [`value`]: the digit that a character represents, in any script or style, and [`small_capital`]
//! for styled letters.
//!
//! This module contains the tables of Unicode digits. Letters that look like digits must not be
//! here, but in `lookalike.rs`, and words in `number_words/`. To add a script, add the code point
//! of its zero to [`ZEROS`]; to add a row of circled or otherwise styled digits, add it to
//! [`STYLED`].

/// The zeros of Unicode's decimal digits (category Nd); the digits one to nine follow each.
const ZEROS: [u32; 75] = [
    0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66,
    0x0DE6, 0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90,
    0x1B50, 0x1BB0, 0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10,
    0x104A0, 0x10D30, 0x10D40, 0x11066, 0x110F0, 0x11136, 0x111D0, 0x112F0, 0x11450, 0x114D0,
    0x11650, 0x116C0, 0x116D0, 0x116DA, 0x11730, 0x118E0, 0x11950, 0x11BF0, 0x11C50, 0x11D50,
    0x11DA0, 0x11F50, 0x16130, 0x16A60, 0x16AC0, 0x16B50, 0x16D70, 0x1CCF0, 0x1D7CE, 0x1D7D8,
    0x1D7E2, 0x1D7EC, 0x1D7F6, 0x1E140, 0x1E2F0, 0x1E4F0, 0x1E5F1, 0x1E950, 0x1FBF0,
];

/// Rows of digits that Unicode does not call decimal: first character, its digit, length.
const STYLED: [(u32, u8, u8); 23] = [
    (0xB2, 2, 2),
    (0xB9, 1, 1),
    (0x1369, 1, 9),
    (0x2070, 0, 1),
    (0x2074, 4, 6),
    (0x2080, 0, 10),
    (0x2460, 1, 9),
    (0x2474, 1, 9),
    (0x2488, 1, 9),
    (0x24EA, 0, 1),
    (0x24F5, 1, 9),
    (0x24FF, 0, 1),
    (0x2776, 1, 9),
    (0x2780, 1, 9),
    (0x278A, 1, 9),
    (0x3021, 1, 9),
    (0x3220, 1, 9),
    (0x3280, 1, 9),
    (0x1F100, 0, 1),
    (0x1F101, 0, 10),
    (0x1F10B, 0, 1),
    (0x1F10C, 0, 1),
    (0x1D369, 1, 9),
];

/// Returns the value, from 0 to 9, of a digit of any script; `None` if `c` is not a digit.
#[must_use]
pub(super) fn value(c: char) -> Option<u8> {
    if c.is_ascii() {
        return c.is_ascii_digit().then(|| c as u8 - b'0');
    }
    let code = u32::from(c);
    let index = ZEROS.partition_point(|zero| *zero <= code);
    if let Some(offset) = index.checked_sub(1).map(|last| code - ZEROS[last]).filter(|d| *d < 10) {
        return u8::try_from(offset).ok();
    }
    // Circled and other styled digits are in a few blocks, so most characters return here.
    if !matches!(code, 0xB2..=0xB9 | 0x1369..=0x1371 | 0x2070..=0x3288 | 0x1D369..=0x1F10C) {
        return None;
    }
    STYLED.iter().find_map(|(first, digit, count)| {
        let offset = code.checked_sub(*first).and_then(|offset| u8::try_from(offset).ok())?;
        (offset < *count).then(|| digit + offset)
    })
}

/// Small capitals, and their letters in the same order.
const SMALL_CAPITALS: (&str, &str) = ("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnoprstuvwyz");

/// Returns the Latin letter of a small capital.
pub(super) fn small_capital(c: char) -> Option<char> {
    let (small, letters) = SMALL_CAPITALS;
    small.chars().zip(letters.chars()).find(|(small, _)| *small == c).map(|(_, letter)| letter)
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    #[test]
    fn digit_value_covers_every_unicode_decimal() {
        let decimal = Regex::new(r"^\p{Nd}$").expect("the pattern is valid");
        let mut buffer = [0; 4];
        for c in '\0'..=char::MAX {
            let value = value(c);
            assert!(value.is_none_or(|value| value < 10), "{:x}", u32::from(c));
            let is_decimal = c.is_numeric() && decimal.is_match(c.encode_utf8(&mut buffer));
            assert!(value.is_some() || !is_decimal, "{:x}", u32::from(c));
        }
    }

    #[test]
    fn digit_value_covers_styled_digits() {
        for (c, digit) in
            [('⑦', 7), ('⓪', 0), ('❾', 9), ('²', 2), ('₅', 5), ('９', 9), ('𝟗', 9), ('४', 4)]
        {
            assert_eq!(value(c), Some(digit), "{c}");
        }
    }

    #[test]
    fn digit_value_is_none_for_letters() {
        assert!("aZé中½Ⅳ⑩😀½\u{20e3}".chars().all(|c| value(c).is_none()));
    }
}
