//! Gates the masker on the labelled corpora, by class.
//!
//! What lives here: the scoring and the floors. What must not: rules of the masker. To add a
//! class: rows in `tests/corpus/`; every class of numbers must be hidden and every `neg_` class
//! left alone as far as the floors say.
//!
//! `dev*.jsonl` and `independent*.jsonl` have both been looked at while rules were written, the
//! second not before it had been measured unseen: 92.5 % hidden, 1.6 % false alarms. `unseen*.jsonl`
//! was written by somebody who knew the first alone, and no rule was written with it: 98.6 % hidden,
//! 1.8 % false alarms. The floors below keep what was reached.

use std::collections::{BTreeMap, HashSet};

use random_connect::mask::{HIDDEN, Memory, mask, mask_next};
use serde::Deserialize;

/// A labelled text; spans count characters.
#[derive(Deserialize)]
struct CorpusRow {
    class: String,
    text: String,
    spans: Vec<(usize, usize)>,
}

/// One sender's messages; a span is the message and its characters.
#[derive(Deserialize)]
struct CorpusSequence {
    messages: Vec<String>,
    leaks: bool,
    spans: Vec<(usize, usize, usize)>,
}

fn rows<T: for<'a> Deserialize<'a>>(name: &str) -> Vec<T> {
    let path = format!("{}/tests/corpus/{name}", env!("CARGO_MANIFEST_DIR"));
    let file = std::fs::read_to_string(path).expect("a corpus");
    file.lines().map(|line| serde_json::from_str(line).expect("a row")).collect()
}

/// The characters of `text` that are hidden in `masked`, or none when visible text was altered. Of
/// several ways to align the two, the one that hides most of `wanted` counts.
fn hidden(text: &[char], masked: &str, wanted: &HashSet<usize>) -> Option<HashSet<usize>> {
    let pieces: Vec<Vec<char>> =
        masked.split(HIDDEN).map(|piece| piece.chars().collect()).collect();
    let (last, first) = (pieces.last()?, &pieces[0]);
    if !text.starts_with(first) || !text.ends_with(last) {
        return None;
    }
    if pieces.len() == 1 {
        return (text.len() == first.len()).then(HashSet::new);
    }
    // Per end of a piece: the best score so far, and where the pieces before it started.
    let mut ways = BTreeMap::from([(first.len(), (0_i64, Vec::new()))]);
    for (at, piece) in pieces.iter().enumerate().skip(1) {
        let mut next = BTreeMap::<usize, (i64, Vec<usize>)>::new();
        for (from, (score, starts)) in &ways {
            for start in from + 1..=text.len().saturating_sub(piece.len()) {
                let end = start + piece.len();
                if text[start..end] != piece[..] || at + 1 == pieces.len() && end != text.len() {
                    continue;
                }
                let gain: i64 =
                    (*from..start).map(|i| if wanted.contains(&i) { 10 } else { -1 }).sum();
                if next.get(&end).is_none_or(|(best, _)| *best < score + gain) {
                    let starts = starts.iter().copied().chain([*from, start]).collect();
                    next.insert(end, (score + gain, starts));
                }
            }
        }
        ways = next;
    }
    let (_, starts) = ways.remove(&text.len())?;
    Some(starts.chunks(2).flat_map(|gap| gap[0]..gap[1]).collect())
}

/// The letters and digits within `spans`: those tell a number, not the marks between them.
fn informative(text: &[char], spans: impl Iterator<Item = (usize, usize)>) -> HashSet<usize> {
    spans.flat_map(|(start, end)| start..end).filter(|at| text[*at].is_alphanumeric()).collect()
}

/// Per class of a corpus how many rows came out right, of how many; and which did not.
fn by_class(corpus: &str, numbers: bool) -> (BTreeMap<String, (usize, usize)>, Vec<String>) {
    let (mut classes, mut wrong) = (BTreeMap::new(), Vec::new());
    for row in rows::<CorpusRow>(corpus) {
        if row.class.starts_with("neg_") == numbers {
            continue;
        }
        let text: Vec<char> = row.text.chars().collect();
        let masked = mask(&row.text);
        let wanted = informative(&text, row.spans.iter().copied());
        let found = hidden(&text, masked.as_str(), &wanted);
        let found = found.unwrap_or_else(|| panic!("altered: {}", row.text));
        let right = if numbers { wanted.is_subset(&found) } else { masked.as_str() == row.text };
        let (rights, all) = classes.entry(row.class).or_insert((0, 0));
        (*rights, *all) = (*rights + usize::from(right), *all + 1);
        if !right {
            wrong.push(format!("{} -> {}", row.text, masked.as_str()));
        }
    }
    (classes, wrong)
}

