//! Shapes of digits: [`is_indian_mobile`], and figures that are not phone numbers, such as dates,
//! times, amounts, scores, lists and counting.
//!
//! This module reads only digits and the marks between them. The words around them must not be read
//! here, but in `context.rs`. To add a shape, add a line to [`CERTAIN_FIGURE`], or to
//! [`LIKELY_FIGURE`] if a cue may make it a phone number. Add an example to the tests.

use once_cell::sync::Lazy;
use regex::Regex;

macro_rules! day {
    () => {
        "(?:0?[1-9]|[12][0-9]|3[01])"
    };
}
macro_rules! month {
    () => {
        "(?:0?[1-9]|1[0-2])"
    };
}
macro_rules! year {
    () => {
        "(?:1[5-9][0-9]{2}|20[0-9]{2})"
    };
}
/// A year in a full date, including Persian years.
macro_rules! dated {
    () => {
        "(?:1[3-9][0-9]{2}|20[0-9]{2})"
    };
}
macro_rules! octet {
    () => {
        "(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
    };
}

macro_rules! date {
    () => {
        concat!(
            "(?:",
            day!(),
            "[./-]",
            month!(),
            "[./-](?:",
            dated!(),
            "|[0-9]{2})",
            "|",
            month!(),
            "[./-]",
            day!(),
            "[./-](?:",
            dated!(),
            "|[0-9]{2})",
            "|",
            dated!(),
            "[./-]",
            month!(),
            "[./-]",
            day!(),
            ")",
        )
    };
}

macro_rules! time {
    () => {
        concat!(
            "(?:(?:[01]?[0-9]|2[0-4])[:.][0-5][0-9](?::[0-5][0-9](?:[.,][0-9]{1,3})?)?",
            // Stopwatches and subtitles.
            "|[0-5]?[0-9]:[0-5][0-9][.,][0-9]{1,3})"
        )
    };
}

/// Runs joined by single marks that are a figure in any context.
static CERTAIN_FIGURE: Lazy<Regex> = Lazy::new(|| {
    compiled(concat!(
        "^(?:",
        date!(),
        "(?:[-–]",
        date!(),
        ")?",
        "|",
        time!(),
        "(?:[-–]",
        time!(),
        ")?",
        // Years and ranges of years.
        "|",
        year!(),
        "[-/]",
        year!(),
        "|",
        year!(),
        "[-/][0-9]{2}",
        // Thousands in western, Indian and continental notation.
        "|[0-9]{1,3}(?:,[0-9]{3})+(?:\\.[0-9]+)?",
        "|[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}(?:\\.[0-9]+)?",
        "|[0-9]{1,2}(?:\\.[0-9]{3}){2,}(?:,[0-9]+)?",
        // Decimals, and pairs of them.
        "|(?:0|[1-9][0-9]?)\\.[0-9]+(?:,-?[0-9]{1,3}\\.[0-9]+)?",
        "|[1-9][0-9]{2}\\.[0-9]{3,6}|(?:0|[1-9][0-9]*)\\.[0-9]{1,2}|[0-9]{1,3},[0-9]{1,2}",
        // House numbers: 8-41-873/7.
        "|[0-9]{1,2}-[0-9]{1,3}-[0-9]{1,4}/[0-9]{1,3}",
        // IP addresses; fractions and scores.
        "|(?:",
        octet!(),
        "\\.){3}",
        octet!(),
        "(?:[:/][0-9]{1,5})?",
        "|[0-9]{1,3}/[0-9]{1,2})$",
    ))
});

/// Shapes that an adjacent cue overrules.
static LIKELY_FIGURE: Lazy<Regex> = Lazy::new(|| {
    compiled(concat!(
        "^(?:",
        // A date without marks, with or without the time in the file names of cameras.
        year!(),
        "(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?:[ _-]?[0-9]{4,6})?",
        "|",
        day!(),
        " ",
        month!(),
        " ",
        year!(),
        // Consecutive years.
        "|",
        year!(),
        "(?:[ ,/&-]+",
        year!(),
        ")+",
        // Games and sets.
        "|[0-9]{1,2}[-:][0-9]{1,2}(?:[ ,/]+[0-9]{1,2}[-:][0-9]{1,2})+",
        // Versions: short parts, one of them a single digit.
        "|[0-9]{1,4}\\.[0-9]\\.[0-9]{1,5}(?:\\.[0-9]{1,5})?|[0-9]\\.[0-9]{1,3}\\.[0-9]{1,6}(?:\\.[0-9]{1,4})?",
        // Lists of numbers of two or three digits, with commas and spaces.
        "|[0-9]{1,3}(?:, [0-9]{2,3}){3,}",
        // American and Brazilian postcodes; thousands separated by spaces.
        "|[0-9]{5}-[0-9]{3,4}|[1-9][0-9]?(?: [0-9]{3}){2,}(?:[.,][0-9]+)?",
        ")$",
    ))
});

fn compiled(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is a constant that the tests compile")
}

