//! Quality of [`mask`] on the labelled corpora, by class.
//!
//! This file has the scoring and the minimum scores. Rules of the masker and examples for them
//! belong in `src/mask/`. To add a class, add rows to `tests/corpus/`: classes that begin with
//! `neg_` must stay unchanged, all others must be hidden.
//!
//! `dev*.jsonl` was used to write the rules. `independent*.jsonl` was used to fix them, but only
//! after a first run, which hid 92.5 % with 1.6 % false alarms. The author of `unseen*.jsonl` knew
//! only `dev*.jsonl`, and no rule was written with it: 98.6 % hidden, 1.8 % false alarms. The
//! minimum scores below prevent a regression.

use std::collections::{BTreeMap, HashSet};

use random_connect::mask::{HIDDEN, Memory, mask, mask_named, mask_next};
use serde::Deserialize;

/// A labelled text. Spans count characters.
#[derive(Deserialize)]
struct CorpusRow {
    class: String,
    text: String,
    spans: Vec<(usize, usize)>,
}

/// The messages of one sender. A span is the index of a message and a range of its characters.
#[derive(Deserialize)]
struct CorpusSequence {
    messages: Vec<String>,
    leaks: bool,
    spans: Vec<(usize, usize, usize)>,
}

/// Reads a corpus.
pub(crate) fn rows<T: for<'a> Deserialize<'a>>(name: &str) -> Vec<T> {
    let path = format!("{}/tests/corpus/{name}", env!("CARGO_MANIFEST_DIR"));
    let file = std::fs::read_to_string(path).expect("a corpus");
    file.lines().map(|line| serde_json::from_str(line).expect("a row")).collect()
}

/// Returns the indexes of the characters of `text` that `masked` hides; `None` if visible text was
/// changed.
///
/// If the two can be aligned in several ways, the one that hides most of `expected` counts.
pub(crate) fn hidden(
    text: &[char],
    masked: &str,
    expected: &HashSet<usize>,
) -> Option<HashSet<usize>> {
    let pieces: Vec<Vec<char>> =
        masked.split(HIDDEN).map(|piece| piece.chars().collect()).collect();
    let (last, first) = (pieces.last()?, &pieces[0]);
    if !text.starts_with(first) || !text.ends_with(last) {
        return None;
    }
    if pieces.len() == 1 {
        return (text.len() == first.len()).then(HashSet::new);
    }
    // For each possible end of a piece: the best score, and the gaps before it.
    let mut alignments = BTreeMap::from([(first.len(), (0_i64, Vec::new()))]);
    for (index, piece) in pieces.iter().enumerate().skip(1) {
        let mut next = BTreeMap::<usize, (i64, Vec<usize>)>::new();
        for (from, (score, starts)) in &alignments {
            for start in from + 1..=text.len().saturating_sub(piece.len()) {
                let end = start + piece.len();
                if text[start..end] != piece[..] || index + 1 == pieces.len() && end != text.len() {
                    continue;
                }
                let gain: i64 =
                    (*from..start).map(|i| if expected.contains(&i) { 10 } else { -1 }).sum();
                if next.get(&end).is_none_or(|(best, _)| *best < score + gain) {
                    let starts = starts.iter().copied().chain([*from, start]).collect();
                    next.insert(end, (score + gain, starts));
                }
            }
        }
        alignments = next;
    }
    let (_, starts) = alignments.remove(&text.len())?;
    Some(starts.chunks(2).flat_map(|gap| gap[0]..gap[1]).collect())
}

/// Returns the indexes of letters and digits in `spans`, without the punctuation between them.
pub(crate) fn informative(
    text: &[char],
    spans: impl Iterator<Item = (usize, usize)>,
) -> HashSet<usize> {
    spans
        .flat_map(|(start, end)| start..end)
        .filter(|index| text[*index].is_alphanumeric())
        .collect()
}

