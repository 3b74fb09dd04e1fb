//! [`correct`] for number words with one typo, recognized by the number words next to them.
//!
//! This module finds the number word that a similar word was meant to be. Misspellings that people
//! use on purpose must not be handled here; add them to `number_words/`.

use once_cell::sync::Lazy;
use rustc_hash::FxHashMap;

use super::cue::Sense;
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

/// Maximum length of a word that is looked up, in characters.
const MAX_WORD_CHARS: usize = 10;

/// Number of tokens on either side to check for number words and digits.
const CONTEXT_TOKENS: usize = 4;

/// Builds the table now, so that the first typo does not wait for it.
pub(super) fn warm_up() {
    Lazy::force(&NEAR_MISSES);
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
        return found;
    }
    one_letter_dropped(word).find_map(|short| NEAR_MISSES.get(&short).copied())
}

/// Turns unknown words between two number words, or next to two of them, into number words.
pub(super) fn correct(shadow: &Shadow, tokens: &mut [Token]) {
    let is_spoken = |token: &Token| matches!(token.kind, Kind::Number(n) if !n.everyday);
    if !tokens.iter().any(is_spoken) {
        return;
    }
    let mut word = String::new();
    for index in 0..tokens.len() {
        let Token { from, to, kind, sense } = tokens[index];
        if kind != Kind::Word
            || !(3..=MAX_WORD_CHARS).contains(&(to - from))
            || sense != Sense::NONE
        {
            continue;
        }
        // Everyday words next to it prove nothing: "for fire" is not a number.
        let before =
            tokens[..index].iter().rev().take(CONTEXT_TOKENS).take_while(|t| t.says_digits());
        let after = tokens[index + 1..].iter().take(CONTEXT_TOKENS).take_while(|t| t.says_digits());
        let has_spoken = before.clone().chain(after.clone()).any(is_spoken);
        let has_neighbors = before.count() + after.count() >= 2;
        if !has_neighbors || !has_spoken {
            continue;
        }
        if let Some(number) = closest_number_word(shadow.word(&shadow.glyphs[from..to], &mut word))
        {
            tokens[index].kind = Kind::Number(Number { everyday: true, ..number });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typo_in_a_number_word_is_corrected() {
        for (typo, value) in [("eihgt", 8), ("sevven", 7), ("fourr", 4), ("cuatr", 4)] {
            assert_eq!(closest_number_word(typo).map(|number| number.value), Some(value), "{typo}");
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