/// Compiles the patterns now, so that the first text does not wait for it.
pub(super) fn warm_up() {
    Lazy::force(&CERTAIN_FIGURE);
    Lazy::force(&LIKELY_FIGURE);
}

/// Returns `true` if `run`, digits joined by single marks, is a date, time, amount or the like.
pub(super) fn is_figure(run: &str) -> bool {
    // Four pairs with dots may be an IP address, but such addresses are rare.
    let pairs = run.len() == 11 && run.split('.').all(|part| part.len() == 2);
    !pairs && CERTAIN_FIGURE.is_match(run)
}

/// Returns `true` if a figure next to a cue may be a phone number.
///
/// 20.444.852 and 504.10190 are an amount and a decimal, but some countries write phone numbers in
/// this form.
pub(super) fn may_be_phone(run: &str) -> bool {
    let mut groups = run.split('.').map(str::len);
    let (first, rest): (_, Vec<usize>) = (groups.next(), groups.collect());
    let digits = first.unwrap_or(0) + rest.iter().sum::<usize>();
    let is_grouped = first == Some(2) && rest == [3, 3];
    let is_halved = matches!(first, Some(1..=3)) && matches!(rest[..], [4..=7]);
    let has_only_dots = run.bytes().all(|byte| byte == b'.' || byte.is_ascii_digit());
    has_only_dots && (7..=9).contains(&digits) && (is_grouped || is_halved)
}

/// Returns `true` if a window may be an amount with dots between thousands: 600.584.541.
pub(super) fn is_dotted(window: &str) -> bool {
    let mut groups = window.split('.');
    groups.next().is_some_and(|first| first.len() <= 3)
        && groups.all(|group| group.len() == 3)
        && window.contains('.')
}

/// Returns `true` if a window of digits has the shape of a likely figure.
pub(super) fn looks_like_something_else(window: &str) -> bool {
    LIKELY_FIGURE.is_match(window)
}

/// Returns `true` if the groups may be thousands, three digits each after a first of one to three:
/// 568 104 923 325.
pub(super) fn is_thousands(lengths: &[usize]) -> bool {
    matches!(lengths, [1..=3, rest @ ..] if rest.len() >= 2 && rest.iter().all(|length| *length == 3))
}

/// Minimum values of a series.
pub(super) const MIN_SERIES: usize = 4;

/// Returns `true` if `values` count up or down by equal steps, rise at every step, or multiply by
/// the same factor.
pub(super) fn is_counting(values: &[u64]) -> bool {
    let is_rising =
        values.len() >= 5 && values.windows(2).all(|pair| pair[0] < pair[1]) || is_growing(values);
    // A number before the list may introduce it: "table of 7: 7 14 21 28 35".
    is_rising
        || is_geometric(values)
        || is_arithmetic(values)
        || values.len() > 5 && is_arithmetic(&values[1..])
}

/// Returns `true` if `values` never decrease and the last has more digits than the first: 1 1 2 3 5
/// 8 13.
fn is_growing(values: &[u64]) -> bool {
    let (Some(first), Some(last)) = (values.first(), values.last()) else { return false };
    values.len() >= 6
        && *last < u64::MAX
        && last.checked_ilog10() > Some(first.checked_ilog10().unwrap_or(0))
        && values.windows(2).all(|pair| pair[0] <= pair[1])
}

/// Returns `true` if `values` look like school marks: each from 60 to 100.
pub(super) fn is_marks(values: &[u64]) -> bool {
    values.len() >= 5 && values.iter().all(|value| (60..=100).contains(value))
}

/// Returns `true` if each of `values` is the one before it times the same factor: 1024 2048 4096
/// 8192.
fn is_geometric(values: &[u64]) -> bool {
    let [first, second, _, _, ..] = values else { return false };
    let factor = second.checked_div(*first).filter(|factor| *factor > 1);
    factor.is_some_and(|factor| {
        values.windows(2).all(|pair| pair[0].checked_mul(factor) == Some(pair[1]))
    })
}

/// Returns `true` if `values` are the ten digits from nine down.
///
/// This is counting, but also a valid number that many people make up, so the context decides.
pub(super) fn is_countdown(values: &[u64]) -> bool {
    values.len() == 10 && values.iter().copied().eq((0..10).rev())
}

/// Returns `true` if all steps between `values` are equal, except for one per ten values.
fn is_arithmetic(values: &[u64]) -> bool {
    if values.len() < MIN_SERIES {
        return false;
    }
    let step = |pair: &[u64]| i128::from(pair[1]) - i128::from(pair[0]);
    let first = step(&values[..2]);
    let equal_count = values.windows(2).filter(|pair| step(pair) == first).count();
    first != 0 && equal_count >= values.len() - 1 - values.len() / 10
}

/// Returns `true` if the digits are an Indian mobile number: ten digits that start with 6, 7, 8 or
/// 9, alone or after 0, 91 or both.
pub(super) fn is_indian_mobile(digits: &[u8]) -> bool {
    let mobile = match digits {
        mobile if mobile.len() == 10 => mobile,
        [0, mobile @ ..]
        | [9, 1, mobile @ ..]
        | [0, 9, 1, mobile @ ..]
        | [9, 1, 0, mobile @ ..]
            if mobile.len() == 10 =>
        {
            mobile
        }
        _ => return false,
    };
    mobile[0] >= 6
}

