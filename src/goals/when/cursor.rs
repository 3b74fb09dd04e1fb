//! [`PhraseCursor`]: a position in the words of a phrase. Copying it is the way to try a reading.

use super::vocabulary::{self, SpanUnit};
use super::word::{Word, WordKind};

/// A position in a phrase.
#[derive(Clone, Copy)]
pub(super) struct PhraseCursor<'a> {
    pub words: &'a [Word],
    pub at: usize,
}

impl<'a> PhraseCursor<'a> {
    pub fn kind(&self) -> Option<&'a WordKind> {
        self.words.get(self.at).map(|word| &word.kind)
    }

    /// The text of a name; empty for other words and at the end.
    pub fn name(&self) -> &'a str {
        match self.words.get(self.at) {
            Some(Word { kind: WordKind::Name, text, .. }) => text,
            _ => "",
        }
    }

    pub fn is_at_end(&self) -> bool {
        self.at >= self.words.len()
    }

    /// Passes the word if it is one of `names`.
    pub fn take(&mut self, names: &[&str]) -> bool {
        let found = !self.name().is_empty() && names.contains(&self.name());
        self.at += usize::from(found);
        found
    }

    /// Passes all `names` in their order, or none.
    pub fn take_all(&mut self, names: &[&str]) -> bool {
        let mut ahead = *self;
        let found = names.iter().all(|name| ahead.take(&[name]));
        if found {
            *self = ahead;
        }
        found
    }

    pub fn take_kind(&mut self, kind: &WordKind) -> bool {
        let found = self.kind() == Some(kind);
        self.at += usize::from(found);
        found
    }

    /// Passes the name if `read` knows it.
    pub fn read<T>(&mut self, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let value = read(self.name())?;
        self.at += 1;
        Some(value)
    }

    /// A cardinal number in digits or letters.
    pub fn number(&mut self) -> Option<u32> {
        if let Some(WordKind::Number(number)) = self.kind() {
            self.at += 1;
            return Some(*number);
        }
        self.read(vocabulary::number)
    }

    /// A number of units: also `a`, `an`, `a couple of`.
    pub fn amount(&mut self) -> Option<u32> {
        if self.take_all(&["a", "couple", "of"]) || self.take_all(&["a", "couple"]) {
            return Some(2);
        }
        if self.take(&["a", "an"]) { Some(1) } else { self.number() }
    }

    /// A unit; `business days` are workdays.
    pub fn unit(&mut self) -> Option<SpanUnit> {
        if self.take_all(&["business", "days"]) || self.take_all(&["business", "day"]) {
            return Some(SpanUnit::Workday);
        }
        if self.take_all(&["working", "days"]) || self.take_all(&["working", "day"]) {
            return Some(SpanUnit::Workday);
        }
        self.read(vocabulary::unit)
    }

    /// An ordinal in digits or letters; -1 for `last`.
    pub fn ordinal(&mut self) -> Option<i32> {
        if let Some(WordKind::Ordinal(number)) = self.kind() {
            self.at += 1;
            return i32::try_from(*number).ok();
        }
        self.read(vocabulary::ordinal)
    }

    /// A year of four digits, after an optional comma.
    pub fn year(&mut self) -> Option<i16> {
        let mut ahead = *self;
        ahead.take_kind(&WordKind::Comma);
        let Some(WordKind::Number(year @ 1000..=9999)) = ahead.kind() else { return None };
        self.at = ahead.at + 1;
        i16::try_from(*year).ok()
    }

    /// The texts of the words from `from` to here.
    pub fn since(&self, from: usize) -> String {
        let words = self.words.get(from..self.at.min(self.words.len())).unwrap_or_default();
        words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
    }
}
