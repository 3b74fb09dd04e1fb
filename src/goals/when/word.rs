//! [`Word`]: the tokens of a phrase, with numbers, clock times and written dates recognized.

use std::ops::Range;

use jiff::civil::{Date, DateTime, Time};
use jiff::{Timestamp, ZonedDateTime};

use super::vocabulary::unit;

/// The kind of a word, and the value of one that has digits.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum WordKind {
    Name,
    Number(u32),
    /// `31st`.
    Ordinal(u32),
    /// `14:30`, `5pm`; whether the half of the day is certain.
    Clock(Time, bool),
    /// A date with its year in an unambiguous order.
    Written(Date),
    /// Three fields that name no date, such as `2027-02-30`.
    Impossible,
    /// `03/04` or `03/04/2027`, whose order depends on the country.
    Slashed(u32, u32, Option<i16>),
    /// An ISO 8601 time without a zone.
    Local(DateTime),
    /// An ISO 8601 time with an offset.
    Instant(Timestamp),
    Bang,
    Comma,
    Plus,
    Dash,
}

/// A token of a phrase.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Word {
    pub kind: WordKind,
    /// The text in lowercase, without dots.
    pub text: String,
    /// Bytes of the phrase.
    pub range: Range<usize>,
}

/// Splits a phrase into words.
pub(super) fn words(phrase: &str) -> Vec<Word> {
    let mut found = Vec::new();
    let mut begin = None;
    for (at, c) in phrase.char_indices().chain([(phrase.len(), ' ')]) {
        let separates = c.is_whitespace()
            || matches!(c, ',' | ';' | '(' | ')' | '!' | '"' | '“' | '”' | '&' | '@');
        if !separates {
            begin.get_or_insert(at);
            continue;
        }
        if let Some(begin) = begin.take() {
            push_chunk(phrase, begin..at, &mut found);
        }
        let range = at..at + c.len_utf8();
        match c {
            ',' | ';' => found.push(Word { kind: WordKind::Comma, text: ",".into(), range }),
            '!' => found.push(Word { kind: WordKind::Bang, text: "!".into(), range }),
            '&' => found.push(Word { kind: WordKind::Name, text: "and".into(), range }),
            '@' => found.push(Word { kind: WordKind::Name, text: "at".into(), range }),
            _ => {}
        }
    }
    found
}

fn push_chunk(phrase: &str, range: Range<usize>, found: &mut Vec<Word>) {
    let chunk = &phrase[range.clone()];
    let text = chunk.to_lowercase();
    let text = text.trim_end_matches('.');
    if let Some(kind) = written(chunk).or_else(|| digits(text)) {
        found.push(Word { kind, text: text.to_owned(), range });
        return;
    }
    for (sign, kind) in [("+", WordKind::Plus), ("-", WordKind::Dash), ("–", WordKind::Dash)] {
        if chunk.starts_with(sign) {
            let end = range.start + sign.len();
            found.push(Word { kind, text: sign.into(), range: range.start..end });
            if end < range.end {
                push_chunk(phrase, end..range.end, found);
            }
            return;
        }
    }
    // `3d` is a number and a unit, `1h30m` two of them; `mon-fri` and `mid-january` are two names.
    let digits_end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(0);
    let unit_end = text[digits_end..]
        .find(|c: char| c.is_ascii_digit())
        .map_or(text.len(), |at| digits_end + at);
    if digits_end > 0 && unit(&text[digits_end..unit_end]).is_some() {
        let (unit, rest) = (range.start + digits_end, range.start + unit_end);
        push_chunk(phrase, range.start..unit, found);
        push_chunk(phrase, unit..rest, found);
        if unit_end < text.len() {
            push_chunk(phrase, rest..range.end, found);
        }
        return;
    }
    if let Some(at) = chunk
        .find(['-', '–'])
        .filter(|_| !chunk.contains('/') && chunk.is_char_boundary(chunk.len()))
    {
        let (at, dash) =
            (range.start + at, if chunk[at..].starts_with('-') { 1 } else { '–'.len_utf8() });
        push_chunk(phrase, range.start..at, found);
        found.push(Word { kind: WordKind::Dash, text: "-".into(), range: at..at + dash });
        if at + dash < range.end {
            push_chunk(phrase, at + dash..range.end, found);
        }
        return;
    }
    let text = text.replace(['.', '\'', '’'], "");
    found.push(Word { kind: WordKind::Name, text, range });
}

