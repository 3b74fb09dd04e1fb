//! [`Window::judge`]: whether a window of digits is a phone number, and the [`Rule`] for it.
//!
//! This module orders the evidence from certain to possible. The search for windows must not be
//! here, but in `phone.rs`; shapes, cues and numbering plans have their own files. To accept a new
//! form, add a line to the [`Level`] that matches its certainty.

use super::chain::to_plain;
use super::context;
use super::context::Cue;
use super::figure;
use super::list;
use super::numbering_plan::NumberingPlans;
use super::plain_name;
use super::rule::Rule;
use super::scene::Scene;
use super::shadow::{Class, MarkSet};
use super::shape;
use super::token::Kind;
use super::window::{LOCAL_DIGITS, MAX_OTHER_WORDS, Window};

/// Certainty of the evidence. All windows of a chain are tried at one level before the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// The digits alone are enough: a valid calling code, an Indian mobile number.
    Certain,
    /// The message mentions phone numbers, or the number has a plus.
    Likely,
    /// The digits have the shape of a phone number and no other shape.
    Possible,
}

impl Level {
    /// Returns `true` if a window without a plus may be a number at this level when `first` is its
    /// first digit.
    pub(super) const fn may_start(self, scene: &Scene, first: u8) -> bool {
        match self {
            // The first digit of an international prefix, of an Indian mobile number, or of the
            // prefix of one.
            Self::Certain => matches!(first, 0 | 6..=9),
            Self::Likely => scene.has_cue,
            Self::Possible => true,
        }
    }
}

/// Minimum digits of a window.
pub(super) const MIN_DIGITS: usize = 7;
/// Maximum digits of a window: the 15 that E.164 allows, after an international prefix of 00.
pub(super) const MAX_DIGITS: usize = 17;

/// Maximum digits of an international number.
const MAX_E164_DIGITS: usize = 15;

