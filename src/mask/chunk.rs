//! [`numbers`]: phone numbers whose parts are joined by words: "98123, then 45678".
//!
//! This module decides which parts belong together. Parts that only marks and spaces separate must
//! not be handled here, but in `phone.rs`. To support another joining word, add it to the tables in
//! `cue/`.

use std::ops::Range;

use super::context;
use super::context::Cue;
use super::cue::Sense;
use super::lexicon::Role;
use super::numbering_plan::NumberingPlans;
use super::scene::Scene;
use super::shadow::Class;
use super::shape;
use super::shape::is_indian_mobile;
use super::speech::Speech;
use super::token::{Kind, Token};

/// Maximum parts of a number.
const MAX_PARTS: usize = 12;
/// Maximum words between two parts.
const MAX_WORDS_BETWEEN: usize = 7;
/// Maximum characters between two parts.
const MAX_CHARS_BETWEEN: usize = 40;
/// Minimum parts that any single word may separate: 9 love 8 you 7 …
const SCATTERED_PARTS: usize = 6;

/// Maximum queries of the numbering plans per text: enough for a few numbers.
const MAX_PLAN_QUERIES: u32 = 160;
/// Maximum words of any kind between the halves of a number.
const MAX_FREE_WORDS: usize = 4;

/// A chain that is not a number by itself, with the digits it says.
struct NumberPart {
    tokens: Range<usize>,
    speech: Speech,
}

/// Returns the tokens of every part of the numbers that `chains` form. The chains are in order,
/// and none of them is a number by itself.
pub(super) fn numbers(scene: &Scene, chains: &[Range<usize>]) -> Vec<Range<usize>> {
    if chains.len() < 2 {
        return Vec::new();
    }
    let plan = &NumberingPlans::with_query_limit(MAX_PLAN_QUERIES);
    let parts: Vec<_> = chains.iter().filter_map(|chain| part(scene, chain)).collect();
    let mut found = Vec::new();
    let mut index = 0;
    while index + 1 < parts.len() {
        let count = number(scene, &parts[index..], plan);
        found.extend(parts[index..index + count].iter().map(|part| part.tokens.clone()));
        index += count.max(1);
    }
    found
}

/// Returns `chain` as a part, or `None` if it is a lone number word, too long or without digits.
fn part(scene: &Scene, chain: &Range<usize>) -> Option<NumberPart> {
    // A number word in prose is not a part, and neither is a long row of digits.
    let tokens = without_lead(scene, chain);
    let lone = tokens.len() == 1 && matches!(scene.tokens[tokens.start].kind, Kind::Number(_));
    let glyphs = scene.glyphs(&tokens).len();
    if lone || glyphs > 120 || is_everyday(scene, &tokens) {
        return None;
    }
    let speech = Speech::of(scene, &tokens);
    (!speech.digits.is_empty() && speech.digits.len() <= 9).then_some(NumberPart { tokens, speech })
}

/// Returns `true` if `tokens` are all everyday words, which only mean digits near others: "nein, das".
pub(super) fn is_everyday(scene: &Scene, tokens: &Range<usize>) -> bool {
    let is_everyday = |token: &Token| matches!(token.kind, Kind::Number(number) if number.everyday || number.role == Role::Link);
    let tokens = &scene.tokens[tokens.clone()];
    if !tokens.iter().all(is_everyday) {
        return false;
    }
    // Several number words of one language are digits all the same: do ek.
    let numbers = || {
        tokens.iter().filter_map(|token| match token.kind {
            Kind::Number(number) => Some(number),
            _ => None,
        })
    };
    let shared = numbers().fold(u64::MAX, |shared, number| shared & number.languages);
    tokens.len() < 2 || shared == 0 || numbers().any(|number| number.common)
}

/// Returns `chain` without the leading tokens that only announce its digits.
pub(super) fn without_lead(scene: &Scene, chain: &Range<usize>) -> Range<usize> {
    let mut tokens = chain.clone();
    while tokens.len() > 1
        && (leads_to(&scene.tokens[tokens.start], &scene.tokens[tokens.start + 1])
            || announces_part(scene, tokens.start))
    {
        tokens.start += 1;
    }
    tokens
}

/// Returns `true` if a number word only announces the digits after it: "last five 22097",
/// "to 22097".
fn leads_to(word: &Token, digits: &Token) -> bool {
    let Kind::Number(number) = word.kind else { return false };
    digits.kind == Kind::Digits && (number.everyday || usize::from(number.value) == digits.len())
}

