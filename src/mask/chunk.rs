//! One number in pieces with words between: 96988 then 32921.
//!
//! What lives here: which pieces belong together. What must not: numbers whose pieces only marks
//! and spaces part (see `number.rs`). To know one more joining word: the tables in `cue/`.

use std::ops::Range;

use super::chain::Scene;
use super::context;
use super::context::Cue;
use super::cue::Sense;
use super::lexicon::Role;
use super::numbering_plan::NumberingPlans;
use super::shadow::Class;
use super::shape;
use super::shape::is_indian_mobile;
use super::spoken::Speech;
use super::token::{Kind, Token};

/// The most pieces of a number, the most words between two, and the most characters.
const MAX_PARTS: usize = 12;
const MAX_WORDS_BETWEEN: usize = 7;
const MAX_CHARS_BETWEEN: usize = 40;
/// From so many pieces on any single word may part them: 9 love 8 you 7 …
const SCATTERED_PARTS: usize = 6;

/// How often a text may ask whether pieces are valid somewhere: for a few numbers.
const MAX_PLAN_QUERIES: u32 = 160;
/// The most words of any kind between the halves of a number.
const MAX_FREE_WORDS: usize = 4;

/// One piece: a chain that is no number by itself, with what it says.
struct NumberPart {
    tokens: Range<usize>,
    speech: Speech,
}

/// Numbers made of `chains` (in order, none of them a number): the tokens of each piece.
pub(super) fn numbers(scene: &Scene, chains: &[Range<usize>]) -> Vec<Range<usize>> {
    if chains.len() < 2 {
        return Vec::new();
    }
    let plan = &NumberingPlans::with_query_limit(MAX_PLAN_QUERIES);
    let pieces: Vec<_> = chains.iter().filter_map(|chain| part(scene, chain)).collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at + 1 < pieces.len() {
        let taken = number(scene, &pieces[at..], plan);
        found.extend(pieces[at..at + taken].iter().map(|piece| piece.tokens.clone()));
        at += taken.max(1);
    }
    found
}

fn part(scene: &Scene, chain: &Range<usize>) -> Option<NumberPart> {
    // A number word among prose is no piece, and neither is a long row of digits.
    let tokens = without_lead(scene, chain);
    let lone = tokens.len() == 1 && matches!(scene.tokens[tokens.start].kind, Kind::Number(_));
    let glyphs = scene.glyphs(&tokens).len();
    if lone || glyphs > 120 {
        return None;
    }
    let speech = Speech::of(scene, &tokens);
    (!speech.digits.is_empty() && speech.digits.len() <= 9).then_some(NumberPart { tokens, speech })
}

/// `chain` without what only leads to its digits.
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

/// Whether a number word only leads to the digits after it: "last five 22097", "to 22097".
fn leads_to(word: &Token, digits: &Token) -> bool {
    let Kind::Number(number) = word.kind else { return false };
    digits.kind == Kind::Digits && (number.everyday || usize::from(number.value) == digits.len())
}

/// Whether the token `at` says which part of a number follows: part one: 98796, 2nd part 2: 86451.
fn announces_part(scene: &Scene, at: usize) -> bool {
    let joins =
        at.checked_sub(1).is_some_and(|left| scene.tokens[left].sense.has(Sense::CONNECTOR));
    let group = |token: &Token| token.kind == Kind::Digits && token.len() >= 3;
    let small = match scene.tokens[at].kind {
        Kind::Number(number) => number.role == Role::Unit && (1..=3).contains(&number.value),
        Kind::Digits => {
            let glyphs = &scene.shadow.glyphs[scene.tokens[at].from..scene.tokens[at].to];
            matches!(glyphs, [glyph] if matches!(glyph.plain, '1'..='3'))
        }
        _ => false,
    };
    joins && small && scene.tokens.get(at + 1).is_some_and(group)
}

/// How many of `pieces`, from the first on, make a number; none is 0.
fn number(scene: &Scene, pieces: &[NumberPart], plan: &NumberingPlans) -> usize {
    let Some(first) = pieces.first() else { return 0 };
    let mut digits = first.speech.digits.clone();
    let mut weakest = Join::Words;
    let mut best = 0;
    for (count, pair) in (2..=MAX_PARTS).zip(pieces.windows(2)) {
        let Some(join) = join(scene, &pair[0].tokens, &pair[1].tokens) else { break };
        weakest = weakest.max(join);
        digits.extend_from_slice(&pair[1].speech.digits);
        if digits.len() > 13 {
            break;
        }
        let own = &pieces[..count];
        // The less the words between join, the more the pieces themselves must tell.
        let joined = match weakest {
            Join::Words => true,
            Join::OneWord => {
                count >= SCATTERED_PARTS || is_split_by_length(scene, own, 3..=6, &digits)
            }
            Join::Any => count == 2 && is_split_by_length(scene, own, 4..=6, &digits),
        };
        if joined && is_number(scene, own, &digits, plan) {
            best = count;
        }
    }
    best
}

/// What stands between two pieces, from what joins most to what joins least.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Join {
    /// Words that join.
    Words,
    /// One word of any kind.
    OneWord,
    /// A few words that name nothing.
    Any,
}

