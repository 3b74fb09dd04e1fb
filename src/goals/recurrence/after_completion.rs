//! [`AfterCompletion`]: rules that count from the last completion, such as "every! 2 weeks".
//!
//! RFC 5545 has no form for them. A calendar receives the next occurrence only.

use jiff::civil::Date;

use super::bound::admits;
use super::days::{plus_days, plus_months};
use super::occurrence::Occurrence;
use super::pattern::DatePattern;
use super::rule::{RecurrenceRule, RepeatFrequency, RuleEnd};
use super::rule_error::RuleError;
use super::start::SeriesStart;

/// A repetition whose next date follows from the day of the last completion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AfterCompletion {
    start: SeriesStart,
    rule: RecurrenceRule,
}

impl AfterCompletion {
    /// A rule whose first occurrence is on the date of `start`.
    ///
    /// # Errors
    /// Returns [`RuleError`] if a part is out of range, the zone has no name, or the rule never has
    /// an occurrence.
    pub fn new(start: SeriesStart, rule: RecurrenceRule) -> Result<Self, RuleError> {
        rule.check()?;
        let start = start.checked()?;
        let after = Self { start, rule };
        if after.follow(after.start.date()).is_none() {
            return Err(RuleError::NeverOccurs);
        }
        Ok(after)
    }

    pub const fn start(&self) -> &SeriesStart {
        &self.start
    }

    pub const fn rule(&self) -> &RecurrenceRule {
        &self.rule
    }

    /// The first occurrence.
    pub fn first(&self) -> Option<Occurrence> {
        self.start.occurrence(self.start.date())
    }

    /// The occurrence after a completion of `pending` on the local date `completed`, if the rule has
    /// not ended.
    ///
    /// The dates of a rule always increase, because they are the keys of its occurrences. If a
    /// completion is too early to lead past `pending`, the rule counts from `pending`. `count` is the number of completions including this one. A plain monthly or yearly rule
    /// moves to the last day of a month that lacks the day: a completion on January 31 leads to
    /// February 28.
    pub fn next_after_completion(
        &self,
        pending: Date,
        completed: Date,
        count: u32,
    ) -> Option<Occurrence> {
        if matches!(self.rule.end, RuleEnd::Count(limit) if count >= limit) {
            return None;
        }
        let mut next = self.follow(completed)?;
        if next <= pending {
            next = self.follow(pending)?;
        }
        let next = self.start.occurrence(next)?;
        admits(self.rule.end, &next, self.start.time()).then_some(next)
    }

    /// The first date of the rule after `completed`, counted from it.
    fn follow(&self, completed: Date) -> Option<Date> {
        let interval = i64::from(self.rule.interval);
        if self.rule.is_plain() {
            return match self.rule.frequency {
                RepeatFrequency::Daily => plus_days(completed, interval),
                RepeatFrequency::Weekly => plus_days(completed, interval * 7),
                RepeatFrequency::Monthly => plus_months(completed, interval),
                RepeatFrequency::Yearly => plus_months(completed, interval * 12),
            };
        }
        let pattern = DatePattern { rule: &self.rule, start: completed };
        pattern.dates_from(plus_days(completed, 1)?).next()
    }
}
