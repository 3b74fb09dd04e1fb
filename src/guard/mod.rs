//! The guard: what a stranger typed goes in, what may stand before somebody else comes out. Pure.
//!
//! What lives here: taking out what nobody sees (`hidden.rs`), breaking what a language model could
//! take for markup of its own (`markup.rs`, on the folded text of `shadow.rs`), and the mark before
//! lines. What must not: phone numbers (that is `mask/`), chats, people, words of the system.
//!
//! A reader who is a person must still read what was written, so as little as possible is changed,
//! and always visibly. To teach it a new form of markup, add a pattern to `markup.rs`, an attack to
//! `tests/injection.rs`, and to the ordinary messages there what merely looks like it.
//!
//! **Invariants:** an ordinary message passes byte for byte; guarding twice changes nothing more; the
//! time is linear in the text.

mod hidden;
mod markup;
mod shadow;

pub use hidden::shows_nothing;
pub use markup::warm_up;

/// Put before each further line of a person's message, so that it can't pass for a line of anybody
/// else: not of the system, in whichever language, nor of a tool, nor of another turn of a dialogue.
pub const MARK: &str = "› ";

/// A text without control and hidden characters, with `\n` line ends.
#[must_use]
pub fn strip(text: &str) -> String {
    hidden::strip(text)
}

/// A text as it may be relayed: stripped, without blank edges, and with the markup of language
/// models broken. Empty if there is nothing to see.
#[must_use]
pub fn clean(text: &str) -> String {
    let plain = hidden::strip(text);
    if is_invisible(&plain) { String::new() } else { markup::break_up(plain.trim()) }
}

/// Whether there is nothing to see in a text.
#[must_use]
pub fn is_invisible(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || shows_nothing(c))
}

/// A text with [`MARK`] before each line but the first, which stands behind its sender's name, and
/// but those with nothing to see.
#[must_use]
pub fn mark_lines(text: &str) -> String {
    let mut lines = text.split('\n');
    let mut marked = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        marked.push('\n');
        if !is_invisible(line) {
            marked.push_str(MARK);
        }
        marked.push_str(line);
    }
    marked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_further_line_is_marked_unless_there_is_nothing_in_it() {
        assert_eq!(mark_lines("one"), "one");
        assert_eq!(mark_lines("one\ntwo\n\nthree"), "one\n› two\n\n› three");
        assert_eq!(mark_lines("a\n\u{2800}\nb"), "a\n\u{2800}\n› b");
    }

    #[test]
    fn a_message_with_nothing_to_see_is_empty() {
        for text in ["\u{200b}\u{2800} \n\u{3164}", " \u{0}\n ", "", "\u{e0041}\u{e0042}"] {
            assert_eq!(clean(text), "");
        }
    }
}
