//! [`Guard`]: the content filter that a text passes before another user reads it. Pure functions.
//!
//! [`sanitize`] strips invisible characters (`invisible.rs`) and neutralizes the markup of language
//! models (`markup.rs`, on the folded text of `folded.rs`). [`mark_lines`] marks later lines. The
//! operator's policies decide about links (`link.rs`) and profanity (`profanity.rs`, with the lists
//! in `wordlists/`). Phone numbers belong to `mask/`. This module must not know chats, users or the
//! system's messages.
//!
//! A person must still be able to read the text, so every change is minimal and visible. To add a
//! form of markup, add a pattern to `markup.rs` and an attack to `tests/it/prompt_injection.rs`.
//! Add text that only resembles it to the ordinary messages there.
//!
//! **Invariants:** an ordinary message passes unchanged, byte for byte. A second pass changes
//! nothing. The time is linear in the length of the text.

mod folded;
mod invisible;
mod link;
mod markup;
mod profanity;

use std::borrow::Cow;

use thiserror::Error;

pub use invisible::is_invisible_char;
pub use markup::warm_up;

/// Prefix of every line of a message after the first. It prevents a user from imitating a line of
/// the system in any language, of a tool, or of another turn of a dialogue.
pub const LINE_MARK: &str = "› ";

/// The operator's policy for links.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LinkPolicy {
    Allow,
    /// Links are readable but not clickable until both sides are trusted.
    #[default]
    Defang,
    Refuse,
}

/// The operator's policy for profanity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProfanityPolicy {
    #[default]
    Off,
    /// Asterisks replace all letters but the first.
    Mask,
    Refuse,
}

/// The operator's policies for the content of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Guard {
    pub links: LinkPolicy,
    pub profanity: ProfanityPolicy,
}

/// The reason why a text is rejected. `Display` is the text for its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ContentRejected {
    #[error("links aren't allowed here.")]
    Link,
    #[error("it contains a word that isn't allowed here.")]
    Profanity,
}

/// A change that is applied to a text before it is relayed.
pub type Rewrite = fn(&str) -> Cow<'_, str>;

impl Guard {
    /// Checks a sanitized text against the policies.
    ///
    /// # Errors
    /// Returns [`ContentRejected`] if a policy refuses the text.
    pub fn check(&self, text: &str) -> Result<(), ContentRejected> {
        if self.links == LinkPolicy::Refuse && link::contains_link(text) {
            return Err(ContentRejected::Link);
        }
        if self.profanity == ProfanityPolicy::Refuse && profanity::contains_profanity(text) {
            return Err(ContentRejected::Profanity);
        }
        Ok(())
    }

    /// The changes to apply to a masked text, in this order. `trusted` is whether both sides have
    /// sent three messages in this chat.
    pub fn rewrites(&self, trusted: bool) -> impl Iterator<Item = Rewrite> {
        let defang =
            (self.links == LinkPolicy::Defang && !trusted).then_some(link::defang as Rewrite);
        let censor =
            (self.profanity == ProfanityPolicy::Mask).then_some(profanity::censor as Rewrite);
        [censor, defang, Some(mark_lines as Rewrite)].into_iter().flatten()
    }
}

/// Removes control characters and invisible characters, and converts line ends to `\n`.
#[must_use]
pub fn strip_invisible(text: &str) -> Cow<'_, str> {
    invisible::strip_invisible(text)
}

/// Strips invisible characters, trims the text and neutralizes the markup of language models. Empty
/// if nothing in the text is visible.
#[must_use]
pub fn sanitize(text: &str) -> Cow<'_, str> {
    match invisible::strip_invisible(text) {
        stripped if is_invisible(&stripped) => Cow::Borrowed(""),
        Cow::Borrowed(stripped) => markup::neutralize(stripped.trim()),
        Cow::Owned(stripped) => Cow::Owned(markup::neutralize(stripped.trim()).into_owned()),
    }
}

/// Returns `true` if a text contains only whitespace and invisible characters.
#[must_use]
pub fn is_invisible(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || is_invisible_char(c))
}

/// Puts [`LINE_MARK`] before every line except the first, which follows the sender's name, and
/// except invisible lines.
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
