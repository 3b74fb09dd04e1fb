//! The guard: what a stranger typed goes in, what may stand before somebody else comes out. Pure.
//!
//! What lives here: taking out what nobody sees (`hidden.rs`), breaking what a language model could
//! take for markup of its own (`markup.rs`, on the folded text of `shadow.rs`), and the mark before
//! lines; what the operator wants done about links (`link.rs`) and foul words (`word.rs`, with the lists
//! in `words/`). What must not: phone numbers (that is `mask/`), chats, people, words of the system.
//!
//! A reader who is a person must still read what was written, so as little as possible is changed,
//! and always visibly. To teach it a new form of markup, add a pattern to `markup.rs`, an attack to
//! `tests/injection.rs`, and to the ordinary messages there what merely looks like it.
//!
//! **Invariants:** an ordinary message passes byte for byte; guarding twice changes nothing more; the
//! time is linear in the text.

mod folded;
mod invisible;
mod link;
mod markup;
mod profanity;

use std::borrow::Cow;

use thiserror::Error;

pub use invisible::is_invisible_char;
pub use markup::warm_up;

/// Put before each further line of a person's message, so that it can't pass for a line of anybody
/// else: not of the system, in whichever language, nor of a tool, nor of another turn of a dialogue.
pub const LINE_MARK: &str = "› ";

/// What becomes of links.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LinkPolicy {
    Allow,
    /// They can't be tapped until the two have written to each other for a while.
    #[default]
    Defang,
    Refuse,
}

/// What becomes of foul words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProfanityPolicy {
    #[default]
    Off,
    /// All but their first letter is covered.
    Mask,
    Refuse,
}

/// What the operator lets pass from one stranger to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Guard {
    pub links: LinkPolicy,
    pub profanity: ProfanityPolicy,
}

/// Why a text is not passed on, in words for its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ContentRejected {
    #[error("links aren't allowed here.")]
    Link,
    #[error("it contains a word that isn't allowed here.")]
    Profanity,
}

/// A step by which a text is changed on its way.
pub type Rewrite = fn(&str) -> Cow<'_, str>;

impl Guard {
    /// Whether a clean text may be passed on.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, text: &str) -> Result<(), ContentRejected> {
        if self.links == LinkPolicy::Refuse && link::contains_link(text) {
            return Err(ContentRejected::Link);
        }
        if self.profanity == ProfanityPolicy::Refuse && profanity::contains_profanity(text) {
            return Err(ContentRejected::Profanity);
        }
        Ok(())
    }

    /// What is to be done, in this order, to a text once it is masked. `trusted` says whether the two
    /// have written to each other for a while.
    pub fn rewrites(&self, trusted: bool) -> impl Iterator<Item = Rewrite> {
        let defang =
            (self.links == LinkPolicy::Defang && !trusted).then_some(link::defang as Rewrite);
        let cover =
            (self.profanity == ProfanityPolicy::Mask).then_some(profanity::censor as Rewrite);
        [cover, defang, Some(mark_lines as Rewrite)].into_iter().flatten()
    }
}

/// A text without control and hidden characters, with `\n` line ends.
#[must_use]
pub fn strip_invisible(text: &str) -> Cow<'_, str> {
    invisible::strip_invisible(text)
}

/// A text as it may be relayed: stripped, without blank edges, and with the markup of language
/// models broken. Empty if there is nothing to see.
#[must_use]
pub fn sanitize(text: &str) -> Cow<'_, str> {
    match invisible::strip_invisible(text) {
        plain if is_invisible(&plain) => Cow::Borrowed(""),
        Cow::Borrowed(plain) => markup::neutralize(plain.trim()),
        Cow::Owned(plain) => Cow::Owned(markup::neutralize(plain.trim()).into_owned()),
    }
}

/// Whether there is nothing to see in a text.
#[must_use]
pub fn is_invisible(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || is_invisible_char(c))
}

/// A text with [`MARK`] before each line but the first, which stands behind its sender's name, and
/// but those with nothing to see.
#[must_use]
pub fn mark_lines(text: &str) -> Cow<'_, str> {
    if !text.contains('\n') {
        return Cow::Borrowed(text);
    }
    let mut lines = text.split('\n');
    let mut marked = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        marked.push('\n');
        if !is_invisible(line) {
            marked.push_str(LINE_MARK);
        }
        marked.push_str(line);
    }
    Cow::Owned(marked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_mark_is_put_before_every_later_line() {
        assert_eq!(mark_lines("one"), "one");
        assert_eq!(mark_lines("one\ntwo\n\nthree"), "one\n› two\n\n› three");
        assert_eq!(mark_lines("a\n\u{2800}\nb"), "a\n\u{2800}\n› b");
    }

    #[test]
    fn sanitize_invisible_message_is_empty() {
        for text in ["\u{200b}\u{2800} \n\u{3164}", " \u{0}\n ", "", "\u{e0041}\u{e0042}"] {
            assert_eq!(sanitize(text), "");
        }
    }
}
