//! The rules by name, and what one found.
//!
//! What lives here: the names that people see when they ask why something was hidden. What must
//! not: the rules' code. To add a rule: a variant, its name, and a place that finds it.

use std::ops::Range;

/// Why something was hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// A number with a calling code.
    International,
    /// A number as it is dialled within a country.
    National,
    /// A number said in words, or in words and digits.
    Words,
    /// Pieces of a number joined by filler words.
    Chunks,
    /// A link that opens a chat or a profile, or dials.
    Link,
    /// An e-mail address.
    Email,
    /// An address for payments: name@bank.
    Upi,
    /// A name on a platform that is named beside it.
    Handle,
    /// A payment card.
    Card,
    /// A number that a government gave to a person.
    GovId,
    /// The rest of a number that earlier messages began.
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

    /// Its name, which stays the same from release to release.
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

/// What one rule found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Bytes of the text, on character boundaries.
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
