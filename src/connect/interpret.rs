//! [`interpret`]: turns a message into a [`ModeratedAction`], a text for the partner or a reply.
//!
//! Pure functions between the parser and the lobby. **Invariant:** the words after a command never
//! turn it into its opposite; a command that they contradict is not run, and the reply says so.

use super::command;
use super::command::switch::switch;
use super::command::{Command, ParsedCommand, near_miss};
use super::dto::MAX_REASON_CHARS;
use super::lobby::action::Action;
use super::lobby::chat::MatchPreferences;
use super::moderated::action::ModeratedAction;
use super::profile::interest::Interests;
use super::profile::language::Language;
use super::profile::nickname::Nickname;
use super::reply::ICEBREAKER_COUNT;
use super::reply::local::LocalReply;
use crate::kernel::clock::Timestamp;
use crate::moderation::evidence::ReportReason;

/// A request that a message makes.
pub(super) enum Request<'a> {
    /// Send the text to the partner.
    Relay(&'a str),
    Perform {
        action: ModeratedAction,
        /// Whether text after the command was ignored.
        ignored_text: bool,
    },
    /// Only read the inbox and reply.
    Reply(LocalReply),
}

/// Interprets a message that was written at `now`.
pub(super) fn interpret(message: &str, now: Timestamp) -> Request<'_> {
    let Some(parsed) = command::parse(message) else {
        return match near_miss::suggest(message) {
            Some(spec) => Request::Reply(LocalReply::DidYouMean(spec.names[0])),
            None => Request::Relay(message),
        };
    };
    if is_contradicted(&parsed) {
        return Request::Reply(LocalReply::NotRun(parsed.spec.names[0]));
    }
    let ignored_text = !parsed.trailing_text.is_empty();
    let perform = |action| Request::Perform { action, ignored_text };
    let action = match parsed.command {
        Command::Relay(text) => return Request::Relay(text),
        Command::Help => return Request::Reply(LocalReply::Help(command::help)),
        // A word such as "yes" is no interest.
        Command::Meet(list) if switch(list).is_some() => Action::meet(),
        Command::Meet(list) => match Interests::parse(list) {
            Ok(interests) => Action::Meet(MatchPreferences { interests, keep_history: false }),
            Err(error) => return Request::Reply(LocalReply::InvalidInterest(error)),
        },
        Command::Again => Action::Again,
        Command::Bye => Action::Leave,
        Command::Hide(word) => match (word, switch(word)) {
            ("", _) => Action::SetMasking(None),
            (_, Some(on)) => Action::SetMasking(Some(on)),
            (_, None) => return Request::Reply(LocalReply::HideUsage),
        },
        Command::Who => Action::Who,
        Command::Inbox => Action::ReadInbox,
        Command::Nick(name) => match Nickname::parse(name) {
            Ok(name) => Action::SetNickname(name),
            Err(error) => return Request::Reply(LocalReply::InvalidNickname(error)),
        },
        Command::Block => return perform(ModeratedAction::Block { reason: None }),
        Command::Report(reason) if reason.is_empty() || switch(reason).is_some() => {
            return Request::Reply(LocalReply::ReasonRequired);
        }
        Command::Report(reason) if reason.chars().count() > MAX_REASON_CHARS => {
            return Request::Reply(LocalReply::ReasonTooLong(MAX_REASON_CHARS));
        }
        Command::Report(reason) => {
            let reason = Some(ReportReason::parse(reason));
            return perform(ModeratedAction::Block { reason });
        }
        // The clock picks the question, because any question will do.
        Command::Icebreaker => {
            let index = now.as_millis() % u64::from(ICEBREAKER_COUNT);
            Action::Icebreaker(u8::try_from(index).unwrap_or_default())
        }
        Command::Rate(good) => return perform(ModeratedAction::Rate { good }),
        Command::Agree => return perform(ModeratedAction::Agree),
        // Destructive, so it needs a second, unmistakable message.
        Command::Forget(word) if switch(word) == Some(true) => Action::Forget,
        Command::Forget(_) => return Request::Reply(LocalReply::AskForget),
        Command::Lang(language) => match Language::parse(language) {
            Some(language) => Action::SetLanguage(language),
            None => return Request::Reply(LocalReply::Languages),
        },
    };
    perform(action.into())
}

