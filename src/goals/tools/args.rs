//! Arguments that several tools have, and their limits.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::ZonedDateTime;
use jiff::civil::Date;

use super::call::error_text;
use crate::goals::service::dates;

/// Maximum length of a title, a description and a memory, in characters.
pub(super) const MAX_TITLE: usize = 300;
pub(super) const MAX_TEXT: usize = 10_000;

/// Maximum number of labels or tags, and of characters of each.
const MAX_LABELS: usize = 20;
const MAX_LABEL: usize = 50;

/// Arguments of every write.
#[derive(Clone, Debug)]
pub(super) struct RequestArgs {
    pub request_id: Option<String>,
    pub dry_run: bool,
}

pub(super) fn request(request_id: Option<&String>, dry_run: Option<bool>) -> RequestArgs {
    RequestArgs { request_id: request_id.cloned(), dry_run: dry_run.unwrap_or(false) }
}

/// A text without spaces around it, with a length in these limits.
pub(super) fn text(argument: &str, text: &str, min: usize, max: usize) -> Result<String, String> {
    let text = text.trim();
    let length = text.chars().count();
    if length < min {
        return Err(format!("{argument} is empty."));
    }
    if length > max {
        return Err(format!("{argument} has {length} characters; at most {max} are possible."));
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t' | '\r')) {
        return Err(format!("{argument} has control characters."));
    }
    Ok(text.to_owned())
}

/// Labels or tags without repetitions.
pub(super) fn labels(argument: &str, labels: Vec<String>) -> Result<Vec<String>, String> {
    if labels.len() > MAX_LABELS {
        return Err(format!("{argument} has more than {MAX_LABELS} entries."));
    }
    let mut all: Vec<String> = Vec::with_capacity(labels.len());
    for label in labels {
        let label = text(argument, &label, 1, MAX_LABEL)?;
        if label.contains('|') {
            return Err(format!("{argument} can't have the character \"|\"."));
        }
        if !all.contains(&label) {
            all.push(label);
        }
    }
    Ok(all)
}

/// Reminders, of which a task has few.
pub(super) fn reminders(minutes: Vec<u32>) -> Result<Vec<u32>, String> {
    if minutes.len() > MAX_LABELS {
        return Err(format!("reminders has more than {MAX_LABELS} entries."));
    }
    Ok(minutes)
}

/// The value of an argument that clears a field when it is empty.
#[expect(clippy::option_option, reason = "the type of the fields of patches")]
pub(super) fn clearable<T>(
    value: Option<&String>,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<Option<T>>, String> {
    match value.map(|text| text.trim()) {
        None => Ok(None),
        Some("") => Ok(Some(None)),
        Some(text) => read(text).map(|value| Some(Some(value))),
    }
}

/// A day of an argument.
pub(super) fn day(
    argument: &'static str,
    phrase: &str,
    now: &ZonedDateTime,
) -> Result<Date, String> {
    dates::day(argument, phrase, now).map_err(error_text)
}

/// A cursor of a list, for the sort key behind which the next page begins.
pub(super) fn cursor_of(sort: &str) -> String {
    URL_SAFE_NO_PAD.encode(sort)
}

/// The sort key of a cursor.
pub(super) fn sort_key(cursor: Option<&String>) -> Result<Option<String>, String> {
    let Some(cursor) = cursor.map(|cursor| cursor.trim()).filter(|cursor| !cursor.is_empty())
    else {
        return Ok(None);
    };
    let decoded = URL_SAFE_NO_PAD.decode(cursor).ok();
    let key =
        decoded.and_then(|bytes| String::from_utf8(bytes).ok()).filter(|key| key.contains('|'));
    let error = "cursor: pass the next_cursor of the answer before, or omit it for the first page.";
    key.map(Some).ok_or_else(|| error.to_owned())
}
