//! Letters and signs that people put in the place of digits, and digits in the place of letters.
//!
//! What lives here: the tables, and the test whether characters are a number in disguise. What
//! must not: characters that are digits (see `digit.rs`). To add one: its plain form here.

use std::ops::Range;

use once_cell::sync::Lazy;
use rustc_hash::FxHashMap;

use super::lexicon::{LEXICON, Number};
use super::number_words;
use super::shadow::{Class, Glyph, Shadow};
use super::shape::is_indian_mobile;
use super::token::{Kind, Token};

/// A mobile number with its calling code has no more digits.
const MAX_MOBILE_DIGITS: usize = 13;

/// Number words with digits for some of their letters: 9ine, f0ur, s3v3n.
static LEET_WORDS: Lazy<FxHashMap<String, Number>> = Lazy::new(|| {
    let mut dressed = FxHashMap::default();
    let words =
        number_words::ALL[0].units.iter().filter_map(|table| table.split_whitespace().next());
    for (word, value) in words.zip('0'..='9') {
        let Some(number) = LEXICON.entry(word).number else { continue };
        let letters: Vec<char> = word.chars().collect();
        for set in 1..1_u32 << letters.len() {
            for own in [false, true] {
                let put = |(at, letter): (usize, &char)| match at {
                    _ if set & 1 << at == 0 => Some(*letter),
                    0 if own => Some(value),
                    _ => for_letter(*letter),
                };
                dressed.extend(
                    letters
                        .iter()
                        .enumerate()
                        .map(put)
                        .collect::<Option<String>>()
                        .map(|w| (w, number)),
                );
            }
        }
    }
    dressed.retain(|word, _| word.chars().filter(char::is_ascii_alphabetic).count() >= 2);
    dressed
});

/// Builds the table now rather than at the first such word.
pub(super) fn warm_up() {
    Lazy::force(&LEET_WORDS);
}

/// The digit that is put for a letter.
const fn for_letter(letter: char) -> Option<char> {
    Some(match letter {
        'o' => '0',
        'i' | 'l' => '1',
        'e' => '3',
        'a' => '4',
        's' => '5',
        't' => '7',
        'g' => '9',
        _ => return None,
    })
}

/// The number that a word with digits for letters says.
pub(super) fn leet_number(word: &str) -> Option<Number> {
    LEET_WORDS.get(word).copied()
}

/// The digit that a plain character may be read as.
pub(super) const fn digit(plain: char) -> Option<u8> {
    Some(match plain {
        'o' | 'q' | 'о' | 'ο' => 0,
        'i' | 'l' | '|' | '!' | 'і' => 1,
        'z' => 2,
        'з' => 3,
        's' | '$' => 5,
        'б' => 6,
        'b' | 'в' => 8,
        'g' => 9,
        _ => return None,
    })
}

/// The digit that a plain character may be read as where the digits around it already make a number.
pub(super) const fn digit_in_context(plain: char) -> Option<u8> {
    match plain {
        'e' => Some(3),
        _ => digit(plain),
    }
}

/// Makes numbers in disguise of groups that are an Indian mobile number when letters are read as
/// digits and half of them are digits: 9B-B2-6l-47-SO, +9I 98O2b l4E7l.
pub(super) fn correct(shadow: &Shadow, tokens: &mut [Token]) {
    // Letters among digits leave a code or a word that touches digits.
    let mixed = |token: &Token| matches!(token.kind, Kind::Code | Kind::Lookalike);
    let touch = |pair: &[Token]| pair[0].to == pair[1].from;
    if !tokens.iter().any(mixed) && !tokens.windows(2).any(touch) {
        return;
    }
    let mut at = 0;
    while at < tokens.len() {
        let to = mobile(shadow, tokens, at).unwrap_or(at);
        for token in &mut tokens[at..to] {
            token.kind = Kind::Lookalike;
        }
        at = to.max(at + 1);
    }
}

