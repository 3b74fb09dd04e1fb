//! [`WordTable`]: an automaton as one table of transitions, for the scan of every text.
//!
//! This module only finds words. The words, and how many of them matter, belong in `prefilter.rs`.

use std::collections::VecDeque;

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::{Anchored, PatternID, nfa};
use rustc_hash::FxHashMap;

/// A word that the scan found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    /// Length in bytes.
    pub(super) len: usize,
    /// Index of the word among the patterns.
    pub(super) pattern: usize,
}

/// A scan that reads one byte at a time.
pub(super) trait WordScan {
    type State: Copy;

    /// Returns the state before the first byte, and after a word that was found.
    fn start(&self) -> Option<Self::State>;

    /// Returns the state after `byte`. No word may end at `state`: a scan starts again after one.
    fn next(&self, state: Self::State, byte: u8) -> Self::State;

    /// Returns the word that ends at `state`.
    fn hit(&self, state: Self::State) -> Option<Hit>;
}

/// The transitions of an automaton for few distinct bytes.
///
/// It takes fewer steps per byte than the automata of the library, which translate each byte and
/// check for states that this scan has not.
pub(super) struct WordTable {
    /// The column of each byte.
    columns: [u8; 256],
    /// For each state a row of next states: the start of their row, or [`IS_HIT`] and the index of
    /// a pattern.
    next: Vec<u32>,
    /// Length of each pattern in bytes.
    lens: Vec<usize>,
}

/// The bit of a state at which a word ends.
const IS_HIT: u32 = 1 << 31;

impl WordTable {
    /// Builds the table of `automaton`, a standard one, which reads each byte as its `class`.
    pub(super) fn of(automaton: &nfa::noncontiguous::NFA, class: impl Fn(u8) -> u8) -> Self {
        let mut classes: Vec<u8> = (0..=u8::MAX).map(&class).collect();
        classes.sort_unstable();
        classes.dedup();
        let column = |byte| classes.partition_point(|other| *other < class(byte));
        let mut columns = [0; 256];
        for (entry, byte) in columns.iter_mut().zip(0..=u8::MAX) {
            *entry = u8::try_from(column(byte)).unwrap_or(0);
        }
        let lens = automaton.patterns_len();
        let lens = (0..lens).filter_map(|index| PatternID::new(index).ok());
        let lens = lens.map(|pattern| automaton.pattern_len(pattern)).collect();
        let mut table = Self { columns, next: Vec::new(), lens };
        let Ok(start) = automaton.start_state(Anchored::No) else { return table };
        let number = |index: usize| u32::try_from(index).unwrap_or(0);
        let mut rows = FxHashMap::<StateID, u32>::from_iter([(start, 0)]);
        let mut states = VecDeque::from([start]);
        while let Some(state) = states.pop_front() {
            for class in &classes {
                let next = automaton.next_state(Anchored::No, state, *class);
                if automaton.is_match(next) {
                    let pattern = automaton.match_pattern(next, 0);
                    table.next.push(number(pattern.as_usize()) | IS_HIT);
                    continue;
                }
                let new = number(rows.len() * classes.len());
                let row = *rows.entry(next).or_insert(new);
                if row == new {
                    states.push_back(next);
                }
                table.next.push(row);
            }
        }
        table
    }
}

impl WordScan for WordTable {
    type State = u32;

    fn start(&self) -> Option<u32> {
        Some(0)
    }

    #[inline]
    fn next(&self, state: u32, byte: u8) -> u32 {
        let column = self.columns[usize::from(byte)];
        self.next[state as usize + usize::from(column)]
    }

    #[inline]
    fn hit(&self, state: u32) -> Option<Hit> {
        let pattern = (state & !IS_HIT) as usize;
        (state & IS_HIT != 0).then(|| Hit { len: self.lens[pattern], pattern })
    }
}

/// A scan by an automaton of the library, for words of many distinct bytes.
pub(super) struct CompactScan<A> {
    pub(super) automaton: A,
    /// The class of each byte.
    pub(super) classes: &'static [u8; 256],
}

impl<A: Automaton> WordScan for CompactScan<A> {
    type State = StateID;

    fn start(&self) -> Option<StateID> {
        self.automaton.start_state(Anchored::No).ok()
    }

    #[inline]
    fn next(&self, state: StateID, byte: u8) -> StateID {
        self.automaton.next_state(Anchored::No, state, self.classes[usize::from(byte)])
    }

    #[inline]
    fn hit(&self, state: StateID) -> Option<Hit> {
        if !self.automaton.is_special(state) || !self.automaton.is_match(state) {
            return None;
        }
        let pattern = self.automaton.match_pattern(state, 0);
        Some(Hit { len: self.automaton.pattern_len(pattern), pattern: pattern.as_usize() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn word_table_finds_the_words_of_its_automaton() {
        let words = ["nine", "won", "one"];
        let automaton = nfa::noncontiguous::Builder::new().build(words).expect("three words");
        let table = WordTable::of(&automaton, |byte| byte.to_ascii_lowercase());
        for (text, expected) in [
            ("xNINE", Some(Hit { len: 4, pattern: 0 })),
            ("wo", None),
            ("sWon", Some(Hit { len: 3, pattern: 1 })),
            ("onx", None),
        ] {
            let mut state = table.start().expect("a table has a start");
            for byte in text.bytes() {
                state = table.next(state, byte);
            }
            assert_eq!(table.hit(state), expected, "{text}");
        }
    }
}
