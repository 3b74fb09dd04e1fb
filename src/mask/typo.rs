//! [`correct`] for number words with one typo, recognized by the number words next to them.
//!
//! This module finds the number word that a similar word was meant to be. Misspellings that people
//! use on purpose must not be handled here; add them to `number_words/`.

use once_cell::sync::Lazy;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::cue::Sense;
use super::leet;
use super::lexicon::{LEXICON, Number, Role};
use super::shadow::Shadow;
use super::token::{Kind, Token};

/// Number words, whole, and those of at least four letters with any one letter dropped.
static NEAR_MISSES: Lazy<FxHashMap<String, Number>> = Lazy::new(|| {
    let mut near = FxHashMap::default();
    for (word, number) in LEXICON.numbers() {
        if !matches!(number.role, Role::Repeat | Role::Scale)
            && (4..=MAX_WORD_CHARS + 1).contains(&word.chars().count())
        {
            near.extend(one_letter_dropped(word).map(|short| (short, number)));
        }
    }
    // Whole words replace shortened forms of other words.
    near.extend(
        LEXICON
            .numbers()
            .filter(|(word, _)| word.chars().count() <= MAX_WORD_CHARS)
            .map(|(word, number)| (word.to_owned(), number)),
    );
    near
});

/// Number words of three letters with two neighboring letters swapped.
static SWAPPED: Lazy<FxHashMap<String, Number>> = Lazy::new(|| {
    let mut swapped = FxHashMap::default();
    for (word, number) in LEXICON.numbers() {
        if let [first, second, third] = word.chars().collect::<Vec<_>>()[..] {
            swapped.insert([second, first, third].iter().collect(), number);
            swapped.insert([first, third, second].iter().collect(), number);
        }
    }
    swapped
});

/// Number words with each row of equal letters reduced to one.
static STRETCHED: Lazy<FxHashMap<String, Number>> = Lazy::new(|| {
    let words = LEXICON.numbers().filter(|(word, _)| word.chars().count() >= MIN_STRETCHED_CHARS);
    words.map(|(word, number)| (reduced(word), number)).collect()
});

/// Minimum words with repeated letters in a row without any other number word.
const MIN_STRETCHED_ROW: usize = 3;

/// Minimum length of a word before its letters are repeated.
const MIN_STRETCHED_CHARS: usize = 3;

/// Maximum length of a word that is looked up, in characters.
const MAX_WORD_CHARS: usize = 10;

/// Maximum length of a word with repeated letters, in characters.
const MAX_STRETCHED_CHARS: usize = 20;

/// Number of tokens on either side to check for number words and digits.
const CONTEXT_TOKENS: usize = 4;

/// Builds the table now, so that the first typo does not wait for it.
pub(super) fn warm_up() {
    Lazy::force(&NEAR_MISSES);
    Lazy::force(&STRETCHED);
    Lazy::force(&SWAPPED);
}

/// Returns `word` with each row of equal letters reduced to one.
fn reduced(word: &str) -> String {
    let mut letters: Vec<char> = word.chars().collect();
    letters.dedup();
    letters.into_iter().collect()
}

/// Returns the number word that `word` is with some of its letters repeated: niine, sixx.
pub(super) fn stretched(word: &str) -> Option<Number> {
    let mut letters = word.chars().zip(word.chars().skip(1));
    let is_stretched = letters.any(|(left, right)| left == right);
    is_stretched.then(|| STRETCHED.get(&reduced(word)).copied()).flatten()
}

/// Returns `word` with each of its letters dropped in turn.
fn one_letter_dropped(word: &str) -> impl Iterator<Item = String> + '_ {
    word.char_indices().map(|(start, c)| [&word[..start], &word[start + c.len_utf8()..]].concat())
}

/// Returns the number word that differs from `word` by at most one dropped, added, changed or
/// swapped letter.
fn closest_number_word(word: &str) -> Option<Number> {
    let found = NEAR_MISSES.get(word).copied();
    if found.is_some() || word.chars().count() < 4 {
        // Two of three letters match too many words: "now" is not "no".
        return found.or_else(|| SWAPPED.get(word).copied());
    }
    one_letter_dropped(word).find_map(|short| NEAR_MISSES.get(&short).copied())
}

/// Turns unknown words between two number words, or next to two of them, into number words. Words
/// in disguise need only one beside them: niine, 0n3.
pub(super) fn correct(shadow: &Shadow, tokens: &mut [Token]) {
    let mut word = String::new();
    correct_stretched(shadow, tokens, &mut word);
    let Some(first) = tokens.iter().position(may_be_typo) else { return };
    let count = tokens.len();
    if !tokens.iter().any(is_spoken) {
        return;
    }
    let mut correct = |index: usize| {
        let number = may_be_typo(&tokens[index])
            .then(|| meant_number(shadow, tokens, index, &mut word))
            .flatten();
        if let Some(number) = number {
            tokens[index].kind = Kind::Number(number);
        }
        number.is_some()
    };
    let mut is_corrected = false;
    for index in first..count {
        is_corrected |= correct(index);
    }
    // The second pass corrects words before the first one that is right.
    if is_corrected {
        for index in (first..count).rev() {
            correct(index);
        }
    }
}

