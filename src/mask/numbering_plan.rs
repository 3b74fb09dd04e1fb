//! [`NumberingPlans`]: whether digits are a valid number in a country.
//!
//! This module queries the metadata and limits the queries per text. It must not read the text
//! around the digits. To try more countries for national numbers, add them to
//! [`DEFAULT_COUNTRIES`].

use std::cell::Cell;
use std::collections::HashSet;

use once_cell::sync::Lazy;
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber};

/// Calling codes whose national numbers are tried when a number has no calling code. Each comes
/// with the trunk prefix that callers within the country dial first.
const DEFAULT_COUNTRIES: &[(i32, &[u8])] = &[
    (1, &[1]),
    (44, &[0]),
    (49, &[0]),
    (33, &[0]),
    (39, &[]),
    (34, &[]),
    (55, &[0]),
    (52, &[0, 1]),
    (54, &[0]),
    (57, &[0]),
    (62, &[0]),
    (63, &[0]),
    (60, &[0]),
    (66, &[0]),
    (84, &[0]),
    (86, &[0]),
    (81, &[0]),
    (82, &[0]),
    (7, &[8]),
    (380, &[0]),
    (48, &[]),
    (31, &[0]),
    (32, &[0]),
    (41, &[0]),
    (43, &[0]),
    (46, &[0]),
    (47, &[]),
    (45, &[]),
    (351, &[]),
    (30, &[]),
    (36, &[0, 6]),
    (40, &[0]),
    (420, &[]),
    (90, &[0]),
    (972, &[0]),
    (971, &[0]),
    (966, &[0]),
    (20, &[0]),
    (212, &[0]),
    (213, &[0]),
    (234, &[0]),
    (233, &[0]),
    (254, &[0]),
    (27, &[0]),
    (92, &[0]),
    (880, &[0]),
    (94, &[0]),
    (977, &[0]),
    (98, &[0]),
    (61, &[0]),
    (64, &[0]),
    (353, &[0]),
    (65, &[]),
    (852, &[]),
    (56, &[]),
    (51, &[0]),
    (91, &[0]),
];

/// The assigned calling codes. None of them is a prefix of another.
static CODES: Lazy<HashSet<i32>> =
    Lazy::new(|| PHONE_NUMBER_UTIL.get_supported_calling_codes().collect());

/// Maximum queries per text, so that a hostile text takes no longer than a long one.
const MAX_QUERIES: u32 = 256;

/// The numbering plans with a limit on the queries for one text.
pub(super) struct NumberingPlans {
    queries_left: Cell<u32>,
}

impl NumberingPlans {
    pub(super) const fn new() -> Self {
        Self::with_query_limit(MAX_QUERIES)
    }

    /// Creates plans that answer at most `limit` queries.
    pub(super) const fn with_query_limit(limit: u32) -> Self {
        Self { queries_left: Cell::new(limit) }
    }

    /// Returns `true` if `digits`, which start with a calling code, are a valid number.
    pub(super) fn is_international(&self, digits: &[u8]) -> bool {
        let Some((code, national)) = split(digits) else { return false };
        // Many numbers still contain the trunk zero: +44 (0)20 …
        let without_trunk = national.strip_prefix(&[0]);
        self.is_valid(code, national) || without_trunk.is_some_and(|rest| self.is_valid(code, rest))
    }

    /// Returns `true` if `digits`, which start with a calling code, have the length of a number in
    /// that country. Takes a small part of the time of [`Self::is_international`].
    pub(super) fn is_possible(&self, digits: &[u8]) -> bool {
        let Some((code, national)) = split(digits) else { return false };
        let is_possible = |national: &[u8]| {
            self.may_query(national)
                && PHONE_NUMBER_UTIL.is_possible_number(&number(code, national))
        };
        // Mexico's mobile numbers had a one after the calling code.
        let old_prefix: &[u8] = if code == 52 { &[1] } else { &[0] };
        is_possible(national) || national.strip_prefix(old_prefix).is_some_and(is_possible)
    }

