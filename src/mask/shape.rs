//! Shapes of digits: [`is_indian_mobile`], lists, counting and the numbers of books.
//!
//! This module reads only the digits and the lengths of their groups. The marks between them must
//! not be read here, but in `figure.rs`, and the words around them in `context.rs`.

use smallvec::SmallVec;

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

/// Returns `true` if the groups look like prices: of the same length, and round or just below it:
/// 300 450 600, 199/299/399, 2500-3000.
pub(super) fn is_prices(digits: &[u8], lengths: &[usize]) -> bool {
    let Some(length) = lengths.first().filter(|length| (3..=5).contains(*length)) else {
        return false;
    };
    let groups = || digits.chunks(*length);
    let is_round = |group: &[u8]| match group {
        [_, _, last] => matches!(last, 0 | 5),
        [_, _, tens, 0] => matches!(tens, 0 | 5),
        [.., tens, ones] => (*tens, *ones) == (0, 0),
        _ => false,
    };
    lengths.len() >= 2
        && lengths.iter().all(|other| other == length)
        && (groups().all(is_round) || groups().all(|group| group.ends_with(&[9, 9])))
}

/// Returns `true` if `values` look like school marks, each from 60 to 100, like runs, with one of
/// three digits, or like points: 82 76 113 54 99, 21 19 18 21 21 17.
pub(super) fn is_marks(values: &[u64]) -> bool {
    let is_marks = values.iter().all(|value| (60..=100).contains(value));
    let is_runs = values.iter().all(|value| (10..200).contains(value))
        && values.iter().any(|value| *value >= 100);
    let is_points = values.len() >= 6 && values.iter().all(|value| (10..=30).contains(value));
    values.len() >= 5 && (is_marks || is_runs) || is_points
}

/// Returns `true` if the groups look like names of models or codes, in at least three groups of the
/// same length: 737 747 787, 3060 3070 3080, 200 301 404.
pub(super) fn is_models(digits: &[u8], lengths: &[usize]) -> bool {
    let Some(length) = lengths.first().filter(|length| (3..=4).contains(*length)) else {
        return false;
    };
    if lengths.len() < 3 || lengths.iter().any(|other| other != length) {
        return false;
    }
    let groups = || digits.chunks(*length);
    let values: SmallVec<[i32; 8]> = groups()
        .map(|group| group.iter().fold(0, |value, digit| value * 10 + i32::from(*digit)))
        .collect();
    let is_series = values[0] != values[1]
        && values.windows(3).all(|three| three[1] - three[0] == three[2] - three[1]);
    let have_equal_ends = groups()
        .all(|group| (group.first(), group.last()) == (digits.first(), digits.get(length - 1)));
    let are_tens = *length == 4 && groups().all(|group| group.ends_with(&[0]));
    is_series || have_equal_ends || are_tens || values.iter().all(|value| is_status(*value))
}

/// Returns `true` for the frequent status codes of HTTP.
const fn is_status(value: i32) -> bool {
    matches!(
        value,
        200 | 201 | 202 | 204 | 206 | 301 | 302 | 303 | 304 | 307 | 308
            | 400 | 401 | 403..=406 | 408..=410 | 413 | 415 | 418 | 422 | 429
            | 500..=504
    )
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
    fn shape_recognizes_prices() {
        assert!(is_models(&[7, 3, 7, 7, 4, 7, 7, 8, 7], &[3, 3, 3]));
        assert!(is_models(&[2, 0, 0, 3, 0, 1, 4, 0, 4], &[3, 3, 3]));
        assert!(is_models(&[3, 0, 6, 0, 3, 0, 7, 0, 4, 0, 9, 0], &[4, 4, 4]));
        assert!(!is_models(&[6, 1, 2, 3, 4, 5, 6, 7, 9], &[3, 3, 3]));
        assert!(is_marks(&[82, 76, 113, 54, 99]));
        assert!(is_prices(&[3, 0, 0, 4, 5, 0, 6, 0, 0], &[3, 3, 3]));
        assert!(is_prices(&[1, 9, 9, 2, 9, 9, 3, 9, 9], &[3, 3, 3]));
        assert!(!is_prices(&[9, 8, 7, 6, 5, 4, 3, 2, 1, 0], &[5, 5]));
    }

    #[test]
    fn shape_recognizes_isbn() {
        assert!(is_isbn(&[9, 7, 8, 0, 5, 5, 2, 7, 7, 3, 8, 9, 8], &[13]));
        assert!(is_isbn(&[0, 7, 4, 7, 5, 3, 2, 6, 9, 9], &[1, 4, 4, 1]));
        assert!(!is_isbn(&[0, 7, 4, 7, 5, 3, 2, 6, 9, 8], &[1, 4, 4, 1]));
    }
}