/// Returns `true` if the token is a code or a word that may be a number word in disguise.
fn may_be_typo(token: &Token) -> bool {
    matches!(token.kind, Kind::Code | Kind::Lookalike | Kind::Word)
        && (3..=MAX_STRETCHED_CHARS).contains(&token.len())
        && token.sense == Sense::NONE
}

/// Turns rows of words with repeated letters into number words: niine eeight sevenn.
///
/// Words are looked up only in rows that are long enough, because ordinary words have repeated
/// letters, too: hello, soon.
fn correct_stretched(shadow: &Shadow, tokens: &mut [Token], word: &mut String) {
    let may_be_stretched = |token: &Token| {
        let letters = &shadow.glyphs[token.from..token.to];
        is_unknown(token) && letters.windows(2).any(|pair| pair[0].plain == pair[1].plain)
    };
    // A row of the minimum length contains one of these tokens, so that the others are read only
    // beside it.
    let mut index = MIN_STRETCHED_ROW - 1;
    while index < tokens.len() {
        if may_be_stretched(&tokens[index]) {
            let before = tokens[..index].iter().rev().take_while(|token| may_be_stretched(token));
            let from = index - before.count();
            let after = tokens[index..].iter().take_while(|token| may_be_stretched(token));
            index += after.count();
            if index - from >= MIN_STRETCHED_ROW {
                correct_row(shadow, &mut tokens[from..index], word);
            }
        }
        index += MIN_STRETCHED_ROW;
    }
}

/// Turns number words with repeated letters into number words, where enough of them are in a row.
fn correct_row(shadow: &Shadow, tokens: &mut [Token], word: &mut String) {
    let mut number =
        |token: &Token| stretched(shadow.word(&shadow.glyphs[token.from..token.to], word));
    let numbers: SmallVec<[Option<Number>; 16]> = tokens.iter().map(&mut number).collect();
    let mut from = 0;
    for row in numbers.chunk_by(|left, right| left.is_some() == right.is_some()) {
        if row.len() >= MIN_STRETCHED_ROW {
            for (token, number) in tokens[from..].iter_mut().zip(row.iter().flatten()) {
                token.kind = Kind::Number(*number);
            }
        }
        from += row.len();
    }
}

/// Returns `true` if the token is a word without a known sense that may be stretched.
fn is_unknown(token: &Token) -> bool {
    token.kind == Kind::Word
        && token.sense == Sense::NONE
        && (MIN_STRETCHED_CHARS..=MAX_STRETCHED_CHARS).contains(&token.len())
}

/// Returns `true` if the token is a number word and no everyday word.
pub(super) fn is_spoken(token: &Token) -> bool {
    matches!(token.kind, Kind::Number(number) if !number.everyday)
}

/// Returns the number that the token `index`, which [may be a typo](may_be_typo), was meant to be,
/// if the tokens beside it say so.
fn meant_number(
    shadow: &Shadow,
    tokens: &[Token],
    index: usize,
    word: &mut String,
) -> Option<Number> {
    let Token { from, to, kind, .. } = tokens[index];
    let is_code = kind != Kind::Word;
    // Everyday words next to it prove nothing: "for fire" is not a number.
    let before = tokens[..index].iter().rev().take(CONTEXT_TOKENS).take_while(|t| t.says_digits());
    let after = tokens[index + 1..].iter().take(CONTEXT_TOKENS).take_while(|t| t.says_digits());
    if !before.clone().chain(after.clone()).any(is_spoken) {
        return None;
    }
    let has_neighbors = before.count() + after.count() >= 2;
    let word = shadow.word(&shadow.glyphs[from..to], word);
    if is_code {
        return leet::number(word, 1);
    }
    stretched(word).or_else(|| {
        let number = (has_neighbors && to - from <= MAX_WORD_CHARS)
            .then(|| closest_number_word(word))
            .flatten()?;
        Some(Number { everyday: true, common: false, ..number })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::mask;

    #[test]
    fn typo_in_a_number_word_is_corrected() {
        for (typo, value) in [("eihgt", 8), ("sevven", 7), ("fourr", 4), ("cuatr", 4)] {
            assert_eq!(closest_number_word(typo).map(|number| number.value), Some(value), "{typo}");
        }
    }

    #[test]
    fn typo_repeated_and_swapped_letters_are_read() {
        for text in [
            "niine eiight seven sixx onee four threee two fivee zeroo",
            "neuunn achtt dreii vierr einss sechss fuenff zwwei nulll siebenn",
            "nien eihgt svene oen tow fvie fuor sxi zreo three",
            "nnine eeight oone ttwo ffive ffour tthree ssix zzero sseven",
        ] {
            assert_eq!(mask(text).as_str(), "[hidden]", "{text}");
        }
        for text in ["soo happyy too see youu alll", "weee need moree timee"] {
            assert_eq!(mask(text).as_str(), text);
        }
    }

    #[test]
    fn typo_leaves_other_words_alone() {
        assert!(
            ["hello", "brothers", "weight?", "declare"]
                .iter()
                .all(|w| closest_number_word(w).is_none())
        );
    }
}
