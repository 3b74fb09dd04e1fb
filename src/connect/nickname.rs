//! What people are called in a chat: a random name, or one of their own choosing.
//!
//! **Invariant:** a nickname is never derived from who its bearer is, carries no number and no
//! control or direction character, is one line, and can't pass for the system.

use std::fmt;
use std::sync::Arc;

use rand::{Rng, RngExt};
use thiserror::Error;

use super::text::{looks_like_system, strip};
use crate::mask::mask;

/// The most characters a chosen nickname may have.
pub const MAX_CHARS: usize = 32;

/// Characters with a meaning in the lines a nickname is shown in.
const RESERVED: &[char] = &[':', '：', '#', '＃', '<', '>', '{', '}', '|', '*', '~', '`', '@'];

/// Words of the house: nobody may be called by them.
const TITLES: &[&str] = &[
    "system",
    "admin",
    "administrator",
    "moderator",
    "mod",
    "puch",
    "bot",
    "support",
    "official",
    "randomconnect",
    "partner",
];

/// A name to show. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Nickname(Arc<str>);

/// Why a name can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadNickname {
    #[error("write the name you want behind #nick")]
    Empty,
    #[error("it is longer than {MAX_CHARS} characters")]
    TooLong,
    #[error("it could be taken for a message of the system")]
    Imitates,
    #[error("it contains one of : # < > {{ }} | * ~ ` @")]
    Reserved,
}

impl Nickname {
    /// `User_` and four random letters.
    #[must_use]
    pub fn random(rng: &mut impl Rng) -> Self {
        let letters: String = (0..4).map(|_| char::from(rng.random_range(b'A'..=b'Z'))).collect();
        Self(format!("User_{letters}").into())
    }

    /// A name somebody chose, cleaned, with its numbers hidden.
    ///
    /// # Errors
    /// When what is left can't be used as a name.
    pub fn chosen(name: &str) -> Result<Self, BadNickname> {
        let line = strip(name).replace('\n', " ");
        let visible = line.chars().filter(|c| !is_blank(*c)).collect::<String>();
        let masked = mask(visible.split_whitespace().collect::<Vec<_>>().join(" ").as_str());
        let name = masked.as_str();
        if name.is_empty() {
            return Err(BadNickname::Empty);
        }
        if name.chars().count() > MAX_CHARS {
            return Err(BadNickname::TooLong);
        }
        if name.contains(RESERVED) {
            return Err(BadNickname::Reserved);
        }
        let titled = name
            .to_lowercase()
            .split(|c: char| !c.is_alphanumeric())
            .any(|word| TITLES.contains(&word));
        if titled || looks_like_system(name) {
            return Err(BadNickname::Imitates);
        }
        Ok(Self(name.into()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Characters that show nothing and could make two names look alike or a name look empty.
const fn is_blank(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{180e}'
            | '\u{200b}'
            | '\u{200e}'
            | '\u{200f}'
    ) || matches!(c, '\u{2060}'..='\u{2064}' | '\u{2800}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e007f}')
}

impl fmt::Display for Nickname {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A nickname is a person's text: it stays out of logs.
impl fmt::Debug for Nickname {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nickname(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::clock::seeded_rng;

    #[test]
    fn a_random_name_is_user_and_four_letters() {
        let name = Nickname::random(&mut seeded_rng()).to_string();
        let letters = name.strip_prefix("User_").expect("the prefix");
        assert!(letters.len() == 4 && letters.bytes().all(|b| b.is_ascii_uppercase()), "{name}");
    }

    #[test]
    fn chosen_names_are_cleaned_to_one_line_without_numbers() {
        for (typed, shown) in [
            ("Star Dust", "Star Dust"),
            ("  spaced \n out\u{202e} ", "spaced out"),
            ("आशा", "आशा"),
            ("🌻 Sunny", "🌻 Sunny"),
            ("call 9876543210", "call [hidden]"),
            ("Modesty", "Modesty"),
        ] {
            assert_eq!(Nickname::chosen(typed).map(|name| name.to_string()), Ok(shown.to_owned()));
        }
    }

    #[test]
    fn names_that_are_no_names_are_refused() {
        for (typed, why) in [
            ("", BadNickname::Empty),
            ("\u{200b}\u{2800} ", BadNickname::Empty),
            ("abcdefghijklmnopqrstuvwxyzabcdefg", BadNickname::TooLong),
            ("Bob: hi", BadNickname::Reserved),
            ("#meet", BadNickname::Reserved),
            ("The Admin", BadNickname::Imitates),
            ("🎉 Connected", BadNickname::Imitates),
            ("Your partner left", BadNickname::Imitates),
        ] {
            assert_eq!(Nickname::chosen(typed), Err(why), "{typed:?}");
        }
    }
}
