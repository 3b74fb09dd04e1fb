//! What people are called in a chat: a random name, or one of their own choosing.
//!
//! **Invariant:** a nickname is never derived from who its bearer is, carries no number and no
//! control or direction character, is one line, and can't pass for the system.

use std::fmt;
use std::sync::Arc;

use once_cell::sync::Lazy;
use rand::{Rng, RngExt};
use thiserror::Error;

use super::impersonation::{SYSTEM_EMOJI, looks_like_system, skeleton};
use crate::guard::{is_invisible, is_invisible_char, strip_invisible};
use crate::mask::mask;

/// The most characters a chosen nickname may have.
pub const MAX_NICKNAME_CHARS: usize = 32;

/// Characters with a meaning in the lines a nickname is shown in, and those that end a sentence.
const RESERVED_CHARS: &[char] = &[
    ':', '：', '#', '＃', '<', '>', '{', '}', '[', ']', '|', '*', '~', '`', '@', '!', '！', '?',
    '？', '.', '。', '…', '›',
];

/// [`RESERVED`] as people are shown it: without the forms of other scripts.
#[must_use]
pub fn reserved_chars() -> String {
    let plain = RESERVED_CHARS.iter().filter(|c| c.is_ascii()).map(char::to_string);
    plain.collect::<Vec<_>>().join(" ")
}

/// Words of the house, as [`skeleton`] leaves them: nobody may be called by them.
static RESERVED_NAMES: Lazy<Vec<String>> = Lazy::new(|| {
    let titles = [
        "system",
        "admin",
        "administrator",
        "moderator",
        "mod",
        "puch",
        "puchai",
        "bot",
        "support",
        "official",
        "randomconnect",
        "partner",
        "server",
    ];
    titles.iter().map(|title| skeleton(title)).collect()
});

/// A name to show. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Nickname(Arc<str>);

/// Why a name can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NicknameError {
    #[error("write the name you want after #nick")]
    Empty,
    #[error("it is longer than {MAX_NICKNAME_CHARS} characters")]
    TooLong,
    #[error("it could be mistaken for a system message")]
    ImitatesSystem,
    #[error("it contains one of . ! ? : # @ * ~ ` | < > [ ] {{ }}")]
    ReservedChar,
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
    pub fn parse(name: &str) -> Result<Self, NicknameError> {
        let line = strip_invisible(name).replace('\n', " ");
        let visible: String =
            line.chars().filter(|c| *c == ZERO_WIDTH_JOINER || !is_invisible_char(*c)).collect();
        let name = visible.split_whitespace().collect::<Vec<_>>().join(" ");
        if is_invisible(&name) {
            return Err(NicknameError::Empty);
        }
        if name.contains(RESERVED_CHARS) {
            return Err(NicknameError::ReservedChar);
        }
        if contains_reserved_name(&name) || name.contains(SYSTEM_EMOJI) || looks_like_system(&name)
        {
            return Err(NicknameError::ImitatesSystem);
        }
        let masked = mask(&name);
        if masked.as_str().chars().count() > MAX_NICKNAME_CHARS {
            return Err(NicknameError::TooLong);
        }
        Ok(Self(masked.as_str().into()))
    }

    /// A name that was one before, read back from a store.
    pub(crate) fn from_stored(name: &str) -> Self {
        Self(name.into())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Holds an emoji of several people together; in a name of letters it is harmless.
const ZERO_WIDTH_JOINER: char = '\u{200d}';

/// Whether a word of the house is in the name, in whatever characters, also in the plural.
fn contains_reserved_name(name: &str) -> bool {
    let folded = skeleton(name);
    let joined: String = folded.chars().filter(|c| c.is_alphanumeric()).collect();
    let mut words = folded.split(|c: char| !c.is_alphanumeric());
    RESERVED_NAMES.contains(&joined)
        || words.any(|word| {
            RESERVED_NAMES
                .iter()
                .any(|title| word.trim_end_matches('s') == title.trim_end_matches('s'))
        })
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
    fn nickname_random_is_user_plus_four_letters() {
        let name = Nickname::random(&mut seeded_rng()).to_string();
        let letters = name.strip_prefix("User_").expect("the prefix");
        assert!(letters.len() == 4 && letters.bytes().all(|b| b.is_ascii_uppercase()), "{name}");
    }

    #[test]
    fn nickname_is_sanitized_to_one_line_without_numbers() {
        for (typed, shown) in [
            ("Star Dust", "Star Dust"),
            ("  spaced \n out\u{202e} ", "spaced out"),
            ("आशा", "आशा"),
            ("🌻 Sunny", "🌻 Sunny"),
            ("call 9876543210", "call [hidden]"),
            ("Modesty", "Modesty"),
        ] {
            assert_eq!(Nickname::parse(typed).map(|name| name.to_string()), Ok(shown.to_owned()));
        }
    }

    #[test]
    fn nickname_rejects_invalid_names() {
        for (typed, why) in [
            ("", NicknameError::Empty),
            ("\u{200b}\u{2800} ", NicknameError::Empty),
            ("abcdefghijklmnopqrstuvwxyzabcdefg", NicknameError::TooLong),
            ("Bob: hi", NicknameError::ReservedChar),
            ("#meet", NicknameError::ReservedChar),
            ("The Admin", NicknameError::ImitatesSystem),
            ("🎉 Connected", NicknameError::ImitatesSystem),
            ("Your partner left", NicknameError::ImitatesSystem),
            ("ＡＤＭＩＮ", NicknameError::ImitatesSystem),
            ("Аdmin", NicknameError::ImitatesSystem),
            ("𝐀𝐝𝐦𝐢𝐧", NicknameError::ImitatesSystem),
            ("Ad\u{200d}min", NicknameError::ImitatesSystem),
            ("Sys\u{34f}tem", NicknameError::ImitatesSystem),
            ("ADM1N", NicknameError::ImitatesSystem),
            ("Admins", NicknameError::ImitatesSystem),
            ("Puch AI", NicknameError::ImitatesSystem),
            ("Ann ✅", NicknameError::ImitatesSystem),
            ("Ann. Chat ended", NicknameError::ReservedChar),
            ("You! You left", NicknameError::ReservedChar),
            ("[hidden]", NicknameError::ReservedChar),
        ] {
            assert_eq!(Nickname::parse(typed), Err(why), "{typed:?}");
        }
    }
}
