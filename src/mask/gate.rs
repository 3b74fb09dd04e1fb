//! The quick look that lets most texts pass untouched.
//!
//! What lives here: a scan that tells texts which cannot hold anything to hide. What must not:
//! any decision to hide. Whatever a rule looks for must open the gate: a character in [`opens`],
//! or a word in [`WORDS`].

use aho_corasick::{AhoCorasick, AhoCorasickKind};
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
/// Words of more characters are compounds.
const COMPOUND: usize = 12;
/// Eight digits spelt letter by letter have at least so many gaps.
const SPELT: usize = 23;

/// Providers of mailboxes, whose addresses people spell out.
const MAILBOXES: [&str; 8] =
    ["gmail", "yahoo", "hotmail", "outlook", "icloud", "rediffmail", "protonmail", "yandex"];

/// The number words that the scan looks for, apart by whether they are ASCII: most texts are, and
/// then the small automaton does.
struct Words {
    ascii: AhoCorasick,
    /// Patterns of `ascii` from here on are mailboxes.
    mailboxes: usize,
    other: AhoCorasick,
}

/// Number words as people write them. Two letters are in too many other words to be worth it.
static WORDS: Lazy<Words> = Lazy::new(|| {
    // The lexicon has its words folded, the text has not: each word as it is, and with capitals.
    let tables = words::ALL
        .iter()
        .flat_map(|language| language.units.iter().chain(&language.teens).chain(&language.tens));
    let cased = tables.flat_map(|table| table.split_whitespace()).flat_map(|word| {
        let mut letters = word.chars();
        let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
        [word.to_owned(), word.to_uppercase(), first + letters.as_str()]
    });
    let folded = LEXICON
        .numbers()
        .filter(|(word, number)| match number.role {
            Role::Repeat | Role::Scale => false,
            // Long compounds have the words that they are made of in them.
            Role::Pair => word.chars().count() <= COMPOUND,
            _ => true,
        })
        .map(|(word, _)| word.to_owned());
    let (mut ascii, mut other): (Vec<_>, Vec<_>) =
        cased.chain(folded).partition(|word: &String| word.is_ascii());
    ascii.retain(|word| word.len() >= 3);
    for patterns in [&mut ascii, &mut other] {
        patterns.extend((0..10).map(|digit: u8| digit.to_string()));
        patterns.sort_unstable();
        patterns.dedup();
    }
    let mailboxes = ascii.len();
    ascii.extend(MAILBOXES.map(str::to_owned));
    Words {
        mailboxes,
        ascii: automaton(&ascii, AhoCorasickKind::DFA),
        other: automaton(&other, AhoCorasickKind::ContiguousNFA),
    }
});

fn automaton(patterns: &[String], kind: AhoCorasickKind) -> AhoCorasick {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .kind(Some(kind))
        .build(patterns)
        .expect("the words are a small constant table")
}

static PROVIDERS: Lazy<AhoCorasick> = Lazy::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build(MAILBOXES)
        .expect("the names are a small constant table")
});

/// Builds the automaton now rather than at the first text.
pub(super) fn warm_up() {
    Lazy::force(&WORDS);
    Lazy::force(&PROVIDERS);
}

/// Whether `text` may hold anything to hide.
pub(super) fn opens(text: &str) -> bool {
    let (mut digits, mut gaps, mut signs, mut beyond_ascii) = (0_usize, 0_usize, false, false);
    // No early return within, and counts as small as the bytes: so the compiler makes this loop
    // look at many bytes at once.
    for part in text.as_bytes().chunks(usize::from(u8::MAX)) {
        let (mut own_digits, mut own_gaps) = (0_u8, 0_u8);
        for byte in part {
            own_digits += u8::from(byte.is_ascii_digit());
            own_gaps += u8::from(*byte < b'0');
            signs |= *byte == b'@' || *byte == b'/';
            beyond_ascii |= !byte.is_ascii();
        }
        digits += usize::from(own_digits);
        gaps += usize::from(own_gaps);
    }
    // Number words may be spelt with a gap behind each letter.
    if signs || gaps >= SPELT && gaps * 5 >= text.len() * 2 {
        return true;
    }
    if digits >= DIGITS || digits >= 2 && is_disguised(text) {
        return true;
    }
    let mut letters = false;
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
                // Emoji and punctuation, which need no second scan, lie elsewhere.
                letters |= matches!(c, '\u{c0}'..='\u{1fff}' | '\u{3007}'..='\u{d7ff}');
            }
            before = c;
        }
        if digits >= DIGITS {
            return true;
        }
    }
    says_digits(text, &WORDS.ascii, WORDS.mailboxes)
        || letters && says_digits(text, &WORDS.other, usize::MAX)
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

/// Whether there are enough number words and digits close to one another, or a mailbox.
fn says_digits(text: &str, words: &AhoCorasick, mailboxes: usize) -> bool {
    let mut close = 0;
    let mut last = 0;
    for found in words.find_iter(text) {
        close = if found.start() - last <= WORDS_APART { close + 1 } else { 1 };
        last = found.end();
        if close >= WORDS_NEEDED || found.pattern().as_usize() >= mailboxes {
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
