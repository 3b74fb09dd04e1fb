//! [`Masked`]: the only type of text that one stranger may send to another.
//!
//! This module contains the type, the replacement of findings and the stored form. The rules that find
//! contact details must not be here. To change masked text, use [`Masked::map_text`].

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::rule::Finding;

/// Replacement for each finding.
pub const HIDDEN: &str = "[hidden]";

/// Text that passed through the masker, or whose sender switched the masker off.
///
/// It is cheap to clone. Only the masker constructs it: there is no public constructor, no conversion
/// from a string and no `Deserialize`. The one exception is [`Masked::from_stored`].
///
/// ```compile_fail,E0624
/// random_connect::mask::Masked::from_stored(br#"{"text":"call 9876543210","hidden":0}"#);
/// ```
///
/// ```compile_fail,E0277
/// serde_json::from_str::<random_connect::mask::Masked>("{}");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Masked {
    text: Arc<str>,
    hidden: u32,
}

/// The stored form of a [`Masked`], as JSON. Stores contain it, so the names of the fields must not change.
#[derive(Serialize, Deserialize)]
struct StoredText<'a> {
    text: Cow<'a, str>,
    hidden: u32,
}

impl Masked {
    /// Replaces each of `found`. The findings must be in order, on character boundaries and without
    /// overlaps.
    pub(super) fn with_hidden(text: &str, found: &[Finding]) -> Self {
        if found.is_empty() {
            return Self::unchanged(text);
        }
        let masked = hide(text, found);
        let hidden = u32::try_from(found.len()).unwrap_or(u32::MAX);
        Self { text: masked.into(), hidden }
    }

    /// Returns `text` without a replacement.
    pub(super) fn unchanged(text: &str) -> Self {
        Self { text: text.into(), hidden: 0 }
    }

    /// Reads the stored form of a text. `None` if `stored` is something else.
    ///
    /// This is the only way past the masker. A store needs it, because the text was masked before it was stored, for
    /// the sender state of that moment; masking it again could hide what its reader has already read. Only a
    /// `store_*` file may call it, with bytes that [`Masked::to_stored`] has returned and that only this server
    /// could have written there: the file opens them with the keyring. `tests/it/architecture.rs` checks the files.
    pub(crate) fn from_stored(stored: &[u8]) -> Option<Self> {
        let StoredText { text, hidden } = serde_json::from_slice(stored).ok()?;
        Some(Self { text: text.into(), hidden })
    }

    /// Returns the form for a store, which [`Masked::from_stored`] reads. `None` is not expected.
    pub(crate) fn to_stored(&self) -> Option<Vec<u8>> {
        let stored = StoredText { text: Cow::Borrowed(&self.text), hidden: self.hidden };
        serde_json::to_vec(&stored).ok()
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
        let pieces = Masked::unchanged(text).split_at(limit);
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
        let pieces = Masked::unchanged(&text).split_at(100);
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
        assert!(!format!("{:?}", Masked::unchanged("meet at noon")).contains("noon"));
    }
    #[test]
    fn masked_stored_form_round_trips_with_the_frozen_names() {
        let masked = Masked { text: "call [hidden]".into(), hidden: 1 };
        let stored = masked.to_stored().expect("JSON");
        assert_eq!(stored, br#"{"text":"call [hidden]","hidden":1}"#);
        assert!(Masked::from_stored(&stored) == Some(masked));
        for other in [&br#"{"text":"x"}"#[..], b"\"x\"", b"x", b""] {
            assert!(Masked::from_stored(other).is_none());
        }
    }
}