impl Window<'_> {
    /// Returns the rule that makes the window a number at `level`, or `None` if no rule does.
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
        if self.has_plus {
            // If the window has several groups, the last may be something else: "+91 98765 43210,
            // 10 am".
            let is_single_group = self.groups() == 1 && self.digits.len() >= 8;
            return (self.digits.len() <= 15 && (is_single_group || plan.is_possible(self.digits)))
                .then_some(Rule::International);
        }
        if self.is_mention() && plan.is_possible(self.digits) {
            return Some(Rule::International);
        }
        if let [0, 0, abroad @ ..] = self.digits {
            return (abroad.len() >= 8 && plan.is_international(abroad))
                .then_some(Rule::International);
        }
        (self.is_indian_mobile() && self.is_standalone()).then_some(Rule::National)
    }

    fn likely(&self, plan: &NumberingPlans) -> Option<Rule> {
        let count = self.digits.len();
        if self.has_plus {
            return (8..=15).contains(&count).then_some(Rule::International);
        }
        if count != 10 && self.has_lookalikes() && !self.is_indian_mobile() {
            return None;
        }
        if count > 15 || !self.is_standalone() || self.digits.iter().all(|d| *d == 0) {
            return None;
        }
        // A round amount is also a valid number in a country.
        let is_round = self.digits.ends_with(&[0, 0, 0]);
        let is_valid =
            || !is_round && (plan.is_national(self.digits) || plan.is_international(self.digits));
        match context::cue(self.scene, &self.tokens) {
            Cue::Adjacent | Cue::Phone if count <= 13 || is_valid() => Some(Rule::National),
            Cue::Handover
                if (count >= 8 && self.groups() >= 2 && count <= 13)
                    || (count >= 8 && is_valid()) =>
            {
                Some(Rule::National)
            }
            _ => None,
        }
    }

    fn possible(&self, plan: &NumberingPlans) -> Option<Rule> {
        let (count, groups) = (self.digits.len(), self.groups());
        // Rules out most windows of a row of single digits before the expensive checks below.
        let is_candidate = groups <= 6
            || self.digits[0] == 0
            || count == 11
            || groups == count && (10..=12).contains(&count)
            || self.scene.tokens.len() - groups <= MAX_OTHER_WORDS
            || self.scene.shadow.marks.has(MarkSet::PARENTHESIS);
        if count == LOCAL_DIGITS && self.is_local() {
            return Some(Rule::National);
        }
        if !is_candidate
            || count < 8
            || !self.is_standalone()
            || count != 10 && self.has_lookalikes()
        {
            return None;
        }
        let has_trunk = self.digits[0] == 0
            && (9..=12).contains(&count)
            && (groups >= 2 || plan.is_national(self.digits))
            // The trunk prefix of Russia is 8.
            || count == 11 && groups == 1 && self.digits[0] == 8 && plan.is_national(self.digits);
        let is_american = (3..=4).contains(&groups)
            && self.digits[0] != 0
            && matches!(self.lengths()[..], [3, 3, 4] | [1, 3, 3, 4]);
        let is_chinese = count == 11 && matches!(self.digits, [1, 3..=9, ..]);
        let is_column = self.is_column();
        let is_grouped = (8..=12).contains(&count)
            && !is_column
            && groups >= 3
            && self.scene.tokens[self.tokens.clone()].iter().all(|t| (2..=5).contains(&t.len()));
        let is_only_text = (8..=13).contains(&count)
            && !is_column
            && self.says_only_this()
            && (groups >= 2 || count >= 9);
        // Single digits with marks between them: 1. 1. 9. 8. 8. 7. 4. 2. 5. 8. 2.
        let is_spelled = groups == count
            && (10..=12).contains(&count)
            && self.scene.gap(self.tokens.start).iter().any(|glyph| glyph.class == Class::Mark)
            && plan.is_national(self.digits);
        if has_trunk
            || is_american
            || is_chinese
            || is_grouped
            || is_only_text
            || is_spelled
            || self.has_area_code()
        {
            return Some(Rule::National);
        }
        let is_international =
            groups <= 6 && (11..=13).contains(&count) && plan.is_international(self.digits);
        is_international.then_some(Rule::International)
    }

    /// Returns `true` if the evidence against a phone number by `rule` prevails.
    fn is_something_else(&self, rule: Rule) -> bool {
        if self.has_plus || self.is_mention() {
            return false;
        }
        let cue = context::cue(self.scene, &self.tokens);
        let count = self.digits.len();
        let is_mobile = rule == Rule::National && self.is_indian_mobile();
        let vouched = is_mobile && cue >= Cue::Phone;
        if is_mobile && self.is_grouped_as_mobile() {
            return self.is_plainly_something_else(vouched);
        }
        if list::is_sum(self.scene, &self.tokens) || self.is_version() || self.is_labelled(vouched)
        {
            return true;
        }
        if cue != Cue::Adjacent && context::is_amount(self.scene, &self.tokens, count, vouched) {
            return true;
        }
        if cue == Cue::Adjacent || (cue == Cue::Phone && is_mobile) {
            return shape::is_run(self.digits) && !is_mobile;
        }
        if list::is_count(self.scene, &self.tokens, cue)
            || (shape::is_run(self.digits) && !is_mobile)
            || shape::is_isbn(self.digits, &self.lengths())
            || shape::is_prices(self.digits, &self.lengths())
            || shape::is_models(self.digits, &self.lengths())
        {
            return true;
        }
        let line = to_plain(self.scene.glyphs(&self.tokens));
        figure::looks_like_something_else(&line) || cue == Cue::None && figure::is_dotted(&line)
    }

    /// Returns `true` if a label near the window names something else.
    fn is_labelled(&self, vouched: bool) -> bool {
        // SESSION-201-555-0123: a number in this shape needs a plain name.
        let is_joined = self.tokens.start.checked_sub(1).is_some_and(
            |before| matches!(self.scene.gap(before), [glyph] if glyph.class == Class::Mark),
        );
        if is_joined && self.lengths()[..] == [3, 3, 4] {
            return plain_name::is_named_plainly(self.scene, &self.tokens, vouched);
        }
        context::is_labelled(self.scene, &self.tokens, self.digits.len(), vouched)
            || self.is_end_of_named(vouched)
    }

    /// Returns `true` if the window is the end of a row that is too long for a phone number and has
    /// a plain name: account number 5010 0234 8891 23.
    fn is_end_of_named(&self, vouched: bool) -> bool {
        let scene = self.scene;
        let (mut start, mut count) = (self.tokens.start, self.digits.len());
        while start > 0
            && matches!(scene.gap(start - 1), [glyph] if matches!(glyph.plain, ' ' | '-'))
            && matches!(scene.tokens[start - 1].kind, Kind::Digits | Kind::Code)
        {
            start -= 1;
            count += scene.tokens[start].len();
        }
        let mut end = self.tokens.end;
        while matches!(scene.gap(end - 1), [glyph] if matches!(glyph.plain, ' ' | '-'))
            && scene.tokens.get(end).is_some_and(|token| token.kind == Kind::Digits)
        {
            count += scene.tokens[end].len();
            end += 1;
        }
        start < self.tokens.start
            && count > MAX_E164_DIGITS - 2
            && plain_name::is_named_plainly(scene, &(start..self.tokens.end), vouched)
    }

    /// Returns `true` if the text says plainly that a certain mobile number is something else.
    fn is_plainly_something_else(&self, vouched: bool) -> bool {
        list::is_sum(self.scene, &self.tokens)
            || self.is_version()
            || plain_name::has_amount_sign(self.scene, &self.tokens)
            || plain_name::is_priced(self.scene, &self.tokens)
            || plain_name::is_file_name(self.scene, &self.tokens)
            || plain_name::is_named_plainly(self.scene, &self.tokens, vouched)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::cue::{Sense, WORDS};
    use crate::mask::explain;

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
    fn verdict_no_word_beside_a_mobile_number_lets_it_pass() {
        let words = |plain: bool| {
            WORDS
                .iter()
                .filter(move |(sense, _)| sense.has(Sense::PLAIN) == plain)
                .flat_map(|(_, table)| table.split_whitespace())
        };
        let plain: Vec<_> = words(true).collect();
        for word in words(false).filter(|word| !plain.contains(word)) {
            for number in
                ["9833412506", "98334 12506", "983-341-2506", "+91 98334 12506", "@919833412506"]
            {
                for text in [format!("{word} {number}"), format!("{number} {word}")] {
                    assert_eq!(explain(&text).len(), 1, "{text}");
                }
            }
        }
    }

    #[test]
    fn verdict_plain_name_lets_a_mobile_number_pass() {
        for text in [
            "pnr 8334412506",
            "order number: 9833412506",
            "my account no is 9833412506",
            "ticket #9833412506",
            "número de pedido 9833412506",
            "9833412506 is my order id",
            "ORDER-9833412506",
            "see IMG_9833412506.jpg",
            "IMG9833412506.png",
            "booking ref 7788-9921-34",
            "₹9833412506",
            "it cost rs 9833412506",
        ] {
            assert_eq!(rules(text), [], "{text}");
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
            "2045518837 views",
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
            "737 747 787",
            "http 200 301 404",
            "rtx 3060 3070 3080 4090",
            "won 21 19 18 21 21 17",
            "account number 5010 0234 8891 23",
            "so order 81266-19697 seat ok",
            "IMG_20240615_183012.jpg",
        ] {
            assert_eq!(rules(text), [], "{text}");
        }
    }
}
