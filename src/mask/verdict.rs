//! Whether a window of digits is a phone number, and by which rule.
//!
//! What lives here: the order of evidence, from certain to possible. What must not: finding
//! windows (see `number.rs`), shapes, cues and plans themselves. To accept a new form: a line in
//! the level as sure as the form is.

use std::ops::Range;

use super::chain::{Scene, joins, to_plain};
use super::context;
use super::context::Cue;
use super::cue::Sense;
use super::list;
use super::numbering_plan::NumberingPlans;
use super::rule::Rule;
use super::shadow::{Class, MarkSet};
use super::shape;
use super::token::{Kind, Token};

/// How sure a reason is. All windows of a chain are tried at one level before the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// The digits alone tell: a valid calling code, an Indian mobile number.
    Certain,
    /// The message speaks of phone numbers, or the number has a plus.
    Likely,
    /// It has the shape of a phone number and of nothing else.
    Possible,
}

impl Level {
    /// Whether a window without a plus may be a number at this level if `first` is its first digit.
    pub(super) const fn may_start(self, scene: &Scene, first: u8) -> bool {
        match self {
            // Of a call abroad, of an Indian mobile number, of what stands before one.
            Self::Certain => matches!(first, 0 | 6..=9),
            Self::Likely => scene.has_cue,
            Self::Possible => true,
        }
    }
}

/// A window: some tokens of a chain with their digits.
pub(super) struct Window<'a> {
    pub(super) scene: &'a Scene<'a>,
    pub(super) tokens: Range<usize>,
    pub(super) digits: &'a [u8],
    /// Whether a plus stands before it.
    pub(super) plus: bool,
}

/// The fewest and most digits of a window; E.164 allows fifteen behind the 00 of a call abroad.
pub(super) const MIN_DIGITS: usize = 7;
pub(super) const MAX_DIGITS: usize = 17;

/// The most other words of a text that says only a number.
const MAX_OTHER_WORDS: usize = 3;

