//! [`Speech`]: the digits of numbers in words, or in words and digits.
//!
//! This module turns words into digits, and decides when they are a phone number. The words
//! themselves must not be here. To add words, add them in `number_words/`.

use std::ops::Range;

use super::context;
use super::context::Cue;
use super::lexicon::{Number, Role};
use super::lookalike;
use super::scene::Scene;
use super::shadow::Class;
use super::shape;
use super::shape::is_indian_mobile;
use super::token::{Kind, Token};

/// Minimum digits in words that are a phone number without a cue.
const MIN_DIGITS: usize = 10;
/// Minimum digits in words that are a phone number with a cue.
const MIN_DIGITS_WITH_CUE: usize = 8;
/// Minimum words that say nine digits before nine are enough without a cue.
const MIN_WORDS: usize = 5;
/// Minimum unambiguous number words before common words among them count as digits too.
const MIN_UNAMBIGUOUS: usize = 4;

/// The meaning of a range of tokens: its digits, and the value of each number.
#[derive(Debug, Default)]
pub(super) struct Speech {
    pub(super) digits: Vec<u8>,
    pub(super) values: Vec<u64>,
    /// Number of tokens that are words.
    pub(super) word_count: usize,
}

impl Speech {
    /// Reads the tokens `range`, which must all say digits.
    pub(super) fn of(scene: &Scene, range: &Range<usize>) -> Self {
        let tokens = &scene.tokens[range.clone()];
        let mut speech = Self {
            digits: Vec::with_capacity(2 * tokens.len()),
            values: Vec::with_capacity(tokens.len()),
            word_count: 0,
        };
        let mut times = 1;
        // Number of last digits that the next word may replace: the zeros of tens or hundreds.
        let mut open = 0;
        let mut rest = tokens.iter().peekable();
        while let Some(token) = rest.next() {
            if let Kind::Number(number) = token.kind {
                match number.role {
                    Role::Link => continue,
                    Role::Repeat => (times, open) = (usize::from(number.value), 0),
                    Role::Scale => open = speech.multiply(number.value),
                    _ => {
                        // "Eight hundred" is one number and replaces zeros of "seven thousand".
                        let scaled = rest.peek().and_then(|next| scaled(number, next));
                        if scaled.is_some() {
                            speech.word_count += 1;
                            rest.next();
                        }
                        open = speech.push(scaled.unwrap_or(number), times, open);
                        times = 1;
                    }
                }
                speech.word_count += 1;
                continue;
            }
            let glyphs = &scene.shadow.glyphs[token.from..token.to];
            let digits = glyphs.iter().filter_map(|glyph| match glyph.class {
                Class::Digit(value) => Some(value),
                _ => lookalike::digit_in_context(glyph.plain),
            });
            let before = speech.digits.len();
            speech.digits.extend(digits);
            let added = &speech.digits[before..];
            let value =
                added.iter().fold(0, |n: u64, d| n.saturating_mul(10).saturating_add((*d).into()));
            if let (2.., [first, ..]) = (times, added) {
                let repeated = vec![*first; times - 1];
                speech.digits.splice(before..before, repeated);
            }
            speech.values.push(value);
            (times, open) = (1, 0);
        }
        speech
    }

    /// Multiplies the last number; returns how many of its last digits the next one may replace.
    fn multiply(&mut self, by: u16) -> usize {
        let zeros = by.checked_ilog10().unwrap_or(0) as usize;
        if self.digits.is_empty() {
            self.digits.push(1);
            self.values.push(1);
        }
        self.digits.extend(std::iter::repeat_n(0, zeros));
        if let Some(value) = self.values.last_mut() {
            *value = value.saturating_mul(by.into());
        }
        zeros
    }

    /// Adds one number; returns how many of its last digits the next one may replace.
    fn push(&mut self, number: Number, times: usize, open: usize) -> usize {
        let length = number.value.checked_ilog10().map_or(1, |log| log as usize + 1);
        let fits = length <= open && number.value > 0;
        for round in 0..times {
            if fits && round == 0 {
                self.digits.truncate(self.digits.len() - length);
                if let Some(value) = self.values.last_mut() {
                    *value = value.saturating_add(number.value.into());
                }
            } else {
                self.values.push(number.value.into());
            }
            let places = [100, 10, 1].into_iter().skip(3 - length);
            self.digits.extend(places.map(|place| (number.value / place % 10) as u8));
        }
        match number.role {
            Role::Tens => 1,
            Role::Hundreds => 2,
            _ => 0,
        }
    }
}

/// Combines one digit and the "ty" or "hundred" that follows it into one number.
fn scaled(number: Number, next: &Token) -> Option<Number> {
    let Kind::Number(Number { value: scale @ (10 | 100), role: Role::Scale, .. }) = next.kind
    else {
        return None;
    };
    let role = if scale == 10 { Role::Tens } else { Role::Hundreds };
    let fits = number.role == Role::Unit && number.value > 0;
    fits.then_some(Number { value: number.value * scale, role, ..number })
}

