//! [`Memory`]: the digits of a sender's recent short messages, which may be fragments of a number.
//!
//! This module stores fragments and expires them. It must not store any text. The messages that are
//! fragments are recognized in `fragment.rs`. Stores contain serialized memories, so the names of
//! the fields must not change.

use serde::{Deserialize, Serialize};

use super::shape::is_indian_mobile;

/// Maximum age of a fragment, in messages.
pub(super) const MAX_FRAGMENT_AGE: u8 = 12;
/// Maximum number of fragments.
const MAX_FRAGMENTS: usize = 12;
/// Maximum number of digits: more than any phone number has.
pub(super) const MAX_DIGITS: usize = 16;

/// The digits and kinds of one sender's last messages, without any text. It uses no heap memory.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// The digits of the fragments, four bits each, with the newest digit in the lowest bits.
    digits: u64,
    /// Number of digits per fragment, oldest first.
    lengths: [u8; MAX_FRAGMENTS],
    /// Age per fragment, in messages, oldest first.
    ages: [u8; MAX_FRAGMENTS],
    /// Number of fragments.
    pieces: u8,
    /// Number of further messages that a cue for a phone number applies to.
    pub(super) cued: u8,
    /// Number of further messages that a label (a code, a score, an age) applies to.
    pub(super) labelled: u8,
}

/// Never shows the digits.
impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}

impl Memory {
    /// Returns `true` if the memory contains no fragment and no cue.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the number of digits of each fragment, oldest first.
    pub(super) fn lengths(&self) -> &[u8] {
        &self.lengths[..usize::from(self.pieces).min(MAX_FRAGMENTS)]
    }

    /// Returns `true` if there are at least two fragments and all may be words: a word says at
    /// most two digits, and one message few words.
    pub(super) fn continues_words(&self) -> bool {
        self.lengths().len() >= 2 && self.lengths().iter().all(|length| *length <= 3)
    }

    /// Returns this memory with the fragment `opening` before all others. The oldest fragments that
    /// exceed the limits are missing.
    pub(super) fn with_opening(&self, opening: &[u8]) -> Self {
        let mut memory = Self { cued: self.cued, labelled: self.labelled, ..Self::default() };
        memory.add(opening);
        let digits = self.digits();
        let mut rest = digits.as_slice();
        for length in self.lengths() {
            let (fragment, others) = rest.split_at(usize::from(*length).min(rest.len()));
            memory.add(fragment);
            rest = others;
        }
        memory
    }

    /// Returns the number of digits of all fragments.
    pub(super) fn digit_count(&self) -> usize {
        self.lengths().iter().map(|length| usize::from(*length)).sum::<usize>().min(MAX_DIGITS)
    }

    /// Returns the digits, oldest first.
    pub(super) fn digits(&self) -> Vec<u8> {
        let digit_count = self.digit_count();
        (0..digit_count).rev().map(|position| (self.digits >> (4 * position) & 0xf) as u8).collect()
    }

    /// Returns the value of each fragment, oldest first.
    pub(super) fn values(&self) -> Vec<u64> {
        let digits = self.digits();
        let mut from = 0;
        let mut values = Vec::new();
        for length in self.lengths() {
            let to = (from + usize::from(*length)).min(digits.len());
            values.push(
                digits[from..to].iter().fold(0, |value, digit| value * 10 + u64::from(*digit)),
            );
            from = to;
        }
        values
    }

    /// Removes the oldest fragment.
    fn remove_oldest(&mut self) {
        self.lengths.rotate_left(1);
        self.ages.rotate_left(1);
        (self.lengths[MAX_FRAGMENTS - 1], self.ages[MAX_FRAGMENTS - 1]) = (0, 0);
        self.pieces = self.pieces.saturating_sub(1);
        // Clears the digits instead of only not counting them.
        let bits = 4 * u32::try_from(self.digit_count()).unwrap_or(0);
        self.digits &= u64::MAX.checked_shr(u64::BITS - bits).unwrap_or(0);
    }

    /// Adds a fragment; removes old fragments that exceed the limits.
    pub(super) fn add(&mut self, digits: &[u8]) {
        let digits = &digits[digits.len().saturating_sub(MAX_DIGITS)..];
        while usize::from(self.pieces) >= MAX_FRAGMENTS
            || self.pieces > 0 && self.digit_count() + digits.len() > MAX_DIGITS
        {
            self.remove_oldest();
        }
        for digit in digits {
            self.digits = self.digits << 4 | u64::from(*digit & 0xf);
        }
        let index = usize::from(self.pieces);
        self.lengths[index] = u8::try_from(digits.len()).unwrap_or(u8::MAX);
        self.ages[index] = 0;
        self.pieces += 1;
    }

    /// Ages all fragments and cues by one message, and removes expired fragments.
    pub(super) fn age_by_one(&mut self) {
        let count = usize::from(self.pieces).min(MAX_FRAGMENTS);
        for age in &mut self.ages[..count] {
            *age = age.saturating_add(1);
        }
        while self.pieces > 0 && self.ages[0] >= MAX_FRAGMENT_AGE {
            self.remove_oldest();
        }
        self.cued = self.cued.saturating_sub(1);
        self.labelled = self.labelled.saturating_sub(1);
    }

    /// Removes all fragments, but no cue.
    pub(super) fn clear_fragments(&mut self) {
        *self = Self { cued: self.cued, labelled: self.labelled, ..Self::default() };
    }

    /// Returns `true` if the last digits are a mobile number that starts with a fragment.
    pub(super) fn ends_mobile(&self, digits: &[u8]) -> bool {
        let mut from = 0;
        self.lengths().iter().any(|length| {
            let tail = digits.get(from..).unwrap_or_default();
            from += usize::from(*length);
            is_indian_mobile(tail)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::mask_next;

    #[test]
    fn mask_memory_is_small_and_redacted() {
        assert!(size_of::<Memory>() <= 48);
        let (_, memory) = mask_next("85807", &Memory::default());
        assert!(!memory.is_empty());
        assert!(!format!("{memory:?}").contains('8'));
    }

    #[test]
    fn mask_memory_round_trips_through_serde() {
        let (_, memory) = mask_next("85807", &Memory::default());
        let stored = serde_json::to_string(&memory).expect("the memory serializes");
        assert_eq!(
            serde_json::from_str::<Memory>(&stored).expect("the memory deserializes"),
            memory
        );
    }
}