impl Window<'_> {
    /// The rule by which the window is a number at `level`.
    pub(super) fn judge(&self, level: Level, plan: &NumberingPlans) -> Option<Rule> {
        if !(MIN_DIGITS..=MAX_DIGITS).contains(&self.digits.len()) {
            return None;
        }
        let rule = match level {
            Level::Certain => self.certain(plan)?,
            Level::Likely => self.likely(plan)?,
            Level::Possible => self.possible(plan)?,
        };
        (!self.is_something_else(rule)).then_some(rule)
    }

    fn certain(&self, plan: &NumberingPlans) -> Option<Rule> {
        if self.plus {
            // Only of several groups may the last be something else: "+91 98765 43210, 10 am".
            let whole = self.groups() == 1 && self.digits.len() >= 8;
            return (self.digits.len() <= 15 && (whole || plan.is_possible(self.digits)))
                .then_some(Rule::International);
        }
        if let [0, 0, abroad @ ..] = self.digits {
            return (abroad.len() >= 8 && plan.is_international(abroad))
                .then_some(Rule::International);
        }
        (self.is_indian_mobile() && self.is_standalone()).then_some(Rule::National)
    }

    fn likely(&self, plan: &NumberingPlans) -> Option<Rule> {
        let count = self.digits.len();
        if self.plus {
            return (8..=15).contains(&count).then_some(Rule::International);
        }
        if count != 10 && self.has_lookalikes() && !self.is_indian_mobile() {
            return None;
        }
        if count > 15 || !self.is_standalone() || self.digits.iter().all(|d| *d == 0) {
            return None;
        }
        // A round sum is valid somewhere too.
        let round = self.digits.ends_with(&[0, 0, 0]);
        let valid =
            || !round && (plan.is_national(self.digits) || plan.is_international(self.digits));
        match context::cue(self.scene, &self.tokens) {
            Cue::Adjacent | Cue::Phone if count <= 13 || valid() => Some(Rule::National),
            Cue::Handover
                if (count >= 8 && self.groups() >= 2 && count <= 13) || (count >= 8 && valid()) =>
            {
                Some(Rule::National)
            }
            _ => None,
        }
    }

    fn possible(&self, plan: &NumberingPlans) -> Option<Rule> {
        let (count, groups) = (self.digits.len(), self.groups());
        // Most windows of a row of single digits are none of what is asked below.
        let any = groups <= 6
            || self.digits[0] == 0
            || count == 11
            || groups == count && (10..=12).contains(&count)
            || self.scene.tokens.len() - groups <= MAX_OTHER_WORDS
            || self.scene.shadow.marks.has(MarkSet::PARENTHESIS);
        if !any || count < 8 || !self.is_standalone() || count != 10 && self.has_lookalikes() {
            return None;
        }
        let dialled = self.digits[0] == 0
            && (9..=12).contains(&count)
            && (groups >= 2 || plan.is_national(self.digits))
            // Russia dials an eight.
            || count == 11 && groups == 1 && self.digits[0] == 8 && plan.is_national(self.digits);
        let american = (3..=4).contains(&groups)
            && self.digits[0] != 0
            && matches!(self.lengths()[..], [3, 3, 4] | [1, 3, 3, 4]);
        let chinese = count == 11 && matches!(self.digits, [1, 3..=9, ..]);
        let grouped = (8..=12).contains(&count)
            && groups >= 3
            && self.scene.tokens[self.tokens.clone()].iter().all(|t| (2..=5).contains(&t.len()));
        let alone =
            (8..=13).contains(&count) && self.says_only_this() && (groups >= 2 || count >= 9);
        // Digits written one by one, with marks between: 1. 1. 9. 8. 8. 7. 4. 2. 5. 8. 2.
        let spelt = groups == count
            && (10..=12).contains(&count)
            && self.scene.gap(self.tokens.start).iter().any(|glyph| glyph.class == Class::Mark)
            && plan.is_national(self.digits);
        if dialled || american || chinese || grouped || alone || spelt || self.has_area_code() {
            return Some(Rule::National);
        }
        let abroad =
            groups <= 6 && (11..=13).contains(&count) && plan.is_international(self.digits);
        abroad.then_some(Rule::International)
    }

    /// What speaks against a number, cue or no cue.
    fn is_something_else(&self, rule: Rule) -> bool {
        if self.plus {
            return false;
        }
        let cue = context::cue(self.scene, &self.tokens);
        let count = self.digits.len();
        let mobile = rule == Rule::National && self.is_indian_mobile();
        let vouched = mobile && cue >= Cue::Phone;
        if list::is_sum(self.scene, &self.tokens)
            || self.is_version()
            || context::is_labelled(self.scene, &self.tokens, count, vouched)
        {
            return true;
        }
        if cue != Cue::Adjacent && context::is_amount(self.scene, &self.tokens, count, vouched) {
            return true;
        }
        if cue == Cue::Adjacent || (cue == Cue::Phone && mobile) {
            return shape::is_run(self.digits) && !mobile;
        }
        if list::is_count(self.scene, &self.tokens, cue)
            || (shape::is_run(self.digits) && !mobile)
            || shape::is_isbn(self.digits, &self.lengths())
        {
            return true;
        }
        let line = to_plain(self.scene.glyphs(&self.tokens));
        shape::looks_like_something_else(&line) || cue == Cue::None && shape::is_dotted(&line)
    }

    /// Whether groups with dots between follow the letter of a version: v18.10.8408.
    fn is_version(&self) -> bool {
        let first = &self.scene.tokens[self.tokens.start];
        let letter = self.scene.shadow.before(first.from).is_some_and(|glyph| glyph.plain == 'v');
        let dotted = |at: usize| matches!(self.scene.gap(at), [glyph] if glyph.plain == '.');
        letter && self.groups() >= 2 && (self.tokens.start..self.tokens.end - 1).all(dotted)
    }

    /// How many characters each group has.
    fn lengths(&self) -> Vec<usize> {
        self.tokens.clone().map(|at| self.scene.tokens[at].len()).collect()
    }

    fn groups(&self) -> usize {
        self.tokens.len()
    }

    /// Ten digits from 6, 7, 8 or 9 on, alone or behind 0, 91 or both.
    fn is_indian_mobile(&self) -> bool {
        shape::is_indian_mobile(self.digits)
    }

    fn has_lookalikes(&self) -> bool {
        let lookalike = |token: &Token| token.kind == Kind::Lookalike;
        self.scene.has_lookalike && self.scene.tokens[self.tokens.clone()].iter().any(lookalike)
    }

    /// Whether no further digits are joined to the window by a single mark, and no letters that
    /// make it part of a code.
    fn is_standalone(&self) -> bool {
        // Of two numbers with a mark between, each stands for itself: 98…/97….
        let long = |token: &Token| (9..=13).contains(&token.len());
        let whole = self.groups() == 1 && long(&self.scene.tokens[self.tokens.start]);
        let digits = |at: Option<usize>| {
            at.and_then(|at| self.scene.tokens.get(at))
                .is_some_and(|token| token.kind == Kind::Digits && !(whole && long(token)))
        };
        let tight = |at: usize| {
            let gap = self.scene.gap(at);
            matches!(gap, [glyph] if glyph.class == Class::Mark && glyph.plain != ',') && joins(gap)
        };
        let before = self.tokens.start.checked_sub(1);
        let after = Some(self.tokens.end);
        !(digits(before) && before.is_some_and(tight)
            || digits(after) && tight(self.tokens.end - 1))
    }

    /// Whether nothing is said but the number: it's 612345678.
    fn says_only_this(&self) -> bool {
        let tokens = &self.scene.tokens;
        let others = tokens.len() - self.groups();
        let nothing = |token: &Token| {
            token.kind == Kind::Word && token.sense.has(Sense::FILLER.with(Sense::MINE))
        };
        let round = self.digits.ends_with(&[0, 0, 0]);
        let rest = || tokens[..self.tokens.start].iter().chain(&tokens[self.tokens.end..]);
        others == 0 || others <= MAX_OTHER_WORDS && !round && rest().all(nothing)
    }

    /// Whether the first group is an area code in parentheses.
    fn has_area_code(&self) -> bool {
        let scene = self.scene;
        if !scene.shadow.marks.has(MarkSet::PARENTHESIS) {
            return false;
        }
        let open = self.tokens.clone().take(2).find(|at| {
            let token = &scene.tokens[*at];
            let before = scene.shadow.before(token.from).is_some_and(|glyph| glyph.plain == '(');
            let after = scene.shadow.get(token.to).is_some_and(|glyph| glyph.plain == ')');
            before && after && (1..=5).contains(&token.len())
        });
        open.is_some_and(|at| at + 1 < self.tokens.end)
    }
}

