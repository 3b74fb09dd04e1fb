//! [`outcome`] and [`event`]: the text of an outcome or an inbox event, in the user's language.
//!
//! Pure functions that pick a message of `messages/` and fill its placeholders. [`compose`] limits
//! the length of an answer. This module does not know commands or the service; they pass values
//! in.
//!
//! To give a new outcome or event its text, add a message to every file in `messages/` and an arm
//! here.

pub mod compose;
pub(crate) mod local;
pub(crate) mod messages;
#[cfg(test)]
mod tests;

use std::time::Duration;

use self::messages::{MessageArg, format, text};
use super::lobby::action::{Outcome, QueuePosition, WaitCause};
use super::lobby::chat::Chat;
use super::lobby::inbox::InboxEvent;
use super::lobby::rules::INTEREST_ONLY_FOR;
use super::moderated::action::{ModeratedOutcome, UnsavedPart};
use super::profile::interest::Interests;
use super::profile::language::{LANGUAGES, Language};
use super::profile::nickname;
use super::profile::nickname::NicknameError;
use crate::guard;
use crate::rate_limit::gcra::{LimitedAction, RateLimited};

/// Number of icebreaker questions, which are the messages `ice-1`, `ice-2` and so on.
pub const ICEBREAKER_COUNT: u8 = 16;

/// Returns the line that shows an event to its user.
#[must_use]
pub fn event(language: Language, event: &InboxEvent) -> String {
    match event {
        InboxEvent::Message { from, text, .. } => format!("💬 {from}: {}", text.as_str()),
        InboxEvent::Connected { chat } => connected(language, "connected", chat),
        InboxEvent::PartnerLeft { .. } => text(language, "partner-left"),
        InboxEvent::PartnerTimedOut { .. } => text(language, "partner-timed-out"),
        InboxEvent::Icebreaker { question, .. } => icebreaker(language, *question),
        InboxEvent::Nudge { .. } => text(language, "nudge"),
        InboxEvent::Broadcast(broadcast) => format!("📢 {}", broadcast.as_str()),
    }
}

/// Names the partner and the common interests, and adds the chat rules in the user's first chat.
fn connected(language: Language, id: &str, chat: &Chat) -> String {
    let Chat { partner_name, common_interests, is_first_chat, .. } = chat;
    let common = if common_interests.is_empty() {
        String::new()
    } else {
        format(language, "common", [("interests", common_interests.to_string().into())])
    };
    let name = partner_name.as_str().into();
    let line = format(language, id, [("name", name), ("common", common.into())]);
    if *is_first_chat { format!("{line}\n{}", rules_notice(language)) } else { line }
}

/// Returns the chat rules.
#[must_use]
pub fn rules_notice(language: Language) -> String {
    text(language, "notice")
}

/// Returns the line that says why a search found no one, if there is one.
fn wait_cause(language: Language, cause: WaitCause) -> Option<String> {
    Some(match cause {
        WaitCause::Alone => text(language, "wait-alone"),
        WaitCause::AllChatting => text(language, "wait-all-chatting"),
        WaitCause::AllSelective => {
            let seconds = INTEREST_ONLY_FOR.as_secs().to_string().into();
            format(language, "wait-all-selective", [("seconds", seconds)])
        }
        WaitCause::NotEligible => return None,
    })
}

fn icebreaker(language: Language, index: u8) -> String {
    let question = text(language, &format!("ice-{}", index % ICEBREAKER_COUNT + 1));
    format(language, "icebreaker", [("question", question.into())])
}