/// Returns `true` if the words after a command say or may say that it is not meant: `#meet no`,
/// `#agree, but not now`, `#good morning`.
fn is_contradicted(parsed: &ParsedCommand<'_>) -> bool {
    match parsed.command {
        Command::Meet(words) | Command::Nick(words) => switch(words) == Some(false),
        // A rating and a consent have to be unambiguous, because no command takes them back.
        Command::Rate(_) => !parsed.trailing_text.is_empty(),
        Command::Agree => {
            !parsed.trailing_text.is_empty() && switch(parsed.trailing_text) != Some(true)
        }
        Command::Help => false,
        _ => switch(parsed.trailing_text) == Some(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Describes the request of a message.
    fn request(message: &str) -> String {
        match interpret(message, Timestamp::default()) {
            Request::Relay(text) => format!("relay {text}"),
            Request::Perform { action, ignored_text } => {
                let ignored = if ignored_text { ", ignored text" } else { "" };
                match action {
                    ModeratedAction::Lobby(action) => format!("{action:?}{ignored}"),
                    action => format!("{action:?}{ignored}"),
                }
            }
            Request::Reply(LocalReply::NotRun(name)) => format!("{name} not run"),
            Request::Reply(LocalReply::DidYouMean(name)) => format!("did you mean {name}"),
            Request::Reply(LocalReply::HideUsage) => "usage of hide".to_owned(),
            Request::Reply(LocalReply::ReasonRequired) => "reason required".to_owned(),
            Request::Reply(LocalReply::Languages) => "languages".to_owned(),
            Request::Reply(LocalReply::AskForget) => "ask".to_owned(),
            Request::Reply(_) => "another reply".to_owned(),
        }
    }

    #[test]
    fn command_hide_sets_what_it_says() {
        for (message, expected) in [
            ("#hide", "SetMasking(None)"),
            ("#hide on", "SetMasking(Some(true))"),
            ("#HIDE ON!", "SetMasking(Some(true))"),
            ("#hide चालू", "SetMasking(Some(true))"),
            ("#hide off", "SetMasking(Some(false))"),
            ("#hide desligar", "SetMasking(Some(false))"),
            ("#hide and seek", "usage of hide"),
            ("#hide 9876543210", "usage of hide"),
        ] {
            assert_eq!(request(message), expected, "{message}");
        }
    }

    #[test]
    fn command_is_not_run_against_the_words_after_it() {
        for (message, expected) in [
            ("#meet no", "meet not run"),
            ("#meet stop", "meet not run"),
            ("#nick off", "nick not run"),
            ("#bye no", "bye not run"),
            ("#bye no hard feelings", "Leave, ignored text"),
            ("#again नहीं", "again not run"),
            ("#block cancel", "block not run"),
            ("#block he is rude", "Block { reason: None }, ignored text"),
            ("#report no", "reason required"),
            ("#agree no", "agree not run"),
            ("#agree I do not", "agree not run"),
            ("#agree yes", "Agree, ignored text"),
            ("#good morning", "good not run"),
            ("#good not really", "good not run"),
            ("#bad mood", "bad not run"),
            ("#lang off", "languages"),
            ("#who no", "who not run"),
            ("#r no", "relay no"),
        ] {
            assert_eq!(request(message), expected, "{message}");
        }
        assert!(request("#meet yes").contains("Interests(0)"));
        assert!(request("#meet music").contains("Interests(1)"));
    }

    #[test]
    fn command_forget_needs_a_confirmation() {
        for message in ["#forget", "#forget no", "#forget me", "#forget yes please", "#delete"] {
            assert!(["ask", "did you mean forget"].contains(&&*request(message)), "{message}");
        }
        for message in ["#forget yes", "#FORGET YES!", "#forget sí", "#forget हाँ", "#forget نعم"]
        {
            assert_eq!(request(message), "Forget", "{message}");
        }
    }

    #[test]
    fn command_misspelling_is_not_relayed() {
        assert_eq!(request("#repot he is rude"), "did you mean report");
        assert_eq!(request("#stop"), "did you mean bye");
        assert_eq!(request("#r #repot"), "relay #repot");
        assert_eq!(request("#food"), "relay #food");
    }
}
