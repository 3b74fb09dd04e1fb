//! [`SeriesStart`]: the first possible date of a series, all-day or with a time in a zone.

use jiff::ZonedDateTime;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

use super::occurrence::Occurrence;
use super::rule_error::{RuleError, shortened};

/// The first possible date of a series (`DTSTART`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeriesStart {
    /// An all-day date, the same in every zone.
    Day(Date),
    /// A local time in an IANA zone.
    Moment(DateTime, TimeZone),
}

impl SeriesStart {
    pub fn date(&self) -> Date {
        match self {
            Self::Day(date) => *date,
            Self::Moment(start, _) => start.date(),
        }
    }

    /// The time of day, `None` for an all-day series.
    pub fn time(&self) -> Option<Time> {
        match self {
            Self::Day(_) => None,
            Self::Moment(start, _) => Some(start.time()),
        }
    }

    pub fn zone(&self) -> Option<&TimeZone> {
        match self {
            Self::Day(_) => None,
            Self::Moment(_, zone) => Some(zone),
        }
    }

    /// The same time and zone on another date.
    #[must_use]
    pub fn on(&self, date: Date) -> Self {
        match self {
            Self::Day(_) => Self::Day(date),
            Self::Moment(start, zone) => Self::Moment(date.to_datetime(start.time()), zone.clone()),
        }
    }

    /// The occurrence on `date`. `None` at the very end of the year 9999.
    pub fn occurrence(&self, date: Date) -> Option<Occurrence> {
        match self {
            Self::Day(_) => Some(Occurrence { date, at: None }),
            Self::Moment(start, zone) => {
                let local = date.to_datetime(start.time());
                let at = zone.to_ambiguous_zoned_datetime(local).compatible().ok()?;
                Some(Occurrence { date, at: Some(at) })
            }
        }
    }

    /// The date of `now` in this zone; an all-day start uses the zone of `now`.
    pub(super) fn local_date(&self, now: &ZonedDateTime) -> Date {
        self.zone().map_or_else(|| now.date(), |zone| zone.to_datetime(now.timestamp()).date())
    }

    /// This start without fractions of a second, which the text form lacks. Fails if the zone has
    /// no name, without which it can't be stored.
    pub(super) fn checked(self) -> Result<Self, RuleError> {
        let Self::Moment(at, zone) = self else { return Ok(self) };
        if zone.iana_name().is_none() {
            return Err(RuleError::Zone("without a name".to_owned()));
        }
        let at = at.date().at(at.hour(), at.minute(), at.second(), 0);
        Ok(Self::Moment(at, zone))
    }
}

/// The zone with an IANA name.
pub(crate) fn zone_named(name: &str) -> Result<TimeZone, RuleError> {
    TimeZone::get(name).map_err(|_| RuleError::Zone(shortened(name)))
}
