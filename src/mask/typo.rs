//! Number words with one slip of the finger, known by the number words beside them.
//!
//! What lives here: finding the number word that a neighbour of one was meant to be. What must
//! not: misspellings that people use on purpose (see `words/`).

use once_cell::sync::Lazy;
use rustc_hash::FxHashMap;

use super::cue::Sense;
use super::lexicon::{LEXICON, Number, Role};
use super::shadow::Shadow;
use super::token::{Kind, Token};

/// Number words of four letters or more, whole and with any one letter left out.
static NEAR_MISSES: Lazy<FxHashMap<String, Number>> = Lazy::new(|| {
    let mut near = FxHashMap::default();
    for (word, number) in LEXICON.numbers() {
        if !matches!(number.role, Role::Repeat | Role::Scale)
            && (4..=MAX_WORD_CHARS + 1).contains(&word.chars().count())
        {
            near.extend(one_letter_dropped(word).map(|short| (short, number)));
        }
    }
    // Whole words win over shortened ones of others.
    near.extend(
        LEXICON
            .numbers()
            .filter(|(word, _)| word.chars().count() <= MAX_WORD_CHARS)
            .map(|(word, number)| (word.to_owned(), number)),
    );
    near
});

/// The longest word that is looked up.
const MAX_WORD_CHARS: usize = 10;

/// How many tokens on either side tell whether digits are being said.
const CONTEXT_TOKENS: usize = 4;

/// Builds the table now rather than at the first slip.
pub(super) fn warm_up() {
    Lazy::force(&NEAR_MISSES);
}

/// `word` with each of its letters left out in turn.
fn one_letter_dropped(word: &str) -> impl Iterator<Item = String> + '_ {
    word.char_indices().map(|(at, c)| [&word[..at], &word[at + c.len_utf8()..]].concat())
}

/// The number word that is at most one letter left out, added, changed or swapped from `word`.
fn closest_number_word(word: &str) -> Option<Number> {
    let found = NEAR_MISSES.get(word).copied();
    if found.is_some() || word.chars().count() < 4 {
        // Two letters of three are like too many words: "now" is no "no".
        return found;
    }
    one_letter_dropped(word).find_map(|short| NEAR_MISSES.get(&short).copied())
}

/// Makes number words of unknown words between two number words, or beside two of them.
pub(super) fn correct(shadow: &Shadow, tokens: &mut [Token]) {
    let is_spoken = |token: &Token| matches!(token.kind, Kind::Number(n) if !n.everyday);
    if !tokens.iter().any(is_spoken) {
        return;
    }
    let mut word = String::new();
    for at in 0..tokens.len() {
        let Token { from, to, kind, sense } = tokens[at];
        if kind != Kind::Word
            || !(3..=MAX_WORD_CHARS).contains(&(to - from))
            || sense != Sense::NONE
        {
            continue;
        }
        // Everyday words beside it prove nothing: "for fire" is no number.
        let before = tokens[..at].iter().rev().take(CONTEXT_TOKENS).take_while(|t| t.says_digits());
        let after = tokens[at + 1..].iter().take(CONTEXT_TOKENS).take_while(|t| t.says_digits());
        let spoken = before.clone().chain(after.clone()).any(is_spoken);
        let beside = before.count() + after.count() >= 2;
        if !beside || !spoken {
            continue;
        }
        if let Some(number) = closest_number_word(shadow.word(&shadow.glyphs[from..to], &mut word))
        {
            tokens[at].kind = Kind::Number(Number { everyday: true, ..number });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typo_in_a_number_word_is_corrected() {
        for (slip, value) in [("eihgt", 8), ("sevven", 7), ("fourr", 4), ("cuatr", 4)] {
            assert_eq!(closest_number_word(slip).map(|number| number.value), Some(value), "{slip}");
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
