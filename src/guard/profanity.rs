//! [`contains_profanity`] and [`censor`]: find the whole words and phrases of `wordlists/`, also
//! when they are disguised with digits, look-alikes, repeated letters or separators.
//!
//! To add a language, add its list to `wordlists/` and to [`WORDLISTS`]. A line that starts with
//! `#` is a comment.

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

/// Maximum length of a phrase, in words.
const MAX_PHRASE_WORDS: usize = 4;

/// The folded entries of all lists, with single spaces between the words of a phrase.
static ENTRIES: Lazy<FxHashSet<String>> = Lazy::new(|| {
    let lines =
        WORDLISTS.iter().flat_map(|list| list.lines()).filter(|line| !line.starts_with('#'));
    let entry = |line| words(&FoldedText::of(line)).into_iter().map(|word| word.folded);
    lines.map(|line| entry(line).collect::<Vec<_>>().join(" ")).collect()
});

/// One word in a [`FoldedText`].
struct FoldedWord {
    /// Byte range in the folded text.
    range: Range<usize>,
    /// The word, with [`leet_letter`] applied unless it is a number.
    folded: String,
}

/// Returns `true` if the text contains a listed word or phrase.
pub fn contains_profanity(text: &str) -> bool {
    !find(text).is_empty()
}

/// Replaces every letter of a listed word with an asterisk, except the first.
pub fn censor(text: &str) -> Cow<'_, str> {
    let matches = find(text);
    if matches.is_empty() {
        return Cow::Borrowed(text);
    }
    let (mut censored, mut copied_to) = (String::with_capacity(text.len()), 0);
    for range in matches {
        censored.push_str(&text[copied_to..range.start]);
        let letters = text[range.clone()].chars().enumerate();
        censored.extend(
            letters.map(|(index, c)| if index == 0 || c.is_whitespace() { c } else { '*' }),
        );
        copied_to = range.end;
    }
    censored.push_str(&text[copied_to..]);
    Cow::Owned(censored)
}

/// The ranges of listed words and phrases, in order and without overlap.
fn find(text: &str) -> Vec<Range<usize>> {
    let folded = FoldedText::of(text);
    let words = words(&folded);
    let (mut matches, mut index) = (Vec::new(), 0);
    while index < words.len() {
        let len = phrase_len(&words[index..]).or_else(|| spelled_out_len(&words[index..]));
        if let Some(last) = len.and_then(|len| words.get(index + len - 1)) {
            matches.push(
                folded.original_offset(words[index].range.start)
                    ..folded.original_offset(last.range.end),
            );
        }
        index += len.unwrap_or(1);
    }
    matches
}

/// Length in words of the longest listed phrase at the start of `words`.
fn phrase_len(words: &[FoldedWord]) -> Option<usize> {
    (1..=MAX_PHRASE_WORDS.min(words.len())).rev().find(|len| {
        let phrase: Vec<&str> = words[..*len].iter().map(|word| word.folded.as_str()).collect();
        is_listed(&phrase.join(" "))
    })
}

/// Number of single letters at the start of `words` that spell out a listed word: `f u c k`.
fn spelled_out_len(words: &[FoldedWord]) -> Option<usize> {
    let is_letter = |word: &&FoldedWord| word.folded.chars().count() == 1;
    let letters: String =
        words.iter().take_while(is_letter).map(|word| word.folded.as_str()).collect();
    let len = letters.chars().count();
    (len > 2 && is_listed(&letters)).then_some(len)
}

/// Returns `true` if the phrase is listed, as written or with repeated letters collapsed to one or
/// two.
fn is_listed(phrase: &str) -> bool {
    ENTRIES.contains(phrase)
        || [1, 2].iter().any(|max| ENTRIES.contains(&collapse_repeats(phrase, *max)))
}

/// Shortens runs of three or more equal characters to `max`.
fn collapse_repeats(phrase: &str, max: usize) -> String {
    let chars: Vec<char> = phrase.chars().collect();
    let runs = chars.chunk_by(|a, b| a == b);
    runs.flat_map(|run| &run[..if run.len() > 2 { max } else { run.len() }]).collect()
}

fn words(folded: &FoldedText) -> Vec<FoldedWord> {
    let mut words: Vec<FoldedWord> = Vec::new();
    let mut previous_end = usize::MAX;
    for (offset, c) in folded.text.char_indices() {
        let is_letter = c.is_alphanumeric()
            || matches!(c, '@' | '$' | '\u{900}'..='\u{dff}' | '\u{64b}'..='\u{65f}');
        // An exclamation mark is a letter only within a word.
        let next = folded.text[offset + c.len_utf8()..].chars().next();
        let is_inner_mark =
            c == '!' && previous_end == offset && next.is_some_and(char::is_alphanumeric);
        if !is_letter && !is_inner_mark {
            continue;
        }
        if previous_end != offset {
            words.push(FoldedWord { range: offset..offset, folded: String::new() });
        }
        previous_end = offset + c.len_utf8();
        if let Some(word) = words.last_mut() {
            word.range.end = previous_end;
            word.folded.push(c);
        }
    }
    for word in &mut words {
        // A number stays a number: without a letter, its digits do not replace letters.
        if word.folded.chars().any(char::is_alphabetic) {
            word.folded = word.folded.chars().map(leet_letter).collect();
        }
    }
    words
}

/// The letter that a digit or symbol often replaces.
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
        for (text, censored) in [
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
            assert_eq!(censor(text), censored);
            assert!(contains_profanity(text), "{text}");
            assert_eq!(censor(censored), censored, "a second pass changes nothing");
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
