//! Quality of [`mask`] by kind of fault, on texts with the expected findings marked.
//!
//! `kinds.jsonl` has one row per text, or per conversation of one sender. The characters between
//! `⟦` and `⟧` must be hidden, all others must stay. Half of the rows of each kind are held out:
//! they were written first, and no rule was written with them. To add a kind, add rows to both
//! halves and a line to [`KINDS`].

use std::collections::BTreeMap;

use random_connect::mask::{Memory, mask_next};
use serde::Deserialize;

use crate::mask_corpus::{hidden, informative, rows};

/// Each kind with its minimum of hidden rows and its maximum of altered rows, in percent, for both
/// halves.
const KINDS: [(&str, usize, usize); 9] = [
    // A word for an id, a unit or money beside a mobile number.
    ("label", 90, 10),
    // Dots and commas as in decimals and thousands, with and without a plus.
    ("plus", 90, 10),
    // Number words with their letters apart, misspelled, in leet; look-alike letters.
    ("spelled", 84, 10),
    // Digits of the line or sentence before.
    ("chained", 90, 10),
    // Letters, prices and links that touch a number.
    ("glued", 90, 16),
    // Handles in words, and UPI addresses of all banks.
    ("handle", 90, 10),
    // Dates, prices, scores, colors, books, scripture, versions and addresses.
    ("figure", 90, 10),
    // Messages that only look like the fragments of a number.
    ("talk", 90, 10),
    // Words and marks beside a number, which must stay.
    ("neighbor", 90, 10),
];

/// A conversation with marks around the characters to hide. A row with `text` has one message.
#[derive(Deserialize)]
struct KindRow {
    kind: String,
    half: String,
    text: Option<String>,
    #[serde(default)]
    messages: Vec<String>,
}

/// Returns `marked` without the marks, and the ranges of characters between them.
fn unmarked(marked: &str) -> (String, Vec<(usize, usize)>) {
    let (mut text, mut spans, mut open) = (String::new(), Vec::new(), 0);
    let mut count = 0;
    for c in marked.chars() {
        match c {
            '⟦' => open = count,
            '⟧' => spans.push((open, count)),
            _ => {
                text.push(c);
                count += 1;
            }
        }
    }
    (text, spans)
}

/// The result of one row: whether it has anything to hide, whether all of that is hidden, and
/// whether anything else is.
struct RowResult {
    has_spans: bool,
    is_hidden: bool,
    is_altered: bool,
}

impl KindRow {
    fn result(&self) -> RowResult {
        let mut result = RowResult { has_spans: false, is_hidden: true, is_altered: false };
        let mut memory = Memory::default();
        for marked in self.text.iter().chain(&self.messages) {
            let (text, spans) = unmarked(marked);
            let (masked, next) = mask_next(&text, &memory);
            memory = next;
            let chars: Vec<char> = text.chars().collect();
            let expected = informative(&chars, spans.into_iter());
            let found = hidden(&chars, masked.as_str(), &expected).expect("unchanged visible text");
            result.has_spans |= !expected.is_empty();
            result.is_hidden &= expected.is_subset(&found);
            let is_other = |index: &usize| chars[*index].is_alphanumeric();
            result.is_altered |= found.difference(&expected).any(is_other);
        }
        result
    }
}

/// The counts of one kind in one half.
#[derive(Default)]
struct KindCount {
    /// Rows with something to hide, and those of them where all of it is hidden.
    numbers: usize,
    hidden: usize,
    /// Rows without anything to hide, and those of them that are altered.
    others: usize,
    altered: usize,
    wrong: Vec<String>,
}

/// Returns the counts by kind of one half of the corpus.
fn counts(half: &str) -> BTreeMap<String, KindCount> {
    let mut counts = BTreeMap::<String, KindCount>::new();
    for row in rows::<KindRow>("kinds.jsonl").iter().filter(|row| row.half == half) {
        let count = counts.entry(row.kind.clone()).or_default();
        let result = row.result();
        if result.has_spans {
            count.numbers += 1;
            count.hidden += usize::from(result.is_hidden);
        } else {
            count.others += 1;
            count.altered += usize::from(result.is_altered);
        }
        if !result.is_hidden || result.is_altered {
            count.wrong.push(format!("{:?} {:?}", row.text, row.messages));
        }
    }
    counts
}

#[test]
fn mask_kinds_hide_numbers_and_leave_other_texts() {
    for half in ["development", "held-out"] {
        let counts = counts(half);
        for (kind, min_hidden, max_altered) in KINDS {
            let KindCount { numbers, hidden, others, altered, wrong } = &counts[kind];
            println!("{half} {kind}: {hidden}/{numbers} hidden, {altered}/{others} altered");
            assert!(numbers + others >= 30, "{kind} has {numbers} and {others} rows");
            assert!(hidden * 100 >= numbers * min_hidden, "{half} {kind}: {wrong:#?}");
            assert!(altered * 100 <= others * max_altered, "{half} {kind}: {wrong:#?}");
        }
    }
}