/// Returns the reply to an action. It is empty if the answer consists of the inbox or of data
/// alone.
#[must_use]
pub fn outcome(language: Language, outcome: &Outcome) -> String {
    let id = match outcome {
        Outcome::Connected { chat, again } => {
            let id = if *again { "connected-again" } else { "connected" };
            return connected(language, id, chat);
        }
        Outcome::Waiting { place, interests, cause, again } => {
            let id = if *again { "looking-again" } else { "looking" };
            let text = format!("{}\n{}", text(language, id), queued(language, *place, interests));
            return wait_cause(language, *cause).map_or(text.clone(), |line| text + "\n" + &line);
        }
        Outcome::Sent { from, text, .. } => {
            let (from, text) = (from.as_str().into(), text.as_str().into());
            return format(language, "sent", [("name", from), ("text", text)]);
        }
        Outcome::PartnerName(Some(name)) => return with_name(language, "partner", name.as_str()),
        Outcome::NicknameSet(name) => return with_name(language, "renamed", name.as_str()),
        Outcome::Icebreaker(index) => return icebreaker(language, *index),
        Outcome::LanguageSet(new_language) => return text(*new_language, "speaks"),
        Outcome::AlreadyChatting(_) => "already-chatting",
        Outcome::WrittenBefore => "arrived-late",
        Outcome::ChatEnded => "chat-ended",
        Outcome::Forgotten => "forgotten",
        Outcome::LeftQueue => "left-queue",
        Outcome::NothingToLeave | Outcome::NotInRoom { .. } => "not-chatting",
        Outcome::NoPartner { waiting: false } => "nobody",
        Outcome::NoPartner { waiting: true } => "still-looking",
        Outcome::PartnerInboxFull => "inbox-full",
        Outcome::SenderChanged => "send-again",
        Outcome::Masking(true) => "masking-on",
        Outcome::Masking(false) => "masking-off",
        Outcome::PartnerName(None) => "no-partner",
        Outcome::Blocked { chat_ended: true } => "blocked-ended",
        Outcome::Blocked { chat_ended: false } => "blocked",
        // The answer shows the inbox alone, or the caller reads the data of the outcome.
        Outcome::InboxRead
        | Outcome::TypingSet
        | Outcome::History(_)
        | Outcome::LastPartner(_)
        | Outcome::Status(_) => return String::new(),
    };
    text(language, id)
}

/// Returns the reply to an action of a user, like [`outcome`].
#[must_use]
pub fn moderated_outcome(language: Language, result: &ModeratedOutcome) -> String {
    let id = match result {
        ModeratedOutcome::Lobby(result) => return outcome(language, result),
        ModeratedOutcome::RateLimited(limited) => return rate_limited(language, *limited),
        ModeratedOutcome::Suspended { remaining: Some(remaining) } => {
            return with_duration(language, "barred", *remaining);
        }
        ModeratedOutcome::Suspended { remaining: None } => "barred-until-reviewed",
        ModeratedOutcome::MustAgree => "must-agree",
        ModeratedOutcome::Agreed => "agreed",
        ModeratedOutcome::Blocked { chat_ended, reported, unsaved } => {
            let id = match (chat_ended, reported) {
                (true, true) => "reported-ended",
                (false, true) => "reported",
                (true, false) => "blocked-ended",
                (false, false) => "blocked",
            };
            let note = match unsaved {
                None => return text(language, id),
                Some(UnsavedPart::Block) => "block-unsaved",
                Some(UnsavedPart::Report) => "report-unsaved",
            };
            return format!("{}\n{}", text(language, id), text(language, note));
        }
        ModeratedOutcome::NoBlockTarget => "nobody-to-block",
        ModeratedOutcome::Rated => "rated",
        ModeratedOutcome::NoRateTarget => "nobody-to-rate",
    };
    text(language, id)
}

/// Returns the reply to an action that exceeds its rate limit.
#[must_use]
pub fn rate_limited(language: Language, limited: RateLimited) -> String {
    let id = match limited.action {
        LimitedAction::Message => "often-message",
        LimitedAction::DuplicateText(_) => "often-same",
        LimitedAction::Search => "often-search",
        LimitedAction::Report => "often-report",
        // The chat counts no action of another toolset.
        LimitedAction::Command | LimitedAction::Typing | LimitedAction::Toolset(_) => {
            "often-command"
        }
        LimitedAction::NewUser => "often-newcomer",
    };
    with_duration(language, id, limited.retry_after)
}

