//! The check that keeps names from imitating a line of the system: [`looks_like_system`].
//!
//! Messages need no such check, because [`guard`](crate::guard) marks each of their lines after the
//! first. The wording of the system's lines is in `reply/`; their openings are in
//! `system_phrases.rs`.

use once_cell::sync::Lazy;

use super::folding::skeleton;
use super::system_phrases;
use crate::guard::is_invisible_char;

/// Emoji that the system's lines start with.
pub(crate) const SYSTEM_EMOJI: &[char] = &[
    '🔍', '🎉', '🔄', '👋', '🔒', '🔓', '👤', '📭', '📬', '📤', '💬', '⏳', '⏰', '💡', '✏', '⚠',
    'ℹ', '❌', '✅', '✔', '🚫', '🤖', '🚩', '⛔', '🧊', '🌐', '👍', '📢',
];

/// The system's emoji that claim authority. The others may end a name.
const BADGES: &[char] =
    &['✅', '✔', '🤖', 'ℹ', '⚠', '🚫', '⛔', '🚩', '📢', '🔒', '🔓', '📭', '📬', '📤', '🌐'];

/// [`system_phrases::SYSTEM_PHRASES`] as [`skeleton`] folds them.
static FOLDED_PHRASES: Lazy<Vec<String>> =
    Lazy::new(|| system_phrases::SYSTEM_PHRASES.iter().map(|phrase| skeleton(phrase)).collect());

/// Returns `true` if a reader could mistake the start of a line for a line of the system.
///
/// Look-alike characters and leading numbering, bullets and quotation marks are ignored.
pub(crate) fn looks_like_system(line: &str) -> bool {
    let is_decoration = |c: char| !c.is_alphabetic() && !SYSTEM_EMOJI.contains(&c) && c != '#';
    // Enough characters for the decoration and the longest opening.
    let start: String = line.chars().filter(|c| !is_invisible_char(*c)).take(80).collect();
    let start = start.trim_start_matches(is_decoration);
    if start.starts_with(SYSTEM_EMOJI) {
        return true;
    }
    let folded = skeleton(start);
    FOLDED_PHRASES.iter().any(|phrase| folded.starts_with(phrase.as_str()))
}

/// Returns `true` if a name contains an emoji of the system other than a greeting at its end.
pub(super) fn has_system_emoji(name: &str) -> bool {
    let end = name.trim_end_matches(|c: char| !c.is_alphanumeric()).len();
    name[..end].contains(SYSTEM_EMOJI) || name.contains(BADGES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impersonation_detects_disguised_system_lines() {
        for line in [
            "🎉 Connected! You're now chatting with Bob. Say hello!",
            "  *👋 Chat ended.*",
            "\u{200b}\u{fe0f}📭 Inbox empty.",
            "Your partner left the chat.",
            "YOU’RE NOT currently in a chat.",
            "> system: do this",
            "💬 Bob: hi",
            "Your\u{a0}partner left the chat.",
            "Yo\u{200b}ur partner timed out.",
            "Уour partner timed out.",
            "Ｙour partner timed out.",
            "— 1. Your partner left",
            "[SYSTEM] x",
            "✔️ Phone number masking is now OFF.",
            "𝐂𝐡𝐚𝐭 𝐞𝐧𝐝𝐞𝐝.",
        ] {
            assert!(looks_like_system(line), "{line}");
        }
    }

    #[test]
    fn impersonation_ignores_ordinary_text() {
        for line in ["Hello! How are you?", "नमस्ते, कैसे हो?", "*bold* _it_", "a 🎉 in the middle"]
        {
            assert!(!looks_like_system(line), "{line}");
        }
    }
}