#[test]
fn mask_corpus_hides_numbers_of_every_class() {
    let (classes, wrong) = by_class("dev.jsonl", true);
    let (right, all) = classes.values().fold((0, 0), |(a, b), (right, all)| (a + right, b + all));
    assert_eq!(all, 157, "153 with numbers and 4 with cards and government numbers");
    assert!(right * 100 >= all * 99, "{right} of {all}: {wrong:#?}");
    for (class, (right, all)) in classes {
        assert!(right * 10 >= all * 9, "{class}: {right} of {all}: {wrong:#?}");
    }
}

#[test]
fn mask_corpus_leaves_texts_without_numbers() {
    let (classes, wrong) = by_class("dev.jsonl", false);
    let (right, all) = classes.values().fold((0, 0), |(a, b), (right, all)| (a + right, b + all));
    assert_eq!(all, 89);
    assert!((all - right) * 100 <= all, "{right} of {all}: {wrong:#?}");
    for (class, (right, all)) in classes {
        assert!(right * 10 >= all * 9, "{class}: {right} of {all}: {wrong:#?}");
    }
}

/// Cards and numbers from governments are no phone numbers; what hides them is tested beside it.
fn is_phone(class: &str) -> bool {
    !matches!(class, "card" | "gov_id")
}

#[test]
fn mask_corpus_recall_does_not_regress() {
    let sum = |classes: &BTreeMap<String, (usize, usize)>| {
        let phones = classes.iter().filter(|(class, _)| is_phone(class));
        phones.fold((0, 0), |(a, b), (_, (right, all))| (a + right, b + all))
    };
    // How many hold numbers, of a thousand of which so many must be hidden; how many hold none, of a
    // thousand of which so many at most may be changed.
    for (corpus, numbers, hidden, innocent, changed) in
        [("independent.jsonl", 518, 985, 319, 10), ("unseen.jsonl", 565, 975, 328, 25)]
    {
        let (classes, wrong) = by_class(corpus, true);
        let (right, all) = sum(&classes);
        assert_eq!(all, numbers, "{corpus}");
        assert!(right * 1_000 >= all * hidden, "{corpus}: {right} of {all}: {wrong:#?}");
        for (class, (right, all)) in classes.iter().filter(|(class, _)| is_phone(class)) {
            assert!(right * 10 >= all * 9, "{corpus}, {class}: {right} of {all}: {wrong:#?}");
        }
        let (classes, wrong) = by_class(corpus, false);
        let (right, all) = sum(&classes);
        assert_eq!(all, innocent, "{corpus}");
        assert!((all - right) * 1_000 <= all * changed, "{corpus}: {right} of {all}: {wrong:#?}");
    }
}

#[test]
fn mask_corpus_catches_split_numbers() {
    assert_eq!(sequences("seq_dev.jsonl"), (10, 10, 10, 0));
    for (corpus, each) in [("independent_seq.jsonl", 32), ("unseen_seq.jsonl", 60)] {
        let (stopped, leaks, innocent, alarms) = sequences(corpus);
        assert_eq!((leaks, innocent), (each, each));
        assert!(stopped * 100 >= leaks * 93, "{corpus}: {stopped} of {leaks} stopped");
        assert!(alarms * 100 <= innocent * 4, "{corpus}: {alarms} of {innocent} alarms");
    }
}

/// Of the sequences of a corpus: how many leaks were stopped, of how many; how many are innocent,
/// and how many of those were changed.
fn sequences(corpus: &str) -> (usize, usize, usize, usize) {
    let (mut leaks, mut stopped, mut innocent, mut alarms) = (0, 0, 0, 0);
    for row in rows::<CorpusSequence>(corpus) {
        let mut memory = Memory::default();
        let (mut total, mut gone, mut changed) = (0, 0, false);
        for (at, message) in row.messages.iter().enumerate() {
            let (masked, next) = mask_next(message, &memory);
            memory = next;
            changed |= masked.as_str() != message;
            let text: Vec<char> = message.chars().collect();
            let own = row.spans.iter().filter(|span| span.0 == at).map(|span| (span.1, span.2));
            let wanted = informative(&text, own);
            let found = hidden(&text, masked.as_str(), &wanted).expect("unaltered");
            total += wanted.len();
            gone += wanted.intersection(&found).count();
        }
        if row.leaks {
            // What is left must not be enough to put the number together.
            leaks += 1;
            let rest_is_useless = if total <= 14 {
                gone >= 4 && gone * 5 >= total.min(10) * 2
            } else {
                gone * 5 >= total * 2
            };
            stopped += usize::from(rest_is_useless);
        } else {
            innocent += 1;
            alarms += usize::from(changed);
        }
    }
    (stopped, leaks, innocent, alarms)
}
