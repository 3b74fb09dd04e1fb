//! [`Masked`]: the only type of text that one stranger may send to another.
//!
//! This module contains the type and the replacement of findings. The rules that find contact
//! details must not be here. To change masked text, use [`Masked::map_text`].

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::rule::Finding;

/// Replacement for each finding.
pub const HIDDEN: &str = "[hidden]";

/// Text that passed through the masker, or whose sender switched the masker off.
///
/// It is cheap to clone. Stores may serialize it and read it back.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Masked {
    text: Arc<str>,
    hidden: u32,
}

impl Masked {
    /// Replaces each of `found`. The findings must be in order, on character boundaries and without
    /// overlaps.
    pub(super) fn with_hidden(text: &str, found: &[Finding]) -> Self {
        if found.is_empty() {
            return Self::waived(text);
        }
        let masked = hide(text, found);
        let hidden = u32::try_from(found.len()).unwrap_or(u32::MAX);
        Self { text: masked.into(), hidden }
    }

    /// Returns `text` unchanged, because its sender switched the masker off.
    #[must_use]
    pub fn waived(text: &str) -> Self {
        Self { text: text.into(), hidden: 0 }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the number of hidden ranges.
    #[must_use]
    pub const fn hidden(&self) -> u32 {
        self.hidden
    }

    /// Replaces the text with the result of `reword`, for changes after masking.
    ///
    /// `reword` is a function pointer, so that it cannot capture any text but the masked one.
    #[must_use]
    pub fn map_text(self, reword: fn(&str) -> Cow<'_, str>) -> Self {
        match reword(&self.text) {
            Cow::Borrowed(_) => self,
            Cow::Owned(text) => Self { text: text.into(), ..self },
        }
    }

    /// Splits the text into pieces of at most `limit` characters.
    ///
    /// A piece ends at the last space or line end in its last quarter, if it has one. The first
    /// piece carries the count of hidden ranges.
    #[must_use]
    pub fn split_at(self, limit: usize) -> Vec<Self> {
        // A character has at least one byte, so most texts need no counting.
        if self.text.len() <= limit {
            return vec![self];
        }
        let mut pieces = Vec::new();
        let (mut rest, mut hidden) = (&*self.text, self.hidden);
        while let Some((end, _)) = rest.char_indices().nth(limit.max(1)) {
            let space = rest[..end].rfind(char::is_whitespace).filter(|index| *index > end / 4 * 3);
            let (piece, tail) = rest.split_at(space.unwrap_or(end));
            pieces.push(Self { text: piece.into(), hidden: std::mem::take(&mut hidden) });
            rest = tail.trim_start();
        }
        if !rest.is_empty() {
            pieces.push(Self { text: rest.into(), hidden });
        }
        pieces
    }
}

/// Returns `text` with [`HIDDEN`] in place of each of `found`, which must be as in
/// [`Masked::with_hidden`].
pub(super) fn hide(text: &str, found: &[Finding]) -> String {
    let mut masked = String::with_capacity(text.len() + found.len() * HIDDEN.len());
    let mut from = 0;
    for Finding { range, .. } in found {
        masked.push_str(&text[from..range.start]);
        masked.push_str(HIDDEN);
        from = range.end;
    }
    masked.push_str(&text[from..]);
    masked
}

/// Shows the count of hidden ranges, but never the text.
impl std::fmt::Debug for Masked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Masked").field("hidden", &self.hidden).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(text: &str, limit: usize) -> Vec<usize> {
        let pieces = Masked::waived(text).split_at(limit);
        pieces.iter().map(|piece| piece.as_str().chars().count()).collect()
    }

    #[test]
    fn masked_split_keeps_short_text_whole() {
        assert_eq!(lengths("नमस्ते", 6), [6]);
        assert_eq!(lengths("", 6), [0]);
    }

    #[test]
    fn masked_split_cuts_at_spaces() {
        let text = "word ".repeat(1_000);
        let pieces = Masked::waived(&text).split_at(100);
        assert!(pieces.iter().all(|piece| piece.as_str().chars().count() <= 100));
        let words: usize = pieces.iter().map(|p| p.as_str().split_whitespace().count()).sum();
        assert_eq!(words, 1_000);
    }

    #[test]
    fn masked_split_cuts_between_characters_without_spaces() {
        assert_eq!(lengths(&"é".repeat(25), 10), [10, 10, 5]);
    }

    #[test]
    fn masked_debug_is_redacted() {
        assert!(!format!("{:?}", Masked::waived("meet at noon")).contains("noon"));
    }
}
