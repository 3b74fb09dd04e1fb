//! What the masker remembers of one sender: the digits of short messages that may be pieces.
//!
//! What lives here: [`Memory`], and when a piece completes a number. What must not: any text.
//! To let another kind of message be a piece: [`reading`].

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::chain;
use super::chain::Scene;
use super::chunk;
use super::cue::Sense;
use super::rule::{Finding, Rule};
use super::shadow::Glyph;
use super::shape;
use super::shape::is_indian_mobile;
use super::spoken;
use super::spoken::Speech;
use super::token::{Kind, Token};

/// How many messages a piece is remembered for, and how many pieces.
const MAX_FRAGMENT_AGE: u8 = 12;
const MAX_FRAGMENTS: usize = 12;
/// How many digits are remembered: more than any number has.
const MAX_DIGITS: usize = 16;
/// A message longer than this is prose: what came before it was no number.
const PROSE_CHARS: usize = 80;
/// From this digit on the pieces of what looks like a number are hidden.
const MIN_DIGITS_TO_HIDE: usize = 6;
/// How many messages a label counts for.
const LABEL_TTL: u8 = 3;

/// What is remembered of one sender's last messages: digits and kinds, no text. Empty it is free
/// of heap, and so it is when full.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// The digits of the pieces, oldest first, four bits each, the newest in the lowest.
    digits: u64,
    /// Per piece, oldest first: how many digits it has.
    lengths: [u8; MAX_FRAGMENTS],
    /// Per piece: how many messages ago it came.
    ages: [u8; MAX_FRAGMENTS],
    pieces: u8,
    /// Messages for which a word about phones still counts.
    cued: u8,
    /// Messages for which a label (a code, a score, an age) still counts.
    labelled: u8,
}

/// Shows that there is something, never what.
impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}

impl Memory {
    /// Whether nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn lengths(&self) -> &[u8] {
        &self.lengths[..usize::from(self.pieces).min(MAX_FRAGMENTS)]
    }

    fn count(&self) -> usize {
        self.lengths().iter().map(|length| usize::from(*length)).sum::<usize>().min(MAX_DIGITS)
    }

    /// The digits, oldest first.
    fn digits(&self) -> Vec<u8> {
        let count = self.count();
        (0..count).rev().map(|place| (self.digits >> (4 * place) & 0xf) as u8).collect()
    }

    /// The pieces as numbers, oldest first.
    fn values(&self) -> Vec<u64> {
        let digits = self.digits();
        let mut from = 0;
        let mut values = Vec::new();
        for length in self.lengths() {
            let to = (from + usize::from(*length)).min(digits.len());
            values.push(
                digits[from..to].iter().fold(0, |value, digit| value * 10 + u64::from(*digit)),
            );
            from = to;
        }
        values
    }

    fn forget_oldest(&mut self) {
        self.lengths.rotate_left(1);
        self.ages.rotate_left(1);
        (self.lengths[MAX_FRAGMENTS - 1], self.ages[MAX_FRAGMENTS - 1]) = (0, 0);
        self.pieces = self.pieces.saturating_sub(1);
        // What is forgotten is gone, not just not counted.
        let kept = 4 * u32::try_from(self.count()).unwrap_or(0);
        self.digits &= u64::MAX.checked_shr(u64::BITS - kept).unwrap_or(0);
    }

    fn add(&mut self, digits: &[u8]) {
        let digits = &digits[digits.len().saturating_sub(MAX_DIGITS)..];
        while usize::from(self.pieces) >= MAX_FRAGMENTS
            || self.pieces > 0 && self.count() + digits.len() > MAX_DIGITS
        {
            self.forget_oldest();
        }
        for digit in digits {
            self.digits = self.digits << 4 | u64::from(*digit & 0xf);
        }
        let at = usize::from(self.pieces);
        self.lengths[at] = u8::try_from(digits.len()).unwrap_or(u8::MAX);
        self.ages[at] = 0;
        self.pieces += 1;
    }

    /// A message passes: old pieces are forgotten.
    fn age_by_one(&mut self) {
        let pieces = usize::from(self.pieces).min(MAX_FRAGMENTS);
        for age in &mut self.ages[..pieces] {
            *age = age.saturating_add(1);
        }
        while self.pieces > 0 && self.ages[0] >= MAX_FRAGMENT_AGE {
            self.forget_oldest();
        }
        self.cued = self.cued.saturating_sub(1);
        self.labelled = self.labelled.saturating_sub(1);
    }

    fn forget_pieces(&mut self) {
        *self = Self { cued: self.cued, labelled: self.labelled, ..Self::default() };
    }
}

