//! Outcomes and news in words: which message of `words/` says what.
//!
//! Pure: a language and what happened go in, text comes out. How much of it fits into an answer is
//! `compose.rs`'s business.

pub mod compose;
pub(crate) mod local;
pub(crate) mod messages;

use std::time::Duration;

use self::messages::{MessageArg, say, say_with};
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
pub const ICEBREAKERS: u8 = 16;

/// News as a line for the person it is for.
#[must_use]
pub fn news(language: Language, news: &InboxEvent) -> String {
    match news {
        InboxEvent::Message { from, text, .. } => format!("💬 {from}: {}", text.as_str()),
        InboxEvent::Connected { chat } => connected(language, "connected", chat),
        InboxEvent::PartnerLeft { .. } => say(language, "partner-left"),
        InboxEvent::PartnerTimedOut { .. } => say(language, "partner-timed-out"),
        InboxEvent::Icebreaker { number, .. } => icebreaker(language, *number),
        InboxEvent::Nudge { .. } => say(language, "nudge"),
        InboxEvent::Notice(notice) => format!("📢 {}", notice.as_str()),
    }
}

/// With somebody's first partner comes what everybody should know.
fn connected(language: Language, id: &str, chat: &Chat) -> String {
    let Chat { partner_name, common, first, .. } = chat;
    let common = if common.is_empty() {
        String::new()
    } else {
        say_with(language, "common", [("interests", common.to_string().into())])
    };
    let name = partner_name.as_str().into();
    let told = say_with(language, id, [("name", name), ("common", common.into())]);
    if *first { format!("{told}\n{}", notice(language)) } else { told }
}

/// How people treat each other here.
#[must_use]
pub fn notice(language: Language) -> String {
    say(language, "notice")
}

fn icebreaker(language: Language, number: u8) -> String {
    let question = say(language, &format!("ice-{}", number % ICEBREAKERS + 1));
    say_with(language, "icebreaker", [("question", question.into())])
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
            return format!("{}\n{}", say(language, id), waiting(language, *place, interests));
        }
        Outcome::Sent { from, text, .. } => {
            let (from, text) = (from.as_str().into(), text.as_str().into());
            return say_with(language, "sent", [("name", from), ("text", text)]);
        }
        Outcome::Partner(Some(name)) => return named(language, "partner", name.as_str()),
        Outcome::Renamed(name) => return named(language, "renamed", name.as_str()),
        Outcome::Icebreaker(number) => return icebreaker(language, *number),
        Outcome::TooOften(RateLimited { act, left }) => {
            let id = match act {
                LimitedAction::Message => "often-message",
                LimitedAction::Same(_) => "often-same",
                LimitedAction::Search => "often-search",
                LimitedAction::Newcomer => "often-newcomer",
            };
            return spanned(language, id, *left);
        }
        Outcome::Barred { left: Some(left) } => return spanned(language, "barred", *left),
        Outcome::Speaks(spoken) => return say(*spoken, "speaks"),
        Outcome::AlreadyChatting(_) => "already-chatting",
        Outcome::ChatEnded => "chat-ended",
        Outcome::LeftQueue => "left-queue",
        Outcome::NothingToLeave | Outcome::NotInRoom { .. } => "not-chatting",
        Outcome::NobodyToSendTo { waiting: false } => "nobody",
        Outcome::NobodyToSendTo { waiting: true } => "still-looking",
        Outcome::PartnerInboxFull => "inbox-full",
        Outcome::SenderChanged => "send-again",
        Outcome::Masking(true) => "masking-on",
        Outcome::Masking(false) => "masking-off",
        Outcome::Partner(None) => "no-partner",
        Outcome::Blocked { ended: true, reported: true } => "reported-ended",
        Outcome::Blocked { ended: false, reported: true } => "reported",
        Outcome::Blocked { ended: true, reported: false } => "blocked-ended",
        Outcome::Blocked { ended: false, reported: false } => "blocked",
        Outcome::NobodyToBlock => "nobody-to-block",
        Outcome::Barred { left: None } => "barred-until-reviewed",
        Outcome::MustAgree => "must-agree",
        Outcome::Agreed => "agreed",
        Outcome::Rated => "rated",
        Outcome::NobodyToRate => "nobody-to-rate",
        // What waits is the answer, or none is wanted.
        Outcome::Read
        | Outcome::Typing
        | Outcome::History(_)
        | Outcome::Encounter(_)
        | Outcome::Standing(_) => return String::new(),
    };
    say(language, id)
}

fn named(language: Language, id: &str, name: &str) -> String {
    say_with(language, id, [("name", name.into())])
}

fn spanned(language: Language, id: &str, left: Duration) -> String {
    say_with(language, id, [("span", span(language, left).into())])
}

/// A time to wait in the largest unit that fits, rounded up.
fn span(language: Language, span: Duration) -> String {
    let seconds = u64::try_from(span.as_millis().div_ceil(1_000)).unwrap_or(u64::MAX);
    let (count, unit) = match seconds {
        0..60 => (seconds, "seconds"),
        60..3_600 => (seconds.div_ceil(60), "minutes"),
        3_600..86_400 => (seconds.div_ceil(3_600), "hours"),
        _ => (seconds.div_ceil(86_400), "days"),
    };
    counted(language, unit, "count", count)
}

fn counted(language: Language, id: &str, name: &'static str, count: u64) -> String {
    say_with(language, id, [(name, MessageArg::from(count))])
}

