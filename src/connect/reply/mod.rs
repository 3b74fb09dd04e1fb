//! Outcomes and news in words: which message of `words/` says what.
//!
//! Pure: a language and what happened go in, text comes out. How much of it fits into an answer is
//! `compose.rs`'s business.

pub mod compose;
pub(crate) mod local;
pub(crate) mod messages;

use std::time::Duration;

use self::messages::{MessageArg, format, text};
use super::lobby::action::{Outcome, QueuePosition};
use super::lobby::chat::Chat;
use super::lobby::inbox::InboxEvent;
use super::profile::interest::Interests;
use super::profile::language::{LANGUAGES, Language};
use super::profile::nickname;
use super::profile::nickname::NicknameError;
use crate::guard;
use crate::rate_limit::gcra::{LimitedAction, RateLimited};

/// How many questions there are to begin a chat with: `ice-1` and so on.
pub const ICEBREAKER_COUNT: u8 = 16;

/// News as a line for the person it is for.
#[must_use]
pub fn event(language: Language, news: &InboxEvent) -> String {
    match news {
        InboxEvent::Message { from, text, .. } => format!("💬 {from}: {}", text.as_str()),
        InboxEvent::Connected { chat } => connected(language, "connected", chat),
        InboxEvent::PartnerLeft { .. } => text(language, "partner-left"),
        InboxEvent::PartnerTimedOut { .. } => text(language, "partner-timed-out"),
        InboxEvent::Icebreaker { question: number, .. } => icebreaker(language, *number),
        InboxEvent::Nudge { .. } => text(language, "nudge"),
        InboxEvent::Broadcast(notice) => format!("📢 {}", notice.as_str()),
    }
}

/// With somebody's first partner comes what everybody should know.
fn connected(language: Language, id: &str, chat: &Chat) -> String {
    let Chat { partner_name, common_interests: common, is_first_chat: first, .. } = chat;
    let common = if common.is_empty() {
        String::new()
    } else {
        format(language, "common", [("interests", common.to_string().into())])
    };
    let name = partner_name.as_str().into();
    let told = format(language, id, [("name", name), ("common", common.into())]);
    if *first { format!("{told}\n{}", rules_notice(language)) } else { told }
}

/// How people treat each other here.
#[must_use]
pub fn rules_notice(language: Language) -> String {
    text(language, "notice")
}

fn icebreaker(language: Language, number: u8) -> String {
    let question = text(language, &format!("ice-{}", number % ICEBREAKER_COUNT + 1));
    format(language, "icebreaker", [("question", question.into())])
}

/// The answer to what a person did; empty where the inbox alone is the answer.
#[must_use]
pub fn outcome(language: Language, outcome: &Outcome) -> String {
    let id = match outcome {
        Outcome::Connected { chat, again } => {
            let id = if *again { "connected-again" } else { "connected" };
            return connected(language, id, chat);
        }
        Outcome::Waiting { place, interests, again } => {
            let id = if *again { "looking-again" } else { "looking" };
            return format!("{}\n{}", text(language, id), queued(language, *place, interests));
        }
        Outcome::Sent { from, text, .. } => {
            let (from, text) = (from.as_str().into(), text.as_str().into());
            return format(language, "sent", [("name", from), ("text", text)]);
        }
        Outcome::PartnerName(Some(name)) => return with_name(language, "partner", name.as_str()),
        Outcome::NicknameSet(name) => return with_name(language, "renamed", name.as_str()),
        Outcome::Icebreaker(number) => return icebreaker(language, *number),
        Outcome::RateLimited(RateLimited { action: act, retry_after: left }) => {
            let id = match act {
                LimitedAction::Message => "often-message",
                LimitedAction::DuplicateText(_) => "often-same",
                LimitedAction::Search => "often-search",
                LimitedAction::NewUser => "often-newcomer",
            };
            return with_duration(language, id, *left);
        }
        Outcome::Suspended { remaining: Some(left) } => {
            return with_duration(language, "barred", *left);
        }
        Outcome::LanguageSet(spoken) => return text(*spoken, "speaks"),
        Outcome::AlreadyChatting(_) => "already-chatting",
        Outcome::ChatEnded => "chat-ended",
        Outcome::LeftQueue => "left-queue",
        Outcome::NothingToLeave | Outcome::NotInRoom { .. } => "not-chatting",
        Outcome::NoPartner { waiting: false } => "nobody",
        Outcome::NoPartner { waiting: true } => "still-looking",
        Outcome::PartnerInboxFull => "inbox-full",
        Outcome::SenderChanged => "send-again",
        Outcome::Masking(true) => "masking-on",
        Outcome::Masking(false) => "masking-off",
        Outcome::PartnerName(None) => "no-partner",
        Outcome::Blocked { chat_ended: true, reported: true } => "reported-ended",
        Outcome::Blocked { chat_ended: false, reported: true } => "reported",
        Outcome::Blocked { chat_ended: true, reported: false } => "blocked-ended",
        Outcome::Blocked { chat_ended: false, reported: false } => "blocked",
        Outcome::NoBlockTarget => "nobody-to-block",
        Outcome::Suspended { remaining: None } => "barred-until-reviewed",
        Outcome::MustAgree => "must-agree",
        Outcome::Agreed => "agreed",
        Outcome::Rated => "rated",
        Outcome::NoRateTarget => "nobody-to-rate",
        // What waits is the answer, or none is wanted.
        Outcome::InboxRead
        | Outcome::TypingSet
        | Outcome::History(_)
        | Outcome::LastPartner(_)
        | Outcome::Status(_) => return String::new(),
    };
    text(language, id)
}