/// What a message is to the memory.
enum MessageKind {
    /// Digits, and nothing else but joining words: the tokens that say them.
    Fragment(Vec<Range<usize>>),
    /// Short talk between pieces.
    Filler,
    /// A long text, after which pieces belong to something else.
    Prose,
}

/// Reads one message after `found` was found in it. Adds what completes a number begun in earlier
/// messages to `found`; returns what is to be remembered.
pub(super) fn after_message(scene: &Scene, found: &mut Vec<Finding>, memory: &Memory) -> Memory {
    let mut memory = memory.clone();
    memory.age_by_one();
    let senses = |sense: Sense| scene.tokens.iter().any(|token| token.sense.has(sense));
    let other = senses(Sense::NOT_PHONE) || is_sum(scene);
    let contact = senses(Sense::PHONE);
    // "Guess my number" is about none that could be called.
    let calls = scene.tokens.iter().any(|token| {
        token.sense.has(Sense::PHONE) && !token.sense.has(Sense::NUMBER.with(Sense::CODE))
    });
    let handed = |token: &Token| token.sense.has(Sense::HANDOVER) && token.len() > 5;
    if (contact || scene.tokens.iter().any(handed)) && (!other || calls) {
        memory.cued = MAX_FRAGMENT_AGE;
    }
    if other || senses(Sense::LABEL.with(Sense::MONEY).with(Sense::UNIT)) && !contact {
        memory.labelled = LABEL_TTL;
    }
    if is_sum(scene) {
        return memory;
    }
    let elsewhere = |rule| matches!(rule, Rule::Email | Rule::Upi | Rule::Handle | Rule::Link);
    if found.iter().any(|finding| !elsewhere(finding.rule)) {
        // The number is out and hidden; what comes next begins another.
        memory.forget_pieces();
        return memory;
    }
    match classify(scene, !memory.lengths().is_empty()) {
        MessageKind::Filler => {}
        MessageKind::Prose => memory.forget_pieces(),
        MessageKind::Fragment(tokens) => {
            let whole = tokens.iter().map(|range| Speech::of(scene, range));
            let digits: Vec<_> = whole.flat_map(|speech| speech.digits).collect();
            let half_mobile = memory.cued > 0 && digits.len() == 5 && digits[0] >= 6;
            if memory.labelled > 0 && memory.cued == 0 || is_round(&digits) && !half_mobile {
                return memory;
            }
            memory.add(&digits);
            let said = tokens
                .iter()
                .flat_map(Clone::clone)
                .all(|at| matches!(scene.tokens[at].kind, Kind::Number(_)));
            if looks_like_number(scene, &memory, said) {
                found.extend(tokens.iter().map(|range| {
                    let glyphs = scene.tokens[range.start].from..scene.tokens[range.end - 1].to;
                    Finding {
                        range: scene.shadow.bytes(glyphs.start, glyphs.end),
                        rule: Rule::Split,
                    }
                }));
            }
        }
    }
    memory
}

/// Whether the message reckons: 2+2, 12 x 3 = 36.
fn is_sum(scene: &Scene) -> bool {
    let digits = |at: usize| scene.tokens.get(at).is_some_and(|t| t.kind == Kind::Digits);
    let operator = |glyph: &Glyph| matches!(glyph.plain, '+' | '=' | '×' | '÷' | '*' | '^');
    (1..scene.tokens.len().min(MAX_DIGITS))
        .any(|at| digits(at - 1) && digits(at) && scene.gap(at - 1).iter().any(operator))
}

