//! The text that may pass from one stranger to another.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::rule::Finding;

/// What stands in the place of a number.
pub const HIDDEN: &str = "[hidden]";

/// Text that went through the masker, or whose sender switched it off. Cheap to clone. Stores may
/// write it down and read it back.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Masked {
    text: Arc<str>,
    hidden: u32,
}

impl Masked {
    /// Replaces each of `found`, which are in order, do not overlap and end between characters.
    pub(super) fn with_hidden(text: &str, found: &[Finding]) -> Self {
        if found.is_empty() {
            return Self::waived(text);
        }
        let shown = hide(text, found);
        let hidden = u32::try_from(found.len()).unwrap_or(u32::MAX);
        Self { text: shown.into(), hidden }
    }

    /// The text as it is, because its sender wants it so.
    #[must_use]
    pub fn waived(text: &str) -> Self {
        Self { text: text.into(), hidden: 0 }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How many numbers were hidden.
    #[must_use]
    pub const fn hidden(&self) -> u32 {
        self.hidden
    }

    /// The text in other words, for what is done to it on its way once it is masked. A function
    /// without memory has nothing but the masked text to make them of.
    #[must_use]
    pub fn map_text(self, reword: fn(&str) -> Cow<'_, str>) -> Self {
        match reword(&self.text) {
            Cow::Borrowed(_) => self,
            Cow::Owned(text) => Self { text: text.into(), ..self },
        }
    }

    /// The text in pieces of at most `limit` characters, cut at a space or line end where there
    /// is one in a piece's last quarter. The count of hidden numbers goes with the first.
    #[must_use]
    pub fn split_at(self, limit: usize) -> Vec<Self> {
        // A character is at least a byte: most texts need no counting.
        if self.text.len() <= limit {
            return vec![self];
        }
        let mut pieces = Vec::new();
        let (mut rest, mut hidden) = (&*self.text, self.hidden);
        while let Some((end, _)) = rest.char_indices().nth(limit.max(1)) {
            let space = rest[..end].rfind(char::is_whitespace).filter(|at| *at > end / 4 * 3);
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

/// `text` with [`HIDDEN`] in the place of each of `found`, which are as for [`Masked::hiding`].
pub(super) fn hide(text: &str, found: &[Finding]) -> String {
    let mut shown = String::with_capacity(text.len() + found.len() * HIDDEN.len());
    let mut from = 0;
    for Finding { range, .. } in found {
        shown.push_str(&text[from..range.start]);
        shown.push_str(HIDDEN);
        from = range.end;
    }
    shown.push_str(&text[from..]);
    shown
}

/// Shows that there is text, never which.
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
