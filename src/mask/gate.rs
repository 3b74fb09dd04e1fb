//! The quick look that lets most texts pass untouched.
//!
//! What lives here: a scan that tells texts which cannot hold anything to hide. What must not:
//! any decision to hide. Whatever a rule looks for must open the gate: a character in [`opens`],
//! or a word in [`WORDS`].

use aho_corasick::AhoCorasick;
use once_cell::sync::Lazy;

use super::digit;
use super::lexicon::{LEXICON, Role};
use super::lookalike;
use super::shadow::is_unseen;
use super::words;

/// Fewer digits than this are no number, not even with words between.
const DIGITS: usize = 6;
/// Number words this close to one another may be one number.
const WORDS_APART: usize = 40;
const WORDS_NEEDED: usize = 4;

/// Providers of mailboxes, whose addresses people spell out; a number word counts one, they all.
const MAILBOXES: [&str; 8] =
    ["gmail", "yahoo", "hotmail", "outlook", "icloud", "rediffmail", "protonmail", "yandex"];

struct Words {
    automaton: AhoCorasick,
    /// Patterns from here on are mailboxes.
    mailboxes: usize,
}

/// Number words as people write them. Two letters are in too many other words to be worth it.
static WORDS: Lazy<Words> = Lazy::new(|| {
    let mut patterns: Vec<String> = Vec::new();
    for (word, number) in LEXICON.numbers() {
        if number.role != Role::Repeat && (!word.is_ascii() || word.len() >= 3) {
            patterns.push(word.to_owned());
        }
    }
    // The lexicon has its words folded; the text has not.
    let tables = words::ALL
        .iter()
        .flat_map(|language| language.units.iter().chain(&language.teens).chain(&language.tens));
    for word in tables.flat_map(|table| table.split_whitespace()).filter(|word| !word.is_ascii()) {
        let mut letters = word.chars();
        let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
        patterns.extend([word.to_owned(), word.to_uppercase(), first + letters.as_str()]);
    }
    patterns.extend((0..10).map(|digit: u8| digit.to_string()));
    let mailboxes = patterns.len();
    patterns.extend(MAILBOXES.map(str::to_owned));
    let automaton = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build(&patterns)
        .expect("the words are a small constant table");
    Words { automaton, mailboxes }
});

static PROVIDERS: Lazy<AhoCorasick> = Lazy::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build(MAILBOXES)
        .expect("the names are a small constant table")
});

/// Builds the automaton now rather than at the first text.
pub(super) fn warm_up() {
    Lazy::force(&WORDS);
}

/// Whether `text` may hold anything to hide.
pub(super) fn opens(text: &str) -> bool {
    let mut digits = 0;
    let mut beyond_ascii = false;
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' => digits += 1,
            b'@' | b'/' => return true,
            0x80.. => beyond_ascii = true,
            _ => {}
        }
    }
    if digits >= DIGITS || digits >= 2 && is_disguised(text) {
        return true;
    }
    if beyond_ascii {
        let mut before = ' ';
        for c in text.chars() {
            if !c.is_ascii() {
                // Styled letters, and what is not seen within words, hide them from the scan below.
                let hides = is_unseen(c) && before.is_alphanumeric() && !is_written(c);
                if hides || matches!(c, '\u{ff00}'..='\u{ffef}' | '\u{1d400}'..='\u{1d7cd}') {
                    return true;
                }
                digits += usize::from(digit::value(c).is_some());
            }
            before = c;
        }
        if digits >= DIGITS {
            return true;
        }
    }
    says_digits(text)
}

/// Whether there are as many digits and letters that look like digits in a row as a number has.
fn is_disguised(text: &str) -> bool {
    let mut row = 0;
    text.chars().any(|c| {
        let plain = c.to_ascii_lowercase();
        if c.is_ascii_digit() || lookalike::digit(plain).is_some() {
            row += 1;
        } else if !matches!(c, ' ' | '-' | '.') {
            row = 0;
        }
        row >= 8
    })
}

/// Whether people write `c` within words: the dot below of Indic letters.
const fn is_written(c: char) -> bool {
    matches!(c, '\u{93c}' | '\u{9bc}' | '\u{a3c}')
}

/// Whether `text` names a provider of mailboxes, so that an address may be spelt out in it.
pub(super) fn names_mailbox(text: &str) -> bool {
    PROVIDERS.is_match(text)
}

/// Whether there are enough number words and digits close to one another.
fn says_digits(text: &str) -> bool {
    let mut close = 0;
    let mut last = 0;
    for found in WORDS.automaton.find_iter(text) {
        if found.pattern().as_usize() >= WORDS.mailboxes {
            return true;
        }
        close = if found.start() - last <= WORDS_APART { close + 1 } else { 1 };
        last = found.end();
        if close >= WORDS_NEEDED {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_any_dress_open_it() {
        for text in [
            "9876543210",
            "९८७६५४",
            "nine eight seven six",
            "Семь Восемь Девять Ноль",
            "ｎｉｎｅ",
            "a@b",
            "name at gmail dot com",
            "t.me/x",
            "一二三四五六",
        ] {
            assert!(opens(text), "{text}");
        }
    }

    #[test]
    fn chat_does_not() {
        for text in ["hello, how are you?", "I am 24", "someone said often none", "कैसे हो 😀"]
        {
            assert!(!opens(text), "{text}");
        }
    }
}
