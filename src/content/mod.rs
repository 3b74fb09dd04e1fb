//! Prepares a text for another user, in four steps: sanitize, check, mask, rewrite. Pure functions.
//!
//! ```text
//! &str ─► SanitizedText ─► CheckedText ─► Masked
//!         guard::sanitize  Guard::check   mask, then Guard::rewrites
//! ```
//!
//! Each type is only made from the one before it, so that a toolset can't leave out a step or change the order. The
//! steps themselves belong to [`guard`] and [`mask`]. Recipients, limits and storage belong to the
//! toolsets: this module must not know chats or users.
//!
//! A toolset looks at the text between two steps where it must: a rule that applies even to a text that the
//! policies refuse reads the [`SanitizedText`].
//!
//! **Invariants:** every line after the first is marked. The masker reads the text as it was written: a link or a
//! line is rewritten after it.

use std::borrow::Cow;

use crate::guard::{self, ContentRejected, Guard};
use crate::mask::{self, Masked, Memory};

/// A text without invisible characters and without the markup of language models. Never empty.
#[derive(Clone)]
pub struct SanitizedText<'a>(Cow<'a, str>);

/// A sanitized text that the operator's policies accept.
#[derive(Clone)]
pub struct CheckedText<'a> {
    text: Cow<'a, str>,
    guard: Guard,
}

/// Whether the masker applies to the texts of a sender.
#[derive(Clone, Copy, Debug)]
pub enum Masking<'a> {
    /// Contact details are hidden.
    Applied {
        /// The name that readers see before the text, if the sender has chosen it; otherwise empty. A
        /// number may begin in it.
        name: &'a str,
        /// The fragments of numbers in the sender's last texts to the same reader.
        memory: &'a Memory,
    },
    /// The sender has switched the masker off.
    Waived,
}

impl<'a> SanitizedText<'a> {
    /// Sanitizes a text. `None` if it has no visible character.
    #[must_use]
    pub fn new(text: &'a str) -> Option<Self> {
        Some(guard::sanitize(text)).filter(|text| !text.is_empty()).map(Self)
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Checks the text against the policies.
    ///
    /// # Errors
    /// Returns [`ContentRejected`] if a policy refuses the text.
    pub fn check(self, guard: Guard) -> Result<CheckedText<'a>, ContentRejected> {
        guard.check(&self.0)?;
        Ok(CheckedText { text: self.0, guard })
    }
}

impl CheckedText<'_> {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the text as its reader sees it, and the memory to pass with the sender's next text to the
    /// same reader. `trusted` is whether both have written to each other often enough for clickable links.
    #[must_use]
    pub fn mask(&self, masking: Masking<'_>, trusted: bool) -> (Masked, Memory) {
        let (text, memory) = match masking {
            Masking::Applied { name, memory } => mask::mask_named(&self.text, name, memory),
            Masking::Waived => (mask::waive(&self.text), Memory::default()),
        };
        // Masking precedes the rewriting of links, because the masker would not recognize contact
        // details in a rewritten link.
        (self.guard.rewrites(trusted).fold(text, Masked::map_text), memory)
    }
}

/// Never shows the text.
impl std::fmt::Debug for SanitizedText<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SanitizedText").finish_non_exhaustive()
    }
}

/// Never shows the text.
impl std::fmt::Debug for CheckedText<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CheckedText").field("guard", &self.guard).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::{LinkPolicy, ProfanityPolicy};

    const GUARD: Guard = Guard { links: LinkPolicy::Defang, profanity: ProfanityPolicy::Off };

    fn checked(text: &str) -> CheckedText<'_> {
        SanitizedText::new(text).expect("a visible text").check(GUARD).expect("an accepted text")
    }

    /// The text as a reader sees it after the sender's `earlier` texts.
    fn read_after(earlier: &[&str], text: &str) -> String {
        let mut memory = Memory::default();
        for text in earlier {
            memory = checked(text).mask(Masking::Applied { name: "", memory: &memory }, false).1;
        }
        let masking = Masking::Applied { name: "", memory: &memory };
        checked(text).mask(masking, false).0.as_str().to_owned()
    }

    #[test]
    fn content_hides_a_number_over_lines_and_marks_the_lines() {
        assert_eq!(read_after(&[], "call\n98765\n43210\nplease"), "call\n› [hidden]\n› please");
    }

    #[test]
    fn content_hides_a_number_in_a_link_before_it_defangs_the_link() {
        let text = read_after(&[], "https://wa.me/919876543210 https://example.com/a");
        assert!(text.contains("[hidden]") && !text.contains("98765"), "{text}");
        assert!(text.contains("example[.]com"), "{text}");
    }

    #[test]
    fn content_hides_the_rest_of_a_number_in_pieces() {
        assert_eq!(read_after(&["98765"], "43210"), "[hidden]");
        assert_eq!(read_after(&[], "43210"), "43210");
    }

    #[test]
    fn content_waived_text_passes_every_step_but_the_masker() {
        let text = "9876543210\n<|im_start|>system\u{200b}";
        let (read, memory) = checked(text).mask(Masking::Waived, false);
        assert!(read.as_str().starts_with("9876543210\n› "), "{}", read.as_str());
        assert!(!read.as_str().contains("<|im_start|>") && !read.as_str().contains('\u{200b}'));
        assert_eq!((read.hidden(), memory.is_empty()), (0, true));
    }

    #[test]
    fn content_links_of_trusted_users_stay_clickable() {
        let masking = Masking::Applied { name: "", memory: &Memory::default() };
        let (read, _) = checked("https://example.com/a").mask(masking, true);
        assert_eq!(read.as_str(), "https://example.com/a");
    }

    #[test]
    fn content_without_a_visible_character_is_no_text() {
        assert!(SanitizedText::new(" \u{200b}\n").is_none());
    }

    #[test]
    fn content_refused_by_a_policy_has_no_checked_form() {
        let guard = Guard { links: LinkPolicy::Refuse, ..GUARD };
        let text = SanitizedText::new("see https://example.com").expect("a visible text");
        assert_eq!(text.check(guard).expect_err("a link"), ContentRejected::Link);
    }

    #[test]
    fn content_debug_is_redacted() {
        let text = SanitizedText::new("meet at noon").expect("a visible text");
        assert!(!format!("{text:?} {:?}", checked("meet at noon")).contains("noon"));
    }
}
