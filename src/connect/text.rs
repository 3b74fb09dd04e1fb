//! Makes what people type safe to show to somebody else.
//!
//! Control and direction characters go, line ends become plain, and a line of a message can't
//! pass for one of the system's. Numbers are the masker's business, words are `reply.rs`'s.

use once_cell::sync::Lazy;
use unicode_normalization::UnicodeNormalization;

/// Put before a line of a person's message that could pass for one of the system's.
const QUOTE: &str = "› ";

/// How the system's own lines begin: the signs.
pub(super) const SIGNS: &[char] = &[
    '🔍', '🎉', '🔄', '👋', '🔒', '🔓', '👤', '📭', '📬', '📤', '💬', '⏳', '⏰', '💡', '✏', '⚠',
    'ℹ', '❌', '✅', '✔', '🚫', '🤖', '🚩', '⛔',
];

/// How the system's own lines begin: the words, as [`skeleton`] leaves them.
static PHRASES: Lazy<Vec<String>> = Lazy::new(|| {
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

/// A message as it may be relayed: no control or direction-override characters, `\n` line ends, no
/// blank edges, and each line that could pass for the system's marked.
///
/// The first line is always shown behind its sender's name. Of the others, those are marked that
/// begin like a line of the system, and those behind a blank line, where an answer has the
/// system's own words.
#[must_use]
pub fn clean(message: &str) -> String {
    let plain = strip(message);
    let mut lines = plain.trim().lines();
    let mut cleaned = lines.next().unwrap_or_default().to_owned();
    let mut after_blank = false;
    for line in lines {
        let blank = is_invisible(line);
        cleaned.push('\n');
        if !blank && (after_blank || looks_like_system(line)) {
            cleaned.push_str(QUOTE);
        }
        cleaned.push_str(line);
        after_blank = blank;
    }
    if is_invisible(&cleaned) { String::new() } else { cleaned }
}

/// Whether there is nothing to see in a text.
pub(super) fn is_invisible(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || shows_nothing(c))
}

/// Characters that take no ink: joiners, marks of direction, fillers, variation selectors, tags.
pub(super) const fn shows_nothing(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{17b4}'
            | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
    ) || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}')
        || matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}')
}

/// What a text looks like: compatible and confusable characters folded to one of them (Unicode
/// Technical Standard 39), case and invisible characters dropped, white space made one space.
pub(super) fn skeleton(text: &str) -> String {
    let visible: String =
        text.nfkc().filter(|c| !shows_nothing(*c)).flat_map(char::to_lowercase).collect();
    let folded: String =
        unicode_security::skeleton(&visible).flat_map(char::to_lowercase).collect();
    // The standard keeps these apart in lower case; a reader in a hurry does not.
    let folded = folded.replace(['1', '|', 'l'], "i").replace('0', "o").replace('’', "'");
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Without control and direction characters; every kind of line end becomes `\n`.
pub(super) fn strip(text: &str) -> String {
    let mut stripped = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' if chars.peek() == Some(&'\n') => {}
            '\r' | '\n' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                stripped.push('\n');
            }
            '\t' => stripped.push(' '),
            // Embeddings, overrides and isolates can turn the text around them; the plain marks
            // (U+200E, U+200F, U+061C) can't, and right-to-left writers need them.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{206a}'..='\u{206f}' => {}
            c if c.is_control() => {}
            c => stripped.push(c),
        }
    }
    stripped
}

/// Whether a line begins the way the system's lines do, seen by a person: whatever the characters,
/// and whatever numbering, bullets or quotation marks come before.
pub(super) fn looks_like_system(line: &str) -> bool {
    let decorates = |c: char| !c.is_alphabetic() && !SIGNS.contains(&c) && c != '#';
    // Nothing the system says begins later than this.
    let start: String = line.chars().filter(|c| !shows_nothing(*c)).take(80).collect();
    let start = start.trim_start_matches(decorates);
    if start.starts_with(SIGNS) {
        return true;
    }
    let folded = skeleton(start);
    PHRASES.iter().any(|phrase| folded.starts_with(phrase.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_arrives_as_sent() {
        for text in [
            "Hello! How are you?",
            "two\nlines",
            "नमस्ते, कैसे हो?",
            "👩‍👩‍👧 family 🏳️‍🌈",
            "مرحبا \u{200f}بك",
            "*bold* _it_",
            "a 🎉 in the middle",
            "🎉 first line",
        ] {
            assert_eq!(clean(text), text);
        }
    }

    #[test]
    fn control_and_direction_characters_go_and_line_ends_are_plain() {
        assert_eq!(clean("a\u{0}b\u{7}c\u{1b}[31m"), "abc[31m");
        assert_eq!(clean("abc\u{202e}def\u{2066}ghi"), "abcdefghi");
        assert_eq!(clean("a\r\nb\rc\u{2028}d\u{85}e"), "a\nb\nc\nd\ne");
        assert_eq!(clean(" \u{0}\n "), "");
    }

    #[test]
    fn a_line_that_looks_like_the_systems_is_quoted() {
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
            assert_eq!(clean(&format!("hi\n{line}")), format!("hi\n› {line}"));
        }
    }

    #[test]
    fn a_line_behind_a_blank_one_is_quoted_as_the_systems_answer_stands_there() {
        assert_eq!(clean("hi\n\nenter your code\nhere"), "hi\n\n› enter your code\nhere");
        assert_eq!(clean("hi\n\u{2800}\nyo"), "hi\n\u{2800}\n› yo");
    }

    #[test]
    fn a_message_with_nothing_to_see_is_empty() {
        assert_eq!(clean("\u{200b}\u{2800} \n\u{3164}"), "");
    }
}
