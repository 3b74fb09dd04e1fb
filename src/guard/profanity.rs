//! Foul words: whole words and phrases of the lists in `words/`, whatever letters they are dressed in.
//!
//! To add a language, add its list there and to [`LISTS`]; a line that begins with `#` is a remark.

use std::borrow::Cow;
use std::ops::Range;

use once_cell::sync::Lazy;
use rustc_hash::FxHashSet;

use super::folded::FoldedText;

const WORDLISTS: [&str; 6] = [
    include_str!("wordlists/en.txt"),
    include_str!("wordlists/hi.txt"),
    include_str!("wordlists/es.txt"),
    include_str!("wordlists/pt.txt"),
    include_str!("wordlists/id.txt"),
    include_str!("wordlists/ar.txt"),
];

/// The most words of a phrase.
const MAX_PHRASE_WORDS: usize = 4;

/// Each entry as it looks, its words parted by single spaces.
static ENTRIES: Lazy<FxHashSet<String>> = Lazy::new(|| {
    let lines =
        WORDLISTS.iter().flat_map(|list| list.lines()).filter(|line| !line.starts_with('#'));
    let entry = |line| words(&FoldedText::of(line)).into_iter().map(|word| word.folded);
    lines.map(|line| entry(line).collect::<Vec<_>>().join(" ")).collect()
});

/// A word of a text: where it is in the shadow, and its letters, with signs read as the letters that
/// they stand for.
struct FoldedWord {
    range: Range<usize>,
    folded: String,
}

/// Whether there is a foul word in a text.
pub fn contains_profanity(text: &str) -> bool {
    !find(text).is_empty()
}

/// The text with all of a foul word but its first letter covered by asterisks.
pub fn censor(text: &str) -> Cow<'_, str> {
    let found = find(text);
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    let (mut covered, mut from) = (String::with_capacity(text.len()), 0);
    for place in found {
        covered.push_str(&text[from..place.start]);
        let letters = text[place.clone()].chars().enumerate();
        covered.extend(letters.map(|(at, c)| if at == 0 || c.is_whitespace() { c } else { '*' }));
        from = place.end;
    }
    covered.push_str(&text[from..]);
    Cow::Owned(covered)
}

/// The places of foul words, in order, not overlapping.
fn find(text: &str) -> Vec<Range<usize>> {
    let shadow = FoldedText::of(text);
    let words = words(&shadow);
    let (mut found, mut at) = (Vec::new(), 0);
    while at < words.len() {
        let many = phrase_len(&words[at..]).or_else(|| spelled_out_len(&words[at..]));
        if let Some(last) = many.and_then(|many| words.get(at + many - 1)) {
            found.push(
                shadow.original_offset(words[at].range.start)
                    ..shadow.original_offset(last.range.end),
            );
        }
        at += many.unwrap_or(1);
    }
    found
}

/// How many words a foul phrase has that they begin with.
fn phrase_len(words: &[FoldedWord]) -> Option<usize> {
    (1..=MAX_PHRASE_WORDS.min(words.len())).rev().find(|many| {
        let plain: Vec<&str> = words[..*many].iter().map(|word| word.folded.as_str()).collect();
        is_listed(&plain.join(" "))
    })
}

/// How many single letters at the start spell a foul word out: `f u c k`.
fn spelled_out_len(words: &[FoldedWord]) -> Option<usize> {
    let single = |word: &&FoldedWord| word.folded.chars().count() == 1;
    let letters: String =
        words.iter().take_while(single).map(|word| word.folded.as_str()).collect();
    let many = letters.chars().count();
    (many > 2 && is_listed(&letters)).then_some(many)
}

/// As it is, and with letters that are written many times written once or twice.
fn is_listed(plain: &str) -> bool {
    ENTRIES.contains(plain)
        || [1, 2].iter().any(|most| ENTRIES.contains(&collapse_repeats(plain, *most)))
}

/// With runs of three or more of a letter cut to `most`.
fn collapse_repeats(plain: &str, most: usize) -> String {
    let chars: Vec<char> = plain.chars().collect();
    let runs = chars.chunk_by(|a, b| a == b);
    runs.flat_map(|run| &run[..if run.len() > 2 { most } else { run.len() }]).collect()
}

fn words(shadow: &FoldedText) -> Vec<FoldedWord> {
    let mut words: Vec<FoldedWord> = Vec::new();
    let mut end_of_last = usize::MAX;
    for (at, c) in shadow.text.char_indices() {
        let part = c.is_alphanumeric()
            || matches!(c, '@' | '$' | '\u{900}'..='\u{dff}' | '\u{64b}'..='\u{65f}');
        // An exclamation mark is a letter only within a word.
        let next = shadow.text[at + c.len_utf8()..].chars().next();
        let inner = c == '!' && end_of_last == at && next.is_some_and(char::is_alphanumeric);
        if !part && !inner {
            continue;
        }
        if end_of_last != at {
            words.push(FoldedWord { range: at..at, folded: String::new() });
        }
        end_of_last = at + c.len_utf8();
        if let Some(word) = words.last_mut() {
            word.range.end = end_of_last;
            word.folded.push(c);
        }
    }
    for word in &mut words {
        // A number is no word.
        if word.folded.chars().any(char::is_alphabetic) {
            word.folded = word.folded.chars().map(leet_letter).collect();
        }
    }
    words
}

/// The letter for which a digit or a sign often stands.
const fn leet_letter(c: char) -> char {
    match c {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profanity_is_censored_in_any_disguise() {
        for (text, covered) in [
            ("What the fuck!", "What the f***!"),
            ("FUCK, shit", "F***, s***"),
            ("fuuuuck sh1t", "f****** s***"),
            ("ｆｕｃｋ fυck ѕhit", "ｆ*** f*** ѕ***"),
            ("f u c k off", "f * * * off"),
            ("f.u.c.k", "f******"),
            ("$h!t", "$***"),
            ("hijo de puta", "h*** ** ****"),
            ("você é um caralho", "você é um c******"),
            ("tu madarchod hai", "tu m******** hai"),
            ("मादरचोद", "म******"),
            ("dasar bangsat", "dasar b******"),
            ("يا شرموطة", "يا ش*****"),
        ] {
            assert_eq!(censor(text), covered);
            assert!(contains_profanity(text), "{text}");
            assert_eq!(censor(covered), covered, "what is covered is not found again");
        }
    }

    #[test]
    fn profanity_ignores_words_that_merely_contain_one() {
        for text in [
            "assessment of Scunthorpe, Penistone and Essex",
            "a classic bass, passed the grass",
            "shitake and cocktails with Hitchcock and Dickens",
            "Shih Tzu, Matsushita, Fukuda",
            "analysis, therapist, document, circumstance",
            "a b c d e f g",
            "I u s e d 4 5 5",
            "comer una concha en Putaendo",
            "cerveja, saco, pinto e aranha",
            "नमस्ते, कैसे हो?",
            "كيف حالك؟",
            "saya suka anjing",
            "!!! $$$ @home 1337 5417",
        ] {
            assert_eq!(censor(text), text);
        }
    }
}