/// Returns `true` if the token `index` numbers the part that follows: "part one: 98796",
/// "2nd part 2: 86451".
fn announces_part(scene: &Scene, index: usize) -> bool {
    let is_joined =
        index.checked_sub(1).is_some_and(|left| scene.tokens[left].sense.has(Sense::CONNECTOR));
    let is_group = |token: &Token| token.kind == Kind::Digits && token.len() >= 3;
    let is_small = match scene.tokens[index].kind {
        Kind::Number(number) => number.role == Role::Unit && (1..=3).contains(&number.value),
        Kind::Digits => {
            let glyphs = &scene.shadow.glyphs[scene.tokens[index].from..scene.tokens[index].to];
            matches!(glyphs, [glyph] if matches!(glyph.plain, '1'..='3'))
        }
        _ => false,
    };
    is_joined && is_small && scene.tokens.get(index + 1).is_some_and(is_group)
}

/// Returns the count of leading `parts` that form a number, or 0 if none do.
fn number(scene: &Scene, parts: &[NumberPart], plan: &NumberingPlans) -> usize {
    let Some(first) = parts.first() else { return 0 };
    let mut digits = first.speech.digits.clone();
    let mut weakest = Join::Words;
    let mut best = 0;
    for (count, pair) in (2..=MAX_PARTS).zip(parts.windows(2)) {
        let Some(join) = join(scene, &pair[0].tokens, &pair[1].tokens) else { break };
        weakest = weakest.max(join);
        digits.extend_from_slice(&pair[1].speech.digits);
        if digits.len() > 13 {
            break;
        }
        let leading = &parts[..count];
        // The weaker the joining words, the stronger the evidence of the parts must be.
        let is_joined = match weakest {
            Join::Words => true,
            Join::OneWord => {
                count >= SCATTERED_PARTS || is_split_by_length(scene, leading, 3..=6, &digits)
            }
            Join::Any => count == 2 && is_split_by_length(scene, leading, 4..=6, &digits),
        };
        if is_joined && is_number(scene, leading, &digits, plan) {
            best = count;
        }
    }
    best
}

/// The kind of words between two parts, from the strongest join to the weakest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Join {
    /// Only joining words.
    Words,
    /// One word of any kind.
    OneWord,
    /// A few words that name no thing.
    Any,
}

/// Returns how the words between two parts join them, or `None` if they separate them.
fn join(scene: &Scene, left: &Range<usize>, right: &Range<usize>) -> Option<Join> {
    let between = scene.tokens.get(left.end..right.start)?;
    let (last, first) = (scene.tokens[..left.end].last()?, scene.tokens.get(right.start)?);
    let distance = first.from - last.to;
    let is_short = |token: &Token| token.kind == Kind::Code && token.len() <= 2;
    let has_code = between.iter().any(|token| token.kind == Kind::Code && !is_short(token));
    if between.is_empty()
        || between.len() > MAX_WORDS_BETWEEN
        || distance > MAX_CHARS_BETWEEN
        || has_code
    {
        return None;
    }
    // A lone digit between two parts only numbers the part that follows.
    let is_joining = |token: &Token| {
        token.sense.has(Sense::CONNECTOR.with(Sense::FILLER))
            || token.kind == Kind::Digits && token.len() == 1
    };
    if between.iter().all(is_joining) {
        return Some(Join::Words);
    }
    let names = Sense::UNIT.with(Sense::MONEY).with(Sense::LABEL).with(Sense::MONTH);
    let is_plain =
        |token: &Token| (token.kind == Kind::Word || is_short(token)) && !token.sense.has(names);
    match between {
        [word] => is_plain(word).then_some(Join::OneWord),
        words if words.len() <= MAX_FREE_WORDS && words.iter().all(is_plain) => Some(Join::Any),
        _ => None,
    }
}

/// Returns `true` if `parts` form an Indian mobile number by their lengths alone.
///
/// They must be two or three groups whose digit counts are in `lengths`, none of them round. No
/// word after the last group may name a thing that the digits could count.
fn is_split_by_length(
    scene: &Scene,
    parts: &[NumberPart],
    lengths: std::ops::RangeInclusive<usize>,
    digits: &[u8],
) -> bool {
    let fits = |part: &NumberPart| {
        let tokens = &scene.tokens[part.tokens.clone()];
        tokens.iter().all(|token| token.kind == Kind::Digits)
            && lengths.contains(&part.speech.digits.len())
            && !part.speech.digits.ends_with(&[0, 0])
    };
    let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return false };
    // "Sold 98712 bought 40587": a word names each of the numbers.
    let is_named = |part: &NumberPart| {
        part.tokens.start.checked_sub(1).is_some_and(|index| {
            let spaced = scene.gap(index).iter().all(|glyph| glyph.class == Class::Space);
            let token = &scene.tokens[index];
            spaced && token.kind == Kind::Word && token.sense == Sense::NONE
        })
    };
    let are_named = is_named(first) && is_named(last);
    let is_counted = scene.tokens.get(last.tokens.end).is_some_and(|token| {
        let spaced = scene.gap(last.tokens.end - 1).iter().all(|glyph| glyph.class == Class::Space);
        spaced && token.kind == Kind::Word && token.sense == Sense::NONE
    });
    parts.len() <= 3
        && is_indian_mobile(digits)
        && parts.iter().all(fits)
        && !is_counted
        && !are_named
}

