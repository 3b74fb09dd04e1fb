//! [`Lexicon`]: the word tables, compiled once, with the senses and digits of each word.
//!
//! This module builds the lookups from the tables and queries them. The tables themselves must not
//! be here. To add words, add them in `number_words/` or `cue/`.

use aho_corasick::automaton::Automaton;
use aho_corasick::{Anchored, MatchKind, dfa};
use once_cell::sync::Lazy;
use rustc_hash::FxHashMap;

use super::cue;
use super::cue::Sense;
use super::number_words;
use super::shadow::plain;

/// A word that says digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Number {
    /// The value: 7, 40, 84, 300. For a repetition, the count of the next digit.
    pub(super) value: u16,
    pub(super) role: Role,
    /// The languages that contain the word, as bits.
    pub(super) languages: u64,
    /// Whether the word is also an everyday word of a language.
    pub(super) everyday: bool,
    /// Whether the word is so common that between digits it is not a number: 2 for 54999, 10 to 12.
    pub(super) common: bool,
}

/// The role of a number word in a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// One digit.
    Unit,
    /// Two digits: fifteen, or a compound like chaurasi.
    Pair,
    /// Two digits; a unit may replace the second: twenty.
    Tens,
    /// Three digits; a pair or a unit may replace the last two or the last one.
    Hundreds,
    /// No digit: repeats the next one.
    Repeat,
    /// No digit: multiplies the number before it: hundred, thousand.
    Scale,
    /// No digit: connects the numbers on both sides. Set by `connector.rs`, not by the tables.
    Link,
}

/// The entry of one word in the tables.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct WordEntry {
    pub(super) number: Option<Number>,
    pub(super) sense: Sense,
}

/// The compiled tables.
pub(super) struct Lexicon {
    entries: FxHashMap<String, WordEntry>,
    /// Stems in ASCII, because most words are ASCII, and all other stems.
    stems: [Stems; 2],
}

/// Parts of words with their senses.
struct Stems {
    automaton: dfa::DFA,
    senses: Vec<Sense>,
}

impl Stems {
    fn of(stems: &[(Sense, String)]) -> Self {
        let automaton = dfa::Builder::new()
            .match_kind(MatchKind::LeftmostFirst)
            // Words are so short that a prefilter costs more than it saves.
            .prefilter(false)
            .build(stems.iter().map(|(_, stem)| stem))
            .expect("the stems are a small constant table");
        Self { automaton, senses: stems.iter().map(|(sense, _)| *sense).collect() }
    }

    fn sense(&self, word: &str) -> Sense {
        let mut sense = Sense::NONE;
        let Ok(mut state) = self.automaton.start_state(Anchored::No) else { return sense };
        for byte in word.bytes() {
            state = self.automaton.next_state(Anchored::No, state, byte);
            if self.automaton.is_special(state) {
                if self.automaton.is_dead(state) {
                    break;
                }
                // The leftmost match; a longer one may follow.
                if self.automaton.is_match(state) {
                    sense = self.senses[self.automaton.match_pattern(state, 0).as_usize()];
                }
            }
        }
        sense
    }
}

/// The lexicon, built on first use or by [`warm_up`](super::warm_up).
pub(super) static LEXICON: Lazy<Lexicon> = Lazy::new(Lexicon::new);