fn with_name(language: Language, id: &str, name: &str) -> String {
    format(language, id, [("name", name.into())])
}

fn with_duration(language: Language, id: &str, remaining: Duration) -> String {
    format(language, id, [("span", duration(language, remaining).into())])
}

/// Formats a duration in the largest unit that fits, rounded up.
fn duration(language: Language, duration: Duration) -> String {
    let seconds = u64::try_from(duration.as_millis().div_ceil(1_000)).unwrap_or(u64::MAX);
    let (count, unit) = match seconds {
        0..60 => (seconds, "seconds"),
        60..3_600 => (seconds.div_ceil(60), "minutes"),
        3_600..86_400 => (seconds.div_ceil(3_600), "hours"),
        _ => (seconds.div_ceil(86_400), "days"),
    };
    format(language, unit, [("count", MessageArg::from(count))])
}

/// Returns the reply to a text that the [`guard`] rejects.
#[must_use]
pub fn content_rejected(language: Language, reason: guard::ContentRejected) -> String {
    match reason {
        guard::ContentRejected::Link => text(language, "refused-link"),
        guard::ContentRejected::Profanity => text(language, "refused-word"),
    }
}

/// Returns the reply to a text that is longer than `limit` characters; `id` is the message to use.
#[must_use]
pub fn too_long(language: Language, id: &str, limit: usize) -> String {
    format(language, id, [("limit", limit.to_string().into())])
}

/// Returns the reply to an invalid nickname.
#[must_use]
pub fn nickname_error(language: Language, error: NicknameError) -> String {
    match error {
        NicknameError::Empty => text(language, "nick-empty"),
        NicknameError::TooLong => too_long(language, "nick-long", nickname::MAX_NICKNAME_CHARS),
        NicknameError::ImitatesSystem => text(language, "nick-imitates"),
        NicknameError::ContactDetail => text(language, "nick-contact"),
        NicknameError::ReservedChar => {
            let characters = nickname::reserved_chars();
            format(language, "nick-reserved", [("characters", characters.into())])
        }
    }
}

/// Returns the reply to a search with an interest that no partner may see.
#[must_use]
pub fn interest_error(language: Language, error: NicknameError) -> String {
    let is_contact = error == NicknameError::ContactDetail;
    text(language, if is_contact { "interest-contact" } else { "interest-imitates" })
}

/// Returns the reply to a command that was not run; `id` is the message to use.
pub(crate) fn with_command(language: Language, id: &str, name: &str) -> String {
    format(language, id, [("command", ["#", name].concat().into())])
}

/// Lists the available languages, each with its code.
#[must_use]
pub fn languages(language: Language) -> String {
    let entries = LANGUAGES.iter().map(|row| format!("{} ({})", row.name, row.code));
    let list = entries.collect::<Vec<_>>().join(", ");
    format(language, "languages", [("languages", list.into())])
}

/// Adds to the reply to a command that the text after the command was not sent.
#[must_use]
pub fn with_ignored_text(language: Language, reply: &str) -> String {
    let hint = text(language, "rest-not-sent");
    if reply.is_empty() { hint } else { format!("{reply}\n{hint}") }
}

fn queued(language: Language, place: QueuePosition, interests: &Interests) -> String {
    let position = place.position.to_string().into();
    let mut lines = match place.estimated_wait {
        None => format(language, "place", [("position", position)]),
        Some(estimate) => {
            let seconds = estimate.as_secs().max(1).to_string().into();
            format(language, "place-estimate", [("position", position), ("seconds", seconds)])
        }
    };
    if !interests.is_empty() {
        lines.push('\n');
        let interests = interests.to_string().into();
        let seconds = INTEREST_ONLY_FOR.as_secs().to_string().into();
        lines += &format(language, "choosy", [("interests", interests), ("seconds", seconds)]);
    }
    lines
}
