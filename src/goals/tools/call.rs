//! [`CallScene`] and [`error_text`]: what the tools share.

use crate::goals::error::GoalsError;
use crate::goals::service::caller::{GoalsCaller, OwnerTime};

/// The caller of a tool, and the time.
pub(super) struct CallScene {
    pub caller: GoalsCaller,
    pub time: OwnerTime,
}

/// The error of a call, in words. A stale revision has the current item, so that no further call is needed.
pub(super) fn error_text(error: impl Into<GoalsError>) -> String {
    let error = error.into();
    let text = error.to_string();
    if matches!(error, GoalsError::Date { .. }) {
        // It begins with the name of an argument.
        return format!("{text}.");
    }
    let GoalsError::Refused(refusal) = &error else { return sentence(&text) };
    match refusal.current() {
        Some(item) => match serde_json::to_string(item) {
            Ok(current) => format!("{} It is now: {current}", sentence(&text)),
            Err(_) => sentence(&text),
        },
        None => sentence(&text),
    }
}

/// A text with a large first letter and a period.
fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), characters.as_str().trim_end_matches('.'))
}
