//! [`Task`] and [`Completion`].

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp as Instant, ZonedDateTime};
use serde::{Deserialize, Serialize};

use super::id::ItemId;
use super::time::{millis, optional_millis};
use super::words::{Priority, TaskStatus};
use crate::kernel::clock::Timestamp;

/// A date, or a time in a zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DueDate {
    pub date: Date,
    /// `None` for a whole day, which is the same date in every zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<DueTime>,
}

/// The time of day of a [`DueDate`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DueTime {
    pub time: Time,
    /// An IANA name.
    pub zone: String,
}

impl DueDate {
    #[must_use]
    pub const fn day(date: Date) -> Self {
        Self { date, at: None }
    }

    /// The moment, in its zone. A zone without a name becomes UTC.
    #[must_use]
    pub fn moment(at: &ZonedDateTime) -> Self {
        let named = at.time_zone().iana_name().map(str::to_owned);
        let at = match named {
            Some(zone) => (at.datetime(), zone),
            None => (at.with_time_zone(TimeZone::UTC).datetime(), "UTC".to_owned()),
        };
        Self { date: at.0.date(), at: Some(DueTime { time: at.0.time(), zone: at.1 }) }
    }

    /// The point in time. `None` for a whole day, and for a zone that is unknown.
    #[must_use]
    pub fn instant(&self) -> Option<Instant> {
        let DueTime { time, zone } = self.at.as_ref()?;
        let zone = TimeZone::get(zone).ok()?;
        let at =
            zone.to_ambiguous_zoned_datetime(self.date.to_datetime(*time)).compatible().ok()?;
        Some(at.timestamp())
    }

    /// Whether the moment has passed, or the day is over in the zone of `now`.
    #[must_use]
    pub fn is_over(&self, now: &ZonedDateTime) -> bool {
        self.instant().map_or_else(|| self.date < now.date(), |at| at < now.timestamp())
    }

    /// A text whose order is that of the dates: a day comes after the times of the day.
    #[must_use]
    pub fn sort_key(&self) -> String {
        match &self.at {
            Some(at) => format!("{}T{:02}:{:02}", self.date, at.time.hour(), at.time.minute()),
            None => format!("{}U", self.date),
        }
    }
}

/// How a task repeats.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskSeries {
    /// The text of a [`Recurrence`](crate::goals::recurrence::Recurrence).
    pub rule: String,
    /// The date of the occurrence that is pending, by the rule. The due date may be another one.
    pub pending: Date,
    /// Number of completions.
    #[serde(default)]
    pub completions: u32,
}

/// Something to do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    pub title: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goal: Option<ItemId>,
    /// The task that this one is a part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<ItemId>,
    /// The tasks that must be done before this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<ItemId>,
    #[serde(default)]
    pub status: TaskStatus,
    #[serde(default)]
    pub priority: Priority,
    /// The first day to work on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_date: Option<Date>,
    /// When the owner wants to do it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<DueDate>,
    /// The day after which it is too late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Date>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<TaskSeries>,
    /// The estimate, in minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_minutes: Option<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// Reminders, in minutes before the due date.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reminders: Vec<u32>,
    #[serde(default, with = "optional_millis", skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
}

/// One completion of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completion {
    pub task: ItemId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goal: Option<ItemId>,
    /// The date of the occurrence of a task that repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurrence: Option<Date>,
    #[serde(with = "millis")]
    pub at: Timestamp,
    /// The day of the completion in the zone of the owner.
    pub day: Date,
    /// Whether it came in time. `None` without a due date and a deadline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_time: Option<bool>,
    /// The estimate at the time, in minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_minutes: Option<u32>,
    /// The time that it took, in minutes, as the owner says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spent_minutes: Option<u32>,
    /// Number of earlier occurrences that were missed.
    #[serde(default)]
    pub missed: u32,
}
