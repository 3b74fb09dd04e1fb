//! [`Window`]: consecutive tokens of a chain, and how their digits are grouped.
//!
//! This module reads the groups of a window and the marks around them. Whether a window is a phone
//! number must not be decided here, but in `verdict.rs`.

use std::ops::Range;

use super::chain::joins;
use super::cue::Sense;
use super::scene::{COMPLETE_DIGITS, Scene};
use super::shadow::{Class, MarkSet};
use super::shape;
use super::token::{Kind, Token};

/// Maximum groups of a mobile number without its calling code.
pub(super) const MAX_MOBILE_GROUPS: usize = 3;
/// Maximum other words of a text that contains only a number.
pub(super) const MAX_OTHER_WORDS: usize = 3;
/// Digits of an American number without its area code.
pub(super) const LOCAL_DIGITS: usize = 7;

/// Consecutive tokens of a chain with their digits.
pub(super) struct Window<'a> {
    pub(super) scene: &'a Scene<'a>,
    pub(super) tokens: Range<usize>,
    pub(super) digits: &'a [u8],
    /// Whether a plus precedes the window.
    pub(super) has_plus: bool,
}

impl Window<'_> {
    /// Returns `true` if the digits are in at most three groups after the calling code, as people
    /// write mobile numbers: 98765 43210, 987-654-3210, +91 98765 43210.
    pub(super) fn is_grouped_as_mobile(&self) -> bool {
        let lengths = self.lengths();
        let is_code = |first: usize| first <= 2 && self.digits.len() > COMPLETE_DIGITS;
        let groups = match lengths[..] {
            [first, ref rest @ ..] if is_code(first) && !rest.is_empty() => rest,
            _ => &lengths[..],
        };
        groups.len() <= MAX_MOBILE_GROUPS && groups.iter().all(|length| *length >= 2)
    }

    pub(super) fn is_mention(&self) -> bool {
        self.groups() == 1 && self.scene.is_mention(self.tokens.start)
    }

    /// Returns `true` if dotted groups follow the letter of a version: v18.10.8408.
    pub(super) fn is_version(&self) -> bool {
        let first = &self.scene.tokens[self.tokens.start];
        let has_letter =
            self.scene.shadow.before(first.from).is_some_and(|glyph| glyph.plain == 'v');
        let is_dotted =
            |index: usize| matches!(self.scene.gap(index), [glyph] if glyph.plain == '.');
        has_letter && self.groups() >= 2 && (self.tokens.start..self.tokens.end - 1).all(is_dotted)
    }

    /// Returns the length of each group, in characters.
    pub(super) fn lengths(&self) -> Vec<usize> {
        self.tokens.clone().map(|index| self.scene.tokens[index].len()).collect()
    }

    pub(super) fn groups(&self) -> usize {
        self.tokens.len()
    }

    pub(super) fn is_indian_mobile(&self) -> bool {
        shape::is_indian_mobile(self.digits)
    }

    pub(super) fn has_lookalikes(&self) -> bool {
        let lookalike = |token: &Token| token.kind == Kind::Lookalike;
        self.scene.has_lookalike && self.scene.tokens[self.tokens.clone()].iter().any(lookalike)
    }

    /// Returns `true` if no single mark joins further digits to the window.
    pub(super) fn is_standalone(&self) -> bool {
        // Two numbers with a mark between them are separate: 98…/97….
        let is_long = |token: &Token| (9..=13).contains(&token.len());
        let is_single = self.groups() == 1 && is_long(&self.scene.tokens[self.tokens.start]);
        let is_digits = |index: Option<usize>| {
            index
                .and_then(|index| self.scene.tokens.get(index))
                .is_some_and(|token| token.kind == Kind::Digits && !(is_single && is_long(token)))
        };
        let is_tight = |index: usize| {
            let gap = self.scene.gap(index);
            matches!(gap, [glyph] if glyph.class == Class::Mark && glyph.plain != ',') && joins(gap)
        };
        let before = self.tokens.start.checked_sub(1);
        let after = Some(self.tokens.end);
        !(is_digits(before) && before.is_some_and(is_tight)
            || is_digits(after) && is_tight(self.tokens.end - 1))
    }

    /// Returns `true` if the text contains only the number and filler words: it's 612345678.
    pub(super) fn says_only_this(&self) -> bool {
        let tokens = &self.scene.tokens;
        let other_count = tokens.len() - self.groups();
        let is_filler = |token: &Token| {
            token.kind == Kind::Word && token.sense.has(Sense::FILLER.with(Sense::MINE))
        };
        let is_round = self.digits.ends_with(&[0, 0, 0]);
        let rest = || tokens[..self.tokens.start].iter().chain(&tokens[self.tokens.end..]);
        other_count == 0 || other_count <= MAX_OTHER_WORDS && !is_round && rest().all(is_filler)
    }

    /// Returns `true` if each line of the window has one group, all of the same length: a list.
    pub(super) fn is_column(&self) -> bool {
        let length = self.scene.tokens[self.tokens.start].len();
        let has_line_end =
            |index: usize| self.scene.gap(index).iter().any(|glyph| glyph.class == Class::LineEnd);
        self.groups() >= 2
            && (self.tokens.start..self.tokens.end - 1).all(has_line_end)
            && self.tokens.clone().all(|index| self.scene.tokens[index].len() == length)
    }

    /// Returns `true` if the text hands over an American number without its area code: das ist
    /// 555-0123.
    pub(super) fn is_local(&self) -> bool {
        let is_small = |token: &Token| {
            token.sense.has(Sense::FILLER.with(Sense::MINE))
                || matches!(token.kind, Kind::Number(number) if number.everyday)
        };
        let others = self.scene.tokens.len() - self.groups();
        self.groups() == 2
            && self.lengths()[..] == [3, 4]
            && matches!(self.scene.gap(self.tokens.start), [glyph] if glyph.plain == '-')
            && (1..=MAX_OTHER_WORDS).contains(&others)
            && self.tokens.end == self.scene.tokens.len()
            && self.scene.tokens[..self.tokens.start].iter().all(is_small)
    }

    /// Returns `true` if an area code in parentheses begins the window.
    pub(super) fn has_area_code(&self) -> bool {
        let scene = self.scene;
        if !scene.shadow.marks.has(MarkSet::PARENTHESIS) {
            return false;
        }
        let area_code = self.tokens.clone().take(2).find(|index| {
            let token = &scene.tokens[*index];
            let opens = scene.shadow.before(token.from).is_some_and(|glyph| glyph.plain == '(');
            let closes = scene.shadow.get(token.to).is_some_and(|glyph| glyph.plain == ')');
            opens && closes && (1..=5).contains(&token.len())
        });
        area_code.is_some_and(|index| index + 1 < self.tokens.end)
    }
}
