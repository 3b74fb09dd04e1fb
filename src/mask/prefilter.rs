//! The quick look that lets most texts pass untouched.
//!
//! What lives here: a scan that tells texts which cannot hold anything to hide. What must not:
//! any decision to hide. Whatever a rule looks for must open the gate: a character in [`opens`],
//! or a word in [`WORDS`].

use aho_corasick::automaton::Automaton;
use aho_corasick::{AhoCorasick, Anchored, dfa, nfa};
use once_cell::sync::Lazy;

use super::lexicon::{LEXICON, Role};
use super::lookalike;
use super::number_words;
use super::shadow::{CharVisibility, Readings};

/// Fewer digits than this are no number, not even with words between.
const MIN_DIGITS: usize = 6;
/// Number words this close to one another may be one number.
const MAX_WORD_DISTANCE: usize = 40;
const MIN_NUMBER_WORDS: usize = 4;
/// Words of more characters are compounds.
const COMPOUND_CHARS: usize = 12;
/// Eight digits spelt letter by letter have at least so many gaps.
const MIN_SPELLED_GAPS: usize = 23;

/// Providers of mailboxes, whose addresses people spell out.
const MAILBOXES: [&str; 8] =
    ["gmail", "yahoo", "hotmail", "outlook", "icloud", "rediffmail", "protonmail", "yandex"];

/// The number words that the scan looks for, apart by whether they are ASCII: most texts are, and
/// then the small automaton does.
struct NumberWordScanner {
    ascii: dfa::DFA,
    /// Patterns of `ascii` from here on are mailboxes.
    mailboxes: usize,
    other: nfa::contiguous::NFA,
}

/// What all digits are to the scan.
const DIGIT_CLASS: u8 = b'0';

/// The byte that the automata step over for `byte`. The fewer bytes they tell apart, the more of
/// them stays in the processor's cache.
const fn byte_class(byte: u8) -> u8 {
    if byte.is_ascii_digit() { DIGIT_CLASS } else { byte.to_ascii_lowercase() }
}

/// [`stepped`] as a table.
static BYTE_CLASSES: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = u8::MAX;
    while byte > 0 {
        table[byte as usize] = byte_class(byte);
        byte -= 1;
    }
    table
};

/// Number words as people write them. Two letters are in too many other words to be worth it.
static SCANNER: Lazy<NumberWordScanner> = Lazy::new(|| {
    // The lexicon has its words folded, the text has not: each word as it is, and with capitals.
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
            // Long compounds have the words that they are made of in them.
            Role::Pair => word.chars().count() <= COMPOUND_CHARS,
            _ => true,
        })
        .map(|(word, _)| word.to_owned());
    let (mut ascii, mut other): (Vec<_>, Vec<_>) = cased
        .chain(folded)
        .map(|word| word.bytes().map(byte_class).collect::<Vec<u8>>())
        .partition(|word| word.is_ascii());
    ascii.retain(|word| word.len() >= 3);
    for patterns in [&mut ascii, &mut other] {
        patterns.push(vec![DIGIT_CLASS]);
        patterns.sort_unstable();
        patterns.dedup();
    }
    let mailboxes = ascii.len();
    ascii.extend(MAILBOXES.map(Vec::from));
    // Stepped through by hand: a search anew after each word takes longer than the steps.
    NumberWordScanner {
        mailboxes,
        ascii: dfa::Builder::new()
            .prefilter(false)
            .build(&ascii)
            .expect("the words are a small constant table"),
        other: nfa::contiguous::Builder::new()
            .prefilter(false)
            .build(&other)
            .expect("the words are a small constant table"),
    }
});

static PROVIDERS: Lazy<AhoCorasick> = Lazy::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build(MAILBOXES)
        .expect("the names are a small constant table")
});

/// Builds the automaton now rather than at the first text.
pub(super) fn warm_up() {
    Lazy::force(&SCANNER);
    Lazy::force(&PROVIDERS);
}

/// What a text has of what opens the gate, byte by byte.
struct ByteStats {
    digits: usize,
    /// Bytes below the digits: spaces and most marks.
    gaps: usize,
    signs: bool,
    beyond_ascii: bool,
}

/// So many bytes are looked at at once.
const LANES: usize = 16;

