//! [`number`]: number words in leet, with digits and signs for some of their letters.
//!
//! This module compares words by their skeleton: each letter and the digits that replace it become
//! the same letter. Digits that letters replace must not be handled here, but in `lookalike.rs`. To
//! accept another replacement, add it to [`letter`].

use once_cell::sync::Lazy;
use rustc_hash::FxHashMap;

use super::lexicon::{LEXICON, Number, Role};
use super::run_together;
use super::run_together::RunPart;
use super::shadow::{Class, Glyph};

/// Minimum and maximum length of a word, in characters.
const WORD_CHARS: std::ops::RangeInclusive<usize> = 3..=9;

/// Minimum length of words in leet without spaces, in characters: six words.
const MIN_RUN_CHARS: usize = 18;

/// Number words by skeleton, whole and with any one letter replaced by the digit of the word: 9ine,
/// eig8t.
static SKELETONS: Lazy<FxHashMap<Skeleton, Number>> = Lazy::new(|| {
    let mut table = FxHashMap::default();
    let words = LEXICON.numbers().filter(|(word, number)| {
        let is_written = word.is_ascii() && WORD_CHARS.contains(&word.len());
        is_written && matches!(number.role, Role::Unit | Role::Pair | Role::Tens | Role::Repeat)
    });
    for (word, number) in words {
        let digit = char::from_digit(number.value.into(), 10);
        let replaced = digit.into_iter().flat_map(|digit| {
            word.char_indices().map(move |(start, _)| {
                let rest = word.get(start + 1..).unwrap_or_default();
                [&word[..start], digit.encode_utf8(&mut [0; 4]), rest].concat()
            })
        });
        for spelling in replaced {
            table.entry(skeleton(&spelling)).or_insert(number);
        }
    }
    // Whole words replace shortened forms of other words.
    for (word, number) in LEXICON.numbers() {
        if word.is_ascii() && WORD_CHARS.contains(&word.len()) {
            table.insert(skeleton(word), number);
        }
    }
    table
});

/// Builds the table now, so that the first such word does not wait for it.
pub(super) fn warm_up() {
    Lazy::force(&SKELETONS);
}

/// Returns the letter that a digit or sign replaces in leet.
pub(super) const fn letter(plain: char) -> Option<char> {
    Some(match plain {
        '0' => 'o',
        '1' | '!' | '|' => 'i',
        '2' => 'z',
        '3' | '€' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        '8' => 'b',
        '9' | '6' => 'g',
        _ => return None,
    })
}

/// Returns `true` if the sign may replace a letter inside a word: n!ne, $even.
pub(super) const fn is_sign(plain: char) -> bool {
    matches!(plain, '!' | '|' | '€' | '@' | '$')
}

/// Returns `word` with each letter that an ASCII sign may replace replaced in turn: n!ne.
pub(super) fn with_sign(word: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    let signs = |byte: u8| {
        let signs: &[u8] = match byte {
            b'i' | b'l' => b"!|",
            b'a' => b"@",
            b's' => b"$",
            _ => b"",
        };
        signs.iter()
    };
    (0..word.len()).flat_map(move |index| {
        signs(word[index]).map(move |sign| {
            let mut word = word.to_vec();
            word[index] = *sign;
            word
        })
    })
}

/// A word with one character for each letter and its replacements, eight bits each.
type Skeleton = u128;

fn skeleton(word: &str) -> Skeleton {
    word.chars().fold(0, |skeleton, c| {
        let plain = if c == 'l' { 'i' } else { letter(c).unwrap_or(c) };
        skeleton << 8 | u128::from(u32::from(plain) & 0xff)
    })
}

/// Returns the number of a word with at least `min_letters` letters, and with digits or signs for
/// all others.
pub(super) fn number(word: &str, min_letters: usize) -> Option<Number> {
    if !WORD_CHARS.contains(&word.len()) {
        return None;
    }
    let letters = word.bytes().filter(u8::is_ascii_lowercase).count();
    let is_leet = letters >= min_letters && letters < word.len();
    is_leet.then(|| SKELETONS.get(&skeleton(word)).copied()).flatten()
}

/// Returns `glyphs` with letters for the digits and signs that replace them.
pub(super) fn without_digits(glyphs: &[Glyph]) -> Vec<Glyph> {
    let plain = |glyph: &Glyph| match letter(glyph.plain) {
        Some(plain) => Glyph { plain, class: Class::Letter, ..*glyph },
        None => *glyph,
    };
    glyphs.iter().map(plain).collect()
}

/// Splits number words in leet without spaces: n1n331ghts3v3n.
pub(super) fn split(run: &[Glyph]) -> Option<Vec<RunPart>> {
    if run.len() < MIN_RUN_CHARS {
        return None;
    }
    run_together::split(&without_digits(run))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::mask;

    #[test]
    fn leet_number_words_are_read() {
        for text in [
            "9ine 8ight 7even 0ne 2wo 5ive f1ve 6ix 4our zer0",
            "n1ne e1ght s1x s3ven f1ve thr33 f0ur tw0 0n3 z3r0",
            "9ine eig8t seve7 fiv5 fou4 tw2 on1 zer0 si6 thre3",
            "nu3ve och0 c3ro siet3 cinc0 s3is cuatr0 tr3s d0s un0",
            "n!ne e!ght $even f!ve four two one zero s!x thr€e",
            "n!ne f!ve $even e!ght s!x n|ne f|ve e!ght $even n!ne",
            "N1N3 31GHT 7HR33 F0UR 0N3 7W0 F1V3 Z3R0 51X 7W0",
        ] {
            assert_eq!(mask(text).as_str(), "[hidden]", "{text}");
        }
        assert_eq!(number("s3v3n", 2).map(|number| number.value), Some(7));
    }

    #[test]
    fn leet_ignores_shorthand_and_plain_words() {
        for word in ["51x", "gr8", "b4", "2nd", "1st", "one", "m8s", "th1s"] {
            assert!(number(word, 2).is_none(), "{word}");
        }
    }
}