/// Returns `true` if `parts` with the joined `digits` form a phone number.
fn is_number(scene: &Scene, parts: &[NumberPart], digits: &[u8], plan: &NumberingPlans) -> bool {
    let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return false };
    let whole = first.tokens.start..last.tokens.end;
    let is_long = (9..=12).contains(&digits.len());
    let is_known = is_indian_mobile(digits)
        || is_long && context::cue(scene, &whole) >= Cue::Phone
        || is_ordered(scene, first) && (is_swapped(parts) || is_long && plan.is_national(digits));
    is_known && !is_something_else(scene, parts)
}

/// Returns `true` if the parts are amounts, years or counting, or a label names something else.
fn is_something_else(scene: &Scene, parts: &[NumberPart]) -> bool {
    let are_round = parts.iter().all(|part| part.speech.digits.ends_with(&[0, 0]));
    let values: Vec<_> = parts.iter().flat_map(|part| part.speech.values.iter().copied()).collect();
    let are_years = values.iter().all(|value| (1500..=2099).contains(value));
    let is_named = |part: &NumberPart| {
        let count = part.speech.digits.len();
        context::is_labelled(scene, &part.tokens, count, false)
            || context::is_amount(scene, &part.tokens, count, false)
    };
    are_round || are_years || shape::is_counting(&values) || parts.iter().any(is_named)
}

/// Returns `true` if a word before the first part marks it as one of several: first, d'abord,
/// начало.
fn is_ordered(scene: &Scene, first: &NumberPart) -> bool {
    let before = scene.tokens[..first.tokens.start].iter().rev().take(3);
    let mut joining = before.take_while(|t| t.sense.has(Sense::CONNECTOR.with(Sense::FILLER)));
    joining.any(|token| token.sense.has(Sense::PART_ORDER))
}

/// Returns `true` if two parts are the swapped halves of an Indian mobile number: last five …,
/// first five ….
fn is_swapped(parts: &[NumberPart]) -> bool {
    let [second_half, first_half] = parts else { return false };
    let has_five = |part: &NumberPart| part.speech.digits.len() == 5;
    has_five(second_half) && has_five(first_half) && matches!(first_half.speech.digits[0], 6..=9)
}

#[cfg(test)]
mod tests {
    use crate::mask::mask;

    #[test]
    fn chunk_parts_joined_by_words_are_hidden() {
        for (text, expected) in [
            ("96988 then 32921", "[hidden] then [hidden]"),
            ("first half 81442, second half 22325", "first half [hidden], second half [hidden]"),
            ("first five 76431 last five 22097", "first five [hidden] last five [hidden]"),
            ("pehle 98123 phir 45678", "pehle [hidden] phir [hidden]"),
            ("part one: 98796. part two: 86451", "part one: [hidden]. part two: [hidden]"),
            ("part 1: 98796 part 2: 86451", "part 1: [hidden] part 2: [hidden]"),
            ("shuru me 98595 aur last me 48007", "shuru me [hidden] aur last me [hidden]"),
            ("1st half 77602, 2nd half 75846", "1st half [hidden], 2nd half [hidden]"),
            ("p1 69628 p2 36719", "p1 [hidden] p2 [hidden]"),
            ("98218 lol and 79117", "[hidden] lol and [hidden]"),
            ("987 something 124 else 0587", "[hidden] something [hidden] else [hidden]"),
            ("primero 613 28 luego 9350", "primero [hidden] luego [hidden]"),
            (
                "erst 0151 dann 2590 und zuletzt 3936",
                "erst [hidden] dann [hidden] und zuletzt [hidden]",
            ),
            ("last five 40587 first five 98712", "last five [hidden] first five [hidden]"),
            ("area code 646 then 552 then 5889", "area code [hidden] then [hidden] then [hidden]"),
        ] {
            assert_eq!(mask(text).as_str(), expected);
        }
    }

    #[test]
    fn chunk_ignores_unrelated_numbers() {
        for text in [
            "i have 98712 photos and 40587 songs",
            "sold 98712 bought 40587",
            "lol 13345 lol 67890",
            "pin code 110001 and 400001 and 700001",
            "won 98712 rupees and then lost 40587",
            "first 100 then 200 then 300",
            "start 9000 end 18000",
            "begin 1990 end 2000 then 2010",
        ] {
            assert_eq!(mask(text).as_str(), text);
        }
    }

    #[test]
    fn chunk_scattered_digits_are_hidden() {
        let masked = mask("9 love 81 you 4 my 56 dear 22 friend 70 bye");
        assert_eq!(masked.hidden(), 6);
    }

    #[test]
    fn chunk_ignores_amounts_counts_and_years() {
        for text in [
            "rent 75000 and deposit 25000",
            "won 75000 and then 25000",
            "pages 81442 and 22325",
            "from 1526 to 1707",
            "7 days 24 hours 12 months 365 days",
        ] {
            assert_eq!(mask(text).as_str(), text);
        }
    }
}
