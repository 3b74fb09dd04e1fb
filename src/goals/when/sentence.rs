//! [`Sentence`]: the clauses of a phrase, in any order, before they are resolved.

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::context::PhraseContext;
use super::cursor::PhraseCursor;
use super::day::{DayReading, plus_units, read_date, read_day};
use super::error::WhenError;
use super::repeat::{RepeatReading, read_repeat};
use super::time::{TimeReading, read_time};
use super::vocabulary::{self, DayPart, SpanUnit};
use super::word::{Word, WordKind};

/// The end of a repetition.
pub(super) enum EndReading {
    Until(Date),
    Times(u32),
    Span(u32, SpanUnit),
}

/// The clauses that a phrase has.
#[derive(Default)]
pub(super) struct Sentence {
    pub date: Option<Date>,
    pub weekday: Option<Weekday>,
    /// The word of the weekday.
    pub weekday_at: usize,
    pub clock: Option<(Time, bool)>,
    pub part: Option<DayPart>,
    pub midnight: bool,
    pub tonight: bool,
    pub instant: Option<Timestamp>,
    /// `in 2 hours`.
    pub later: Option<SignedDuration>,
    pub zone: Option<TimeZone>,
    pub repeat: Option<RepeatReading>,
    pub start: Option<Date>,
    pub end: Option<EndReading>,
}

/// Reads all clauses.
pub(super) fn read_sentence(
    words: &[Word],
    context: &PhraseContext<'_>,
) -> Result<Sentence, WhenError> {
    let mut cursor = PhraseCursor { words, at: 0 };
    let mut sentence = Sentence::default();
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    while !cursor.is_at_end() {
        let begin = cursor.at;
        if sentence.read_clause(&mut cursor, context)? {
            known.push(cursor.since(begin));
        } else if cursor.at == begin {
            cursor.at += 1;
            unknown.push(cursor.since(begin));
        }
    }
    if !unknown.is_empty() {
        let join = |words: Vec<String>| words.join(" ").chars().take(80).collect::<String>();
        return Err(WhenError::NotUnderstood { words: join(unknown), understood: join(known) });
    }
    Ok(sentence)
}

impl Sentence {
    /// Reads one clause or passes filler words. Returns `false` if neither was found.
    fn read_clause(
        &mut self,
        cursor: &mut PhraseCursor<'_>,
        context: &PhraseContext<'_>,
    ) -> Result<bool, WhenError> {
        let begin = cursor.at;
        let may_fill = cursor.at + 1 < cursor.words.len();
        if cursor.take_kind(&WordKind::Comma)
            || (may_fill && cursor.take(&["on", "by", "due", "and", "then"]))
        {
            return Ok(false);
        }
        let mut ahead = *cursor;
        if ahead.take(&["starting", "beginning", "from", "start", "begin", "since"]) {
            ahead.take(&["on", "from"]);
            if let Some(date) = read_date(&mut ahead, context)? {
                *cursor = ahead;
                return set(&mut self.start, date, "start", cursor.since(begin));
            }
        }
        let mut ahead = *cursor;
        if let Some(end) = read_end(&mut ahead, context)? {
            *cursor = ahead;
            return set(&mut self.end, end, "end", cursor.since(begin));
        }
        let mut ahead = *cursor;
        if let Some(repeat) = read_repeat(&mut ahead, context)? {
            *cursor = ahead;
            return set(&mut self.repeat, repeat, "repetition", cursor.since(begin));
        }
        if self.read_moment(cursor)? {
            return Ok(true);
        }
        let mut ahead = *cursor;
        match read_day(&mut ahead, context)? {
            Some(DayReading::Date(date)) => {
                *cursor = ahead;
                return set(&mut self.date, date, "date", cursor.since(begin));
            }
            Some(DayReading::Weekday(weekday)) => {
                self.weekday_at = ahead.at - 1;
                *cursor = ahead;
                return set(&mut self.weekday, weekday, "weekday", cursor.since(begin));
            }
            None => {}
        }
        if let Some(reading) = read_time(cursor) {
            return self.set_time(reading, cursor.since(begin));
        }
        Ok(self.read_zone(cursor))
    }

    /// ISO 8601 times and `in 2 hours`.
    fn read_moment(&mut self, cursor: &mut PhraseCursor<'_>) -> Result<bool, WhenError> {
        let begin = cursor.at;
        match cursor.kind() {
            Some(WordKind::Instant(at)) => {
                cursor.at += 1;
                return set(&mut self.instant, *at, "date", cursor.since(begin));
            }
            Some(WordKind::Local(at)) => {
                cursor.at += 1;
                let at: DateTime = *at;
                set(&mut self.date, at.date(), "date", cursor.since(begin))?;
                return set(&mut self.clock, (at.time(), true), "time", cursor.since(begin));
            }
            _ => {}
        }
        let mut ahead = *cursor;
        if let Some(later) = read_hours(&mut ahead)? {
            *cursor = ahead;
            return set(&mut self.later, later, "time", cursor.since(begin));
        }
        Ok(false)
    }