fn with_name(language: Language, id: &str, name: &str) -> String {
    format(language, id, [("name", name.into())])
}

fn with_duration(language: Language, id: &str, left: Duration) -> String {
    format(language, id, [("span", duration(language, left).into())])
}

/// A time to wait in the largest unit that fits, rounded up.
fn duration(language: Language, span: Duration) -> String {
    let seconds = u64::try_from(span.as_millis().div_ceil(1_000)).unwrap_or(u64::MAX);
    let (count, unit) = match seconds {
        0..60 => (seconds, "seconds"),
        60..3_600 => (seconds.div_ceil(60), "minutes"),
        3_600..86_400 => (seconds.div_ceil(3_600), "hours"),
        _ => (seconds.div_ceil(86_400), "days"),
    };
    plural(language, unit, "count", count)
}

fn plural(language: Language, id: &str, name: &'static str, count: u64) -> String {
    format(language, id, [(name, MessageArg::from(count))])
}

/// The answer to a text that the operator does not let pass.
#[must_use]
pub fn content_rejected(language: Language, refusal: guard::ContentRejected) -> String {
    match refusal {
        guard::ContentRejected::Link => text(language, "refused-link"),
        guard::ContentRejected::Profanity => text(language, "refused-word"),
    }
}

/// The answer to something that is longer than `limit` characters.
#[must_use]
pub fn too_long(language: Language, id: &str, limit: usize) -> String {
    format(language, id, [("limit", limit.to_string().into())])
}

/// The answer to a name that can't be used.
#[must_use]
pub fn nickname_error(language: Language, why: NicknameError) -> String {
    match why {
        NicknameError::Empty => text(language, "nick-empty"),
        NicknameError::TooLong => too_long(language, "nick-long", nickname::MAX_NICKNAME_CHARS),
        NicknameError::ImitatesSystem => text(language, "nick-imitates"),
        NicknameError::ReservedChar => {
            let characters = nickname::reserved_chars();
            format(language, "nick-reserved", [("characters", characters.into())])
        }
    }
}

/// The languages one can choose from.
#[must_use]
pub fn languages(language: Language) -> String {
    let all = LANGUAGES.iter().map(|row| format!("{} ({})", row.name, row.code));
    let all = all.collect::<Vec<_>>().join(", ");
    format(language, "languages", [("languages", all.into())])
}

/// An answer to a command that had text behind it, which went nowhere.
#[must_use]
pub fn with_ignored_text(language: Language, own: &str) -> String {
    let told = text(language, "rest-not-sent");
    if own.is_empty() { told } else { format!("{own}\n{told}") }
}

fn queued(language: Language, place: QueuePosition, interests: &Interests) -> String {
    let position = place.position.to_string().into();
    let mut told = match place.estimated_wait {
        None => format(language, "place", [("position", position)]),
        Some(estimate) => {
            let seconds = estimate.as_secs().max(1).to_string().into();
            format(language, "place-estimate", [("position", position), ("seconds", seconds)])
        }
    };
    if !interests.is_empty() {
        told.push('\n');
        let interests = interests.to_string().into();
        told += &format(language, "choosy", [("interests", interests)]);
    }
    told
}

#[cfg(test)]
mod tests {
    use super::super::lobby::broadcast::BroadcastText;
    use super::super::profile::impersonation::looks_like_system;
    use super::super::profile::nickname::Nickname;
    use super::*;
    use crate::kernel::clock::seeded_rng;
    use crate::kernel::id::{RoomId, UserId};
    use crate::mask::Masked;

