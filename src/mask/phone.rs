//! Finds phone numbers written in digits with the usual separators.

use std::ops::Range;

use once_cell::sync::Lazy;
use regex::Regex;

/// Seven to fifteen digits (E.164 allows fifteen) with at most three separators between two.
static CANDIDATE: Lazy<Regex> =
    Lazy::new(|| compiled(r"(?:\+|＋)?\(?\+?\p{Nd}(?:[ \u{a0}\t()./‐‑–-]{0,3}\p{Nd}){6,14}"));

/// Shapes of seven or more digits that are no phone number: dates, IP addresses, grouped
/// thousands (western and Indian), decimals.
static NO_NUMBER: Lazy<Regex> = Lazy::new(|| {
    compiled(concat!(
        r"^(?:\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}[./-]\d{1,2}[./-]\d{1,2}",
        r"|\d{1,3}(?:\.\d{1,3}){3}|\d{1,3}(?:\.\d{3})+|\d+\.\d+)",
        r"(?:[ -]+\d{1,4})*$",
    ))
});

fn compiled(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is a constant that the tests compile")
}

/// The byte ranges of phone numbers in `text`, in order.
pub(super) fn find(text: &str) -> Vec<Range<usize>> {
    let candidates = CANDIDATE.find_iter(text);
    let numbers = candidates.filter(|found| {
        let (before, after) = (&text[..found.start()], &text[found.end()..]);
        stands_alone(before, after) && is_number(found.as_str())
    });
    numbers.map(|found| found.range()).collect()
}

/// Whether the digits are not the middle of a longer run, a word, or a price.
fn stands_alone(before: &str, after: &str) -> bool {
    let joins = |c: char| c.is_alphanumeric() || matches!(c, '_' | '₹' | '$' | '€' | '£' | '#');
    let ends = |c: char| c.is_alphanumeric() || matches!(c, '_' | '%');
    !before.chars().next_back().is_some_and(joins) && !after.chars().next().is_some_and(ends)
}

fn is_number(candidate: &str) -> bool {
    let digits = candidate.chars().filter(|c| c.is_numeric()).count();
    let international = candidate.contains(['+', '＋']) || candidate.starts_with("00");
    international || (digits >= 8 && !NO_NUMBER.is_match(candidate))
}

#[cfg(test)]
mod tests {
    use crate::mask::mask;

    #[test]
    fn numbers_with_usual_separators_are_hidden() {
        for (text, shown) in [
            ("Call me at 9876543210", "Call me at [hidden]"),
            ("+91 98765 43210 is mine", "[hidden] is mine"),
            ("098765-43210", "[hidden]"),
            ("(020) 7946 0958!", "[hidden]!"),
            ("ring +1 (212) 555-0147 or 0049 30 901820", "ring [hidden] or [hidden]"),
            ("मेरा नंबर ९८७६५४३२१० है", "मेरा नंबर [hidden] है"),
        ] {
            assert_eq!(mask(text).as_str(), shown);
        }
    }

    #[test]
    fn what_is_no_number_stays() {
        for text in [
            "see you at 10:30 on 12/05/2024",
            "2024-05-12 works",
            "it costs 1,00,000 or $1000000",
            "server 192.168.100.200",
            "I am 24, born 1999",
            "order id A12345678901",
            "1.234.567 people",
        ] {
            assert_eq!(mask(text).as_str(), text);
        }
    }

    #[test]
    fn the_count_of_hidden_numbers_is_kept() {
        assert_eq!(mask("9876543210 and 9123456789").hidden(), 2);
        assert_eq!(mask("hello").hidden(), 0);
    }
}