/// Returns the part of `chain` that is a phone number in words.
pub(super) fn number(scene: &Scene, chain: &Range<usize>) -> Option<Range<usize>> {
    let is_word = |token: &Token| matches!(token.kind, Kind::Number(_));
    if chain.len() < 3 || !scene.tokens[chain.clone()].iter().any(is_word) {
        return None;
    }
    let tokens = trimmed(scene, chain);
    if tokens.len() < 3 {
        return None;
    }
    let speech = Speech::of(scene, &tokens);
    let digit_count = speech.digits.len();
    if digit_count < MIN_DIGITS_WITH_CUE || speech.word_count == 0 {
        return None;
    }
    let cue = context::cue(scene, &tokens);
    let has_enough = match cue {
        Cue::Adjacent | Cue::Phone => digit_count >= MIN_DIGITS_WITH_CUE,
        Cue::Handover => digit_count > MIN_DIGITS_WITH_CUE,
        // Mobile numbers of nine digits start with these; in words alone they are rarely anything
        // else.
        Cue::None => {
            digit_count >= MIN_DIGITS
                || digit_count + 1 == MIN_DIGITS
                    && scene.tokens[tokens.clone()].iter().all(is_word)
                    && speech.word_count >= MIN_WORDS
                    && matches!(speech.digits[0], 0 | 6 | 7 | 9)
        }
    };
    // One or two words among digits are more often a sentence than a number.
    let is_spoken = speech.word_count >= 3 || cue != Cue::None || is_indian_mobile(&speech.digits);
    // People do not alternate words and digits when they count.
    let is_mixed = speech.word_count < tokens.len();
    let is_countdown = shape::is_countdown(&speech.values) && (is_mixed || cue != Cue::None);
    let is_recited = match cue {
        Cue::Adjacent => false,
        Cue::Phone => !is_countdown && shape::is_counting(&speech.values),
        Cue::Handover | Cue::None => !is_countdown && is_counting_aloud(&speech.values),
    };
    // Ten tokens in a row that say one digit each are no sentence.
    let is_dictated = is_indian_mobile(&speech.digits) && tokens.len() == MIN_DIGITS;
    let is_something_else = is_recited
        || is_prose(scene, &tokens)
        || cue <= Cue::Handover
            && (is_small_talk(scene, &tokens) && !is_dictated || is_years(scene, &tokens))
        || context::is_labelled(
            scene,
            &tokens,
            digit_count,
            cue >= Cue::Phone && digit_count >= MIN_DIGITS,
        );
    (has_enough && is_spoken && !is_something_else).then_some(tokens)
}

/// Returns `true` if common words are between digits as in prose: 256gb for 54999.
fn is_prose(scene: &Scene, range: &Range<usize>) -> bool {
    let tokens = &scene.tokens[range.clone()];
    let is_common = |token: &Token| matches!(token.kind, Kind::Number(number) if number.common);
    let is_group = |token: &Token| !matches!(token.kind, Kind::Number(_)) && token.len() >= 2;
    let is_clear = |token: &&Token| matches!(token.kind, Kind::Number(number) if !number.everyday);
    let has_common_between = tokens
        .windows(3)
        .any(|three| is_group(&three[0]) && is_common(&three[1]) && is_group(&three[2]));
    let clear_count = tokens.iter().filter(is_clear).count();
    let has_only_common =
        clear_count == 0 && tokens.iter().any(is_group) && tokens.iter().any(is_common);
    clear_count < MIN_UNAMBIGUOUS && (has_common_between || has_only_common)
}

/// Returns `true` if there are at least three common words, and at least three for every four
/// unambiguous number words: two to one.
fn is_small_talk(scene: &Scene, tokens: &Range<usize>) -> bool {
    let numbers = || {
        scene.tokens[tokens.clone()].iter().filter_map(|token| match token.kind {
            Kind::Number(number) => Some(number),
            _ => None,
        })
    };
    let common_count = numbers().filter(|number| number.common).count();
    let clear_count = numbers().filter(|number| !number.everyday).count();
    common_count >= 3 && common_count * 4 >= clear_count * 3
}

/// Returns `true` if the tokens are years with connectors between them: nineteen eighty four and
/// two thousand and one.
fn is_years(scene: &Scene, range: &Range<usize>) -> bool {
    let is_connector =
        |token: &Token| matches!(token.kind, Kind::Number(n) if n.role == Role::Link);
    let tokens = &scene.tokens[range.clone()];
    if !tokens.iter().any(is_connector) {
        return false;
    }
    let mut from = range.start;
    tokens.split(is_connector).all(|part| {
        let digits = Speech::of(scene, &(from..from + part.len())).digits;
        from += part.len() + 1;
        // "Two thousand and one" is one year in two parts.
        matches!(digits[..], [1] | [1, 5..=9, _, _] | [2, 0, _, _])
    })
}