    fn set_time(&mut self, reading: TimeReading, words: String) -> Result<bool, WhenError> {
        match reading {
            TimeReading::Clock(time, certain) => {
                set(&mut self.clock, (time, certain), "time", words)
            }
            TimeReading::Part(part) => set(&mut self.part, part, "time", words),
            TimeReading::Midnight => {
                self.midnight = true;
                set(&mut self.clock, (Time::midnight(), true), "time", words)
            }
            TimeReading::Tonight => {
                self.tonight = true;
                set(&mut self.part, DayPart::Evening, "time", words)
            }
        }
    }

    /// `utc`, `europe/berlin`, `in europe/berlin`.
    fn read_zone(&mut self, cursor: &mut PhraseCursor<'_>) -> bool {
        let mut ahead = *cursor;
        ahead.take(&["in"]);
        let name = ahead.name();
        let is_zone = name.contains('/') || matches!(name, "utc" | "gmt");
        let Some(zone) = is_zone.then(|| TimeZone::get(name).ok()).flatten() else { return false };
        ahead.at += 1;
        if self.zone.is_some() {
            return false;
        }
        self.zone = Some(zone);
        *cursor = ahead;
        true
    }
}

/// Stores the value of a clause.
fn set<T>(
    slot: &mut Option<T>,
    value: T,
    what: &'static str,
    words: String,
) -> Result<bool, WhenError> {
    if slot.replace(value).is_some() {
        return Err(WhenError::Twice { words, what });
    }
    Ok(true)
}

/// `until friday`, `5 times`, `for 2 weeks`.
fn read_end(
    cursor: &mut PhraseCursor<'_>,
    context: &PhraseContext<'_>,
) -> Result<Option<EndReading>, WhenError> {
    let mut ahead = *cursor;
    if ahead.take(&["until", "till", "til", "ending", "through", "thru", "ends", "to"]) {
        ahead.take(&["on"]);
        let Some(date) = read_date(&mut ahead, context)? else { return Ok(None) };
        *cursor = ahead;
        return Ok(Some(EndReading::Until(date)));
    }
    let spans = ahead.take(&["for"]);
    ahead.take(&["the"]);
    ahead.take(&["next"]);
    let begin = ahead.at;
    let amount = if ahead.take(&["once"]) { Some(1) } else { ahead.amount() };
    let Some(amount) = amount else { return Ok(None) };
    let end = if ahead.take(&["times", "time", "occurrences", "repetitions"]) {
        if amount == 0 || amount > crate::goals::recurrence::MAX_COUNT {
            return Err(WhenError::Impossible {
                words: ahead.since(begin),
                reason: "a count is 1 to 10000",
            });
        }
        EndReading::Times(amount)
    } else if spans {
        match ahead.read(vocabulary::unit) {
            None | Some(SpanUnit::Minute | SpanUnit::Hour) => return Ok(None),
            Some(unit) if plus_units(context.today, i64::from(amount), unit).is_none() => {
                return Err(WhenError::OutOfRange);
            }
            Some(unit) => EndReading::Span(amount, unit),
        }
    } else {
        return Ok(None);
    };
    *cursor = ahead;
    Ok(Some(end))
}

/// `in 2 hours`, `in 1 hour 30 minutes`, `in half an hour`, `90 minutes from now`.
fn read_hours(cursor: &mut PhraseCursor<'_>) -> Result<Option<SignedDuration>, WhenError> {
    if cursor.take_all(&["right", "now"]) || cursor.take(&["now"]) {
        return Ok(Some(SignedDuration::ZERO));
    }
    let mut ahead = *cursor;
    let future = ahead.take(&["in", "within"]) || ahead.take_kind(&WordKind::Plus);
    let minutes = if ahead.take_all(&["half", "an", "hour"]) {
        30
    } else {
        let mut total: i64 = 0;
        let mut parts = 0;
        loop {
            let mut part = ahead;
            part.take(&["and"]);
            let Some(amount) = part.amount() else { break };
            let factor = match part.read(vocabulary::unit) {
                Some(SpanUnit::Minute) => 1,
                Some(SpanUnit::Hour) => 60,
                _ => break,
            };
            // At most a year, so that the sum can't overflow.
            total += i64::from(amount.min(1_000_000)) * factor;
            parts += 1;
            ahead = part;
        }
        if parts == 0 {
            return Ok(None);
        }
        total
    };
    let ago = ahead.take(&["ago"]);
    if !future && !ago && !ahead.take_all(&["from", "now"]) {
        return Ok(None);
    }
    if minutes > 60 * 24 * 366 {
        return Err(WhenError::OutOfRange);
    }
    *cursor = ahead;
    Ok(Some(SignedDuration::from_mins(if ago { -minutes } else { minutes })))
}
