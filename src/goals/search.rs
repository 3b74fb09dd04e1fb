//! [`words_of`] and [`rank`]: what a search looks for, and the order of what it finds. Pure.

use std::collections::HashSet;

use super::item::GoalsItem;
use super::journal::store::WordMatch;

/// Words that carry no meaning in a question.
const STOP_WORDS: &[&str] = &[
    "a", "about", "am", "an", "and", "any", "are", "as", "at", "be", "been", "but", "by", "can",
    "could", "did", "do", "does", "for", "from", "had", "has", "have", "he", "her", "his", "how",
    "i", "if", "in", "into", "is", "it", "its", "just", "me", "my", "no", "not", "of", "on", "or",
    "our", "out", "she", "should", "so", "some", "than", "that", "the", "their", "them", "then",
    "there", "these", "they", "this", "to", "up", "us", "was", "we", "were", "what", "when",
    "where", "which", "who", "whom", "why", "will", "with", "would", "you", "your",
];

/// Maximum number of words that a search uses.
const MAX_WORDS: usize = 32;

/// The part of its score that a memory retains when another one replaces it.
const SUPERSEDED: f64 = 0.5;

/// The words of a question, without those that carry no meaning, and each once. All words if none is left.
#[must_use]
pub fn words_of(query: &str) -> Vec<String> {
    let mut seen = HashSet::new();
    let all: Vec<String> = query
        .split(|c: char| !c.is_alphanumeric() && c != '\'')
        .map(|word| word.trim_matches('\'').to_lowercase())
        .filter(|word| !word.is_empty() && seen.insert(word.clone()))
        .take(MAX_WORDS)
        .collect();
    let meaningful: Vec<String> =
        all.iter().filter(|word| !STOP_WORDS.contains(&word.as_str())).cloned().collect();
    if meaningful.is_empty() { all } else { meaningful }
}

/// The memories in their order, with scores from 0 to 1. One that another replaces is below what it would be.
#[must_use]
pub fn rank(matches: Vec<WordMatch>, limit: usize) -> Vec<(GoalsItem, f64)> {
    let best = matches.iter().map(|found| found.score).fold(0.0, f64::max);
    let scored = |found: WordMatch| {
        let is_superseded =
            found.item.memory().is_some_and(|memory| memory.superseded_by.is_some());
        let factor = if is_superseded { SUPERSEDED } else { 1.0 };
        let score = if best > 0.0 { found.score / best * factor } else { factor };
        (found.item, score)
    };
    let mut ranked: Vec<_> = matches.into_iter().map(scored).collect();
    ranked.sort_by(|one, other| other.1.total_cmp(&one.1));
    ranked.truncate(limit);
    ranked
}

/// The part of the words that two texts share, from 0 to 1.
#[must_use]
pub fn similarity(one: &str, other: &str) -> f64 {
    let (one, other): (HashSet<_>, HashSet<_>) =
        (words_of(one).into_iter().collect(), words_of(other).into_iter().collect());
    let count = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    let all = count(one.union(&other).count());
    if all > 0.0 { count(one.intersection(&other).count()) / all } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_search_drops_words_without_a_meaning_unless_no_other_is_left() {
        assert_eq!(
            words_of("What is my sister's favorite color?"),
            ["sister's", "favorite", "color"]
        );
        assert_eq!(words_of("who am I"), ["who", "am", "i"]);
        assert_eq!(words_of("\"OR\" NEAR(a b) -x* :"), ["near", "b", "x"]);
    }

    #[test]
    fn goals_search_calls_texts_with_the_same_words_similar() {
        assert!(similarity("I like green tea.", "i like GREEN tea") > 0.99);
        assert!(similarity("I like green tea.", "The car is red.") < 0.01);
    }
}