/// The answer to a text that the operator does not let pass.
#[must_use]
pub fn refused(language: Language, refusal: guard::ContentRejected) -> String {
    match refusal {
        guard::ContentRejected::Link => say(language, "refused-link"),
        guard::ContentRejected::Word => say(language, "refused-word"),
    }
}

/// The answer to something that is longer than `limit` characters.
#[must_use]
pub fn too_long(language: Language, id: &str, limit: usize) -> String {
    say_with(language, id, [("limit", limit.to_string().into())])
}

/// The answer to a name that can't be used.
#[must_use]
pub fn bad_nickname(language: Language, why: NicknameError) -> String {
    match why {
        NicknameError::Empty => say(language, "nick-empty"),
        NicknameError::TooLong => too_long(language, "nick-long", nickname::MAX_CHARS),
        NicknameError::Imitates => say(language, "nick-imitates"),
        NicknameError::Reserved => {
            let characters = nickname::reserved();
            say_with(language, "nick-reserved", [("characters", characters.into())])
        }
    }
}

/// The languages one can choose from.
#[must_use]
pub fn languages(language: Language) -> String {
    let all = LANGUAGES.iter().map(|row| format!("{} ({})", row.name, row.code));
    let all = all.collect::<Vec<_>>().join(", ");
    say_with(language, "languages", [("languages", all.into())])
}

/// An answer to a command that had text behind it, which went nowhere.
#[must_use]
pub fn with_rest_not_sent(language: Language, own: &str) -> String {
    let told = say(language, "rest-not-sent");
    if own.is_empty() { told } else { format!("{own}\n{told}") }
}

fn waiting(language: Language, place: QueuePosition, interests: &Interests) -> String {
    let position = place.position.to_string().into();
    let mut told = match place.estimate {
        None => say_with(language, "place", [("position", position)]),
        Some(estimate) => {
            let seconds = estimate.as_secs().max(1).to_string().into();
            say_with(language, "place-estimate", [("position", position), ("seconds", seconds)])
        }
    };
    if !interests.is_empty() {
        told.push('\n');
        let interests = interests.to_string().into();
        told += &say_with(language, "choosy", [("interests", interests)]);
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
    fn nobody_can_write_a_line_of_the_systems() {
        let name = Nickname::chosen("Ann").expect("a name");
        let text = Masked::waived("x");
        let room = RoomId::random(&mut seeded_rng());
        let partner = UserId::from_bytes([1; 16]);
        let likes = Interests::parse("music");
        let place = QueuePosition { position: 1, estimate: Some(Duration::from_secs(9)) };
        let common = likes.clone();
        let chat = Chat { room, partner, partner_name: name.clone(), common, first: true };
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
            Outcome::Sent { to: partner, number: 1, from: name.clone(), text: text.clone() },
            Outcome::NobodyToSendTo { waiting: false },
            Outcome::NobodyToSendTo { waiting: true },
            Outcome::PartnerInboxFull,
            Outcome::SenderChanged,
            Outcome::Masking(true),
            Outcome::Partner(Some(name.clone())),
            Outcome::Partner(None),
            Outcome::Renamed(name.clone()),
            Outcome::Blocked { ended: true, reported: true },
            Outcome::Blocked { ended: false, reported: false },
            Outcome::NobodyToBlock,
            Outcome::TooOften(RateLimited { act: LimitedAction::Message, left: Duration::ZERO }),
            Outcome::TooOften(RateLimited { act: LimitedAction::Same(1), left: Duration::ZERO }),
            Outcome::TooOften(RateLimited { act: LimitedAction::Search, left: Duration::ZERO }),
            Outcome::TooOften(RateLimited { act: LimitedAction::Newcomer, left: Duration::ZERO }),
            Outcome::Barred { left: Some(Duration::from_secs(90)) },
            Outcome::Barred { left: None },
            Outcome::MustAgree,
            Outcome::Agreed,
            Outcome::Rated,
            Outcome::NobodyToRate,
            Outcome::Icebreaker(3),
            Outcome::Speaks(Language::Hindi),
        ];
        let all_news = [
            InboxEvent::Message { room, from: name, text },
            InboxEvent::Connected { chat },
            InboxEvent::PartnerLeft { room },
            InboxEvent::PartnerTimedOut { room },
            InboxEvent::Icebreaker { room, number: 9 },
            InboxEvent::Nudge { room },
            InboxEvent::Notice(BroadcastText::parse("x").expect("a notice")),
        ];
        for language in LANGUAGES.iter().map(|row| row.language) {
            let said = outcomes.iter().map(|of| outcome(language, of));
            let said = said.chain(all_news.iter().map(|of| news(language, of)));
            let ids = ["inbox-empty", "nothing-waits", "number-hidden", "only-text", "ask-reason"];
            let more = ["no-text", "refused-store", "refused-call", "help"];
            let said = said.chain(ids.iter().chain(&more).map(|id| say(language, id)));
            let said = said.chain([
                languages(language),
                bad_nickname(language, NicknameError::Reserved),
                refused(language, guard::ContentRejected::Link),
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
    fn there_is_a_question_for_each_number() {
        for language in LANGUAGES.iter().map(|row| row.language) {
            let all: std::collections::BTreeSet<_> =
                (0..ICEBREAKERS).map(|n| icebreaker(language, n)).collect();
            assert_eq!(all.len(), usize::from(ICEBREAKERS));
            assert!(!all.iter().any(|question| question.contains("ice-")));
        }
    }
}
