//! [`may_contain`]: a fast scan that lets most texts pass without further work.
//!
//! This module recognizes texts that cannot contain anything to hide. It must not decide to hide
//! anything. When you add a rule, make sure that the scan lets its texts through: by a character in
//! [`may_contain`], or by a word in [`SCANNER`].

use aho_corasick::{AhoCorasick, nfa};
use once_cell::sync::Lazy;

use super::cue;
use super::leet;
use super::lexicon::{LEXICON, Role};
use super::lookalike;
use super::number_words;
use super::shadow::{CharVisibility, Readings};
use super::word_table::{CompactScan, WordScan, WordTable};

/// Minimum digits of a number, even with words between them.
const MIN_DIGITS: usize = 6;
/// Maximum bytes between two number words of the same number.
const MAX_WORD_DISTANCE: usize = 40;
/// Minimum number words and digits of a number in words.
const MIN_NUMBER_WORDS: usize = 4;
/// Maximum characters of a number word that is not a compound of others.
const COMPOUND_CHARS: usize = 12;
/// Minimum gaps of eight digits that are spelled letter by letter.
const MIN_SPELLED_GAPS: usize = 23;

/// Minimum signs that replace letters before words with them are read.
const MIN_LEET_SIGNS: usize = 2;

/// Mailbox providers whose addresses people spell out.
const MAILBOXES: [&str; 8] =
    ["gmail", "yahoo", "hotmail", "outlook", "icloud", "rediffmail", "protonmail", "yandex"];

/// Platforms whose names are part of few other words, so that a text with one may contain a handle.
const PLATFORMS: [&str; 13] = [
    "insta", "snap", "discord", "telegram", "tiktok", "twitter", "wechat", "reddit", " ig ",
    " ig:", "ig id", "ig is", " tg ",
];

/// Automata for the number words: a small one for ASCII, which is enough for most texts, and one
/// for all other words.
struct NumberWordScanner {
    ascii: WordTable,
    /// Index of the first pattern of `ascii` that is a mailbox provider or a platform.
    mailboxes: usize,
    other: CompactScan<nfa::contiguous::NFA>,
}

/// The byte that represents every digit in the scan.
const DIGIT_CLASS: u8 = b'0';

/// Returns the byte that represents `byte` in the automata.
///
/// Fewer distinct bytes make the automata smaller, so that more of them fits into the processor's
/// cache.
const fn byte_class(byte: u8) -> u8 {
    if byte.is_ascii_digit() { DIGIT_CLASS } else { byte.to_ascii_lowercase() }
}

/// [`byte_class`] as a table.
static BYTE_CLASSES: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = u8::MAX;
    while byte > 0 {
        table[byte as usize] = byte_class(byte);
        byte -= 1;
    }
    table
};

/// The automata for the number words as people write them. Words of two letters are excluded,
/// because too many other words contain them.
static SCANNER: Lazy<NumberWordScanner> = Lazy::new(|| {
    // The lexicon folds its words, but the text is not folded. So each word is added in lower case,
    // in capitals, and with a first capital.
    let tables = number_words::ALL
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
            // Long compounds contain other number words.
            Role::Pair => word.chars().count() <= COMPOUND_CHARS,
            _ => true,
        })
        .map(|(word, _)| word.to_owned());
    let (mut ascii, mut other): (Vec<_>, Vec<_>) = cased
        .chain(folded)
        .map(|word| word.bytes().map(byte_class).collect::<Vec<u8>>())
        .partition(|word| word.is_ascii());
    ascii.retain(|word| word.len() >= 3);
    let units = LEXICON
        .numbers()
        .filter(|(word, number)| word.is_ascii() && word.len() >= 3 && number.role == Role::Unit);
    ascii.extend(units.flat_map(|(word, _)| leet::with_sign(word.as_bytes())));
    for patterns in [&mut ascii, &mut other] {
        patterns.push(vec![DIGIT_CLASS]);
        patterns.sort_unstable();
        patterns.dedup();
    }
    let mailboxes = ascii.len();
    ascii.extend(MAILBOXES.iter().chain(&PLATFORMS).map(|name| Vec::from(*name)));
    // The scan steps through the automata itself, because a new search after each word is slower.
    NumberWordScanner {
        mailboxes,
        ascii: {
            let automaton = nfa::noncontiguous::Builder::new().prefilter(false).build(&ascii);
            WordTable::of(&automaton.expect("the words are a small constant table"), byte_class)
        },
        other: {
            let automaton = nfa::contiguous::Builder::new().prefilter(false).build(&other);
            let automaton = automaton.expect("the words are a small constant table");
            CompactScan { automaton, classes: &BYTE_CLASSES }
        },
    }
});

