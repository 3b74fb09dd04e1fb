//! What is told of something that the lobby has no part in: decided before it was asked, and said in
//! the language that it then knows.

use super::command;
use super::language::Language;
use super::nickname::BadNickname;
use super::service::MAX_REASON_CHARS;
use super::{reply, words};
use crate::guard;

/// What is told of something that the lobby has no part in.
pub(super) enum Told {
    Help,
    BadNickname(BadNickname),
    AskReason,
    LongReason,
    Languages,
    NoText,
    Refused(guard::Refusal),
}

impl Told {
    pub(super) fn say(self, language: Language) -> String {
        match self {
            Self::Help => command::help(language),
            Self::BadNickname(why) => reply::bad_nickname(language, why),
            Self::AskReason => words::say(language, "ask-reason"),
            Self::LongReason => reply::too_long(language, "long-reason", MAX_REASON_CHARS),
            Self::Languages => reply::languages(language),
            Self::NoText => words::say(language, "no-text"),
            Self::Refused(reason) => reply::refused(language, reason),
        }
    }
}
