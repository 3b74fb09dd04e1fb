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
    let mut digits = Vec::new();
    let mut scattered = true;
    let mut best = 0;
    for (count, piece) in (1..=PIECES).zip(pieces) {
        if count > 1 {
            let Some(join) = join(scene, &pieces[count - 2].tokens, &piece.tokens) else { break };
            scattered &= join == Join::OneWord;
            if join == Join::OneWord && !scattered {
                break;
            }
        }
        digits.extend_from_slice(&piece.speech.digits);
        if digits.len() > 13 {
            break;
        }
        if count > 1 && is_number(scene, &pieces[..count], &digits) {
            // Any words may part the digits only when there are many pieces.
            let joined = pieces[..count].windows(2).all(|pair| {
                join_kind(scene, &pair[0].tokens, &pair[1].tokens) == Some(Join::Words)
            });
            if joined || (scattered && count >= 6) {
                best = count;
            }
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
    join_kind(scene, left, right)
}

fn join_kind(scene: &Scene, left: &Range<usize>, right: &Range<usize>) -> Option<Join> {
    let between = scene.tokens.get(left.end..right.start)?;
    let (last, first) = (scene.tokens[..left.end].last()?, scene.tokens.get(right.start)?);
    let apart = first.from - last.to;
    if between.len() > WORDS || apart > APART || between.is_empty() {
        return None;
    }
    let speaks = Sense::UNIT.with(Sense::MONEY).with(Sense::LABEL).with(Sense::MONTH);
    if between.iter().any(|token| token.kind == Kind::Code) {
        return None;
    }
    if between.iter().all(|token| token.sense.has(Sense::JOIN.with(Sense::FILLER))) {
        return Some(Join::Words);
    }
    let [word] = between else { return None };
    (word.kind == Kind::Word && !word.sense.has(speaks)).then_some(Join::OneWord)
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
        context::is_labelled(scene, &piece.tokens)
            || context::is_amount(scene, &piece.tokens, piece.speech.digits.len())
    });
    !round && !years && !innocent && !shape::is_counting(&said)
}
