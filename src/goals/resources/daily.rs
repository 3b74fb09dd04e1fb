//! [`DailySummary`]: a day of the owner as Markdown. Pure.

use std::fmt::Write;

use jiff::ZonedDateTime;
use jiff::civil::Date;

use crate::goals::item::GoalsItem;
use crate::goals::item::task::Task;
use crate::goals::when::{named_date, named_moment};

/// Maximum number of tasks in a part of the summary.
pub const PART_LIMIT: usize = 50;

/// The tasks and completions of a day.
#[derive(Clone, Debug, Default)]
pub struct DailySummary {
    /// Open tasks that were due before the day.
    pub overdue: Vec<GoalsItem>,
    /// Open tasks that are due on the day.
    pub due: Vec<GoalsItem>,
    /// Tasks that were completed on the day.
    pub completed: Vec<GoalsItem>,
    /// Active goals, the next target date first.
    pub goals: Vec<GoalsItem>,
}

impl DailySummary {
    /// The summary of `day` in Markdown.
    #[must_use]
    pub fn to_markdown(&self, day: Date, now: &ZonedDateTime) -> String {
        let mut text = format!("# {}\n", named_date(day));
        let parts =
            [("Overdue", &self.overdue), ("Due", &self.due), ("Completed", &self.completed)];
        for (title, items) in parts {
            if items.is_empty() {
                continue;
            }
            let _ = write!(text, "\n## {title}\n\n");
            for task in items.iter().filter_map(GoalsItem::task) {
                let mark = if title == "Completed" { 'x' } else { ' ' };
                let _ = writeln!(text, "- [{mark}] {}{}", escaped(&task.title), when(task, now));
            }
        }
        if self.overdue.is_empty() && self.due.is_empty() && self.completed.is_empty() {
            text.push_str("\nNo task is due.\n");
        }
        if !self.goals.is_empty() {
            text.push_str("\n## Goals\n\n");
            for goal in self.goals.iter().filter_map(GoalsItem::goal) {
                let target = goal.target_date.map(|day| format!(" (by {})", named_date(day)));
                let _ = writeln!(text, "- {}{}", escaped(&goal.title), target.unwrap_or_default());
            }
        }
        text
    }
}

/// A title on one line, whose characters are not Markdown.
fn escaped(title: &str) -> String {
    let mut text = String::with_capacity(title.len());
    for c in title.chars() {
        match c {
            '\n' | '\r' | '\t' => text.push(' '),
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' => {
                text.push('\\');
                text.push(c);
            }
            _ => text.push(c),
        }
    }
    text
}

fn when(task: &Task, now: &ZonedDateTime) -> String {
    let Some(due) = &task.due else { return String::new() };
    let moment = due.instant().map(|at| at.to_zoned_datetime(now.time_zone().clone()));
    let text = moment.map_or_else(|| named_date(due.date), |at| named_moment(&at));
    format!(" ({text})")
}