/// Reads a message; `begun` tells that pieces are remembered.
fn classify(scene: &Scene, begun: bool) -> MessageKind {
    if scene.shadow.glyphs.len() > PROSE_CHARS {
        return MessageKind::Prose;
    }
    let other = |token: &&Token| {
        let joins = token
            .sense
            .has(Sense::CONNECTOR.with(Sense::FILLER).with(Sense::HANDOVER).with(Sense::PHONE));
        !token.says_digits() && !joins
    };
    // Names like S23 look like digits too; only longer ones are pieces of a number, or those that
    // stand alone when one was begun.
    let short = |token: &Token| token.kind == Kind::Lookalike && token.len() < 4;
    if scene.tokens.iter().any(short) && !(begun && scene.tokens.len() == 1) {
        return MessageKind::Filler;
    }
    let chains = chain::chains(scene);
    let digits =
        |chain: &Range<usize>| scene.tokens[chain.clone()].iter().any(|t| t.kind == Kind::Digits);
    let alone = scene.tokens.iter().all(Token::says_digits);
    let words = |chain: &Range<usize>| chain.len() >= if alone { 2 } else { 3 };
    let pieces: Vec<_> = chains
        .into_iter()
        .filter(|chain| digits(chain) || words(chain))
        .map(|chain| chunk::without_lead(scene, &chain))
        .collect();
    let lone = pieces.is_empty() && scene.tokens.len() == 1 && scene.tokens[0].says_digits();
    if lone && !chain::chains(scene).is_empty() {
        return MessageKind::Fragment(std::iter::once(0..1).collect());
    }
    let others = scene.tokens.iter().filter(other).count();
    if pieces.is_empty()
        || pieces.len() > 2
        || others > 0 && !is_interjected(scene, &pieces, others, begun)
    {
        return MessageKind::Filler;
    }
    MessageKind::Fragment(pieces)
}

/// Whether a piece has only a word or two thrown in that say nothing of what is counted: "43210 bro".
fn is_interjected(scene: &Scene, pieces: &[Range<usize>], others: usize, begun: bool) -> bool {
    let [piece] = pieces else { return false };
    let counted = Sense::UNIT.with(Sense::MONEY).with(Sense::LABEL);
    let says = Speech::of(scene, piece).digits.len();
    others <= 2
        && scene.tokens.len() <= piece.len() + 2
        && says >= if begun { 4 } else { 5 }
        && !scene.tokens.iter().any(|token| token.sense.has(counted) || token.kind == Kind::Code)
}

/// Whether digits that came one by one go by no single step often enough for counting.
fn is_non_sequential(values: &[u64]) -> bool {
    let steps = |by: i8| {
        let next = |value: u64| value.checked_add_signed(by.into());
        values.windows(2).filter(|pair| next(pair[0]) == Some(pair[1])).count()
    };
    values.len() >= MIN_DIGITS_TO_HIDE
        && values.iter().all(|value| *value < 10)
        && values.windows(2).any(|pair| pair[0] != pair[1])
        && steps(1).max(steps(-1)) * 4 < (values.len() - 1) * 3
}

/// Whether the digits are those of an amount: 15000.
fn is_round(digits: &[u8]) -> bool {
    digits.len() >= 3 && digits.ends_with(&[0, 0])
}

/// Whether the remembered pieces look like a number; `said` tells that the last is in words.
fn looks_like_number(scene: &Scene, memory: &Memory, said: bool) -> bool {
    let digits = memory.digits();
    let values = memory.values();
    let years = values.iter().all(|value| (1900..=2099).contains(value));
    let alone = values.len() == 1;
    let recited =
        values.len() >= 4 && spoken::is_counting_aloud(&values) && !is_non_sequential(&values);
    if years || shape::is_counting(&values) || recited {
        return false;
    }
    if digits.len() > 13 && !memory.ends_mobile(&digits) {
        return false;
    }
    let dialled = digits.first().is_some_and(|first| *first >= 6 || *first == 0);
    // Ages, scores and prices are typed in digits.
    let enough = if memory.cued > 0 || said { MIN_DIGITS_TO_HIDE } else { MIN_DIGITS_TO_HIDE + 1 };
    let mobile = is_indian_mobile(&digits) || memory.ends_mobile(&digits);
    if alone {
        // One message is a number of its own only if a number could not be shorter.
        return dialled
            && digits.len() > MIN_DIGITS_TO_HIDE
            && !shape::is_run(&digits)
            && scene.tokens.len() == 1;
    }
    mobile
        || (dialled && digits.len() >= enough)
        || memory.cued > 0 && digits.len() > enough
        || (10..=12).contains(&digits.len())
}

