//! [`PhraseContext`]: the phrase, the current date and the notes that a reading collects.

use std::cell::RefCell;
use std::ops::Range;

use jiff::civil::Date;

use super::error::{WhenError, WhenReading};
use super::word::Word;

/// The surroundings of a reading.
pub(super) struct PhraseContext<'a> {
    pub phrase: &'a str,
    pub today: Date,
    /// Hints that go with the answer. A cell, because readings are tried and share the context.
    notes: RefCell<Vec<String>>,
}

impl<'a> PhraseContext<'a> {
    pub const fn new(phrase: &'a str, today: Date) -> Self {
        Self { phrase, today, notes: RefCell::new(Vec::new()) }
    }

    /// Adds a hint, once.
    pub fn note(&self, note: impl Into<String>) {
        let note = note.into();
        let mut notes = self.notes.borrow_mut();
        if !notes.contains(&note) {
            notes.push(note);
        }
    }

    pub fn into_notes(self) -> Vec<String> {
        self.notes.into_inner()
    }

    /// The phrase with the words in `range` replaced.
    pub fn with_replaced(&self, range: Range<usize>, words: &str) -> String {
        format!("{}{words}{}", &self.phrase[..range.start], &self.phrase[range.end..])
    }

    /// An error for `words` that can mean any of `dates`.
    pub fn ambiguous(&self, words: &[Word], why: &str, dates: &[Date]) -> WhenError {
        let range = range_of(words);
        let reading = |date: &Date| WhenReading {
            date: *date,
            text: self.with_replaced(range.clone(), &date.to_string()),
        };
        WhenError::Ambiguous {
            words: self.phrase[range.clone()].to_owned(),
            why: why.to_owned(),
            readings: dates.iter().map(reading).collect(),
        }
    }

    pub fn impossible(&self, words: &[Word], reason: &'static str) -> WhenError {
        WhenError::Impossible { words: self.phrase[range_of(words)].to_owned(), reason }
    }
}

/// The bytes from the first to the last of `words`.
fn range_of(words: &[Word]) -> Range<usize> {
    match (words.first(), words.last()) {
        (Some(first), Some(last)) => first.range.start..last.range.end,
        _ => 0..0,
    }
}