fn join(scene: &Scene, left: &Range<usize>, right: &Range<usize>) -> Option<Join> {
    let between = scene.tokens.get(left.end..right.start)?;
    let (last, first) = (scene.tokens[..left.end].last()?, scene.tokens.get(right.start)?);
    let apart = first.from - last.to;
    let short = |token: &Token| token.kind == Kind::Code && token.len() <= 2;
    let code = between.iter().any(|token| token.kind == Kind::Code && !short(token));
    if between.is_empty() || between.len() > MAX_WORDS_BETWEEN || apart > MAX_CHARS_BETWEEN || code
    {
        return None;
    }
    // A lone digit between only tells which part follows.
    let joins = |token: &Token| {
        token.sense.has(Sense::CONNECTOR.with(Sense::FILLER))
            || token.kind == Kind::Digits && token.len() == 1
    };
    if between.iter().all(joins) {
        return Some(Join::Words);
    }
    let names = Sense::UNIT.with(Sense::MONEY).with(Sense::LABEL).with(Sense::MONTH);
    let plain =
        |token: &Token| (token.kind == Kind::Word || short(token)) && !token.sense.has(names);
    match between {
        [word] => plain(word).then_some(Join::OneWord),
        words if words.len() <= MAX_FREE_WORDS && words.iter().all(plain) => Some(Join::Any),
        _ => None,
    }
}

/// Whether `pieces` are the parts of an Indian mobile number by their lengths alone: two or three
/// groups of so many digits, none of them round, and no thing named behind the last that they
/// could count.
fn is_split_by_length(
    scene: &Scene,
    pieces: &[NumberPart],
    lengths: std::ops::RangeInclusive<usize>,
    digits: &[u8],
) -> bool {
    let fits = |piece: &NumberPart| {
        let tokens = &scene.tokens[piece.tokens.clone()];
        tokens.iter().all(|token| token.kind == Kind::Digits)
            && lengths.contains(&piece.speech.digits.len())
            && !piece.speech.digits.ends_with(&[0, 0])
    };
    let (Some(first), Some(last)) = (pieces.first(), pieces.last()) else { return false };
    // "Sold 98712 bought 40587": each has its own name.
    let named = |piece: &NumberPart| {
        piece.tokens.start.checked_sub(1).is_some_and(|at| {
            let spaced = scene.gap(at).iter().all(|glyph| glyph.class == Class::Space);
            let token = &scene.tokens[at];
            spaced && token.kind == Kind::Word && token.sense == Sense::NONE
        })
    };
    let paired = named(first) && named(last);
    let counted = scene.tokens.get(last.tokens.end).is_some_and(|token| {
        let spaced = scene.gap(last.tokens.end - 1).iter().all(|glyph| glyph.class == Class::Space);
        spaced && token.kind == Kind::Word && token.sense == Sense::NONE
    });
    pieces.len() <= 3 && is_indian_mobile(digits) && pieces.iter().all(fits) && !counted && !paired
}

fn is_number(scene: &Scene, pieces: &[NumberPart], digits: &[u8], plan: &NumberingPlans) -> bool {
    let (Some(first), Some(last)) = (pieces.first(), pieces.last()) else { return false };
    let whole = first.tokens.start..last.tokens.end;
    let long = (9..=12).contains(&digits.len());
    let told = is_indian_mobile(digits)
        || long && context::cue(scene, &whole) >= Cue::Phone
        || is_ordered(scene, first) && (is_swapped(pieces) || long && plan.is_national(digits));
    told && !is_something_else(scene, pieces)
}

/// Whether the pieces are amounts, years or counting, or labelled as something else.
fn is_something_else(scene: &Scene, pieces: &[NumberPart]) -> bool {
    let round = pieces.iter().all(|piece| piece.speech.digits.ends_with(&[0, 0]));
    let said: Vec<_> =
        pieces.iter().flat_map(|piece| piece.speech.values.iter().copied()).collect();
    let years = said.iter().all(|value| (1500..=2099).contains(value));
    let named = |piece: &NumberPart| {
        let count = piece.speech.digits.len();
        context::is_labelled(scene, &piece.tokens, count, false)
            || context::is_amount(scene, &piece.tokens, count, false)
    };
    round || years || shape::is_counting(&said) || pieces.iter().any(named)
}

/// Whether a word before the first piece says that it is one of several: first, d'abord, начало.
fn is_ordered(scene: &Scene, first: &NumberPart) -> bool {
    let before = scene.tokens[..first.tokens.start].iter().rev().take(3);
    let mut joins = before.take_while(|t| t.sense.has(Sense::CONNECTOR.with(Sense::FILLER)));
    joins.any(|token| token.sense.has(Sense::PART_ORDER))
}

/// Whether two halves are an Indian mobile number the other way round: last five …, first five ….
fn is_swapped(pieces: &[NumberPart]) -> bool {
    let [last, first] = pieces else { return false };
    let five = |piece: &NumberPart| piece.speech.digits.len() == 5;
    five(last) && five(first) && matches!(first.speech.digits[0], 6..=9)
}

#[cfg(test)]
mod tests {
    use super::super::mask;

    #[test]
    fn chunk_parts_joined_by_words_are_hidden() {
        for (text, shown) in [
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
            assert_eq!(mask(text).as_str(), shown);
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
        let shown = mask("9 love 81 you 4 my 56 dear 22 friend 70 bye");
        assert_eq!(shown.hidden(), 6);
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
