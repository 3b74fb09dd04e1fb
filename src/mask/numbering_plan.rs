//! Numbering plans: whether digits are a number that some country gives out.
//!
//! What lives here: asking the metadata, and how long asking may take. What must not: any look at
//! the text around the digits. To ask more countries for national numbers: [`NATIONAL`].

use std::cell::Cell;
use std::collections::HashSet;

use once_cell::sync::Lazy;
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber};

/// Calling codes whose national numbers are tried when no code is given, with the digits that
/// stand before a number when it is dialled within the country.
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

/// The calling codes that are assigned. None of them is the start of another.
static CODES: Lazy<HashSet<i32>> =
    Lazy::new(|| PHONE_NUMBER_UTIL.get_supported_calling_codes().collect());

/// What asking is limited to in one text, so that a hostile one takes no longer than a long one.
const MAX_QUERIES: u32 = 256;

/// The numbering plans, with a limit on how often one text may ask them.
pub(super) struct NumberingPlans {
    queries_left: Cell<u32>,
}

impl NumberingPlans {
    pub(super) const fn new() -> Self {
        Self::with_query_limit(MAX_QUERIES)
    }

    /// Plans that may be asked only so often.
    pub(super) const fn with_query_limit(questions: u32) -> Self {
        Self { queries_left: Cell::new(questions) }
    }

    /// Whether `digits`, which start with a calling code, are a valid number.
    pub(super) fn is_international(&self, digits: &[u8]) -> bool {
        let Some((code, national)) = split(digits) else { return false };
        // People leave the trunk zero in: +44 (0)20 …
        let trunk = national.strip_prefix(&[0]);
        self.is_valid(code, national) || trunk.is_some_and(|rest| self.is_valid(code, rest))
    }

    /// Whether `digits`, which start with a calling code, are as many as a number there has. Takes
    /// a small part of the time of [`Self::is_international`].
    pub(super) fn is_possible(&self, digits: &[u8]) -> bool {
        let Some((code, national)) = split(digits) else { return false };
        let possible = |national: &[u8]| {
            self.may_query(national)
                && PHONE_NUMBER_UTIL.is_possible_number(&number(code, national))
        };
        possible(national) || national.strip_prefix(&[0]).is_some_and(possible)
    }

    /// Whether `digits` are a valid number within any of the countries that are tried.
    pub(super) fn is_national(&self, digits: &[u8]) -> bool {
        if self.queries_left.get() == 0 {
            return false;
        }
        DEFAULT_COUNTRIES.iter().any(|(code, trunk)| {
            let dialled = digits.strip_prefix(*trunk).filter(|_| !trunk.is_empty());
            dialled.is_some_and(|national| self.is_valid(*code, national))
                || (digits.first() != Some(&0) || trunk.is_empty()) && self.is_valid(*code, digits)
        })
    }

    fn is_valid(&self, code: i32, national: &[u8]) -> bool {
        self.may_query(national) && PHONE_NUMBER_UTIL.is_valid_number(&number(code, national))
    }

    /// Whether there is anything to ask about `national`, and a question left.
    fn may_query(&self, national: &[u8]) -> bool {
        let left = self.queries_left.get();
        let asks = (4..=14).contains(&national.len()) && left > 0;
        self.queries_left.set(left - u32::from(asks));
        asks
    }
}

/// The calling code that `digits` start with, and the rest.
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

/// Loads the metadata and compiles the patterns of the countries that are asked most.
pub(super) fn warm_up() {
    Lazy::force(&CODES);
    let plan = NumberingPlans::new();
    // No country gives out this number, so all of them are asked.
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
    fn plan_tries_national_numbers_with_and_without_trunk() {
        let plan = NumberingPlans::new();
        assert!(plan.is_national(&digits("02079460958")));
        assert!(plan.is_national(&digits("2015156294")));
        assert!(!plan.is_national(&digits("0000000000")));
    }

    #[test]
    fn plan_limits_queries_per_text() {
        let plan = NumberingPlans::new();
        let asked =
            (0..100_000u64).filter(|n| plan.is_national(&digits(&format!("{n:010}")))).count();
        assert!(asked < 1_000);
        assert_eq!(plan.queries_left.get(), 0);
    }
}
