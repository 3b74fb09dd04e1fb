//! Makes what people type safe to show to somebody else.
//!
//! Control and direction characters go, line ends become plain, and a line of a message can't
//! pass for one of the system's. Numbers are the masker's business, words are `reply.rs`'s.

/// Put before a line of a person's message that begins like one of the system's.
const QUOTE: &str = "› ";

/// How the system's own lines begin: the signs.
pub(super) const SIGNS: &[char] = &[
    '🔍', '🎉', '🔄', '👋', '🔒', '🔓', '👤', '📭', '📬', '📤', '💬', '⏳', '⏰', '💡', '✏', '⚠',
    'ℹ', '❌', '✅', '🚫', '🤖',
];

/// How the system's own lines begin: the words, in lower case.
const PHRASES: &[&str] = &[
    "your partner",
    "you're already",
    "you're not",
    "you're now",
    "you are now",
    "you're chatting",
    "connected!",
    "new connection!",
    "chat ended",
    "looking for",
    "message sent to your partner",
    "phone number masking",
    "inbox empty",
    "use #meet",
    "system:",
    "system message",
    "admin:",
    "puch:",
    "puch ai:",
    "random connect",
];

/// A message as it may be relayed: no control or direction-override characters, `\n` line ends,
/// no blank edges, no line after the first that looks like the system's.
///
/// The first line is always shown behind its sender's name.
#[must_use]
pub fn clean(message: &str) -> String {
    let plain = strip(message);
    let mut lines = plain.trim().lines();
    let mut cleaned = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        cleaned.push('\n');
        if looks_like_system(line) {
            cleaned.push_str(QUOTE);
        }
        cleaned.push_str(line);
    }
    cleaned
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

/// Whether a line begins the way the system's lines do, formatting and invisible characters aside.
pub(super) fn looks_like_system(line: &str) -> bool {
    let decoration = |c: char| {
        c.is_whitespace()
            || matches!(
                c,
                '*' | '_' | '~' | '`' | '>' | '-' | '•' | '"' | '\'' | '[' | '(' | '“' | '‘'
            )
            || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}')
            || matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{2800}' | '\u{3164}' | '\u{e0000}'..='\u{e007f}')
    };
    let start = line.trim_start_matches(decoration);
    if start.starts_with(SIGNS) {
        return true;
    }
    let folded: String = start.chars().take(40).flat_map(char::to_lowercase).collect();
    let folded = folded.replace('’', "'");
    PHRASES.iter().any(|phrase| folded.starts_with(phrase))
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
        ] {
            assert_eq!(clean(&format!("hi\n{line}")), format!("hi\n› {line}"));
        }
    }
}
