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
    InvalidNickname(NicknameError),
    ReasonRequired,
    ReasonTooLong,
    Languages,
    NoText,
    ContentRejected(guard::ContentRejected),
}

impl LocalReply {
    pub(crate) fn text(self, language: Language) -> String {
        match self {
            Self::Help => command::help(language),
            Self::InvalidNickname(why) => reply::nickname_error(language, why),
            Self::ReasonRequired => messages::text(language, "ask-reason"),
            Self::ReasonTooLong => reply::too_long(language, "long-reason", MAX_REASON_CHARS),
            Self::Languages => reply::languages(language),
            Self::NoText => messages::text(language, "no-text"),
            Self::ContentRejected(reason) => reply::content_rejected(language, reason),
        }
    }
}