/// ISO 8601 times, which need the original case.
fn written(chunk: &str) -> Option<WordKind> {
    if !chunk.starts_with(|c: char| c.is_ascii_digit())
        || !chunk.contains(['T', 't'])
        || chunk.len() < 13
    {
        return None;
    }
    if chunk.contains('[') {
        return chunk.parse::<ZonedDateTime>().ok().map(|at| WordKind::Instant(at.timestamp()));
    }
    chunk.parse().map(WordKind::Instant).or_else(|_| chunk.parse().map(WordKind::Local)).ok()
}

fn digits(text: &str) -> Option<WordKind> {
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    dated(text, '-')
        .or_else(|| dated(text, '/'))
        .or_else(|| dated(text, '.'))
        .or_else(|| clock(text))
        .or_else(|| {
            let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
            if text.len() == 8 && end == 8 {
                // ISO 8601 without hyphens.
                let date = Date::new(
                    text[..4].parse().ok()?,
                    text[4..6].parse().ok()?,
                    text[6..].parse().ok()?,
                );
                return Some(date.map_or(WordKind::Impossible, WordKind::Written));
            }
            let number = text[..end].parse().ok()?;
            match &text[end..] {
                "" => Some(WordKind::Number(number)),
                "st" | "nd" | "rd" | "th" => Some(WordKind::Ordinal(number)),
                _ => None,
            }
        })
}

/// Two or three numbers with a separator.
fn dated(text: &str, separator: char) -> Option<WordKind> {
    let fields: Vec<&str> = text.split(separator).collect();
    if fields.iter().any(|field| {
        field.is_empty() || field.len() > 4 || !field.bytes().all(|b| b.is_ascii_digit())
    }) {
        return None;
    }
    let number = |field: &str| field.parse::<u32>().unwrap_or(u32::MAX);
    let year = |field: &str| {
        field.parse::<i16>().ok().map(|year| if field.len() <= 2 { year + 2000 } else { year })
    };
    let date = |year: &str, month: &str, day: &str| {
        let date = Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
        Some(date.map_or(WordKind::Impossible, WordKind::Written))
    };
    match fields[..] {
        [y, m, d] if y.len() == 4 && m.len() <= 2 && d.len() <= 2 => date(y, m, d),
        // With dots, the day is first.
        [d, m, y] if separator == '.' && y.len() == 4 => date(y, m, d),
        [a, b, y]
            if separator != '.' && a.len() <= 2 && b.len() <= 2 && matches!(y.len(), 2 | 4) =>
        {
            Some(WordKind::Slashed(number(a), number(b), Some(year(y)?)))
        }
        [a, b] if separator == '/' && a.len() <= 2 && b.len() <= 2 => {
            Some(WordKind::Slashed(number(a), number(b), None))
        }
        _ => None,
    }
}

/// `14:30`, `14:30:15`, `5:30pm` or `5pm`.
fn clock(text: &str) -> Option<WordKind> {
    let text = text.replace('.', "");
    let (text, half) = match text.strip_suffix("am").map(|rest| (rest, "am")) {
        Some(found) => found,
        None => text.strip_suffix("pm").map_or((text.as_str(), ""), |rest| (rest, "pm")),
    };
    let fields: Vec<&str> = text.split(':').collect();
    if fields.len() > 3
        || (fields.len() == 1 && half.is_empty())
        || fields[1..].iter().any(|field| field.len() != 2)
    {
        return None;
    }
    let numbers: Vec<i8> = fields.iter().map(|field| field.parse().ok()).collect::<Option<_>>()?;
    let hour = hour_of_day(numbers[0], half)?;
    let rest = |at: usize| numbers.get(at).copied().unwrap_or(0);
    let time = Time::new(hour, rest(1), rest(2), 0).ok()?;
    Some(WordKind::Clock(time, !half.is_empty() || numbers[0] > 12 || fields[0].starts_with('0')))
}

/// The hour 0 to 23 of an hour with `am`, `pm` or neither.
pub(super) fn hour_of_day(hour: i8, half: &str) -> Option<i8> {
    match (half, hour) {
        // `14:30pm` is redundant, but certain.
        ("", 0..=23) | ("pm", 13..=23) => Some(hour),
        ("am", 1..=12) => Some(hour % 12),
        ("pm", 1..=12) => Some(hour % 12 + 12),
        _ => None,
    }
}
