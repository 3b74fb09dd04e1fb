//! [`Chains`]: ranges of digit tokens that may be one number.
//!
//! This module decides which gaps a number may contain. Whether a window of a chain is a phone
//! number must not be decided here, but in `verdict.rs`. To allow or forbid a character between
//! two groups of digits, edit [`joins`].

use std::ops::Range;

use smallvec::SmallVec;

use super::context;
use super::context::Cue;
use super::cue::Sense;
use super::digits::Digits;
use super::figure;
use super::numbering_plan;
use super::numbering_plan::NumberingPlans;
use super::row::Rows;
use super::scene::{COMPLETE_DIGITS, Scene};
use super::shadow::{Class, Glyph, MarkSet};
use super::shape::is_indian_mobile;
use super::token::{Kind, Token};

/// Maximum characters between two groups.
const MAX_GAP_CHARS: usize = 12;
/// Maximum marks among the characters between two groups.
const MAX_GAP_MARKS: usize = 4;
/// Maximum digits of a calling code.
const MAX_CODE_DIGITS: usize = 3;
/// Maximum digits of a room, a page and the like.
const MAX_LABELLED_DIGITS: usize = 4;

/// Ranges of tokens, inline up to four because most texts have few.
pub(super) type Chains = SmallVec<[Range<usize>; 4]>;

/// Returns `true` if `gap` may be inside a number.
pub(super) fn joins(gap: &[Glyph]) -> bool {
    // A repeated mark counts once: "73108...".
    let mut marks = 0;
    let mut previous = ' ';
    for glyph in gap {
        marks += usize::from(glyph.class == Class::Mark && glyph.plain != previous);
        previous = glyph.plain;
    }
    if gap.len() > MAX_GAP_CHARS || marks > MAX_GAP_MARKS {
        return false;
    }
    let tight = gap.len() == 1;
    let spaced = gap.len() >= 3
        && gap.first().is_some_and(|glyph| glyph.class == Class::Space)
        && gap.last().is_some_and(|glyph| glyph.class == Class::Space);
    gap.iter().all(|glyph| match glyph.plain {
        // A plus begins another number; the others belong to sums, prices, angles and addresses.
        '+' | '@' | '%' | '#' | '<' | '°' | '?' | '₹' | '$' | '€' | '£' | '¥' | '×' | '÷' | '√'
        | '≈' => false,
        '=' | '^' => tight,
        '*' => !spaced,
        _ => true,
    })
}

/// Returns the chains of `scene`: ranges of tokens that all say digits, with gaps that join them.
///
/// A run that is a date, a time, an amount or the like is skipped and ends the chain before it.
pub(super) fn chains(scene: &Scene) -> Chains {
    let mut chains = Chains::new();
    let mut rows = Rows::default();
    let mut index = 0;
    while index < scene.tokens.len() {
        if !scene.tokens[index].says_digits() {
            index += 1;
            continue;
        }
        let from = index;
        index += 1;
        while scene.tokens.get(index).is_some_and(Token::says_digits)
            && (joins(scene.gap(index - 1)) || rows.contains_gap(scene, index - 1))
        {
            index += 1;
        }
        split_off_figures(scene, from..index, &mut chains);
    }
    chains
}

/// Adds the parts of `chain` between its figures to `chains`.
fn split_off_figures(scene: &Scene, chain: Range<usize>, chains: &mut Chains) {
    let mut rest = chain.start;
    let mut from = chain.start;
    while from < chain.end {
        let mut to = from + 1;
        while to < chain.end && is_tight(scene.gap(to - 1)) {
            to += 1;
        }
        let run = from..to;
        if to - from <= 8
            && to - from >= 2
            && is_figure(scene, &run)
            && !completes_number(scene, rest, &run)
        {
            if rest < from {
                chains.push(rest..from);
            }
            rest = to;
        }
        from = to;
    }
    if rest < chain.end {
        chains.push(rest..chain.end);
    }
}