/// Returns `true` if the digits run up or down by one (123456789), are all equal or are all binary.
pub(super) fn is_run(digits: &[u8]) -> bool {
    let has_steps = |by: i16| {
        digits.windows(2).all(|pair| {
            let step = i16::from(pair[1]) - i16::from(pair[0]);
            step == by || step == by - 10 * by.signum()
        })
    };
    let is_binary = digits.len() >= 8 && digits.iter().all(|digit| *digit <= 1);
    digits.len() >= 6
        && (is_binary || has_steps(1) || has_steps(-1) || digits.windows(2).all(|p| p[0] == p[1]))
}

/// Returns `true` if the digits, in groups of `lengths`, are the number of a book: an ISBN-13, or
/// an ISBN-10 with a valid check digit.
pub(super) fn is_isbn(digits: &[u8], lengths: &[usize]) -> bool {
    if digits.len() == 13 {
        return digits.starts_with(&[9, 7, 8]) || digits.starts_with(&[9, 7, 9]);
    }
    let sum: u32 =
        digits.iter().zip((1..=10).rev()).map(|(d, weight)| u32::from(*d) * weight).sum();
    digits.len() == 10 && matches!(lengths, [1..=5, _, _, 1]) && sum.is_multiple_of(11)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shape_recognizes_certain_figures() {
        for run in [
            "14/08/1999",
            "2021-03-17",
            "5.11.2024",
            "23-09-25",
            "18:30",
            "3:02:01",
            "2015-2019",
            "1,25,000",
            "1,428,627,663",
            "1.234.567",
            "1299.99",
            "28.613939",
            "19.0760,72.8777",
            "192.168.10.254:8080",
            "8.8.8.8",
            "287/4",
            "01/02/2024-31/03/2024",
            "1379/04/21",
            "00:12:45,300",
            "1:23.456",
            "8-41-873/7",
        ] {
            assert!(is_figure(run), "{run}");
        }
    }

    #[test]
    fn shape_odd_separators_are_no_figure() {
        for run in [
            "828.939.7494",
            "60/73/04/79/61",
            "6,5,7,3,6,8,4,2,2,4",
            "9.6.1.1.0.9.6.1.8.9",
            "79690/65515",
            "06.12.18.26.40",
            "692,997,6290",
            "98765-43210",
            "5146-1311",
        ] {
            assert!(!is_figure(run) && !looks_like_something_else(run), "{run}");
        }
    }

    #[test]
    fn shape_some_figures_may_be_phone_numbers() {
        assert!(
            ["20.444.852", "504.10190", "325.3544", "2.2224070"].iter().all(|r| may_be_phone(r))
        );
        let others = ["1.250.000", "5.11.2024", "8.8.8.8", "12.345", "1299.99", "20,444,852"];
        assert!(!others.iter().any(|r| may_be_phone(r)));
    }

    #[test]
    fn shape_recognizes_likely_figures() {
        for window in [
            "20240615",
            "20240615_123456",
            "1998 2002 2006",
            "21-19 18-21 21-17",
            "120.0.6099.224",
            "2.14.3",
            "65, 72, 81, 90",
            "90210-1234",
            "1 428 627 663",
        ] {
            assert!(looks_like_something_else(window), "{window}");
        }
    }

    #[test]
    fn shape_tells_counting_from_numbers() {
        assert!(is_counting(&[1, 2, 3, 4, 5, 6, 7]));
        assert!(is_counting(&[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]));
        assert!(is_counting(&[4, 8, 15, 16, 23, 42]));
        assert!(is_counting(&[1024, 2048, 4096, 8192]));
        assert!(!is_counting(&[9, 4, 7, 0, 6, 0, 1, 6, 4, 5]));
        assert!(is_counting(&[1, 1, 2, 3, 5, 8, 13, 21]));
        assert!(!is_counting(&[0, 1, 1, 2, 5, 6, 6, 7, 8, 8]));
        assert!(is_marks(&[98, 95, 92, 88, 91]));
        assert!(!is_marks(&[98, 71, 24, 5, 87]));
        assert!(!is_counting(&[7, 8, 9]));
        assert!(is_run(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 0]));
        assert!(is_run(&[1, 0, 1, 1, 0, 1, 1, 0]));
        assert!(!is_run(&[9, 8, 7, 6, 5, 4, 3, 2, 1, 1]));
    }

    #[test]
    fn shape_recognizes_isbn() {
        assert!(is_isbn(&[9, 7, 8, 0, 5, 5, 2, 7, 7, 3, 8, 9, 8], &[13]));
        assert!(is_isbn(&[0, 7, 4, 7, 5, 3, 2, 6, 9, 9], &[1, 4, 4, 1]));
        assert!(!is_isbn(&[0, 7, 4, 7, 5, 3, 2, 6, 9, 8], &[1, 4, 4, 1]));
    }
}