impl Memory {
    /// Whether the last ten digits are a mobile number that starts with a piece.
    fn ends_mobile(&self, digits: &[u8]) -> bool {
        let mut from = 0;
        self.lengths().iter().any(|length| {
            let own = digits.get(from..).unwrap_or_default();
            from += usize::from(*length);
            is_indian_mobile(own)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::mask_next;
    use super::*;

    fn masked(messages: &[&str]) -> Vec<String> {
        let mut memory = Memory::default();
        let mut shown = Vec::new();
        for text in messages {
            let (masked, next) = mask_next(text, &memory);
            shown.push(masked.as_str().to_owned());
            memory = next;
        }
        shown
    }

    #[test]
    fn mask_memory_catches_a_number_split_over_messages() {
        assert_eq!(masked(&["85807", "30215"]), ["85807", "[hidden]"]);
        assert_eq!(masked(&["first 81549", "lol ok", "then 90951"])[2], "then [hidden]");
        assert_eq!(masked(&["826", "212", "9972"])[2], "[hidden]");
        assert_eq!(masked(&["98765", "43210 bro"])[1], "[hidden] bro");
        assert_eq!(masked(&["98765", "a@b.co", "43210"])[2], "[hidden]");
        assert_eq!(masked(&["call 5pm", "98100", "43210"])[2], "[hidden]");
        assert_eq!(masked(&["nine eight", "two six one", "four seven"])[2], "[hidden]");
        assert_eq!(masked(&["O7911", "l82", "4S6"])[2], "[hidden]");
        assert_eq!(masked(&["98 lol", "85", "93 haha", "88"])[3], "[hidden]");
        let spelt = ["nine", "eight", "seven", "two", "two", "one", "zero"];
        assert_eq!(masked(&spelt)[5..], ["[hidden]", "[hidden]"]);
    }

    #[test]
    fn mask_memory_ignores_small_talk() {
        for talk in [
            ["how old are you", "24", "and you?", "22"],
            ["2019", "2021", "2023 was best", ""],
            ["salary?", "45000", "rent 15000", "save 10000"],
            ["1", "2", "3", "go!"],
            ["wifi pass?", "88442211", "", ""],
            ["2+2", "4", "8+8", "16"],
            ["guess my number", "77?", "88", "97"],
        ] {
            assert_eq!(masked(&talk), talk);
        }
    }

    #[test]
    fn mask_memory_expires_fragments_after_twelve_messages() {
        let mut messages = vec!["85807"];
        messages.extend([""; 12]);
        messages.push("30215");
        assert_eq!(masked(&messages).last().map(String::as_str), Some("30215"));
        let passed = messages[..13]
            .iter()
            .fold(Memory::default(), |memory, text| mask_next(text, &memory).1);
        assert!(passed.is_empty(), "nothing of it is left");
    }

    #[test]
    fn mask_memory_is_small_and_redacted() {
        assert!(size_of::<Memory>() <= 48);
        let (_, memory) = mask_next("85807", &Memory::default());
        assert!(!memory.is_empty());
        assert!(!format!("{memory:?}").contains('8'));
    }

    #[test]
    fn mask_memory_round_trips_through_serde() {
        let (_, memory) = mask_next("85807", &Memory::default());
        let stored = serde_json::to_string(&memory).expect("serialised");
        assert_eq!(serde_json::from_str::<Memory>(&stored).expect("read back"), memory);
    }
}
