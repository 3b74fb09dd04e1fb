//! Numbers said in words, or in words and digits mixed.
//!
//! What lives here: counting the digits that words say, and when that is enough. What must not:
//! the words themselves (see `words/`).

use std::ops::Range;

use super::chain::Scene;
use super::context;
use super::context::Cue;
use super::lexicon::{Number, Role};
use super::shadow::Class;
use super::shape;
use super::shape::is_indian_mobile;
use super::token::{Kind, Token};

/// Said aloud, ten digits are a phone number wherever they stand; with a cue eight will do.
const MIN_DIGITS: usize = 10;
const MIN_DIGITS_WITH_CUE: usize = 8;
/// Nine digits are enough without a cue when at least so many words say them.
const MIN_WORDS: usize = 5;
/// From so many words that say nothing but digits on, common words among them say digits too.
const MIN_UNAMBIGUOUS: usize = 4;

/// What a range of tokens says: its digits, and the numbers as they are said.
#[derive(Debug, Default)]
pub(super) struct Speech {
    pub(super) digits: Vec<u8>,
    pub(super) values: Vec<u64>,
    /// How many of the tokens are words.
    pub(super) word_count: usize,
}

impl Speech {
    /// Reads `tokens`, all of which say digits.
    pub(super) fn of(scene: &Scene, tokens: &Range<usize>) -> Self {
        let own = &scene.tokens[tokens.clone()];
        let mut speech = Self {
            digits: Vec::with_capacity(2 * own.len()),
            values: Vec::with_capacity(own.len()),
            word_count: 0,
        };
        let mut times = 1;
        // What a unit or a pair may still replace: the zeros of the tens or hundreds before it.
        let mut open = 0;
        let mut rest = own.iter().peekable();
        while let Some(token) = rest.next() {
            if let Kind::Number(number) = token.kind {
                match number.role {
                    Role::Link => continue,
                    Role::Repeat => (times, open) = (usize::from(number.value), 0),
                    Role::Scale => open = speech.multiply(number.value),
                    _ => {
                        // "Eight hundred" fills what "seven thousand" left open as one.
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
                _ => super::lookalike::digit_in_context(glyph.plain),
            });
            let before = speech.digits.len();
            speech.digits.extend(digits);
            let own = &speech.digits[before..];
            let value =
                own.iter().fold(0, |n: u64, d| n.saturating_mul(10).saturating_add((*d).into()));
            if let (2.., [first, ..]) = (times, own) {
                let repeated = vec![*first; times - 1];
                speech.digits.splice(before..before, repeated);
            }
            speech.values.push(value);
            (times, open) = (1, 0);
        }
        speech
    }

    /// Multiplies what was said last; returns how many of its last digits the next may replace.
    fn multiply(&mut self, by: u16) -> usize {
        let places = by.checked_ilog10().unwrap_or(0) as usize;
        if self.digits.is_empty() {
            self.digits.push(1);
            self.values.push(1);
        }
        self.digits.extend(std::iter::repeat_n(0, places));
        if let Some(said) = self.values.last_mut() {
            *said = said.saturating_mul(by.into());
        }
        places
    }

    /// Adds one number; returns how many of its last digits the next one may replace.
    fn push(&mut self, number: Number, times: usize, open: usize) -> usize {
        let length = number.value.checked_ilog10().map_or(1, |log| log as usize + 1);
        let fits = length <= open && number.value > 0;
        for round in 0..times {
            if fits && round == 0 {
                self.digits.truncate(self.digits.len() - length);
                if let Some(said) = self.values.last_mut() {
                    *said = said.saturating_add(number.value.into());
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

/// One digit with the "ty" or "hundred" that follows it as one number.
fn scaled(number: Number, next: &Token) -> Option<Number> {
    let Kind::Number(Number { value: scale @ (10 | 100), role: Role::Scale, .. }) = next.kind
    else {
        return None;
    };
    let role = if scale == 10 { Role::Tens } else { Role::Hundreds };
    let fits = number.role == Role::Unit && number.value > 0;
    fits.then_some(Number { value: number.value * scale, role, ..number })
}

/// The part of `chain` that is a number said in words.
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
    let count = speech.digits.len();
    if count < MIN_DIGITS_WITH_CUE || speech.word_count == 0 {
        return None;
    }
    let cue = context::cue(scene, &tokens);
    let enough = match cue {
        Cue::Adjacent | Cue::Phone => count >= MIN_DIGITS_WITH_CUE,
        Cue::Handover => count > MIN_DIGITS_WITH_CUE,
        // Mobile numbers of nine digits start so; said in words alone they are hardly anything else.
        Cue::None => {
            count >= MIN_DIGITS
                || count + 1 == MIN_DIGITS
                    && scene.tokens[tokens.clone()].iter().all(is_word)
                    && speech.word_count >= MIN_WORDS
                    && matches!(speech.digits[0], 0 | 6 | 7 | 9)
        }
    };
    // One or two words among digits are more often a sentence than a number.
    let spoken = speech.word_count >= 3 || cue != Cue::None || is_indian_mobile(&speech.digits);
    // Nobody counts in words and digits by turns.
    let mixed = speech.word_count < tokens.len();
    let ladder = shape::is_countdown(&speech.values) && (mixed || cue != Cue::None);
    let recited = match cue {
        Cue::Adjacent => false,
        Cue::Phone => !ladder && shape::is_counting(&speech.values),
        Cue::Handover | Cue::None => !ladder && is_counting_aloud(&speech.values),
    };
    let innocent = recited
        || is_prose(scene, &tokens)
        || cue <= Cue::Handover && (is_small_talk(scene, &tokens) || is_years(scene, &tokens))
        || context::is_labelled(scene, &tokens, count, cue >= Cue::Phone && count >= MIN_DIGITS);
    (enough && spoken && !innocent).then_some(tokens)
}

/// Whether common words stand between digits as they do in prose: 256gb for 54999.
fn is_prose(scene: &Scene, tokens: &Range<usize>) -> bool {
    let own = &scene.tokens[tokens.clone()];
    let common = |token: &Token| matches!(token.kind, Kind::Number(number) if number.common);
    let group = |token: &Token| !matches!(token.kind, Kind::Number(_)) && token.len() >= 2;
    let clear = |token: &&Token| matches!(token.kind, Kind::Number(number) if !number.everyday);
    let between =
        own.windows(3).any(|three| group(&three[0]) && common(&three[1]) && group(&three[2]));
    let clear = own.iter().filter(clear).count();
    let only = clear == 0 && own.iter().any(group) && own.iter().any(common);
    clear < MIN_UNAMBIGUOUS && (between || only)
}

/// Whether nearly as many of the words are common ones as say nothing but digits: two to one.
fn is_small_talk(scene: &Scene, tokens: &Range<usize>) -> bool {
    let numbers = || {
        scene.tokens[tokens.clone()].iter().filter_map(|token| match token.kind {
            Kind::Number(number) => Some(number),
            _ => None,
        })
    };
    let common = numbers().filter(|number| number.common).count();
    let clear = numbers().filter(|number| !number.everyday).count();
    common >= 3 && common * 4 >= clear * 3
}

/// Whether years are said with links between: nineteen eighty four and two thousand and one.
fn is_years(scene: &Scene, tokens: &Range<usize>) -> bool {
    let linked = |token: &Token| matches!(token.kind, Kind::Number(n) if n.role == Role::Link);
    let own = &scene.tokens[tokens.clone()];
    if !own.iter().any(linked) {
        return false;
    }
    let mut from = tokens.start;
    own.split(linked).all(|part| {
        let said = Speech::of(scene, &(from..from + part.len())).digits;
        from += part.len() + 1;
        // "Two thousand and one" is one year in two parts.
        matches!(said[..], [1] | [1, 5..=9, _, _] | [2, 0, _, _])
    })
}

/// Whether the numbers are counted, or sung: most steps are one up or one down.
pub(super) fn is_counting_aloud(said: &[u64]) -> bool {
    let follows = |one: u64, next: u64| one.checked_add(1) == Some(next);
    let up = said.windows(2).filter(|pair| follows(pair[0], pair[1])).count();
    let down = said.windows(2).filter(|pair| follows(pair[1], pair[0])).count();
    let repeated = said.windows(2).filter(|pair| pair[0] == pair[1]).count();
    shape::is_counting(said)
        || said.len() >= 4 && up.max(down) * 5 >= (said.len() - 1) * 3
        || repeated + 1 == said.len()
}

/// `chain` without everyday words at its ends that are of another language than the rest.
fn trimmed(scene: &Scene, chain: &Range<usize>) -> Range<usize> {
    let number = |at: usize| match scene.tokens[at].kind {
        Kind::Number(number) => Some(number),
        _ => None,
    };
    // What most words are said in; everyday words do not vote.
    let (mut votes, mut most) = ([0_u32; 64], 0);
    let mut spoken = u64::MAX;
    for word in chain.clone().filter_map(number).filter(|number| !number.everyday) {
        let mut left = word.languages;
        while left != 0 {
            let language = left.trailing_zeros();
            let own = &mut votes[language as usize];
            *own += 1;
            if *own > most {
                (most, spoken) = (*own, 1 << language);
            } else if *own == most {
                spoken |= 1 << language;
            }
            left &= left - 1;
        }
    }
    let is_stray = |at: usize| number(at).is_some_and(|n| n.everyday && n.languages & spoken == 0);
    let mut tokens = chain.clone();
    while !tokens.is_empty() && is_stray(tokens.start) {
        tokens.start += 1;
    }
    // Neither does a measure that follows the number: "… nine four, 10 minutes".
    let is_measure = |at: usize| {
        let own = &scene.tokens[at];
        own.kind == Kind::Digits && context::is_amount(scene, &(at..at + 1), own.len(), false)
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
    use super::super::shadow::Shadow;
    use super::super::token::tokens;
    use super::*;

    fn said(text: &str) -> String {
        let shadow = Shadow::of(text);
        let tokens = tokens(&shadow, &[]);
        let all = 0..tokens.len();
        let speech = Speech::of(&Scene::of(shadow, tokens), &all);
        speech.digits.iter().map(|digit| char::from(b'0' + digit)).collect()
    }

    #[test]
    fn spoken_words_become_digits() {
        assert_eq!(said("nine double eight triple two"), "988222");
        assert_eq!(said("eighty four fifteen fifty four"), "841554");
        assert_eq!(said("forty seventy four"), "4074");
        assert_eq!(said("девятьсот двадцать шесть сто три"), "926103");
        assert_eq!(said("double 7 nine"), "779");
    }

    #[test]
    fn spoken_ten_digits_are_a_number() {
        for (text, shown) in [
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
            (
                "ten nine eight seven six five four three two one",
                "ten nine eight seven six five four three two one",
            ),
        ] {
            assert_eq!(super::super::mask(text).as_str(), shown);
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
