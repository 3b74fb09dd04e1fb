//! [`number`]: phone numbers in words, or in words and digits.
//!
//! This module decides when the digits of a [`Speech`] are a phone number. The words
//! themselves must not be here. To add words, add them in `number_words/`.

use std::ops::Range;

use smallvec::SmallVec;

use super::context;
use super::context::Cue;
use super::lexicon::{Number, Role};
use super::scene::Scene;
use super::shape;
use super::shape::is_indian_mobile;
use super::speech::Speech;
use super::token::{Kind, Token};

/// Minimum digits in words that are a phone number without a cue.
const MIN_DIGITS: usize = 10;
/// Minimum digits in words that are a phone number with a cue.
const MIN_DIGITS_WITH_CUE: usize = 8;
/// Minimum words that say nine digits before nine are enough without a cue.
const MIN_WORDS: usize = 5;
/// Minimum unambiguous number words before common words among them count as digits too.
const MIN_UNAMBIGUOUS: usize = 4;

/// Maximum tokens of a number that may have everyday words at its ends.
const MAX_TRIMMED_TOKENS: usize = 24;
/// Maximum everyday words at each end of a number.
const MAX_EVERYDAY_ENDS: usize = 3;

/// Returns the part of `chain` that is a phone number in words.
pub(super) fn number(scene: &Scene, chain: &Range<usize>) -> Option<Range<usize>> {
    let is_word = |token: &Token| matches!(token.kind, Kind::Number(_));
    if chain.len() < 3 || !scene.tokens[chain.clone()].iter().any(is_word) {
        return None;
    }
    let trimmed = trimmed(scene, chain);
    let tokens = if trimmed != *chain && is_whole(scene, chain) {
        chain.clone()
    } else {
        without_everyday_ends(scene, trimmed)
    };
    if tokens.len() < 3 {
        return None;
    }
    if has_everyday_end(scene, &tokens) {
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

/// Returns `true` if a chain is exactly a mobile number, in words of any languages, and does not
/// begin or end with a common word.
fn is_whole(scene: &Scene, chain: &Range<usize>) -> bool {
    let is_common = |index: usize| match scene.tokens[index].kind {
        Kind::Number(number) => number.common || number.role == Role::Repeat,
        _ => false,
    };
    chain.len() <= MAX_TRIMMED_TOKENS && !is_common(chain.start) && !is_common(chain.end - 1) && {
        let digits = Speech::of(scene, chain).digits;
        digits.len() == MIN_DIGITS && is_indian_mobile(&digits)
    }
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

/// Returns `true` if nine or more digits in groups are before or after one everyday word, which
/// does not belong to them: "612 345 678 un momento".
fn has_everyday_end(scene: &Scene, tokens: &Range<usize>) -> bool {
    let is_digits = |index: usize| scene.tokens[index].kind == Kind::Digits;
    let is_everyday =
        |index: usize| matches!(scene.tokens[index].kind, Kind::Number(number) if number.everyday);
    let count = |tokens: Range<usize>| -> usize {
        tokens.map(|index| if is_digits(index) { scene.tokens[index].len() } else { 0 }).sum()
    };
    let (inner_start, inner_end) = (tokens.start + 1, tokens.end - 1);
    is_everyday(inner_end)
        && (tokens.start..inner_end).all(is_digits)
        && count(tokens.start..inner_end) >= MIN_DIGITS - 1
        || is_everyday(tokens.start)
            && (inner_start..tokens.end).all(is_digits)
            && count(inner_start..tokens.end) >= MIN_DIGITS - 1
}

/// Returns `tokens` without the everyday words at its ends if the rest is exactly a mobile number:
/// "oh nine eight … six for details".
fn without_everyday_ends(scene: &Scene, tokens: Range<usize>) -> Range<usize> {
    let is_mobile = |tokens: &Range<usize>| {
        let digits = Speech::of(scene, tokens).digits;
        is_indian_mobile(&digits) && (digits.len() == MIN_DIGITS || digits[0] == 0)
    };
    if tokens.len() > MAX_TRIMMED_TOKENS {
        return tokens;
    }
    let number = |index: usize| match scene.tokens[index].kind {
        Kind::Number(number) => Some(number),
        _ => None,
    };
    let is_everyday = |index: &usize| number(*index).is_some_and(|number| number.everyday);
    if tokens.is_empty() || !is_everyday(&tokens.start) && !is_everyday(&(tokens.end - 1)) {
        return tokens;
    }
    // The word next to the number is one that other sentences have too; behind it may be any.
    let is_common = |index: &usize| number(*index).is_some_and(|number| number.common);
    let is_end =
        |index: &usize| is_common(index) || number(*index).is_some_and(|number| number.value == 0);
    let leading = tokens.clone().take(MAX_EVERYDAY_ENDS).take_while(is_everyday);
    let trailing = tokens.clone().rev().take(MAX_EVERYDAY_ENDS).take_while(is_everyday);
    let starts = leading.filter(is_common).map(|index| index + 1);
    let ends = trailing.filter(is_end);
    let starts: SmallVec<[usize; 4]> = std::iter::once(tokens.start).chain(starts).collect();
    let ends: SmallVec<[usize; 4]> = std::iter::once(tokens.end).chain(ends).collect();
    if starts.len() + ends.len() == 2 {
        return tokens;
    }
    starts
        .into_iter()
        .flat_map(|start| ends.iter().map(move |end| start..*end))
        .find(|tokens| !tokens.is_empty() && is_mobile(tokens))
        .unwrap_or(tokens)
}

fn is_repeat(number: Option<Number>) -> bool {
    number.is_some_and(|number| number.role == Role::Repeat)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::mask;

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
            ("nau eight teen three char one do five zero six", "[hidden]"),
            (
                "ten nine eight seven six five four three two one",
                "ten nine eight seven six five four three two one",
            ),
        ] {
            assert_eq!(mask(text).as_str(), expected);
        }
    }

    #[test]
    fn spoken_words_beside_a_number_stay() {
        let number = "nine eight three three four one two five zero six";
        for (before, after) in [
            ("call", "for details"),
            ("no", "oh"),
            ("", "to chat"),
            ("", "for one day"),
            ("no,", ""),
        ] {
            let text = format!("{before} {number} {after}");
            assert_eq!(mask(&text).as_str(), format!("{before} [hidden] {after}"));
        }
        assert_eq!(mask("Nein, das ist 438-7152").as_str(), "Nein, das ist [hidden]");
        assert_eq!(mask("no se 612 345 678 un momento").as_str(), "no se [hidden] un momento");
    }

    #[test]
    fn spoken_songs_and_counting_are_ignored() {
        assert!(is_counting_aloud(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]));
        assert!(is_counting_aloud(&[1, 2, 3, 1, 2, 3, 1, 2, 3, 4]));
        assert!(!is_counting_aloud(&[9, 4, 7, 0, 6, 0, 1, 6, 4, 5]));
        assert!(!is_counting_aloud(&[u64::MAX, 0, u64::MAX, 7]));
    }
}
