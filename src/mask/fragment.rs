//! [`after_message`]: numbers whose fragments are in several messages of one sender.
//!
//! This module decides which messages are fragments, and when they complete a number. Fragments
//! must not be stored here, but in [`Memory`]. To accept another kind of message as a fragment,
//! edit [`classify`].

use std::ops::Range;

use super::chain;
use super::chunk;
use super::cue::Sense;
use super::memory::{MAX_DIGITS, MAX_FRAGMENT_AGE, Memory};
use super::rule::{Finding, Rule};
use super::scene::Scene;
use super::shadow::Glyph;
use super::shape;
use super::shape::is_indian_mobile;
use super::speech::Speech;
use super::spoken;
use super::token::{Kind, Token};

/// Maximum length of a message that is not prose, in characters. Prose clears all fragments.
const PROSE_CHARS: usize = 80;
/// Minimum digits of a likely number before its fragments are hidden.
const MIN_DIGITS_TO_HIDE: usize = 6;
/// Digits of an Indian postcode.
const POSTCODE_DIGITS: u8 = 6;
/// Number of messages after a label that it applies to.
const LABEL_TTL: u8 = 3;

/// The kind of a message.
enum MessageKind {
    /// Digits and joining words only; contains the tokens that say the digits.
    Fragment(Vec<Range<usize>>),
    /// Short text between fragments.
    Filler,
    /// A long text; fragments after it belong to another number.
    Prose,
}