impl ByteStats {
    fn of(text: &str) -> Self {
        let mut all = Self { digits: 0, gaps: 0, signs: false, beyond_ascii: false };
        // No early return, counts as small as the bytes, and arrays of one length throughout: so
        // the compiler makes vectors of them.
        for part in text.as_bytes().chunks(LANES * usize::from(u8::MAX)) {
            let (mut digits, mut gaps) = ([0_u8; LANES], [0_u8; LANES]);
            let (mut signs, mut high) = ([0_u8; LANES], [0_u8; LANES]);
            let mut add = |block: &[u8; LANES]| {
                for at in 0..LANES {
                    let byte = block[at];
                    digits[at] += u8::from(byte.wrapping_sub(b'0') < 10);
                    gaps[at] += u8::from(byte < b'0');
                    signs[at] |= u8::from(byte == b'@') | u8::from(byte == b'/');
                    high[at] |= byte;
                }
            };
            let (blocks, rest) = part.as_chunks();
            blocks.iter().for_each(&mut add);
            if !rest.is_empty() {
                // Filled up with a letter, which counts for nothing.
                let mut block = [b'a'; LANES];
                block[..rest.len()].copy_from_slice(rest);
                add(&block);
            }
            let sum =
                |counts: [u8; LANES]| counts.iter().map(|count| usize::from(*count)).sum::<usize>();
            all.digits += sum(digits);
            all.gaps += sum(gaps);
            all.signs |= signs != [0; LANES];
            all.beyond_ascii |= !high.is_ascii();
        }
        all
    }
}

/// Whether `text` may hold anything to hide.
pub(super) fn may_contain(text: &str) -> bool {
    let ByteStats { mut digits, gaps, signs, beyond_ascii } = ByteStats::of(text);
    // Number words may be spelt with a gap behind each letter.
    if signs || gaps >= MIN_SPELLED_GAPS && gaps * 5 >= text.len() * 2 {
        return true;
    }
    if digits >= MIN_DIGITS || digits >= 2 && is_disguised(text) {
        return true;
    }
    let mut letters = false;
    if beyond_ascii {
        let readings = Readings::new();
        for (at, c) in beyond_ascii_in(text) {
            let seen = readings.visibility(c);
            // Styled letters, and what is not seen within words, hide them from the scan below.
            let hides = seen == CharVisibility::Unseen
                && !is_inner_sign(c)
                && text[..at].ends_with(char::is_alphanumeric);
            if hides || matches!(c, '\u{ff00}'..='\u{ffef}' | '\u{1d400}'..='\u{1d7cd}') {
                return true;
            }
            digits += usize::from(seen == CharVisibility::Digit);
            // Emoji and punctuation, which need no second scan, lie elsewhere.
            letters |= matches!(c, '\u{c0}'..='\u{1fff}' | '\u{3007}'..='\u{d7ff}');
        }
        if digits >= MIN_DIGITS {
            return true;
        }
    }
    let words = Lazy::force(&SCANNER);
    has_dense_number_words(text, &words.ascii, words.mailboxes)
        || letters && has_dense_number_words(text, &words.other, usize::MAX)
}

/// The characters of `text` that are not ASCII, each with where it stands. Goes over the others in
/// blocks, as most texts have few of these.
fn beyond_ascii_in(text: &str) -> impl Iterator<Item = (usize, char)> {
    let blocks = text.as_bytes().chunks(LANES).enumerate().filter(|(_, block)| !block.is_ascii());
    let starts = blocks.flat_map(|(at, block)| {
        // The first byte of such a character, and none of its others, is 0xc0 or more.
        (at * LANES..).zip(block).filter(|(_, byte)| **byte >= 0xc0).map(|(at, _)| at)
    });
    starts.filter_map(|at| Some((at, text[at..].chars().next()?)))
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
const fn is_inner_sign(c: char) -> bool {
    matches!(c, '\u{93c}' | '\u{9bc}' | '\u{a3c}')
}

/// Whether `text` names a provider of mailboxes, so that an address may be spelt out in it.
pub(super) fn names_mailbox(text: &str) -> bool {
    PROVIDERS.is_match(text)
}

/// Whether there are enough number words and digits close to one another, or a mailbox.
fn has_dense_number_words(text: &str, words: &impl Automaton, mailboxes: usize) -> bool {
    let Ok(start) = words.start_state(Anchored::No) else { return true };
    let (mut close, mut last) = (0, 0);
    let mut state = start;
    for (at, byte) in text.bytes().enumerate() {
        state = words.next_state(Anchored::No, state, BYTE_CLASSES[usize::from(byte)]);
        if !words.is_special(state) || !words.is_match(state) {
            continue;
        }
        let word = words.match_pattern(state, 0);
        let from = at + 1 - words.pattern_len(word);
        close = if from - last <= MAX_WORD_DISTANCE { close + 1 } else { 1 };
        last = at + 1;
        if close >= MIN_NUMBER_WORDS || word.as_usize() >= mailboxes {
            return true;
        }
        // The next word starts behind this one.
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
