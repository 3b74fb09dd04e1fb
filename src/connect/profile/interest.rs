//! What people like, as far as it decides whom they meet.
//!
//! **Invariant:** an interest is short, plain and carries no number: it may be shown to a partner
//! who has the same one.

use std::fmt;
use std::sync::Arc;

use unicode_normalization::UnicodeNormalization;

use super::nickname::Nickname;

/// The most interests one person may name; further ones are ignored.
pub const MAX_INTERESTS: usize = 5;

/// One interest in its plain form, so that `Music` and `music ` are the same. Cheap to clone.
pub type Interest = Arc<str>;

/// A few interests, in order, none twice. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Interests(Arc<[Interest]>);

impl Interests {
    /// Reads a list: commas, line ends, `#` and `&` part its entries.
    #[must_use]
    pub fn parse(list: &str) -> Self {
        Self::from_entries(list.split([',', '،', '、', ';', '\n', '#', '&', '/', '|']))
    }

    /// What of `entries` can be used, in plain form. What is no name of anything, or longer than a
    /// nickname may be, is left out.
    pub fn from_entries<'a>(entries: impl IntoIterator<Item = &'a str>) -> Self {
        let mut all: Vec<Interest> = Vec::new();
        for entry in entries {
            let plain: String = entry.nfkc().collect::<String>().to_lowercase();
            // What may be shown to a stranger as a name may be shown as an interest.
            let Ok(name) = Nickname::parse(&plain) else { continue };
            if all.len() < MAX_INTERESTS && !all.iter().any(|known| **known == *name.as_str()) {
                all.push(name.as_str().into());
            }
        }
        Self(all.into())
    }

    /// Interests that were some before, read back from a store.
    pub(crate) fn from_stored(all: Vec<Interest>) -> Self {
        if all.is_empty() { Self::default() } else { Self(all.into()) }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Interest> {
        self.0.iter()
    }

    /// Those that `other` has as well.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        if self.is_empty() || other.is_empty() {
            return Self::default();
        }
        Self(self.0.iter().filter(|interest| other.0.contains(interest)).cloned().collect())
    }
}

/// None, without taking any memory.
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

/// What somebody likes stays out of logs.
impl fmt::Debug for Interests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Interests({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(list: &str) -> String {
        Interests::parse(list).to_string()
    }

    #[test]
    fn interest_list_accepts_any_separator_and_case() {
        for (typed, understood) in [
            ("Music, Hindi", "music, hindi"),
            (" ＭＵＳＩＣ;music , #Rock & roll", "music, rock, roll"),
            ("हिंदी، موسيقى", "हिंदी, موسيقى"),
            ("video games", "video games"),
            ("a,b,c,d,e,f", "a, b, c, d, e"),
            (" , ,,", ""),
        ] {
            assert_eq!(read(typed), understood, "{typed}");
        }
    }

    #[test]
    fn interest_must_be_a_valid_nickname() {
        assert_eq!(read("admin, 🎉 you left, chess, http://x.example"), "chess");
        assert_eq!(read(&"x".repeat(40)), "");
        assert!(!read("9876543210").contains('9'));
    }

    #[test]
    fn interest_intersection_keeps_shared_entries() {
        let (one, other) = (Interests::parse("music, chess"), Interests::parse("Chess, tea"));
        assert_eq!(one.intersection(&other).to_string(), "chess");
        assert!(one.intersection(&Interests::default()).is_empty());
    }
}