static PROVIDERS: Lazy<AhoCorasick> = Lazy::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build(MAILBOXES)
        .expect("the names are a small constant table")
});

/// All names of platforms, as people write them.
static PLATFORM_NAMES: Lazy<AhoCorasick> = Lazy::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build(cue::platforms().filter(|name| name.chars().count() >= 2))
        .expect("the names are a small constant table")
});

/// Builds the automata now, so that the first text does not wait for it.
pub(super) fn warm_up() {
    Lazy::force(&SCANNER);
    Lazy::force(&PROVIDERS);
    Lazy::force(&PLATFORM_NAMES);
}

/// Statistics of the bytes of a text.
struct ByteStats {
    digits: usize,
    /// Number of bytes below the digits, which are spaces and most marks.
    gaps: usize,
    /// Whether the text contains an at sign, a slash or an underscore.
    has_sign: bool,
    has_non_ascii: bool,
}

/// Number of bytes in one block.
const LANES: usize = 16;

impl ByteStats {
    fn of(text: &str) -> Self {
        let mut stats = Self { digits: 0, gaps: 0, has_sign: false, has_non_ascii: false };
        // Without an early return, with counts as small as the bytes and with arrays of one length,
        // the compiler can vectorize the loop.
        for part in text.as_bytes().chunks(LANES * usize::from(u8::MAX)) {
            let (mut digits, mut gaps) = ([0_u8; LANES], [0_u8; LANES]);
            let (mut signs, mut high) = ([0_u8; LANES], [0_u8; LANES]);
            let mut add = |block: &[u8; LANES]| {
                for lane in 0..LANES {
                    let byte = block[lane];
                    digits[lane] += u8::from(byte.wrapping_sub(b'0') < 10);
                    gaps[lane] += u8::from(byte < b'0');
                    signs[lane] |=
                        u8::from(byte == b'@') | u8::from(byte == b'/') | u8::from(byte == b'_');
                    high[lane] |= byte;
                }
            };
            let (blocks, rest) = part.as_chunks();
            blocks.iter().for_each(&mut add);
            if !rest.is_empty() {
                // Pads the block with a letter, which counts as nothing.
                let mut block = [b'a'; LANES];
                block[..rest.len()].copy_from_slice(rest);
                add(&block);
            }
            let sum =
                |counts: [u8; LANES]| counts.iter().map(|count| usize::from(*count)).sum::<usize>();
            stats.digits += sum(digits);
            stats.gaps += sum(gaps);
            stats.has_sign |= signs != [0; LANES];
            stats.has_non_ascii |= !high.is_ascii();
        }
        stats
    }
}

/// Returns `true` if `text` may contain anything to hide.
pub(super) fn may_contain(text: &str) -> bool {
    let ByteStats { mut digits, gaps, has_sign, has_non_ascii } = ByteStats::of(text);
    // Number words may be spelled with a gap after each letter.
    if has_sign || gaps >= MIN_SPELLED_GAPS && gaps * 5 >= text.len() * 2 {
        return true;
    }
    if digits >= MIN_DIGITS || digits >= 1 && may_be_disguised(text, digits) {
        return true;
    }
    let mut has_letters = false;
    if has_non_ascii {
        let readings = Readings::new();
        for (start, c) in non_ascii_chars(text) {
            let visibility = readings.visibility(c);
            // Styled letters, and invisible characters in words, hide words from the scan below.
            let hides_word = visibility == CharVisibility::Unseen
                && !is_inner_sign(c)
                && text[..start].ends_with(char::is_alphanumeric);
            // Letters of two scripts in one word imitate another word.
            let imitates = matches!(c, '\u{370}'..='\u{52f}')
                && (text[..start].ends_with(|c: char| c.is_ascii_alphabetic())
                    || text[start + c.len_utf8()..].starts_with(|c: char| c.is_ascii_alphabetic()));
            let is_styled = matches!(
                c,
                '\u{ff00}'..='\u{ffef}'
                    | 'ᴀ'..='ᴢ'
                    | 'ɪ'
                    | 'ɴ'
                    | '\u{1d400}'..='\u{1d7cd}'
                    | '\u{24b6}'..='\u{24e9}'
                    | '\u{1f110}'..='\u{1f189}'
            );
            if hides_word || imitates || is_styled {
                return true;
            }
            digits += usize::from(visibility == CharVisibility::Digit);
            // Other ranges are emoji and punctuation, which need no second scan.
            has_letters |= matches!(c, '\u{c0}'..='\u{1fff}' | '\u{3007}'..='\u{d7ff}');
        }
        if digits >= MIN_DIGITS {
            return true;
        }
    }
    let scanner = Lazy::force(&SCANNER);
    has_dense_number_words(text, &scanner.ascii, scanner.mailboxes)
        || has_letters && has_dense_number_words(text, &scanner.other, usize::MAX)
}

