//! What is told of something that the lobby has no part in: decided before it was asked, and said in
//! the language that it then knows.

use super::messages;
use crate::connect::command;
use crate::connect::profile::language::Language;
use crate::connect::profile::nickname::NicknameError;
use crate::connect::reply;
use crate::connect::service::MAX_REASON_CHARS;
use crate::guard;

/// What is told of something that the lobby has no part in.
pub(crate) enum LocalReply {
    Help,
    BadNickname(NicknameError),
    AskReason,
    LongReason,
    Languages,
    NoText,
    Refused(guard::ContentRejected),
}

impl LocalReply {
    pub(crate) fn say(self, language: Language) -> String {
        match self {
            Self::Help => command::help(language),
            Self::BadNickname(why) => reply::bad_nickname(language, why),
            Self::AskReason => messages::say(language, "ask-reason"),
            Self::LongReason => reply::too_long(language, "long-reason", MAX_REASON_CHARS),
            Self::Languages => reply::languages(language),
            Self::NoText => messages::say(language, "no-text"),
            Self::Refused(reason) => reply::refused(language, reason),
        }
    }
}
