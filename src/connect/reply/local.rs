//! [`LocalReply`]: a reply that is decided before the lobby is called.
//!
//! It becomes text only after the call, because the lobby knows the user's language.

use super::{
    content_rejected, interest_error, languages, messages, nickname_error, too_long, with_command,
};
use crate::connect::profile::language::Language;
use crate::connect::profile::nickname::NicknameError;
use crate::guard;

/// A reply that does not depend on an outcome of the lobby.
pub(crate) enum LocalReply {
    /// The text of `#help`, as a function of the language. The table of commands belongs to the
    /// caller.
    Help(fn(Language) -> String),
    InvalidNickname(NicknameError),
    InvalidInterest(NicknameError),
    ReasonRequired,
    /// The reason of a report is longer than this number of characters.
    ReasonTooLong(usize),
    Languages,
    /// The message is probably a misspelling of this command, whose name has no `#`.
    DidYouMean(&'static str),
    /// The words after this command contradict it.
    NotRun(&'static str),
    /// `#forget` without a confirmation.
    AskForget,
    /// The word after `#hide` is not one for on or off.
    HideUsage,
    NoText,
    ContentRejected(guard::ContentRejected),
}

impl LocalReply {
    pub(crate) fn text(self, language: Language) -> String {
        match self {
            Self::Help(help) => help(language),
            Self::InvalidNickname(error) => nickname_error(language, error),
            Self::InvalidInterest(error) => interest_error(language, error),
            Self::ReasonRequired => messages::text(language, "ask-reason"),
            Self::ReasonTooLong(limit) => too_long(language, "long-reason", limit),
            Self::Languages => languages(language),
            Self::DidYouMean(name) => with_command(language, "did-you-mean", name),
            Self::NotRun(name) => with_command(language, "not-run", name),
            Self::AskForget => messages::text(language, "ask-forget"),
            Self::HideUsage => messages::text(language, "hide-usage"),
            Self::NoText => messages::text(language, "no-text"),
            Self::ContentRejected(reason) => content_rejected(language, reason),
        }
    }
}
