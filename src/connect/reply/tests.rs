//! Every reply looks like a line of the system, in all languages.

use std::collections::BTreeSet;

use super::*;
use crate::connect::lobby::broadcast::BroadcastText;
use crate::connect::profile::impersonation::looks_like_system;
use crate::connect::profile::nickname::Nickname;
use crate::kernel::clock::seeded_rng;
use crate::kernel::id::{RoomId, UserId};
use crate::mask::mask;

/// Ids of replies that no outcome has.
const OTHER_REPLIES: [&str; 15] = [
    "inbox-empty",
    "nothing-waits",
    "number-hidden",
    "ask-reason",
    "only-text",
    "edit-not-sent",
    "deletion-not-sent",
    "reaction-not-sent",
    "arrived-late",
    "no-text",
    "refused-store",
    "refused-call",
    "hide-usage",
    "ask-forget",
    "help",
];

/// All outcomes that moderation adds.
fn moderated_outcomes() -> Vec<ModeratedOutcome> {
    let limited = [
        LimitedAction::Message,
        LimitedAction::DuplicateText(1),
        LimitedAction::Search,
        LimitedAction::Report,
        LimitedAction::Command,
        LimitedAction::Typing,
        LimitedAction::NewUser,
    ];
    let limited = limited.map(|action| {
        ModeratedOutcome::RateLimited(RateLimited { action, retry_after: Duration::ZERO })
    });
    let [block, report] = [UnsavedPart::Block, UnsavedPart::Report].map(Some);
    let others = [
        ModeratedOutcome::Suspended { remaining: Some(Duration::from_secs(90)) },
        ModeratedOutcome::Suspended { remaining: None },
        ModeratedOutcome::MustAgree,
        ModeratedOutcome::Agreed,
        ModeratedOutcome::Blocked { chat_ended: true, reported: true, unsaved: block },
        ModeratedOutcome::Blocked { chat_ended: true, reported: false, unsaved: report },
        ModeratedOutcome::Blocked { chat_ended: false, reported: true, unsaved: None },
        ModeratedOutcome::Blocked { chat_ended: false, reported: false, unsaved: block },
        ModeratedOutcome::NoBlockTarget,
        ModeratedOutcome::Rated,
        ModeratedOutcome::NoRateTarget,
    ];
    limited.into_iter().chain(others).collect()
}

#[test]
fn impersonation_detects_every_system_line() {
    let name = Nickname::parse("Ann").expect("a valid nickname");
    let masked = mask("x");
    let room = RoomId::random(&mut seeded_rng());
    let partner = UserId::from_bytes([1; 16]);
    let interests = Interests::parse("music").expect("valid interests");
    let place = QueuePosition { position: 1, estimated_wait: Some(Duration::from_secs(9)) };
    let chat = Chat {
        room,
        partner,
        partner_name: name.clone(),
        common_interests: interests.clone(),
        is_first_chat: true,
    };
    let outcomes = [
        Outcome::Connected { chat: chat.clone(), again: false },
        Outcome::Connected { chat: chat.clone(), again: true },
        Outcome::Waiting {
            place,
            interests: interests.clone(),
            cause: WaitCause::Alone,
            again: false,
        },
        Outcome::Waiting {
            place,
            interests: interests.clone(),
            cause: WaitCause::AllChatting,
            again: true,
        },
        Outcome::Waiting { place, interests, cause: WaitCause::AllSelective, again: true },
        Outcome::AlreadyChatting(chat.clone()),
        Outcome::NotInRoom { ended: true },
        Outcome::WrittenBefore,
        Outcome::ChatEnded,
        Outcome::Forgotten,
        Outcome::LeftQueue,
        Outcome::NothingToLeave,
        Outcome::Sent {
            to: partner,
            seq: 1,
            from: name.clone(),
            text: masked.clone(),
            completes_exchange: false,
        },
        Outcome::NoPartner { waiting: false },
        Outcome::NoPartner { waiting: true },
        Outcome::PartnerInboxFull,
        Outcome::SenderChanged,
        Outcome::Masking(true),
        Outcome::PartnerName(Some(name.clone())),
        Outcome::PartnerName(None),
        Outcome::NicknameSet(name.clone()),
        Outcome::Blocked { chat_ended: true },
        Outcome::Blocked { chat_ended: false },
        Outcome::Icebreaker(3),
        Outcome::LanguageSet(Language::Hindi),
    ];
    let moderated = moderated_outcomes();
    let events = [
        InboxEvent::Message { room, from: name, text: masked },
        InboxEvent::Connected { chat },
        InboxEvent::PartnerLeft { room },
        InboxEvent::PartnerTimedOut { room },
        InboxEvent::Icebreaker { room, question: 9 },
        InboxEvent::Nudge { room },
        InboxEvent::Broadcast(BroadcastText::parse("x").expect("a valid broadcast")),
    ];
    for language in LANGUAGES.iter().map(|row| row.language) {
        let texts = outcomes.iter().map(|result| outcome(language, result));
        let moderated = moderated.iter().map(|result| moderated_outcome(language, result));
        let texts = texts.chain(moderated);
        let texts = texts.chain(events.iter().map(|item| event(language, item)));
        let texts = texts.chain(OTHER_REPLIES.iter().map(|id| text(language, id)));
        let texts = texts.chain([
            languages(language),
            nickname_error(language, NicknameError::ReservedChar),
            nickname_error(language, NicknameError::ContactDetail),
            interest_error(language, NicknameError::ContactDetail),
            interest_error(language, NicknameError::ImitatesSystem),
            content_rejected(language, guard::ContentRejected::Link),
            too_long(language, "refused-length", 9),
            too_long(language, "long-reason", 9),
            with_command(language, "did-you-mean", "report"),
            with_command(language, "not-run", "agree"),
        ]);
        for line in texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()) {
            assert!(looks_like_system(&line), "{line}");
            assert!(!line.contains("{$"), "{line}");
        }
    }
}

#[test]
fn icebreaker_exists_for_every_index() {
    for language in LANGUAGES.iter().map(|row| row.language) {
        let questions: BTreeSet<_> =
            (0..ICEBREAKER_COUNT).map(|index| icebreaker(language, index)).collect();
        assert_eq!(questions.len(), usize::from(ICEBREAKER_COUNT));
        assert!(!questions.iter().any(|question| question.contains("ice-")));
    }
}
