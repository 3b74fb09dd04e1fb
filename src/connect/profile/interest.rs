//! [`Interests`]: the topics that a user likes, used to match users who share one.
//!
//! **Invariant:** an interest passes the checks of a [`Nickname`], because a partner who shares it
//! sees it. It is short, is in plain form and contains no phone number.

use std::fmt;
use std::sync::Arc;

use unicode_normalization::UnicodeNormalization;

use super::nickname::{MAX_RAW_NAME_BYTES, Nickname, NicknameError};
use crate::mask::name_digits;

/// Maximum number of interests per user. Further entries are ignored.
pub const MAX_INTERESTS: usize = 5;

/// Maximum number of entries that are checked for interests.
const MAX_ENTRIES: usize = 50;

/// Maximum number of digits of an interest: more are half of a phone number.
const MAX_DIGITS: usize = 4;

/// One interest in plain form (NFKC, lower case), so that `Music` and `music ` are equal.
/// Cheap to clone.
pub type Interest = Arc<str>;

/// Up to [`MAX_INTERESTS`] distinct interests, in the order given. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Interests(Arc<[Interest]>);

impl Interests {
    /// Parses a list whose entries are separated by commas, semicolons, line ends, `#`, `&`, `/` or
    /// `|`.
    ///
    /// # Errors
    /// Returns [`NicknameError`] like [`Interests::from_entries`].
    pub fn parse(list: &str) -> Result<Self, NicknameError> {
        Self::from_entries(list.split([',', '،', '、', ';', '\n', '#', '&', '/', '|']))
    }

    /// Normalizes `entries`. Skips those that are empty, too long or contain a reserved character.
    ///
    /// # Errors
    /// Returns [`NicknameError`] if an entry contains a contact detail or imitates the system.
    pub fn from_entries<'a>(
        entries: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, NicknameError> {
        let mut interests: Vec<Interest> = Vec::new();
        for entry in entries.into_iter().take(MAX_ENTRIES) {
            if entry.len() > MAX_RAW_NAME_BYTES {
                continue;
            }
            let plain: String = entry.nfkc().collect::<String>().to_lowercase();
            let plain = plain.trim_end_matches(|c: char| c.is_whitespace() || ".!?…。".contains(c));
            // A text that a stranger may see as a name is also safe as an interest.
            let name = match Nickname::parse(plain) {
                Ok(name) if name_digits(name.as_str()) > MAX_DIGITS => {
                    return Err(NicknameError::ContactDetail);
                }
                Ok(name) => name,
                Err(error @ (NicknameError::ContactDetail | NicknameError::ImitatesSystem)) => {
                    return Err(error);
                }
                Err(_) => continue,
            };
            let is_new = !interests.iter().any(|existing| **existing == *name.as_str());
            if interests.len() < MAX_INTERESTS && is_new {
                interests.push(name.as_str().into());
            }
        }
        Ok(Self(interests.into()))
    }

    /// Rebuilds interests that a store has saved, without checking them again.
    pub(crate) fn from_stored(interests: Vec<Interest>) -> Self {
        if interests.is_empty() { Self::default() } else { Self(interests.into()) }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Interest> {
        self.0.iter()
    }

    /// Returns the interests that are also in `other`.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        if self.is_empty() || other.is_empty() {
            return Self::default();
        }
        Self(self.0.iter().filter(|interest| other.0.contains(interest)).cloned().collect())
    }
}

/// No interests. All empty values share one allocation.
impl Default for Interests {
    fn default() -> Self {
        static EMPTY: once_cell::sync::Lazy<Arc<[Interest]>> =
            once_cell::sync::Lazy::new(|| Arc::from([]));
        Self(Arc::clone(&EMPTY))
    }
}

impl fmt::Display for Interests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(", "))
    }
}

/// Shows only the number of interests, so that their text stays out of logs.
impl fmt::Debug for Interests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Interests({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interest_list_of_any_length_is_parsed_at_once() {
        let long = "x".repeat(60_000);
        let interests = Interests::from_entries([long.as_str(), "music"]).expect("valid");
        assert_eq!(interests.iter().map(|interest| &**interest).collect::<Vec<_>>(), ["music"]);
        let many = "., ".repeat(MAX_ENTRIES) + "music";
        assert!(
            Interests::parse(&many).expect("valid").is_empty(),
            "later entries are not checked"
        );
    }

    fn parsed(list: &str) -> String {
        Interests::parse(list).expect("valid interests").to_string()
    }

    #[test]
    fn interest_list_accepts_any_separator_and_case() {
        for (list, expected) in [
            ("Music, Hindi", "music, hindi"),
            (" ＭＵＳＩＣ;music , #Rock & roll", "music, rock, roll"),
            ("हिंदी، موسيقى", "हिंदी, موسيقى"),
            ("video games", "video games"),
            ("a,b,c,d,e,f", "a, b, c, d, e"),
            (" , ,,", ""),
        ] {
            assert_eq!(parsed(list), expected, "{list}");
        }
    }

    #[test]
    fn interest_must_be_a_valid_nickname() {
        assert_eq!(parsed("chess, http://x.example, :)"), "chess");
        assert_eq!(parsed(&"x".repeat(40)), "");
        assert_eq!(
            parsed("chess!, tea., 1990s, dota 2, year 2024"),
            "chess, tea, 1990s, dota 2, year 2024"
        );
        for (list, error) in [
            ("chess, admin", NicknameError::ImitatesSystem),
            ("🎉 you left", NicknameError::ImitatesSystem),
            ("tea, 9876543210", NicknameError::ContactDetail),
            ("98345", NicknameError::ContactDetail),
        ] {
            assert_eq!(Interests::parse(list).map(|_| ()), Err(error), "{list}");
        }
    }

    #[test]
    fn interest_intersection_keeps_shared_entries() {
        let [left, right] =
            ["music, chess", "Chess, tea"].map(|list| Interests::parse(list).expect("valid"));
        assert_eq!(left.intersection(&right).to_string(), "chess");
        assert!(left.intersection(&Interests::default()).is_empty());
    }
}
