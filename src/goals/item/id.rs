//! [`ItemId`]: the id of an item, and [`ItemIds`], which creates them.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::kernel::clock::Timestamp;

/// Digits of Crockford's Base32 in lower case, in the order of their values.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Number of digits after the letter: 48 bits for the time in milliseconds, and 32 random ones.
const LENGTH: usize = 16;

/// The kind of an item, which is the first letter of its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ItemKind {
    /// A part of life that goals belong to, such as health.
    Area,
    Goal,
    Task,
    Memory,
    /// One completion of a task.
    Completion,
    /// The settings of the owner: one item with a fixed id.
    Profile,
}

impl ItemKind {
    pub const ALL: [Self; 6] =
        [Self::Area, Self::Goal, Self::Task, Self::Memory, Self::Completion, Self::Profile];

    /// The first letter of the ids.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::Area => 'a',
            Self::Goal => 'g',
            Self::Task => 't',
            Self::Memory => 'm',
            Self::Completion => 'c',
            Self::Profile => 'p',
        }
    }

    /// The kind in words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Area => "life area",
            Self::Goal => "goal",
            Self::Task => "task",
            Self::Memory => "memory",
            Self::Completion => "completion",
            Self::Profile => "profile",
        }
    }

    /// The kind with this letter.
    #[must_use]
    pub fn of_letter(letter: char) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.letter() == letter)
    }
}

/// The id of an item: a letter for its kind and 16 digits. Unique for an owner; later ids are greater.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemId(Arc<str>);

/// A text is no id of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an id is a letter and 16 digits, as in an answer of this server")]
pub struct InvalidItemId;

impl ItemId {
    /// The id of the owner's profile.
    #[must_use]
    pub fn profile() -> Self {
        Self::of(ItemKind::Profile, 0)
    }

    fn of(kind: ItemKind, value: u128) -> Self {
        let mut text = String::with_capacity(LENGTH + 1);
        text.push(kind.letter());
        for digit in (0..LENGTH).rev() {
            let index = (value >> (5 * digit)) & 31;
            text.push(char::from(DIGITS[usize::try_from(index).unwrap_or_default()]));
        }
        Self(text.into())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    #[must_use]
    pub fn kind(&self) -> ItemKind {
        let letter = self.0.chars().next().and_then(ItemKind::of_letter);
        letter.unwrap_or(ItemKind::Task)
    }
}

impl FromStr for ItemId {
    type Err = InvalidItemId;

    fn from_str(text: &str) -> Result<Self, InvalidItemId> {
        let text = text.trim();
        let mut characters = text.chars();
        let kind = characters.next().and_then(ItemKind::of_letter);
        let is_digit = |digit: char| u8::try_from(digit).is_ok_and(|byte| DIGITS.contains(&byte));
        if kind.is_none() || text.len() != LENGTH + 1 || !characters.all(is_digit) {
            return Err(InvalidItemId);
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for ItemId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ItemId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Creates the ids of one write, in increasing order.
#[derive(Clone, Debug)]
pub struct ItemIds {
    next: u128,
}

impl ItemIds {
    /// `seed` is random, so that writes in the same millisecond have other ids.
    #[must_use]
    pub fn new(at: Timestamp, seed: u32) -> Self {
        let time = u128::from(at.as_millis()) & ((1 << 48) - 1);
        Self { next: (time << 32) | u128::from(seed) }
    }

    pub fn create(&mut self, kind: ItemKind) -> ItemId {
        let id = ItemId::of(kind, self.next);
        self.next += 1;
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_ids_of_one_write_are_different_and_increase() {
        let mut ids = ItemIds::new(Timestamp::from_millis(1_790_000_000_000), u32::MAX);
        let created: Vec<_> = (0..300).map(|_| ids.create(ItemKind::Task)).collect();
        assert!(created.is_sorted() && created.windows(2).all(|two| two[0] != two[1]));
        for id in &created {
            assert_eq!(id.as_str().parse(), Ok(id.clone()));
            assert_eq!(id.kind(), ItemKind::Task);
        }
    }

    #[test]
    fn goals_ids_of_another_form_are_refused() {
        for text in [
            "",
            "t",
            "x0123456789abcdef",
            "t0123456789abcdeu",
            "t0123456789abcde",
            "t0123456789abcdef0",
        ] {
            assert_eq!(text.parse::<ItemId>(), Err(InvalidItemId), "{text:?}");
        }
        assert!(" t0123456789abcdef ".parse::<ItemId>().is_ok());
    }
}