/// Returns the non-ASCII characters of `text` with their byte offsets. Skips ASCII in blocks,
/// because most texts contain few other characters.
fn non_ascii_chars(text: &str) -> impl Iterator<Item = (usize, char)> {
    let blocks = text.as_bytes().chunks(LANES).enumerate().filter(|(_, block)| !block.is_ascii());
    let starts = blocks.flat_map(|(index, block)| {
        // Only the first byte of a non-ASCII character is 0xc0 or more.
        (index * LANES..).zip(block).filter(|(_, byte)| **byte >= 0xc0).map(|(start, _)| start)
    });
    starts.filter_map(|start| Some((start, text[start..].chars().next()?)))
}

/// Returns `true` if `text` contains a row of at least eight digits and look-alikes.
fn is_disguised(text: &str) -> bool {
    let mut row_len = 0;
    text.chars().any(|c| {
        let plain = c.to_ascii_lowercase();
        if c.is_ascii_digit() || lookalike::digit_in_context(plain).is_some() {
            row_len += 1;
        } else if !matches!(c, ' ' | '-' | '.') {
            row_len = 0;
        }
        row_len >= 8
    })
}

/// Returns `true` if `text`, which has few digits, may disguise others or contain a handle.
fn may_be_disguised(text: &str, digits: usize) -> bool {
    // Without an early return, the compiler can vectorize the loop.
    let touches = text.as_bytes().windows(2).fold(false, |touches, pair| {
        let is_digit = |byte: u8| byte.wrapping_sub(b'0') < 10;
        let is_letter =
            |byte: u8| !byte.is_ascii() || byte == b'.' || (byte | 0x20).wrapping_sub(b'a') < 26;
        touches
            | (is_digit(pair[0]) & is_letter(pair[1]))
            | (is_letter(pair[0]) & is_digit(pair[1]))
    });
    (digits >= 2 || touches) && is_disguised(text)
        || touches && names_platform(text)
        || has_leet_signs(text)
}

/// Returns `true` if `text` has several signs that replace letters inside words: n!ne, $even.
fn has_leet_signs(text: &str) -> bool {
    let letters_after =
        |pair: &&[u8]| pair[0].is_ascii_punctuation() && pair[1].is_ascii_alphabetic();
    let is_sign = |pair: &&[u8]| leet::is_sign(pair[0].into());
    text.as_bytes().windows(2).filter(letters_after).filter(is_sign).count() >= MIN_LEET_SIGNS
}

/// Returns `true` if `c` is a regular part of words: the dot below of Indic letters.
const fn is_inner_sign(c: char) -> bool {
    matches!(c, '\u{93c}' | '\u{9bc}' | '\u{a3c}')
}

/// Returns `true` if `text` names a mailbox provider, so that it may contain a spelled-out address.
pub(super) fn names_mailbox(text: &str) -> bool {
    PROVIDERS.is_match(text)
}

/// Returns `true` if `text` contains the name of a platform as a word, and so maybe a handle.
fn names_platform(text: &str) -> bool {
    let is_letter = |c: char| c.is_alphabetic();
    PLATFORM_NAMES.find_iter(text).any(|name| {
        !text[..name.start()].ends_with(is_letter) && !text[name.end()..].starts_with(is_letter)
    })
}

/// Returns `true` if `text` contains enough number words and digits close together, or a mailbox
/// provider.
fn has_dense_number_words(text: &str, scan: &impl WordScan, mailboxes: usize) -> bool {
    let Some(start) = scan.start() else { return true };
    let (mut count, mut last_end) = (0, 0);
    let mut state = start;
    for (index, byte) in text.bytes().enumerate() {
        state = scan.next(state, byte);
        let Some(word) = scan.hit(state) else { continue };
        let from = index + 1 - word.len;
        count = if from - last_end <= MAX_WORD_DISTANCE { count + 1 } else { 1 };
        last_end = index + 1;
        if count >= MIN_NUMBER_WORDS || word.pattern >= mailboxes {
            return true;
        }
        // The next word starts after this one.
        state = start;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefilter_lets_disguised_numbers_through() {
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
            assert!(may_contain(text), "{text}");
        }
    }

    #[test]
    fn prefilter_stops_ordinary_chat() {
        for text in ["hello, how are you?", "I am 24", "someone said often none", "कैसे हो 😀"]
        {
            assert!(!may_contain(text), "{text}");
        }
    }
}
