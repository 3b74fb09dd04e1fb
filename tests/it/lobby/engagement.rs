//! Languages, the notice, icebreakers, nudges and ratings, on every lobby backend.

use std::time::Duration;

use random_connect::connect::lobby::action::{Action, Call, MatchConstraints, Outcome};
use random_connect::connect::lobby::chat::Chat;
use random_connect::connect::lobby::inbox::{INBOX_CAPACITY, InboxEvent};
use random_connect::connect::lobby::rules::{INTEREST_ONLY_FOR, NUDGE_AFTER};
use random_connect::connect::profile::language::Language;
use random_connect::kernel::clock::Timestamp;
use random_connect::mask::{Memory, mask};

use super::contract::{AllRoles, START, TestBackend, act, backends, pair, read, say, test_user};

/// Returns the stored language of a user.
async fn language(lobby: &dyn AllRoles, user: u8, now: Timestamp) -> Option<Language> {
    let call = Call { include_inbox: false, ..Call::new(test_user(user), now) };
    lobby.perform(call, Action::GetStatus).await.expect("the store works").lease.language
}

/// Searches with these constraints; returns the chat, or `None` if the user waits.
async fn meet(lobby: &dyn AllRoles, user: u8, constraints: MatchConstraints) -> Option<Chat> {
    let call = Call { constraints, include_inbox: false, ..Call::new(test_user(user), START) };
    match lobby.perform(call, Action::meet()).await.expect("the store works").outcome {
        Outcome::Connected { chat, .. } => Some(chat),
        _ => None,
    }
}

#[tokio::test]
async fn language_first_guess_sticks_until_changed() {
    for TestBackend { lobby, _server } in backends() {
        let lobby = &*lobby;
        pair(lobby, 1, 2).await;
        for guess in [Language::Spanish, Language::Hindi] {
            let mut sender = lobby.sender_state(test_user(1)).await.expect("the store works");
            sender.language = Some(guess);
            let (text, memory) = (mask("x"), Memory::default());
            let relay = Action::Relay { text, sender, memory };
            assert!(matches!(act(lobby, 1, relay).await.0, Outcome::Sent { .. }));
            assert_eq!(language(lobby, 1, START).await, Some(Language::Spanish));
        }
        let outcome = act(lobby, 1, Action::SetLanguage(Language::Arabic)).await.0;
        assert_eq!(outcome, Outcome::LanguageSet(Language::Arabic));
        assert_eq!(language(lobby, 1, START).await, Some(Language::Arabic));
        assert_eq!(language(lobby, 2, START).await, None, "the language belongs to one user");
        say(lobby, 2, "hi").await;
        let lease = lobby.collect(test_user(1), START).await.expect("the store works");
        assert_eq!((lease.items.len(), lease.language), (1, Some(Language::Arabic)));
    }
}

#[tokio::test]
async fn notice_comes_with_the_first_partner() {
    for TestBackend { lobby, _server } in backends() {
        let lobby = &*lobby;
        let informed = || MatchConstraints { notice_seen: true, ..MatchConstraints::default() };
        assert!(meet(lobby, 1, MatchConstraints::default()).await.is_none());
        assert!(!meet(lobby, 2, informed()).await.expect("user 1 waits").is_first_chat);
        let items = lobby.collect(test_user(1), START).await.expect("the store works").items;
        assert!(
            matches!(items.as_slice(), [item] if matches!(&item.event, InboxEvent::Connected { chat } if chat.is_first_chat))
        );
        act(lobby, 1, Action::Leave).await;
        assert!(meet(lobby, 3, MatchConstraints::default()).await.is_none());
        assert!(
            !meet(lobby, 1, MatchConstraints::default()).await.expect("user 3 waits").is_first_chat,
            "not the first chat of user 1"
        );
    }
}

#[tokio::test]
async fn icebreaker_reaches_both() {
    for TestBackend { lobby, _server } in backends() {
        let lobby = &*lobby;
        let no_partner = Outcome::NoPartner { waiting: false };
        assert_eq!(act(lobby, 1, Action::Icebreaker(3)).await.0, no_partner);
        pair(lobby, 1, 2).await;
        assert_eq!(act(lobby, 1, Action::Icebreaker(3)).await.0, Outcome::Icebreaker(3));
        assert_eq!(read(lobby, 2).await, ["(icebreaker 3)"]);
        for _ in 0..INBOX_CAPACITY {
            assert_eq!(act(lobby, 1, Action::Icebreaker(3)).await.0, Outcome::Icebreaker(3));
        }
        let full = Outcome::PartnerInboxFull;
        assert_eq!(
            act(lobby, 1, Action::Icebreaker(3)).await.0,
            full,
            "the inbox limit applies to icebreakers"
        );
        assert_eq!(read(lobby, 2).await.len(), INBOX_CAPACITY);
    }
}

#[tokio::test]
async fn nudge_is_sent_once_after_three_minutes() {
    for TestBackend { lobby, _server } in backends() {
        let lobby = &*lobby;
        let nudged = async |now| lobby.nudge_silent(now).await.expect("the store works").pairs;
        pair(lobby, 1, 2).await;
        pair(lobby, 3, 4).await;
        act(lobby, 3, Action::Leave).await;
        let last_call = START + Duration::from_secs(100);
        let call = Call { include_inbox: false, ..Call::new(test_user(2), last_call) };
        lobby.perform(call, Action::Who).await.expect("the store works");
        let moment = Duration::from_millis(1);
        assert_eq!(nudged(START + NUDGE_AFTER).await, 0, "user 2 called since");
        assert_eq!(nudged(last_call + NUDGE_AFTER.saturating_sub(moment)).await, 0);
        assert_eq!(
            nudged(last_call + NUDGE_AFTER).await,
            1,
            "users 3 and 4 are no longer in a chat"
        );
        assert_eq!(nudged(last_call + NUDGE_AFTER * 2).await, 0, "only once per chat");
        assert_eq!(read(lobby, 1).await, ["(nudged)"]);
        assert_eq!(read(lobby, 2).await, ["(nudged)"]);
        assert!(!read(lobby, 4).await.contains(&"(nudged)".to_owned()));
    }
}

#[tokio::test]
async fn rating_poorly_rated_user_waits_longer() {
    for TestBackend { lobby, _server } in backends() {
        let lobby = &*lobby;
        let poorly_rated =
            || MatchConstraints { poorly_rated: true, ..MatchConstraints::default() };
        assert!(meet(lobby, 1, poorly_rated()).await.is_none());
        assert!(meet(lobby, 2, MatchConstraints::default()).await.is_none());
        let pair_waiting = async |now| lobby.pair_waiting(now).await.expect("the store works");
        assert_eq!(
            pair_waiting(START + INTEREST_ONLY_FOR.saturating_sub(Duration::from_millis(1))).await,
            0
        );
        assert_eq!(pair_waiting(START + INTEREST_ONLY_FOR).await, 1);
        assert!(meet(lobby, 3, poorly_rated()).await.is_none());
        assert!(meet(lobby, 4, poorly_rated()).await.is_some(), "both are poorly rated");
    }
}
