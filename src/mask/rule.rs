//! [`Rule`] and [`Finding`]: the masker's rules by name, and one range that a rule found.
//!
//! This module contains the names that `--explain` prints. The code of the rules must not be here.
//! To add a rule, add a variant, its name, and the code that finds it.

use std::ops::Range;

/// The reason why a range of text was hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// A number with a calling code.
    International,
    /// A number as it is dialled within a country.
    National,
    /// A number in words, or in words and digits.
    Words,
    /// Parts of a number joined by filler words.
    Chunks,
    /// A link that opens a chat or a profile, or dials.
    Link,
    /// An e-mail address.
    Email,
    /// A payment address: name@bank.
    Upi,
    /// A user name next to the name of its platform.
    Handle,
    /// A payment card.
    Card,
    /// A number that a government assigned to a person.
    GovId,
    /// The rest of a number that began in earlier messages.
    Split,
}

impl Rule {
    /// All rules.
    pub const ALL: [Self; 11] = [
        Self::International,
        Self::National,
        Self::Words,
        Self::Chunks,
        Self::Link,
        Self::Email,
        Self::Upi,
        Self::Handle,
        Self::Card,
        Self::GovId,
        Self::Split,
    ];

    /// Returns the rule's name, which is stable across releases.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::International => "international",
            Self::National => "national",
            Self::Words => "words",
            Self::Chunks => "chunks",
            Self::Link => "link",
            Self::Email => "email",
            Self::Upi => "upi",
            Self::Handle => "handle",
            Self::Card => "card",
            Self::GovId => "gov-id",
            Self::Split => "split",
        }
    }
}

impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A range of text that one rule found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Byte range of the text, on character boundaries.
    pub range: Range<usize>,
    pub rule: Rule,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_names_are_distinct_and_stable() {
        let names: std::collections::HashSet<_> =
            Rule::ALL.iter().map(|rule| rule.name()).collect();
        assert_eq!(names.len(), Rule::ALL.len());
        assert!(names.iter().all(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')));
    }
}
