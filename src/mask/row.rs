//! [`Rows`]: digits that the same marks separate, which may be any marks: 9+8+4+7.
//!
//! This module decides which marks a row may contain. Marks that any number may contain are in
//! `chain.rs`.

use super::digits::Digits;
use super::lexicon::Role;
use super::scene::{COMPLETE_DIGITS, Scene};
use super::shadow::{Class, Glyph};
use super::shape::is_indian_mobile;
use super::token::Kind;

/// Minimum members of a row that any mark may separate.
const MIN_ROW_MEMBERS: usize = 9;
/// Maximum characters of the separator in a row.
const MAX_ROW_SEPARATOR: usize = 3;

/// Finds rows: members separated by the same marks, which may be any marks.
///
/// The members are single digits or number words (9+8+4+7), or groups that form a mobile number
/// (987#654#3210). A sum is shorter than a row of digits, or ends in an equals sign.
#[derive(Default)]
pub(super) struct Rows {
    /// Last token of the row that was read last.
    end: usize,
    /// Whether that row is long enough to join its members.
    is_joined: bool,
}

impl Rows {
    /// Returns `true` if the gap after the token `index` is inside a row.
    ///
    /// Call it with ascending indexes, so that each row is read once.
    pub(super) fn contains_gap(&mut self, scene: &Scene, index: usize) -> bool {
        if index < self.end {
            return self.is_joined;
        }
        let single = |index: usize| {
            scene.tokens.get(index).is_some_and(|token| match token.kind {
                Kind::Digits => token.len() == 1,
                Kind::Number(number) => number.role == Role::Unit,
                _ => false,
            })
        };
        let gap = scene.gap(index);
        let same = |other: &[Glyph]| {
            gap.len() == other.len()
                && gap.iter().zip(other).all(|(left, right)| left.plain == right.plain)
        };
        self.end = index;
        if !(1..=MAX_ROW_SEPARATOR).contains(&gap.len()) {
            self.is_joined = false;
        } else if single(index) {
            while single(self.end + 1) && same(scene.gap(self.end)) {
                self.end += 1;
            }
            let after = &scene.shadow.glyphs[scene.tokens[self.end].to..];
            let equals = after.iter().take(2).any(|glyph| glyph.plain == '=');
            self.is_joined = self.end - index + 1 >= MIN_ROW_MEMBERS && !equals;
        } else {
            let group = |index: usize| {
                let token = scene.tokens.get(index)?;
                (token.kind == Kind::Digits && token.len() <= 5).then_some(token.len())
            };
            let mut count = group(index).unwrap_or(COMPLETE_DIGITS);
            while same(scene.gap(self.end)) && count < COMPLETE_DIGITS {
                let Some(digits) = group(self.end + 1) else { break };
                self.end += 1;
                count += digits;
            }
            let fits = (is_unusual_separator(gap) || self.is_halves(scene, index))
                && count == COMPLETE_DIGITS
                && self.end > index;
            let mobile = || is_indian_mobile(Digits::of(scene, &(index..self.end + 1)).all());
            self.is_joined = fits && mobile();
        }
        self.end = self.end.max(index + 1);
        self.is_joined
    }
}

impl Rows {
    /// Returns `true` if a plus or an arrow joins the token `index` and the last one, five digits
    /// each, and no equals sign makes them a sum: 98765+43210.
    fn is_halves(&self, scene: &Scene, index: usize) -> bool {
        let has_five = |index: usize| scene.tokens[index].len() * 2 == COMPLETE_DIGITS;
        let is_join = |glyph: &Glyph| {
            matches!(glyph.plain, '+' | '>' | '=' | '-') || glyph.class == Class::Space
        };
        let gap = scene.gap(index);
        let after = &scene.shadow.glyphs[scene.tokens[self.end].to..];
        self.end == index + 1
            && has_five(index)
            && has_five(self.end)
            && gap.iter().all(is_join)
            && gap.iter().any(|glyph| matches!(glyph.plain, '+' | '>'))
            && !after.iter().take(3).any(|glyph| glyph.plain == '=')
    }
}

/// Returns `true` if a gap consists of marks that separate only the halves of a mobile number:
/// 98765#43210.
fn is_unusual_separator(gap: &[Glyph]) -> bool {
    let is_unusual = |glyph: &Glyph| matches!(glyph.plain, '#' | '@' | '?' | '$' | '°');
    let is_angle = |glyph: &Glyph| matches!(glyph.plain, '<' | '>');
    gap.iter().all(is_unusual) || gap.len() == 2 && gap.iter().all(is_angle)
}