/// Returns `true` if a run is a figure and nothing makes it a phone number.
fn is_figure(scene: &Scene, run: &Range<usize>) -> bool {
    let line = to_plain(scene.glyphs(run));
    figure::is_figure(&line) && !is_dialled(scene, run) && !is_called(scene, run, &line)
}

/// Returns `true` if a run with dots has a calling code and is a valid number, which is too long
/// for a decimal: +91.9876512340, +61.412.821.899.
fn is_dialled(scene: &Scene, run: &Range<usize>) -> bool {
    let count: usize = scene.tokens[run.clone()].iter().map(Token::len).sum();
    if count < COMPLETE_DIGITS {
        return false;
    }
    let digits = Digits::of(scene, run);
    let has_code = scene.tokens[run.start].len() == count - COMPLETE_DIGITS;
    let plan = NumberingPlans::new();
    let has_long_code = || {
        let code = digits.slice(0..1);
        code.len() >= 2 && numbering_plan::is_calling_code(code) && plan.is_possible(digits.all())
    };
    has_code && run.len() == 2 && is_indian_mobile(digits.all())
        || scene.has_plus(run.start) && (plan.is_international(digits.all()) || has_long_code())
}

/// Returns `true` if a cue makes a run a phone number although it has the shape of an amount.
fn is_called(scene: &Scene, run: &Range<usize>, line: &str) -> bool {
    let may_be_phone = || {
        let count: usize = scene.tokens[run.clone()].iter().map(Token::len).sum();
        figure::may_be_phone(line)
            || count == COMPLETE_DIGITS && is_indian_mobile(Digits::of(scene, run).all())
    };
    scene.has_cue
        && may_be_phone()
        && context::cue(scene, run) == Cue::Adjacent
        && !context::is_amount(scene, run, line.len(), false)
        && !context::is_labelled(scene, run, line.len(), false)
}

/// Returns `true` if a run that looks like thousands is the end of a number that the groups before
/// it begin, not before the token `rest`: 98765 12.340, 0412 221.158.
fn completes_number(scene: &Scene, rest: usize, run: &Range<usize>) -> bool {
    let tokens = &scene.tokens;
    let is_thousands = run.len() == 2
        && tokens[run.start].len() <= 3
        && tokens[run.start + 1].len() == 3
        && matches!(scene.gap(run.start), [glyph] if matches!(glyph.plain, '.' | ','));
    is_thousands
        && (rest..run.start).rev().take(2).any(|from| {
            let is_group = |index: usize| tokens[index].len() >= 2 && scene.gap(index).len() == 1;
            let whole = from..run.end;
            let count: usize = tokens[whole.clone()].iter().map(Token::len).sum();
            (from..run.start).all(is_group) && count == COMPLETE_DIGITS && {
                let digits = Digits::of(scene, &whole);
                is_indian_mobile(digits.all())
                    || digits.all()[0] == 0 && NumberingPlans::new().is_national(digits.all())
            }
        })
}

/// Returns `true` if the text may contain a [break](is_break).
pub(super) fn may_break(scene: &Scene) -> bool {
    scene.shadow.marks.has(MarkSet::BREAK) || scene.senses.has(Sense::SHORT)
}

/// Returns `true` if the gap after the token `index` separates two lines or sentences, or if a label
/// for numbers with few digits names the token: room 214 020 7946 0958.
pub(super) fn is_break(scene: &Scene, index: usize) -> bool {
    let token = &scene.tokens[index];
    let gap = scene.gap(index);
    // Most gaps are one space.
    if token.kind != Kind::Digits && matches!(gap, [glyph] if glyph.class != Class::LineEnd) {
        return false;
    }
    // A calling code may be alone in its line.
    if scene.has_plus(index) && token.len() <= MAX_CODE_DIGITS {
        return false;
    }
    let ends_sentence = || {
        matches!(gap, [dot, space, ..] if dot.plain == '.' && space.class == Class::Space)
            && token.kind == Kind::Digits
            && token.len() >= 2
    };
    let is_named = || {
        let label = index.checked_sub(1).map(|before| &scene.tokens[before]);
        token.kind == Kind::Digits
            && token.len() <= MAX_LABELLED_DIGITS
            && label.is_some_and(|label| {
                label.sense.has(Sense::SHORT) && scene.gap(index - 1).len() == 1
            })
    };
    gap.iter().any(|glyph| glyph.class == Class::LineEnd) || ends_sentence() || is_named()
}