/// Where the mobile number in disguise that starts with the token `from` ends.
fn mobile(shadow: &Shadow, tokens: &[Token], from: usize) -> Option<usize> {
    let (mut digits, mut count, mut real) = ([0; MAX_MOBILE_DIGITS], 0, 0);
    for at in from..tokens.len().min(from + MAX_MOBILE_DIGITS) {
        let token = &tokens[at];
        if matches!(token.kind, Kind::Number(_)) || count + token.len() > MAX_MOBILE_DIGITS {
            return None;
        }
        let before = real;
        for glyph in &shadow.glyphs[token.from..token.to] {
            digits[count] = if let Class::Digit(value) = glyph.class {
                real += 1;
                value
            } else {
                digit_in_context(glyph.plain)?
            };
            count += 1;
        }
        let gap = at.checked_sub(1).filter(|_| at > from).map(|left| tokens[left].to..token.from);
        let near = gap.as_ref().is_none_or(|gap| gap.len() <= 1);
        if !near || real == before && (at == from || !is_meant_as_digits(shadow, token, gap)) {
            return None;
        }
        if real < count && real * 2 >= count && is_indian_mobile(&digits[..count]) {
            return Some(at + 1);
        }
    }
    None
}

/// Whether letters are meant as digits: shouted, or joined to the digits before by a mark.
fn is_meant_as_digits(shadow: &Shadow, token: &Token, gap: Option<Range<usize>>) -> bool {
    let marked = gap.is_some_and(|gap| shadow.glyphs[gap].iter().all(|g| g.class == Class::Mark));
    let shouted =
        |glyph: &Glyph| shadow.text[glyph.at..].chars().next().is_some_and(char::is_uppercase);
    marked || shadow.glyphs[token.from..token.to].iter().all(shouted)
}

/// Whether `run` is a few digits and otherwise only letters that look like digits.
pub(super) fn is_disguised(run: &[Glyph]) -> bool {
    let digits = run.iter().filter(|glyph| matches!(glyph.class, Class::Digit(_))).count();
    run.len() >= 3
        && digits * 5 >= run.len()
        && run
            .iter()
            .all(|glyph| matches!(glyph.class, Class::Digit(_)) || digit(glyph.plain).is_some())
}

#[cfg(test)]
mod tests {
    use super::super::mask;
    use super::super::shadow::Shadow;
    use super::*;

    fn disguised(text: &str) -> bool {
        is_disguised(&Shadow::of(text).glyphs)
    }

    #[test]
    fn lookalike_letters_among_digits_are_digits() {
        assert!(disguised("86IOl"));
        assert!(disguised("7s6O6l2769"));
        assert!(disguised("9В8О7"));
    }

    #[test]
    fn lookalike_groups_need_half_real_digits() {
        for (text, shown) in [
            ("num 9B-B2-6l-47-SO", "num [hidden]"),
            ("+9I 98O2b l4E7l", "[hidden]"),
            ("7OO8l9E42b is mine", "[hidden] is mine"),
            ("9!87O624!5 whatsapp", "[hidden] whatsapp"),
            ("68 so big 9 is 4 go", "68 so big 9 is 4 go"),
            ("SE98-BO12-ISLE", "SE98-BO12-ISLE"),
        ] {
            assert_eq!(mask(text).as_str(), shown);
        }
    }

    #[test]
    fn lookalike_leet_number_words_are_read() {
        assert_eq!(mask("9ine 8ight 7even 0ne 2wo 5ive f1ve 6ix 4our zer0").as_str(), "[hidden]");
        assert_eq!(leet_number("s3v3n").map(|number| number.value), Some(7));
        assert!(["51x", "gr8", "b4", "2nd", "one"].iter().all(|word| leet_number(word).is_none()));
    }

    #[test]
    fn lookalike_ignores_shorthand_and_capitals() {
        assert!(["B8", "gr8", "l8r", "IIIlllII", "SOS", "9f86d0"].iter().all(|t| !disguised(t)));
    }
}