/// Counts the right rows and all rows of each class of a corpus; also returns the wrong rows.
fn by_class(corpus: &str, numbers: bool) -> (BTreeMap<String, (usize, usize)>, Vec<String>) {
    let (mut classes, mut wrong) = (BTreeMap::new(), Vec::new());
    for row in rows::<CorpusRow>(corpus) {
        if row.class.starts_with("neg_") == numbers {
            continue;
        }
        let text: Vec<char> = row.text.chars().collect();
        let masked = mask(&row.text);
        let expected = informative(&text, row.spans.iter().copied());
        let found = hidden(&text, masked.as_str(), &expected);
        let found = found.unwrap_or_else(|| panic!("changed visible text: {}", row.text));
        let right = if numbers { expected.is_subset(&found) } else { masked.as_str() == row.text };
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

/// Returns `false` for cards and government ids, which have tests beside their rules.
fn is_phone(class: &str) -> bool {
    !matches!(class, "card" | "gov_id")
}

#[test]
fn mask_corpus_recall_does_not_regress() {
    let sum = |classes: &BTreeMap<String, (usize, usize)>| {
        let phones = classes.iter().filter(|(class, _)| is_phone(class));
        phones.fold((0, 0), |(a, b), (_, (right, all))| (a + right, b + all))
    };
    // Corpus, rows with numbers, minimum hidden per thousand, rows without, maximum changed per
    // thousand.
    for (corpus, numbers, hidden, innocent, changed) in
        [("independent.jsonl", 518, 985, 319, 10), ("unseen.jsonl", 565, 985, 328, 16)]
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

/// Returns the stopped leaks, all leaks, all innocent sequences and the changed ones of a corpus.
fn sequences(corpus: &str) -> (usize, usize, usize, usize) {
    let (mut leaks, mut stopped, mut innocent, mut alarms) = (0, 0, 0, 0);
    for row in rows::<CorpusSequence>(corpus) {
        let mut memory = Memory::default();
        let (mut total, mut hidden_count, mut changed) = (0, 0, false);
        for (index, message) in row.messages.iter().enumerate() {
            let (masked, next) = mask_next(message, &memory);
            memory = next;
            changed |= masked.as_str() != message;
            let text: Vec<char> = message.chars().collect();
            let spans =
                row.spans.iter().filter(|span| span.0 == index).map(|span| (span.1, span.2));
            let expected = informative(&text, spans);
            let found = hidden(&text, masked.as_str(), &expected).expect("unchanged visible text");
            total += expected.len();
            hidden_count += expected.intersection(&found).count();
        }
        if row.leaks {
            // The visible rest must be too little to restore the number.
            leaks += 1;
            let rest_is_useless = if total <= 14 {
                hidden_count >= 4 && hidden_count * 5 >= total.min(10) * 2
            } else {
                hidden_count * 5 >= total * 2
            };
            stopped += usize::from(rest_is_useless);
        } else {
            innocent += 1;
            alarms += usize::from(changed);
        }
    }
    (stopped, leaks, innocent, alarms)
}

#[test]
fn mask_name_with_a_number_changes_few_ordinary_messages() {
    // Behind a name that is half a mobile number, 36 of 1,093 texts change that mislead the masker.
    for (name, limit) in [("Leo 4711", 0), ("Max 123", 0), ("777", 25), ("Zoe 98345", 40)] {
        let mut changed = 0;
        for corpus in ["dev.jsonl", "independent.jsonl", "unseen.jsonl"] {
            let rows = rows::<CorpusRow>(corpus);
            for row in rows.iter().filter(|row| row.class.starts_with("neg_")) {
                let named = mask_named(&row.text, name, &Memory::default()).0;
                changed += usize::from(named != mask(&row.text));
            }
        }
        for corpus in ["seq_dev.jsonl", "independent_seq.jsonl", "unseen_seq.jsonl"] {
            for row in rows::<CorpusSequence>(corpus).iter().filter(|row| !row.leaks) {
                let mut memory = Memory::default();
                for text in &row.messages {
                    let (named, _) = mask_named(text, name, &memory);
                    let (plain, next) = mask_next(text, &memory);
                    changed += usize::from(named != plain);
                    memory = next;
                }
            }
        }
        assert!(changed <= limit, "{name}: {changed}");
    }
}