/// Returns `true` if `gap` is one mark without spaces, or a closing parenthesis and one mark.
fn is_tight(gap: &[Glyph]) -> bool {
    match gap {
        [glyph] => glyph.class == Class::Mark,
        [left, right] => left.plain == ')' && right.class == Class::Mark,
        _ => false,
    }
}

/// Returns `glyphs` as one line of plain text.
pub(super) fn to_plain(glyphs: &[Glyph]) -> String {
    let plain = |glyph: &Glyph| match glyph.class {
        Class::Space | Class::LineEnd => ' ',
        _ => glyph.plain,
    };
    let mut line = String::with_capacity(glyphs.len());
    line.extend(glyphs.iter().map(plain));
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::find::scene;

    fn lengths(text: &str) -> Vec<usize> {
        chains(&scene(text).0).iter().map(ExactSizeIterator::len).collect()
    }

    #[test]
    fn chain_joins_separated_groups() {
        assert_eq!(lengths("66*54*94-70_01"), [5]);
        assert_eq!(lengths("7. 5. 1. 0. 1"), [5]);
        assert_eq!(lengths("692\n997\n6290"), [3]);
        assert_eq!(lengths("60619 & 55347"), [2]);
    }

    #[test]
    fn chain_accepts_any_marks_in_rows_and_halves() {
        assert_eq!(lengths("9+8+4+7+6+0+6+0+2+2"), [10]);
        assert_eq!(lengths("nine + eight + one + zero + two + five + five + seven + four"), [9]);
        assert_eq!(lengths("98697<>50959"), [2]);
        assert_eq!(lengths("98792#26167"), [2]);
        assert_eq!(lengths("987@922@6167"), [3]);
        assert_eq!(lengths("9+8+4+7+6+0+6+0+2+2 = 44"), [1; 11]);
        assert_eq!(lengths("12345#26167"), [1, 1]);
        assert_eq!(lengths("98334+12506"), [2]);
        assert_eq!(lengths("98334 > 12506"), [2]);
        assert_eq!(lengths("98334+12506 = 110840"), [1, 1, 1]);
    }

    #[test]
    fn chain_ends_at_sums_prices_and_words() {
        assert_eq!(lengths("12345 * 6789 = 83810205"), [1, 1, 1]);
        assert_eq!(lengths("98 + 76"), [1, 1]);
        assert_eq!(lengths("98 or 76"), [1, 1]);
    }

    #[test]
    fn chain_skips_dates_and_times() {
        assert_eq!(lengths("12/05/2024 98765 43210"), [2]);
        assert_eq!(lengths("18:30"), [] as [usize; 0]);
        assert_eq!(lengths("about 20.444.852"), [] as [usize; 0]);
        assert_eq!(lengths("call 20.444.852"), [3]);
        assert_eq!(lengths("call (209).786.9073"), [3]);
        assert_eq!(lengths("+91.9833412506"), [2]);
        assert_eq!(lengths("+44.7700900123"), [2]);
        assert_eq!(lengths("+61.412.821.899"), [4]);
        assert_eq!(lengths("98334 12.506"), [3]);
        assert_eq!(lengths("0412 221.158"), [3]);
        assert_eq!(lengths("call 98,334,12,506"), [4]);
        assert_eq!(lengths("+3.1415926535"), [] as [usize; 0]);
        assert_eq!(lengths("it is 12.506"), [] as [usize; 0]);
    }
}