    #[test]
    fn impersonation_detects_every_system_line() {
        let name = Nickname::parse("Ann").expect("a name");
        let masked = Masked::waived("x");
        let room = RoomId::random(&mut seeded_rng());
        let partner = UserId::from_bytes([1; 16]);
        let likes = Interests::parse("music");
        let place = QueuePosition { position: 1, estimated_wait: Some(Duration::from_secs(9)) };
        let common = likes.clone();
        let chat = Chat {
            room,
            partner,
            partner_name: name.clone(),
            common_interests: common,
            is_first_chat: true,
        };
        let outcomes = [
            Outcome::Connected { chat: chat.clone(), again: false },
            Outcome::Connected { chat: chat.clone(), again: true },
            Outcome::Waiting { place, interests: likes.clone(), again: false },
            Outcome::Waiting { place, interests: likes, again: true },
            Outcome::AlreadyChatting(chat.clone()),
            Outcome::NotInRoom { ended: true },
            Outcome::ChatEnded,
            Outcome::LeftQueue,
            Outcome::NothingToLeave,
            Outcome::Sent { to: partner, seq: 1, from: name.clone(), text: masked.clone() },
            Outcome::NoPartner { waiting: false },
            Outcome::NoPartner { waiting: true },
            Outcome::PartnerInboxFull,
            Outcome::SenderChanged,
            Outcome::Masking(true),
            Outcome::PartnerName(Some(name.clone())),
            Outcome::PartnerName(None),
            Outcome::NicknameSet(name.clone()),
            Outcome::Blocked { chat_ended: true, reported: true },
            Outcome::Blocked { chat_ended: false, reported: false },
            Outcome::NoBlockTarget,
            Outcome::RateLimited(RateLimited {
                action: LimitedAction::Message,
                retry_after: Duration::ZERO,
            }),
            Outcome::RateLimited(RateLimited {
                action: LimitedAction::DuplicateText(1),
                retry_after: Duration::ZERO,
            }),
            Outcome::RateLimited(RateLimited {
                action: LimitedAction::Search,
                retry_after: Duration::ZERO,
            }),
            Outcome::RateLimited(RateLimited {
                action: LimitedAction::NewUser,
                retry_after: Duration::ZERO,
            }),
            Outcome::Suspended { remaining: Some(Duration::from_secs(90)) },
            Outcome::Suspended { remaining: None },
            Outcome::MustAgree,
            Outcome::Agreed,
            Outcome::Rated,
            Outcome::NoRateTarget,
            Outcome::Icebreaker(3),
            Outcome::LanguageSet(Language::Hindi),
        ];
        let all_news = [
            InboxEvent::Message { room, from: name, text: masked },
            InboxEvent::Connected { chat },
            InboxEvent::PartnerLeft { room },
            InboxEvent::PartnerTimedOut { room },
            InboxEvent::Icebreaker { room, question: 9 },
            InboxEvent::Nudge { room },
            InboxEvent::Broadcast(BroadcastText::parse("x").expect("a notice")),
        ];
        for language in LANGUAGES.iter().map(|row| row.language) {
            let said = outcomes.iter().map(|of| outcome(language, of));
            let said = said.chain(all_news.iter().map(|of| event(language, of)));
            let ids = ["inbox-empty", "nothing-waits", "number-hidden", "only-text", "ask-reason"];
            let more = ["no-text", "refused-store", "refused-call", "help"];
            let said = said.chain(ids.iter().chain(&more).map(|id| text(language, id)));
            let said = said.chain([
                languages(language),
                nickname_error(language, NicknameError::ReservedChar),
                content_rejected(language, guard::ContentRejected::Link),
                too_long(language, "refused-length", 9),
                too_long(language, "long-reason", 9),
            ]);
            for line in said.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()) {
                assert!(looks_like_system(&line), "{line}");
                assert!(!line.contains("{$"), "{line}");
            }
        }
    }

    #[test]
    fn icebreaker_exists_for_every_index() {
        for language in LANGUAGES.iter().map(|row| row.language) {
            let all: std::collections::BTreeSet<_> =
                (0..ICEBREAKER_COUNT).map(|n| icebreaker(language, n)).collect();
            assert_eq!(all.len(), usize::from(ICEBREAKER_COUNT));
            assert!(!all.iter().any(|question| question.contains("ice-")));
        }
    }
}
