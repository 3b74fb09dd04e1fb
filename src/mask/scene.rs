//! [`Scene`]: one text as the rules read it.
//!
//! This module contains the type and its views of the text around tokens. It must not correct or
//! judge tokens: `find.rs` corrects them before it builds the scene. To give the rules another view
//! of the text, add a method here.

use std::ops::Range;

use super::cue::Sense;
use super::shadow::{Class, Glyph, MarkSet, Shadow};
use super::token::{Kind, Token};

/// A group with this number of digits is a complete number.
pub(super) const COMPLETE_DIGITS: usize = 10;

/// The glyphs and tokens of one text, built by `find.rs`.
pub(super) struct Scene<'a> {
    pub(super) shadow: Shadow<'a>,
    pub(super) tokens: Vec<Token>,
    /// The senses of all tokens, so that rules that require one can be skipped.
    pub(super) senses: Sense,
    /// Whether the text contains any cue for a phone number, so that rules need to search for it.
    pub(super) has_cue: bool,
    /// Whether any token is a [`Kind::Lookalike`].
    pub(super) has_lookalike: bool,
}

impl Scene<'_> {
    /// Returns the glyphs between the tokens `index` and `index + 1`.
    pub(super) fn gap(&self, index: usize) -> &[Glyph] {
        match (self.tokens.get(index), self.tokens.get(index + 1)) {
            (Some(left), Some(right)) => &self.shadow.glyphs[left.to..right.from],
            _ => &[],
        }
    }

    /// Returns the glyphs of the tokens `range`, including the gaps between them.
    pub(super) fn glyphs(&self, range: &Range<usize>) -> &[Glyph] {
        match (self.tokens.get(range.start), self.tokens[..range.end].last()) {
            (Some(first), Some(last)) => &self.shadow.glyphs[first.from..last.to],
            _ => &[],
        }
    }

    /// Returns `true` if a plus that means "international" precedes the token `index`: +91, (+91,
    /// + 91.
    pub(super) fn has_plus(&self, index: usize) -> bool {
        if !self.shadow.marks.has(MarkSet::PLUS) {
            return false;
        }
        let token = &self.tokens[index];
        let mut before = token.from;
        for _ in 0..2 {
            match self.shadow.before(before) {
                Some(glyph) if glyph.plain == '+' => {
                    // A plus between two short groups of digits adds them.
                    let left = self.shadow.before(before - 1).map(|glyph| glyph.class);
                    return !matches!(left, Some(Class::Digit(_)))
                        || token.len() >= COMPLETE_DIGITS;
                }
                Some(glyph) if glyph.plain == '(' || glyph.class == Class::Space => before -= 1,
                _ => return false,
            }
        }
        false
    }

    /// Returns `true` if the token `index` mentions a person by a number with its calling code, as
    /// WhatsApp writes it: @919876512340.
    pub(super) fn is_mention(&self, index: usize) -> bool {
        let token = &self.tokens[index];
        self.shadow.marks.has(MarkSet::AT_SIGN)
            && token.kind == Kind::Digits
            && token.len() > COMPLETE_DIGITS
            && self.shadow.before(token.from).is_some_and(|glyph| glyph.plain == '@')
            && token
                .from
                .checked_sub(2)
                .and_then(|before| self.shadow.get(before))
                .is_none_or(|glyph| !matches!(glyph.class, Class::Letter | Class::Digit(_)))
    }

    /// Returns the first glyph of a number that starts at the token `index`. A plus or parenthesis
    /// before the token belongs to the number.
    pub(super) fn start_with_prefix(&self, index: usize) -> usize {
        let mut from = self.tokens[index].from;
        if self.has_plus(index) {
            while self.shadow.glyphs[from].plain != '+' {
                from -= 1;
            }
        }
        let opens = self.shadow.before(from).is_some_and(|glyph| glyph.plain == '(');
        let closes = |glyph: &Glyph| glyph.plain == ')';
        if opens && self.shadow.glyphs[from..].iter().take(24).any(closes) {
            from - 1
        } else {
            from
        }
    }

    /// Returns the end of a number in the glyphs `from..to`, with the vowel sign that is drawn onto
    /// its last glyph, and with the parenthesis that closes one inside it.
    pub(super) fn end_with_suffix(&self, from: usize, to: usize) -> usize {
        let glyphs = &self.shadow.glyphs;
        let is_sign = |glyph: &&Glyph| is_vowel_sign(glyph.plain);
        let to = to + glyphs[to..].iter().take_while(is_sign).count();
        let count = |plain: char| glyphs[from..to].iter().filter(|g| g.plain == plain).count();
        let is_open = self.shadow.marks.has(MarkSet::PARENTHESIS) && count('(') > count(')');
        let closes = is_open && glyphs.get(to).is_some_and(|glyph| glyph.plain == ')');
        to + usize::from(closes)
    }
}

/// Returns `true` for the vowel signs and viramas of the scripts of India.
const fn is_vowel_sign(plain: char) -> bool {
    let (code, block) = (plain as u32 % 0x80, plain as u32 / 0x80);
    // Each script has a block of 128 characters with the same layout.
    matches!(block, 0x12..=0x1a) && (matches!(code, 0x3e..=0x4d) || matches!(code, 0x01..=0x03))
}

#[cfg(test)]
mod tests {
    use crate::mask::find::scene;
    use crate::mask::mask;

    #[test]
    fn scene_number_includes_plus_and_parenthesis() {
        let (scene, _) = scene("x (+91) 98765");
        assert!(scene.has_plus(1));
        assert_eq!(scene.start_with_prefix(1), 2);
        assert!(!scene.has_plus(2));
    }

    #[test]
    fn scene_number_includes_closing_parenthesis_and_vowel_signs() {
        for (text, expected) in [
            ("(98334 12506) ok", "[hidden] ok"),
            ("(+91 98334 12506), ok", "[hidden], ok"),
            ("९८३३४१२५०६ा को", "[hidden] को"),
            ("call 98334 12506) ok", "call [hidden]) ok"),
        ] {
            assert_eq!(mask(text).as_str(), expected);
        }
    }

    #[test]
    fn scene_plus_between_short_groups_is_a_sum() {
        assert!(!scene("569+492").0.has_plus(1));
    }
}