/// Reads one message with the findings `found`; returns the memory for the next message.
///
/// Adds the fragments that complete a number from earlier messages to `found`.
pub(super) fn after_message(scene: &Scene, found: &mut Vec<Finding>, memory: &Memory) -> Memory {
    let mut memory = memory.clone();
    memory.age_by_one();
    let has_sense = |sense: Sense| scene.tokens.iter().any(|token| token.sense.has(sense));
    let announces_other = has_sense(Sense::NOT_PHONE) || is_sum(scene);
    let has_phone_word = has_sense(Sense::PHONE);
    // "Guess my number" does not mean a phone number.
    let has_clear_phone_word = scene.tokens.iter().any(|token| {
        token.sense.has(Sense::PHONE) && !token.sense.has(Sense::NUMBER.with(Sense::CODE))
    });
    let is_handover = |token: &Token| token.sense.has(Sense::HANDOVER) && token.len() > 5;
    if (has_phone_word || scene.tokens.iter().any(is_handover))
        && (!announces_other || has_clear_phone_word)
    {
        memory.cued = MAX_FRAGMENT_AGE;
    }
    // "I m 23" measures the digits in it, "weight in kg?" those of the answer.
    let has_digits = scene.tokens.iter().any(|token| token.kind == Kind::Digits);
    let measures_next = has_sense(Sense::UNIT) && !has_digits;
    if announces_other
        || (has_sense(Sense::LABEL.with(Sense::MONEY)) || measures_next) && !has_phone_word
    {
        memory.labelled = LABEL_TTL;
    }
    if is_sum(scene) {
        return memory;
    }
    let is_contact_detail =
        |rule| matches!(rule, Rule::Email | Rule::Upi | Rule::Handle | Rule::Link);
    if found.iter().any(|finding| !is_contact_detail(finding.rule)) {
        // This message contains a hidden number; the next digits begin another.
        memory.clear_fragments();
        return memory;
    }
    match classify(scene, !memory.lengths().is_empty()) {
        MessageKind::Filler => {}
        MessageKind::Prose => memory.clear_fragments(),
        MessageKind::Fragment(tokens) => {
            let speeches = tokens.iter().map(|range| Speech::of(scene, range));
            let digits: Vec<_> = speeches.flat_map(|speech| speech.digits).collect();
            let is_half_mobile = memory.cued > 0 && digits.len() == 5 && digits[0] >= 6;
            // "Oh no" says digits only after others, or after a cue.
            let is_everyday = tokens.iter().all(|range| chunk::is_everyday(scene, range));
            if is_everyday && memory.cued == 0 && !memory.continues_words() {
                return memory;
            }
            if memory.labelled > 0 && memory.cued == 0 || is_round(&digits) && !is_half_mobile {
                return memory;
            }
            memory.add(&digits);
            let in_words = tokens
                .iter()
                .flat_map(Clone::clone)
                .all(|index| matches!(scene.tokens[index].kind, Kind::Number(_)));
            if looks_like_number(scene, &memory, in_words) {
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

/// Returns `true` if the message contains a calculation: 2+2, 12 * 3 = 36.
fn is_sum(scene: &Scene) -> bool {
    let is_digits = |index: usize| scene.tokens.get(index).is_some_and(|t| t.kind == Kind::Digits);
    let is_operator = |glyph: &Glyph| matches!(glyph.plain, '+' | '=' | '×' | '÷' | '*' | '^');
    (1..scene.tokens.len().min(MAX_DIGITS)).any(|index| {
        is_digits(index - 1) && is_digits(index) && scene.gap(index - 1).iter().any(is_operator)
    })
}

/// Returns the kind of a message; `has_fragments` means that the memory contains fragments.
fn classify(scene: &Scene, has_fragments: bool) -> MessageKind {
    if scene.shadow.glyphs.len() > PROSE_CHARS {
        return MessageKind::Prose;
    }
    let is_other = |token: &&Token| {
        let joins = token
            .sense
            .has(Sense::CONNECTOR.with(Sense::FILLER).with(Sense::HANDOVER).with(Sense::PHONE));
        !token.says_digits() && !joins
    };
    // Names like S23 look like digits too. Look-alikes are fragments only if they are longer, or if
    // they are the whole message and follow other fragments.
    let is_short = |token: &Token| token.kind == Kind::Lookalike && token.len() < 4;
    if scene.tokens.iter().any(is_short) && !(has_fragments && scene.tokens.len() == 1) {
        return MessageKind::Filler;
    }
    let chains = chain::chains(scene);
    let has_digits =
        |chain: &Range<usize>| scene.tokens[chain.clone()].iter().any(|t| t.kind == Kind::Digits);
    let all_say_digits = scene.tokens.iter().all(Token::says_digits);
    let has_words = |chain: &Range<usize>| chain.len() >= if all_say_digits { 2 } else { 3 };
    let fragments: Vec<_> = chains
        .into_iter()
        .filter(|chain| has_digits(chain) || has_words(chain))
        .map(|chain| chunk::without_lead(scene, &chain))
        .collect();
    let is_single =
        fragments.is_empty() && scene.tokens.len() == 1 && scene.tokens[0].says_digits();
    if is_single && !chain::chains(scene).is_empty() {
        return MessageKind::Fragment(std::iter::once(0..1).collect());
    }
    let other_count = scene.tokens.iter().filter(is_other).count();
    if fragments.is_empty()
        || fragments.len() > 2
        || other_count > 0 && !is_interjected(scene, &fragments, other_count, has_fragments)
    {
        return MessageKind::Filler;
    }
    MessageKind::Fragment(fragments)
}

/// Returns `true` if a message is one fragment and at most two other words, and no word names a
/// thing that the digits could count: "43210 bro".
fn is_interjected(
    scene: &Scene,
    fragments: &[Range<usize>],
    other_count: usize,
    has_fragments: bool,
) -> bool {
    let [fragment] = fragments else { return false };
    let countable = Sense::UNIT.with(Sense::MONEY).with(Sense::LABEL);
    let digit_count = Speech::of(scene, fragment).digits.len();
    other_count <= 2
        && scene.tokens.len() <= fragment.len() + 2
        && digit_count >= if has_fragments { 4 } else { 5 }
        && !scene.tokens.iter().any(|token| token.sense.has(countable) || token.kind == Kind::Code)
}

/// Returns `true` if `values` are single digits whose steps are too irregular for counting.
fn is_non_sequential(values: &[u64]) -> bool {
    let count_steps = |by: i8| {
        let next = |value: u64| value.checked_add_signed(by.into());
        values.windows(2).filter(|pair| next(pair[0]) == Some(pair[1])).count()
    };
    values.len() >= MIN_DIGITS_TO_HIDE
        && values.iter().all(|value| *value < 10)
        && values.windows(2).any(|pair| pair[0] != pair[1])
        && count_steps(1).max(count_steps(-1)) * 4 < (values.len() - 1) * 3
}

/// Returns `true` if the digits are those of a round amount: 15000.
fn is_round(digits: &[u8]) -> bool {
    digits.len() >= 3 && digits.ends_with(&[0, 0])
}

/// Returns `true` if the fragments look like a phone number; `in_words` means that the last one
/// consists of number words.
fn looks_like_number(scene: &Scene, memory: &Memory, in_words: bool) -> bool {
    let digits = memory.digits();
    let values = memory.values();
    let are_years = values.iter().all(|value| (1900..=2099).contains(value));
    let is_single = values.len() == 1;
    let is_recited =
        values.len() >= 4 && spoken::is_counting_aloud(&values) && !is_non_sequential(&values);
    if are_years || shape::is_counting(&values) || is_recited {
        return false;
    }
    if digits.len() > 13 && !memory.ends_mobile(&digits) {
        return false;
    }
    // Two postcodes.
    let is_postcode =
        matches!(scene.tokens[..], [only] if only.len() == usize::from(POSTCODE_DIGITS));
    if memory.cued == 0
        && is_postcode
        && memory.lengths() == [POSTCODE_DIGITS; 2]
        && !is_indian_mobile(&digits)
    {
        return false;
    }
    let is_dialled = digits.first().is_some_and(|first| *first >= 6 || *first == 0);
    // Ages, scores and prices are written in digits.
    let min_digits =
        if memory.cued > 0 || in_words { MIN_DIGITS_TO_HIDE } else { MIN_DIGITS_TO_HIDE + 1 };
    let is_mobile = is_indian_mobile(&digits) || memory.ends_mobile(&digits);
    if is_single {
        // A single fragment must be longer than the shortest number.
        return is_dialled
            && digits.len() > MIN_DIGITS_TO_HIDE
            && !shape::is_run(&digits)
            && scene.tokens.len() == 1;
    }
    is_mobile
        || (is_dialled && digits.len() >= min_digits)
        || memory.cued > 0 && digits.len() > min_digits
        || (10..=12).contains(&digits.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::mask_next;

    fn masked(messages: &[&str]) -> Vec<String> {
        let mut memory = Memory::default();
        let mut texts = Vec::new();
        for text in messages {
            let (masked, next) = mask_next(text, &memory);
            texts.push(masked.as_str().to_owned());
            memory = next;
        }
        texts
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
        assert_eq!(masked(&["i m 23", "98334", "haha", "12506"])[3], "[hidden]");
        let words = ["nine", "eight", "seven", "two", "two", "one", "zero"];
        assert_eq!(masked(&words)[5..], ["[hidden]", "[hidden]"]);
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
            ["Oh no", "Oh no", "Oh no", "oh"],
            ["No", "2019 was better", "no", "No No"],
            ["560034", "560001", "", ""],
            ["No entiendo", "Lo lamento", "un momento", "no se"],
            ["12/05/2024", "13/05/2024", "14/05/2024", "15/05/2024"],
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
        let memory = messages[..13]
            .iter()
            .fold(Memory::default(), |memory, text| mask_next(text, &memory).1);
        assert!(memory.is_empty(), "the memory is empty");
    }
}
