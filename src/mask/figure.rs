//! Figures that are not phone numbers by their digits and marks: dates, times, amounts, scores.
//!
//! The words around them must not be read here, but in `context.rs`; figures without marks, such as
//! counting, are in `shape.rs`. To add a figure, add a line to [`CERTAIN_FIGURE`], or to
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

/// Thousands in western, Indian and continental notation.
macro_rules! thousands {
    () => {
        concat!(
            "(?:[0-9]{1,3}(?:,[0-9]{3})+(?:\\.[0-9]+)?",
            "|[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}(?:\\.[0-9]+)?",
            "|[0-9]{1,2}(?:\\.[0-9]{3}){2,}(?:,[0-9]+)?)"
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
        // Months of years, and ranges of them; days of months and of a year.
        "|",
        month!(),
        "[./-]",
        year!(),
        "(?:[-–]",
        month!(),
        "[./-]",
        year!(),
        ")?|",
        day!(),
        "[./]",
        month!(),
        "[-–]",
        day!(),
        "[./]",
        month!(),
        "(?:[./](?:",
        dated!(),
        "|[0-9]{2}))?",
        // Amounts and ranges of them.
        "|",
        thousands!(),
        "(?:[-–/]",
        thousands!(),
        ")?",
        // Decimals, and pairs of them.
        "|(?:0|[1-9][0-9]?)\\.[0-9]+(?:,-?[0-9]{1,3}\\.[0-9]+)?",
        "|[1-9][0-9]{2}\\.[0-9]{3,6}|(?:0|[1-9][0-9]*)\\.[0-9]{1,2}|[0-9]{1,3},[0-9]{1,2}",
        // House numbers: 8-41-873/7.
        "|[0-9]{1,2}-[0-9]{1,3}-[0-9]{1,4}/[0-9]{1,3}",
        // Addresses of devices: 0000:65:00.0.
        "|(?:[0-9]{4}:)?[0-9]{2}:[0-9]{2}\\.[0-7]",
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
        // Games and sets, also with the points of a tie break; basketball.
        "|[0-9]{1,2}[-:][0-9]{1,2}(?:\\([0-9]{1,2}\\))?(?:[ ,/]+[0-9]{1,2}[-:][0-9]{1,2}(?:\\([0-9]{1,2}\\))?)+",
        "|(?:[5-9][0-9]|1[0-9]{2})[-:](?:[5-9][0-9]|1[0-9]{2})",
        "(?:[ ,/]+(?:[5-9][0-9]|1[0-9]{2})[-:](?:[5-9][0-9]|1[0-9]{2}))+",
        // Pages, ratios, and verses.
        "|[0-9]{1,3}-[0-9]{1,3}(?:, [0-9]{1,3}-[0-9]{1,3})+",
        "|[0-9]{2,3}/[0-9]{2,3}/[0-9]{2,3}",
        "|[0-9]{1,3}:[0-9]{1,3}(?:-[0-9]{1,3})?(?:[,;]? [0-9]{1,3}:[0-9]{1,3}(?:-[0-9]{1,3})?)+",
        // Colors.
        "|",
        octet!(),
        "(?:[ ,]{1,2}",
        octet!(),
        "){2}",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figure_recognizes_certain_figures() {
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
            "03/2015",
            "03/2015-03/2016",
            "12/05-18/05/2024",
            "40,000-50,000",
            "0000:65:00.0",
        ] {
            assert!(is_figure(run), "{run}");
        }
    }

    #[test]
    fn figure_odd_separators_are_no_figure() {
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
    fn figure_some_figures_may_be_phone_numbers() {
        assert!(
            ["20.444.852", "504.10190", "325.3544", "2.2224070"].iter().all(|r| may_be_phone(r))
        );
        let others = ["1.250.000", "5.11.2024", "8.8.8.8", "12.345", "1299.99", "20,444,852"];
        assert!(!others.iter().any(|r| may_be_phone(r)));
    }

    #[test]
    fn figure_recognizes_likely_figures() {
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
            "112-108 98-95 121-117",
            "6-4 3-6 7-6(5)",
            "255, 128, 64",
            "112-118, 230-245",
            "2:255, 3:26-27",
            "160/100/80",
        ] {
            assert!(looks_like_something_else(window), "{window}");
        }
    }
}