#[cfg(test)]
mod tests {
    use super::super::explain;
    use super::*;

    fn rules(text: &str) -> Vec<Rule> {
        explain(text).iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn verdict_calling_code_needs_no_cue() {
        for text in [
            "+918123632833",
            "+49 30 423241",
            "003212705341",
            "00880 1812-730825",
            "(+91) 98765 43210",
            "+44 (0)20 7946 0958",
            "about 447400123456 ants",
            "+1 212.555.0147",
        ] {
            assert_eq!(rules(text), [Rule::International], "{text}");
        }
    }

    #[test]
    fn verdict_national_number_is_known_by_shape() {
        for text in [
            "9876512340",
            "098765-12340",
            "919876512340",
            "(201) 515-6294",
            "06 12 18 26 40",
            "8 (301) 125-72-39",
            "131 2366 7311",
            "011 2380-2539",
            "1-800-555-0199",
            "98/76/51/23/40",
            "it's 612345678",
            "1. 1. 9. 8. 8. 7. 4. 2. 5. 8. 2 viu",
        ] {
            assert_eq!(rules(text), [Rule::National], "{text}");
        }
    }

    #[test]
    fn verdict_short_number_needs_a_cue() {
        assert_eq!(rules("whatsapp me: 34995914"), [Rule::National]);
        assert_eq!(rules("mon portable: 34995914"), [Rule::National]);
        assert_eq!(rules("about 34995914 ants"), []);
    }

    #[test]
    fn verdict_lookalikes_need_full_length() {
        assert_eq!(rules("89O8I849O6"), [Rule::National]);
        assert_eq!(rules("7|oo879344"), [Rule::National]);
        assert_eq!(rules("S10 plus 5G, i10 and A52s"), []);
    }

    #[test]
    fn verdict_leaves_similar_figures() {
        for text in [
            "order id 9045518837 is late",
            "9876512340 views",
            "it costs Rs. 9876512340",
            "ISBN 978-0-552-77389-8",
            "6-4 3-6 7-5 6-3 6-2",
            "1998 2002 2006 2010 2014 world cups",
            "10 9 8 7 6 5 4 3 2 1 go!",
            "123*456=56088",
            "569+492=1120",
            "v18.10.8408",
            "568 104 923 325 kr",
            "h.no 8-41-873/7, 689430",
            "IMG_20240615_183012.jpg",
        ] {
            assert_eq!(rules(text), [], "{text}");
        }
    }
}