impl Lexicon {
    fn new() -> Self {
        let mut entries = FxHashMap::<String, WordEntry>::default();
        for (index, language) in number_words::ALL.iter().enumerate() {
            for (word, value, role) in number_words(language) {
                let entry = entries.entry(word).or_default();
                let number = entry.number.get_or_insert(Number {
                    value,
                    role,
                    languages: 0,
                    everyday: false,
                    common: false,
                });
                // The first language that contains a word decides its value.
                number.languages |= 1 << index;
            }
        }
        for word in number_words::AMBIGUOUS.split_whitespace() {
            if let Some(WordEntry { number: Some(number), .. }) = entries.get_mut(&plain(word)) {
                number.everyday = true;
            }
        }
        for word in number_words::COMMON.split_whitespace() {
            if let Some(WordEntry { number: Some(number), .. }) = entries.get_mut(&plain(word)) {
                number.common = true;
            }
        }
        for (sense, table) in cue::WORDS {
            for word in table.split_whitespace() {
                let entry = entries.entry(plain(word)).or_default();
                entry.sense = entry.sense.with(*sense);
            }
        }
        let stems = cue::STEMS
            .iter()
            .flat_map(|(sense, table)| table.split_whitespace().map(|stem| (*sense, plain(stem))));
        let (ascii, other): (Vec<_>, Vec<_>) = stems.partition(|(_, stem)| stem.is_ascii());
        Self { entries, stems: [Stems::of(&ascii), Stems::of(&other)] }
    }

    /// Returns the entry of `word`, which must be in plain form.
    pub(super) fn entry(&self, word: &str) -> WordEntry {
        if let Some(entry) = self.entries.get(word) {
            return *entry;
        }
        let stems = &self.stems[usize::from(!word.is_ascii())];
        WordEntry { number: None, sense: stems.sense(word) }
    }

    /// Returns all number words, in plain form.
    pub(super) fn numbers(&self) -> impl Iterator<Item = (&str, Number)> {
        self.entries.iter().filter_map(|(word, entry)| Some((word.as_str(), entry.number?)))
    }
}

/// Returns the words of one language with their values and roles.
fn number_words(language: &number_words::NumberWords) -> Vec<(String, u16, Role)> {
    let mut all = Vec::new();
    let mut add = |table: &str, value: u16, role: Role| {
        all.extend(table.split_whitespace().map(|word| (plain(word), value, role)));
    };
    for (value, table) in (0..).zip(language.units) {
        add(table, value, Role::Unit);
    }
    for (value, table) in (10..).zip(language.teens) {
        add(table, value, Role::Pair);
    }
    for (value, table) in (20..).step_by(10).zip(language.tens) {
        add(table, value, Role::Tens);
    }
    for (value, table) in language.compounds {
        let role = match value {
            0..10 => Role::Unit,
            10..100 => Role::Pair,
            _ => Role::Hundreds,
        };
        add(table, *value, role);
    }
    for (value, table) in (2..).zip(language.repeats) {
        add(table, value, Role::Repeat);
    }
    for (value, table) in [10, 100, 1000].into_iter().zip(language.scales) {
        add(table, value, Role::Scale);
    }
    if !language.joint.is_empty() {
        for (unit, units) in (1..).zip(&language.units[1..]) {
            for (ten, tens) in (20..).step_by(10).zip(language.tens) {
                for (unit_word, ten_word) in units
                    .split_whitespace()
                    .flat_map(|unit| tens.split_whitespace().map(move |ten| (unit, ten)))
                {
                    let word = [unit_word, language.joint, ten_word].concat();
                    add(&word, ten + unit, Role::Pair);
                }
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lexicon_word_has_a_value_per_language() {
        let seis = LEXICON.entry("seis").number.expect("\"seis\" is a number word");
        assert_eq!((seis.value, seis.role), (6, Role::Unit));
        assert!(seis.languages.count_ones() >= 2);
        assert_eq!(LEXICON.entry("eighty").number.map(|n| n.role), Some(Role::Tens));
        assert_eq!(
            LEXICON.entry("double").number.map(|n| (n.value, n.role)),
            Some((2, Role::Repeat))
        );
        assert_eq!(LEXICON.entry("phone").number, None);
    }

    #[test]
    fn lexicon_matches_inflected_words_by_stem() {
        assert!(LEXICON.entry("handynummer").sense.has(Sense::PHONE));
        assert!(LEXICON.entry(&plain("телефону")).sense.has(Sense::PHONE));
        assert!(LEXICON.entry(&plain("我的电话是")).sense.has(Sense::PHONE));
        assert_eq!(LEXICON.entry("banana").sense, Sense::NONE);
    }
}
