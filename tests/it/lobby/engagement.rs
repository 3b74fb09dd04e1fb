//! Languages, first partners, questions, nudges, and whom many would rather not have met, on every
//! backend.

use std::time::Duration;

use random_connect::connect::lobby::Lobby;
use random_connect::connect::lobby::action::{Action, Call, MatchConstraints, Outcome};
use random_connect::connect::lobby::chat::Chat;
use random_connect::connect::lobby::inbox::{INBOX_CAPACITY, InboxEvent};
use random_connect::connect::lobby::rules::{INTEREST_ONLY_FOR, NUDGE_AFTER};
use random_connect::connect::profile::language::Language;
use random_connect::kernel::clock::Timestamp;
use random_connect::mask::{Masked, Memory};

use super::contract::{LobbyBackend, START, act, backends, pair, read, say, user};

async fn look(lobby: &dyn Lobby, who: u8, now: Timestamp) -> Option<Language> {
    let call = Call { include_inbox: false, ..Call::new(user(who), now) };
    lobby.perform(call, Action::GetStatus).await.expect("the store works").lease.language
}

/// Looks for a partner on these terms and returns the chat, if there is one.
async fn meet(lobby: &dyn Lobby, who: u8, terms: MatchConstraints) -> Option<Chat> {
    let call = Call { constraints: terms, include_inbox: false, ..Call::new(user(who), START) };
    match lobby.perform(call, Action::meet()).await.expect("the store works").outcome {
        Outcome::Connected { chat, .. } => Some(chat),
        _ => None,
    }
}

#[tokio::test]
async fn language_first_guess_sticks_until_changed() {
    for LobbyBackend { lobby, _server } in backends() {
        let lobby = &*lobby;
        pair(lobby, 1, 2).await;
        for guess in [Language::Spanish, Language::Hindi] {
            let mut sender = lobby.sender_state(user(1)).await.expect("the store works");
            sender.language = Some(guess);
            let (text, memory) = (Masked::waived("x"), Memory::default());
            let relay = Action::Relay { text, sender, memory };
            assert!(matches!(act(lobby, 1, relay).await.0, Outcome::Sent { .. }));
            assert_eq!(look(lobby, 1, START).await, Some(Language::Spanish));
        }
        let spoken = act(lobby, 1, Action::SetLanguage(Language::Arabic)).await.0;
        assert_eq!(spoken, Outcome::LanguageSet(Language::Arabic));
        assert_eq!(look(lobby, 1, START).await, Some(Language::Arabic));
        assert_eq!(look(lobby, 2, START).await, None, "each has their own");
        say(lobby, 2, "hi").await;
        let lease = lobby.collect(user(1), START).await.expect("the store works");
        assert_eq!((lease.items.len(), lease.language), (1, Some(Language::Arabic)));
    }
}

#[tokio::test]
async fn notice_comes_with_the_first_partner() {
    for LobbyBackend { lobby, _server } in backends() {
        let lobby = &*lobby;
        let informed = || MatchConstraints { notice_seen: true, ..MatchConstraints::default() };
        assert!(meet(lobby, 1, MatchConstraints::default()).await.is_none());
        assert!(!meet(lobby, 2, informed()).await.expect("1 waits").is_first_chat);
        let items = lobby.collect(user(1), START).await.expect("the store works").items;
        assert!(
            matches!(items.as_slice(), [item] if matches!(&item.event, InboxEvent::Connected { chat } if chat.is_first_chat))
        );
        act(lobby, 1, Action::Leave).await;
        assert!(meet(lobby, 3, MatchConstraints::default()).await.is_none());
        assert!(
            !meet(lobby, 1, MatchConstraints::default()).await.expect("3 waits").is_first_chat,
            "their second"
        );
    }
}

#[tokio::test]
async fn icebreaker_reaches_both() {
    for LobbyBackend { lobby, _server } in backends() {
        let lobby = &*lobby;
        let nobody = Outcome::NoPartner { waiting: false };
        assert_eq!(act(lobby, 1, Action::Icebreaker(3)).await.0, nobody);
        pair(lobby, 1, 2).await;
        assert_eq!(act(lobby, 1, Action::Icebreaker(3)).await.0, Outcome::Icebreaker(3));
        assert_eq!(read(lobby, 2).await, ["(asked 3)"]);
        for _ in 0..INBOX_CAPACITY {
            assert_eq!(act(lobby, 1, Action::Icebreaker(3)).await.0, Outcome::Icebreaker(3));
        }
        let full = Outcome::PartnerInboxFull;
        assert_eq!(act(lobby, 1, Action::Icebreaker(3)).await.0, full, "as with messages");
        assert_eq!(read(lobby, 2).await.len(), INBOX_CAPACITY);
    }
}

#[tokio::test]
async fn nudge_is_sent_once_after_three_minutes() {
    for LobbyBackend { lobby, _server } in backends() {
        let lobby = &*lobby;
        let nudged = async |now| lobby.nudge_silent(now).await.expect("the store works").pairs;
        pair(lobby, 1, 2).await;
        pair(lobby, 3, 4).await;
        act(lobby, 3, Action::Leave).await;
        let spoken = START + Duration::from_secs(100);
        let call = Call { include_inbox: false, ..Call::new(user(2), spoken) };
        lobby.perform(call, Action::Who).await.expect("the store works");
        let moment = Duration::from_millis(1);
        assert_eq!(nudged(START + NUDGE_AFTER).await, 0, "2 was heard of since");
        assert_eq!(nudged(spoken + NUDGE_AFTER.saturating_sub(moment)).await, 0);
        assert_eq!(nudged(spoken + NUDGE_AFTER).await, 1, "and 3 and 4 do not talk any more");
        assert_eq!(nudged(spoken + NUDGE_AFTER * 2).await, 0, "once is enough");
        assert_eq!(read(lobby, 1).await, ["(nudged)"]);
        assert_eq!(read(lobby, 2).await, ["(nudged)"]);
        assert!(!read(lobby, 4).await.contains(&"(nudged)".to_owned()));
    }
}

#[tokio::test]
async fn rating_poorly_rated_user_waits_longer() {
    for LobbyBackend { lobby, _server } in backends() {
        let lobby = &*lobby;
        let shunned = || MatchConstraints { poorly_rated: true, ..MatchConstraints::default() };
        assert!(meet(lobby, 1, shunned()).await.is_none());
        assert!(meet(lobby, 2, MatchConstraints::default()).await.is_none());
        let pair_waiting = async |now| lobby.pair_waiting(now).await.expect("the store works");
        assert_eq!(
            pair_waiting(START + INTEREST_ONLY_FOR.saturating_sub(Duration::from_millis(1))).await,
            0
        );
        assert_eq!(pair_waiting(START + INTEREST_ONLY_FOR).await, 1);
        assert!(meet(lobby, 3, shunned()).await.is_none());
        assert!(meet(lobby, 4, shunned()).await.is_some(), "they are alike");
    }
}