/// Returns `true` if the numbers are counting or a song: most steps are one up or one down.
pub(super) fn is_counting_aloud(values: &[u64]) -> bool {
    let follows = |value: u64, next: u64| value.checked_add(1) == Some(next);
    let up = values.windows(2).filter(|pair| follows(pair[0], pair[1])).count();
    let down = values.windows(2).filter(|pair| follows(pair[1], pair[0])).count();
    let repeated = values.windows(2).filter(|pair| pair[0] == pair[1]).count();
    shape::is_counting(values)
        || values.len() >= 4 && up.max(down) * 5 >= (values.len() - 1) * 3
        || repeated + 1 == values.len()
}

/// Returns `chain` without everyday words of another language at its ends, and without repetitions
/// and measures at its end.
fn trimmed(scene: &Scene, chain: &Range<usize>) -> Range<usize> {
    let number = |index: usize| match scene.tokens[index].kind {
        Kind::Number(number) => Some(number),
        _ => None,
    };
    // The languages of most words; everyday words do not vote.
    let (mut votes, mut most) = ([0_u32; 64], 0);
    let mut main_languages = u64::MAX;
    for word in chain.clone().filter_map(number).filter(|number| !number.everyday) {
        let mut rest = word.languages;
        while rest != 0 {
            let language = rest.trailing_zeros();
            let count = &mut votes[language as usize];
            *count += 1;
            if *count > most {
                (most, main_languages) = (*count, 1 << language);
            } else if *count == most {
                main_languages |= 1 << language;
            }
            rest &= rest - 1;
        }
    }
    let is_stray = |index: usize| {
        number(index).is_some_and(|n| n.everyday && n.languages & main_languages == 0)
    };
    let mut tokens = chain.clone();
    while !tokens.is_empty() && is_stray(tokens.start) {
        tokens.start += 1;
    }
    // A measure after the number is not part of it: "… nine four, 10 minutes".
    let is_measure = |index: usize| {
        let token = &scene.tokens[index];
        token.kind == Kind::Digits
            && context::is_amount(scene, &(index..index + 1), token.len(), false)
    };
    while let Some(last) = tokens.end.checked_sub(1).filter(|last| *last >= tokens.start) {
        if !is_stray(last) && !is_repeat(number(last)) && !is_measure(last) {
            break;
        }
        tokens.end = last;
    }
    tokens
}

fn is_repeat(number: Option<Number>) -> bool {
    number.is_some_and(|number| number.role == Role::Repeat)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::find::scene;
    use crate::mask::mask;

    fn digits(text: &str) -> String {
        let (scene, _) = scene(text);
        let speech = Speech::of(&scene, &(0..scene.tokens.len()));
        speech.digits.iter().map(|digit| char::from(b'0' + digit)).collect()
    }

    #[test]
    fn spoken_words_become_digits() {
        assert_eq!(digits("nine double eight triple two"), "988222");
        assert_eq!(digits("eighty four fifteen fifty four"), "841554");
        assert_eq!(digits("forty seventy four"), "4074");
        assert_eq!(digits("девятьсот двадцать шесть сто три"), "926103");
        assert_eq!(digits("double 7 nine"), "779");
    }

    #[test]
    fn spoken_ten_digits_are_a_number() {
        for (text, expected) in [
            ("do nine nine four three eight eight one one three six ok", "do [hidden] ok"),
            ("eightfivetwoseventhreesixfourseveneightfive", "[hidden]"),
            ("wun nyn eihgt thre double two zro siks five svn", "[hidden]"),
            ("семь ноль три три два два четыре пять три один", "[hidden]"),
            ("seis uno dos ocho cero cuatro tres nueve cinco", "[hidden]"),
            ("nine hundred eighty seven, six five four, three one zero two", "[hidden]"),
            ("seven thousand eight hundred twelve, four five six nine one two", "[hidden]"),
            ("neunhundertachtundsiebzig einundzwanzig null fünf eins neun zwei", "[hidden]"),
            ("phone, 256gb for 54999 with 2", "phone, 256gb for 54999 with 2"),
            (
                "call 100 for police, 101 for fire, 102 too",
                "call 100 for police, 101 for fire, 102 too",
            ),
            ("one on one two on two three on three", "one on one two on two three on three"),
            (
                "nineteen eighty four and two thousand and one and twenty twenty four",
                "nineteen eighty four and two thousand and one and twenty twenty four",
            ),
            ("one of seven siblings, two brothers", "one of seven siblings, two brothers"),
            (
                "my number is nine eight seven six five four three two one zero",
                "my number is [hidden]",
            ),
            ("9 eight 7 six 5 four 3 two 1 zero", "[hidden]"),
            ("9 ate 1 siks 4 fife tree 7 oh won", "[hidden]"),
            (
                "ten nine eight seven six five four three two one",
                "ten nine eight seven six five four three two one",
            ),
        ] {
            assert_eq!(mask(text).as_str(), expected);
        }
    }

    #[test]
    fn spoken_songs_and_counting_are_ignored() {
        assert!(is_counting_aloud(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]));
        assert!(is_counting_aloud(&[1, 2, 3, 1, 2, 3, 1, 2, 3, 4]));
        assert!(!is_counting_aloud(&[9, 4, 7, 0, 6, 0, 1, 6, 4, 5]));
        assert!(!is_counting_aloud(&[u64::MAX, 0, u64::MAX, 7]));
    }
}
