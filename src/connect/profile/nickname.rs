//! [`Nickname`]: the name that a user is shown under in a chat, random or chosen.
//!
//! **Invariant:** a nickname is never derived from the user's id. It is one line, contains no phone
//! number, no control character and no bidirectional character, and does not imitate the system.

use std::fmt;
use std::sync::Arc;

use rand::{Rng, RngExt};
use thiserror::Error;

use super::folding::limit_marks;
use super::impersonation::{has_system_emoji, looks_like_system};
use super::staff_names::claims_authority;
use crate::guard::{is_invisible, is_invisible_char, strip_invisible};
use crate::mask::{Memory, mask_next};

/// Maximum length of a chosen nickname, in characters.
pub const MAX_NICKNAME_CHARS: usize = 32;

/// Maximum size of a name before it is sanitized, in bytes. A longer one costs too much to check.
pub(super) const MAX_RAW_NAME_BYTES: usize = 512;

/// Prefix of a random nickname, and the number of letters after it.
const RANDOM_PREFIX: &str = "User_";
const RANDOM_LETTERS: usize = 4;

/// Characters that delimit a nickname in the lines that contain it, and those that end a sentence.
const RESERVED_CHARS: &[char] = &[
    ':', '：', '#', '＃', '<', '>', '{', '}', '[', ']', '|', '*', '~', '`', '@', '!', '！', '?',
    '？', '.', '。', '…', '›',
];

/// Returns the reserved characters for an error message: the ASCII ones, separated by spaces.
#[must_use]
pub fn reserved_chars() -> String {
    let ascii = RESERVED_CHARS.iter().filter(|c| c.is_ascii()).map(char::to_string);
    ascii.collect::<Vec<_>>().join(" ")
}

/// A name that may be shown to a stranger. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Nickname(Arc<str>);

/// The reason that a name is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NicknameError {
    #[error("write the name you want after #nick")]
    Empty,
    #[error("it is longer than {MAX_NICKNAME_CHARS} characters")]
    TooLong,
    #[error("it could be mistaken for a system message")]
    ImitatesSystem,
    #[error("it contains a phone number or another contact detail")]
    ContactDetail,
    #[error("it contains one of . ! ? : # @ * ~ ` | < > [ ] {{ }}")]
    ReservedChar,
}

impl Nickname {
    /// Creates `User_` followed by four random letters.
    #[must_use]
    pub fn random(rng: &mut impl Rng) -> Self {
        let letter = |_| char::from(rng.random_range(b'A'..=b'Z'));
        let letters: String = (0..RANDOM_LETTERS).map(letter).collect();
        Self(format!("{RANDOM_PREFIX}{letters}").into())
    }

    /// Sanitizes a name that a user chose.
    ///
    /// # Errors
    /// Returns [`NicknameError`] if the sanitized name is empty, too long, contains a reserved
    /// character or a contact detail, or imitates the system.
    pub fn parse(name: &str) -> Result<Self, NicknameError> {
        if name.len() > MAX_RAW_NAME_BYTES {
            return Err(NicknameError::TooLong);
        }
        let line = strip_invisible(name).replace('\n', " ");
        let visible: String =
            line.chars().filter(|c| *c == ZERO_WIDTH_JOINER || !is_invisible_char(*c)).collect();
        let name = limit_marks(&visible.split_whitespace().collect::<Vec<_>>().join(" "));
        if is_invisible(&name) {
            return Err(NicknameError::Empty);
        }
        if name.contains(RESERVED_CHARS) {
            return Err(NicknameError::ReservedChar);
        }
        if claims_authority(&name) || has_system_emoji(&name) || looks_like_system(&name) {
            return Err(NicknameError::ImitatesSystem);
        }
        // As the first message of a chat, so that a lone long number counts, too.
        if mask_next(&name, &Memory::default()).0.hidden() > 0 {
            return Err(NicknameError::ContactDetail);
        }
        if name.chars().count() > MAX_NICKNAME_CHARS {
            return Err(NicknameError::TooLong);
        }
        Ok(Self(name.into()))
    }

    /// Returns `true` if the name has the form of [`Nickname::random`], which contains no digit.
    #[must_use]
    pub fn is_random(&self) -> bool {
        self.0.strip_prefix(RANDOM_PREFIX).is_some_and(|letters| {
            letters.len() == RANDOM_LETTERS && letters.bytes().all(|byte| byte.is_ascii_uppercase())
        })
    }

    /// Rebuilds a nickname that a store has saved, without checking it again.
    pub(crate) fn from_stored(name: &str) -> Self {
        Self(name.into())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Joins the parts of a combined emoji, such as a family. Between letters it is harmless.
const ZERO_WIDTH_JOINER: char = '\u{200d}';

impl fmt::Display for Nickname {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Hides the name, because a user's text must not appear in logs.
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
        let letters = name.strip_prefix("User_").expect("a random nickname starts with User_");
        assert!(Nickname::from_stored(&name).is_random());
        for other in ["User_ABC", "User_ABC1", "Ann"] {
            assert!(!Nickname::from_stored(other).is_random(), "{other}");
        }
        assert!(letters.len() == 4 && letters.bytes().all(|b| b.is_ascii_uppercase()), "{name}");
    }

    #[test]
    fn nickname_is_sanitized_to_one_line() {
        for (name, expected) in [
            ("Star Dust", "Star Dust"),
            ("  spaced \n out\u{202e} ", "spaced out"),
            ("आशा", "आशा"),
            ("🌻 Sunny", "🌻 Sunny"),
            ("Ravi 98345", "Ravi 98345"),
            ("Ann 👋", "Ann 👋"),
            ("Dream Team 🏏", "Dream Team 🏏"),
            ("Z\u{300}\u{301}\u{302}\u{303}o", "Z\u{300}\u{301}o"),
            ("Modesty", "Modesty"),
        ] {
            let parsed = Nickname::parse(name).map(|parsed| parsed.to_string());
            assert_eq!(parsed, Ok(expected.to_owned()));
        }
    }

    #[test]
    fn nickname_rejects_invalid_names() {
        for (name, error) in [
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
            ("ADМIN", NicknameError::ImitatesSystem),
            ("Equipo oficial", NicknameError::ImitatesSystem),
            ("Ann 👋 you left", NicknameError::ImitatesSystem),
            ("Ann ✅", NicknameError::ImitatesSystem),
            ("Ann. Chat ended", NicknameError::ReservedChar),
            ("You! You left", NicknameError::ReservedChar),
            ("[hidden]", NicknameError::ReservedChar),
            ("9820143756", NicknameError::ContactDetail),
            ("98345126", NicknameError::ContactDetail),
            ("call 9876543210", NicknameError::ContactDetail),
            ("nine eight two zero one four three seven five six", NicknameError::ContactDetail),
        ] {
            assert_eq!(Nickname::parse(name), Err(error), "{name:?}");
        }
    }
}
