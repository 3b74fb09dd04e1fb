//! One number in pieces with words between: 96988 then 32921.
//!
//! What lives here: which pieces belong together. What must not: numbers whose pieces only marks
//! and spaces part (see `number.rs`). To know one more joining word: the tables in `cue/`.

use std::ops::Range;

use super::chain::Scene;
use super::context::{self, Cue};
use super::cue::Sense;
use super::shape;
use super::spoken::Speech;
use super::token::{Kind, Token};
use super::verdict::is_indian_mobile;

/// The most pieces of a number, the most words between two, and the most characters.
const PIECES: usize = 12;
const WORDS: usize = 7;
const APART: usize = 40;
/// From so many pieces on any single word may part them: 9 love 8 you 7 …
const SCATTERED: usize = 6;

/// One piece: a chain that is no number by itself, with what it says.
struct Piece {
    tokens: Range<usize>,
    speech: Speech,
}

/// Numbers made of `chains` (in order, none of them a number): the tokens of each piece.
pub(super) fn numbers(scene: &Scene, chains: &[Range<usize>]) -> Vec<Range<usize>> {
    let pieces: Vec<_> = chains.iter().filter_map(|chain| piece(scene, chain)).collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at + 1 < pieces.len() {
        let taken = number(scene, &pieces[at..]);
        found.extend(pieces[at..at + taken].iter().map(|piece| piece.tokens.clone()));
        at += taken.max(1);
    }
    found
}

fn piece(scene: &Scene, chain: &Range<usize>) -> Option<Piece> {
    // A number word among prose is no piece, and neither is a long row of digits.
    let mut tokens = chain.clone();
    while tokens.len() > 1
        && introduces(&scene.tokens[tokens.start], &scene.tokens[tokens.start + 1])
    {
        tokens.start += 1;
    }
    let lone = tokens.len() == 1 && matches!(scene.tokens[tokens.start].kind, Kind::Number(_));
    let glyphs = scene.glyphs(&tokens).len();
    if lone || glyphs > 120 {
        return None;
    }
    let speech = Speech::of(scene, &tokens);
    (!speech.digits.is_empty() && speech.digits.len() <= 9).then_some(Piece { tokens, speech })
}

/// Whether a number word only leads to the digits after it: "last five 22097", "to 22097".
pub(super) fn introduces(word: &Token, digits: &Token) -> bool {
    let Kind::Number(number) = word.kind else { return false };
    digits.kind == Kind::Digits && (number.everyday || usize::from(number.value) == digits.len())
}

/// How many of `pieces`, from the first on, make a number; none is 0.
fn number(scene: &Scene, pieces: &[Piece]) -> usize {
    let Some(first) = pieces.first() else { return 0 };
    let mut digits = first.speech.digits.clone();
    let mut joined = true;
    let mut best = 0;
    for (count, pair) in (2..=PIECES).zip(pieces.windows(2)) {
        let Some(join) = join(scene, &pair[0].tokens, &pair[1].tokens) else { break };
        joined &= join == Join::Words;
        digits.extend_from_slice(&pair[1].speech.digits);
        if digits.len() > 13 {
            break;
        }
        // Words that join nothing may part the pieces only when there are many.
        if (joined || count >= SCATTERED) && is_number(scene, &pieces[..count], &digits) {
            best = count;
        }
    }
    best
}

/// What stands between two pieces.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Join {
    /// Words that join.
    Words,
    /// One word of any kind.
    OneWord,
}

fn join(scene: &Scene, left: &Range<usize>, right: &Range<usize>) -> Option<Join> {
    let between = scene.tokens.get(left.end..right.start)?;
    let (last, first) = (scene.tokens[..left.end].last()?, scene.tokens.get(right.start)?);
    let apart = first.from - last.to;
    let code = between.iter().any(|token| token.kind == Kind::Code);
    if between.is_empty() || between.len() > WORDS || apart > APART || code {
        return None;
    }
    if between.iter().all(|token| token.sense.has(Sense::JOIN.with(Sense::FILLER))) {
        return Some(Join::Words);
    }
    let names = Sense::UNIT.with(Sense::MONEY).with(Sense::LABEL).with(Sense::MONTH);
    let [word] = between else { return None };
    (word.kind == Kind::Word && !word.sense.has(names)).then_some(Join::OneWord)
}

fn is_number(scene: &Scene, pieces: &[Piece], digits: &[u8]) -> bool {
    let (Some(first), Some(last)) = (pieces.first(), pieces.last()) else { return false };
    let whole = first.tokens.start..last.tokens.end;
    let cued = context::cue(scene, &whole) >= Cue::Phone && (9..=12).contains(&digits.len());
    if !is_indian_mobile(digits) && !cued {
        return false;
    }
    let round = pieces.iter().all(|piece| piece.speech.digits.ends_with(&[0, 0]));
    let said: Vec<_> = pieces.iter().flat_map(|piece| piece.speech.said.iter().copied()).collect();
    let years = said.iter().all(|value| (1500..=2099).contains(value));
    let innocent = pieces.iter().any(|piece| {
        let count = piece.speech.digits.len();
        context::is_labelled(scene, &piece.tokens, count, false)
            || context::is_amount(scene, &piece.tokens, count, false)
    });
    !round && !years && !innocent && !shape::is_counting(&said)
}

#[cfg(test)]
mod tests {
    use crate::mask::mask;

    #[test]
    fn pieces_joined_by_words_are_hidden_and_the_words_stay() {
        for (text, shown) in [
            ("96988 then 32921", "[hidden] then [hidden]"),
            ("first half 81442, second half 22325", "first half [hidden], second half [hidden]"),
            ("first five 76431 last five 22097", "first five [hidden] last five [hidden]"),
            ("pehle 98123 phir 45678", "pehle [hidden] phir [hidden]"),
        ] {
            assert_eq!(mask(text).as_str(), shown);
        }
    }

    #[test]
    fn digits_scattered_among_words_are_hidden() {
        let shown = mask("9 love 81 you 4 my 56 dear 22 friend 70 bye");
        assert_eq!(shown.hidden(), 6);
    }

    #[test]
    fn amounts_counts_and_years_in_a_sentence_stay() {
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
