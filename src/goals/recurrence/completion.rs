//! [`Recurrence`]: either kind of repetition, and what a completion does to it.
//!
//! A task stores two things: its recurrence, and the nominal date of its pending occurrence. A
//! reschedule changes the task's due date and neither of them. Only [`Recurrence::complete`] moves
//! the pending date, so that two readers can never create an occurrence.

use jiff::ZonedDateTime;
use jiff::civil::Date;

use super::after_completion::AfterCompletion;
use super::occurrence::{Expansion, MAX_OCCURRENCES, Occurrence};
use super::rule::RecurrenceRule;
use super::series::Series;
use super::start::SeriesStart;

/// Number of dates in [`Recurrence::preview`].
const PREVIEW: usize = 3;

/// A repetition of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recurrence {
    /// Counts from the due date, as an RFC 5545 rule.
    FromDue(Series),
    /// Counts from the last completion.
    FromCompletion(AfterCompletion),
}

/// The treatment of missed occurrences on completion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CatchUp {
    /// One completion covers the latest occurrence that has begun; earlier ones are missed.
    #[default]
    SkipMissed,
    /// Each missed occurrence needs its own completion, oldest first.
    OneByOne,
}

/// The effect of a completion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompletionStep {
    /// The occurrence that the completion completes.
    pub completed: Occurrence,
    /// Occurrences that end uncompleted, oldest first, at most [`MAX_OCCURRENCES`].
    pub missed: Vec<Occurrence>,
    /// The next pending occurrence. `None` when the recurrence has ended.
    pub next: Option<Occurrence>,
}

impl Recurrence {
    pub const fn start(&self) -> &SeriesStart {
        match self {
            Self::FromDue(series) => series.start(),
            Self::FromCompletion(rule) => rule.start(),
        }
    }

    pub const fn rule(&self) -> &RecurrenceRule {
        match self {
            Self::FromDue(series) => series.rule(),
            Self::FromCompletion(rule) => rule.rule(),
        }
    }

    /// The `RRULE` value. `None` for a rule that counts from completion, which has no such form.
    pub fn rule_text(&self) -> Option<String> {
        match self {
            Self::FromDue(series) => Some(series.rule_text()),
            Self::FromCompletion(_) => None,
        }
    }

    /// The first occurrence, which a new task has pending.
    pub fn first(&self) -> Option<Occurrence> {
        match self {
            Self::FromDue(series) => series.first(),
            Self::FromCompletion(rule) => rule.first(),
        }
    }

    /// The next three occurrences from the nominal date `from`, itself included. For a rule that
    /// counts from completion, they assume that each one is completed on its date.
    pub fn preview(&self, from: Date) -> Vec<Occurrence> {
        match self {
            Self::FromDue(series) => series.walk(from).take(PREVIEW).collect(),
            Self::FromCompletion(rule) => {
                let first = rule.start().occurrence(from.max(rule.start().date()));
                let mut count = 0;
                std::iter::successors(first, |found| {
                    count += 1;
                    rule.next_after_completion(found.date, found.date, count)
                })
                .take(PREVIEW)
                .collect()
            }
        }
    }

    /// The occurrence with the nominal date `date`, for a completion that names its occurrence.
    /// `pending` is the only one of a rule that counts from completion.
    pub fn occurrence_on(&self, date: Date, pending: Date) -> Option<Occurrence> {
        match self {
            Self::FromDue(series) => series.occurrence_on(date),
            Self::FromCompletion(rule) if date == pending => rule.start().occurrence(date),
            Self::FromCompletion(_) => None,
        }
    }

    /// The occurrences from the nominal date `pending` that are over at `now`.
    pub fn overdue(&self, pending: Date, now: &ZonedDateTime) -> Expansion {
        match self {
            Self::FromDue(series) => series.overdue(pending, now),
            Self::FromCompletion(rule) => {
                let pending =
                    rule.start().occurrence(pending).filter(|found| found.is_overdue(now));
                Expansion { occurrences: pending.into_iter().collect(), truncated: false }
            }
        }
    }

    /// The effect of a completion at `at`, a moment in the zone of the user, on a task whose pending
    /// occurrence has the nominal date `pending`.
    ///
    /// `count` is the number of completions including this one; only a rule that counts from
    /// completion uses it. A completion before the pending occurrence begins completes that one.
    /// Completion moments before the pending date never move the series backward. Returns `None` if
    /// the series has no occurrence on or after `pending`.
    pub fn complete(
        &self,
        pending: Date,
        at: &ZonedDateTime,
        count: u32,
        catch_up: CatchUp,
    ) -> Option<CompletionStep> {
        match self {
            Self::FromDue(series) => complete_series(series, pending, at, catch_up),
            Self::FromCompletion(rule) => {
                let completed = rule.start().occurrence(pending)?;
                let day = rule.start().local_date(at);
                let next = rule.next_after_completion(pending, day, count);
                Some(CompletionStep { completed, missed: Vec::new(), next })
            }
        }
    }
}

fn complete_series(
    series: &Series,
    pending: Date,
    at: &ZonedDateTime,
    catch_up: CatchUp,
) -> Option<CompletionStep> {
    let mut walk = series.walk(pending);
    let mut completed = walk.next()?;
    let mut next = walk.next();
    let mut missed = Vec::new();
    if catch_up == CatchUp::SkipMissed {
        while let Some(later) = next.take_if(|later| later.has_begun(at)) {
            if missed.len() < MAX_OCCURRENCES {
                missed.push(completed);
            }
            completed = later;
            next = walk.next();
        }
    }
    Some(CompletionStep { completed, missed, next })
}