    /// Returns `true` if `digits` are a valid national number in one of [`DEFAULT_COUNTRIES`].
    pub(super) fn is_national(&self, digits: &[u8]) -> bool {
        if self.queries_left.get() == 0 {
            return false;
        }
        DEFAULT_COUNTRIES.iter().any(|(code, trunk)| {
            let without_trunk = digits.strip_prefix(*trunk).filter(|_| !trunk.is_empty());
            without_trunk.is_some_and(|national| self.is_valid(*code, national))
                || (digits.first() != Some(&0) || trunk.is_empty()) && self.is_valid(*code, digits)
        })
    }

    fn is_valid(&self, code: i32, national: &[u8]) -> bool {
        self.may_query(national) && PHONE_NUMBER_UTIL.is_valid_number(&number(code, national))
    }

    /// Counts a query if one is left and `national` has a plausible length; returns whether it did.
    fn may_query(&self, national: &[u8]) -> bool {
        let remaining = self.queries_left.get();
        let is_allowed = (4..=14).contains(&national.len()) && remaining > 0;
        self.queries_left.set(remaining - u32::from(is_allowed));
        is_allowed
    }
}

/// Returns `true` if `digits` are an assigned calling code.
pub(super) fn is_calling_code(digits: &[u8]) -> bool {
    split(digits).is_some_and(|(_, national)| national.is_empty())
}

/// Splits `digits` into the calling code and the rest; `None` if they start with no calling code.
fn split(digits: &[u8]) -> Option<(i32, &[u8])> {
    let mut code = 0;
    let length = digits.iter().take(3).position(|digit| {
        code = code * 10 + i32::from(*digit);
        CODES.contains(&code)
    })?;
    Some((code, &digits[length + 1..]))
}

fn number(country_code: i32, national: &[u8]) -> PhoneNumber {
    let zeros = national.iter().take_while(|digit| **digit == 0).count();
    PhoneNumber {
        country_code,
        national_number: national.iter().fold(0, |n, digit| n * 10 + u64::from(*digit)),
        italian_leading_zero: (zeros > 0).then_some(true),
        number_of_leading_zeros: i32::try_from(zeros).ok().filter(|zeros| *zeros > 1),
        ..PhoneNumber::default()
    }
}

/// Loads the metadata, and compiles the patterns of the countries that are queried most.
pub(super) fn warm_up() {
    Lazy::force(&CODES);
    let plan = NumberingPlans::new();
    // No country assigns this number, so the query tries all of them.
    plan.is_national(&[0; 10]);
    for national in [[2; 10].as_slice(), &[9; 10], &[6; 9], &[7; 8]] {
        NumberingPlans::new().is_national(national);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(text: &str) -> Vec<u8> {
        text.bytes().map(|byte| byte - b'0').collect()
    }

    #[test]
    fn plan_validates_international_numbers() {
        let plan = NumberingPlans::new();
        assert!(plan.is_international(&digits("918123632833")));
        assert!(plan.is_international(&digits("447400123456")));
        assert!(plan.is_international(&digits("390236618300")));
        assert!(!plan.is_international(&digits("999123632833")));
        assert!(!plan.is_international(&[]));
    }

    #[test]
    fn plan_accepts_lengths_with_old_prefixes() {
        let plan = NumberingPlans::new();
        assert!(plan.is_possible(&digits("5215512345678")));
        assert!(plan.is_possible(&digits("4402079460958")));
    }

    #[test]
    fn plan_tries_national_numbers_with_and_without_trunk() {
        let plan = NumberingPlans::new();
        assert!(plan.is_national(&digits("02079460958")));
        assert!(plan.is_national(&digits("2015156294")));
        assert!(!plan.is_national(&digits("0000000000")));
    }

    #[test]
    fn plan_limits_queries_per_text() {
        let plan = NumberingPlans::new();
        let valid =
            (0..100_000u64).filter(|n| plan.is_national(&digits(&format!("{n:010}")))).count();
        assert!(valid < 1_000);
        assert_eq!(plan.queries_left.get(), 0);
    }
}
