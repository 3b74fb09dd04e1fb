//! What the system's own lines look like, so that a name can't pass for one.
//!
//! Messages need no such look: each further line of theirs is marked (`guard/`), whatever it says.
//! Words are `reply.rs`'s.

use once_cell::sync::Lazy;
use unicode_normalization::UnicodeNormalization;

use crate::guard::is_invisible_char;

/// How the system's own lines begin: the signs.
pub(crate) const SYSTEM_EMOJI: &[char] = &[
    '🔍', '🎉', '🔄', '👋', '🔒', '🔓', '👤', '📭', '📬', '📤', '💬', '⏳', '⏰', '💡', '✏', '⚠',
    'ℹ', '❌', '✅', '✔', '🚫', '🤖', '🚩', '⛔', '🧊', '🌐', '👍', '📢',
];

/// How the system's own lines begin: the words, as [`skeleton`] leaves them.
static SYSTEM_PHRASES: Lazy<Vec<String>> = Lazy::new(|| {
    let phrases = [
        "your partner",
        "you're already",
        "you're not",
        "you're now",
        "you are",
        "you're chatting",
        "you left",
        "connected!",
        "new connection",
        "chat ended",
        "looking for a",
        "looking for someone",
        "still looking",
        "message sent",
        "your message was",
        "phone number masking",
        "inbox empty",
        "use #meet",
        "system:",
        "system]",
        "system message",
        "admin:",
        "puch:",
        "puch ai:",
        "random connect",
        "your place in the queue",
        "more messages wait",
        "more message waits",
        "that nickname",
        "in your next chats",
        "there was no text",
    ];
    phrases.iter().map(|phrase| skeleton(phrase)).collect()
});

/// What a text looks like: compatible and confusable characters folded to one of them (Unicode
/// Technical Standard 39), case and invisible characters dropped, white space made one space.
pub(super) fn skeleton(text: &str) -> String {
    let visible: String =
        text.nfkc().filter(|c| !is_invisible_char(*c)).flat_map(char::to_lowercase).collect();
    let folded: String =
        unicode_security::skeleton(&visible).flat_map(char::to_lowercase).collect();
    // The standard keeps these apart in lower case; a reader in a hurry does not.
    let folded = folded.replace(['1', '|', 'l'], "i").replace('0', "o").replace('’', "'");
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a line begins the way the system's lines do, seen by a person: whatever the characters,
/// and whatever numbering, bullets or quotation marks come before.
pub(crate) fn looks_like_system(line: &str) -> bool {
    let decorates = |c: char| !c.is_alphabetic() && !SYSTEM_EMOJI.contains(&c) && c != '#';
    // Nothing the system says begins later than this.
    let start: String = line.chars().filter(|c| !is_invisible_char(*c)).take(80).collect();
    let start = start.trim_start_matches(decorates);
    if start.starts_with(SYSTEM_EMOJI) {
        return true;
    }
    let folded = skeleton(start);
    SYSTEM_PHRASES.iter().any(|phrase| folded.starts_with(phrase.as_str()))
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
