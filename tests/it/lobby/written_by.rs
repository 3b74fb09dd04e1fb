//! Messages that were written before a chat or a search, on every lobby backend.

use std::time::Duration;

use random_connect::connect::lobby::Lobby;
use random_connect::connect::lobby::action::{Action, Call, Outcome};
use random_connect::connect::profile::language::Language;
use random_connect::kernel::clock::Timestamp;
use random_connect::mask::{Memory, mask};

use super::contract::{
    START, TestBackend, act, backends, call, pair, perform, read, say, test_user,
};

const BEFORE: Timestamp = Timestamp::from_millis(START.as_millis() - 1);

/// Actions that mean the chat of the moment.
async fn chat_actions(lobby: &dyn Lobby) -> Vec<Action> {
    let sender = lobby.sender_state(test_user(1)).await.expect("the store works");
    let (text, memory) = (mask("late"), Memory::default());
    vec![
        Action::Relay { text, sender, memory },
        Action::Leave,
        Action::Again,
        Action::SetTyping(true),
        Action::Icebreaker(0),
        Action::LookUpLastPartner { with_transcript: false },
    ]
}

#[tokio::test]
async fn lobby_message_from_before_the_chat_has_no_effect() {
    for TestBackend { lobby, _server } in backends() {
        let lobby = &*lobby;
        pair(lobby, 1, 2).await;
        for action in chat_actions(lobby).await {
            let late = Call { written_by: Some(BEFORE), ..call(1, START) };
            let result = perform(lobby, late, action.clone()).await;
            assert_eq!(result.outcome, Outcome::WrittenBefore, "{action:?}");
        }
        assert!(matches!(say(lobby, 1, "now").await, Outcome::Sent { .. }));
        assert_eq!(read(lobby, 2).await, ["now"]);
    }
}

#[tokio::test]
async fn lobby_message_from_the_chat_has_its_effect() {
    for TestBackend { lobby, _server } in backends() {
        let lobby = &*lobby;
        pair(lobby, 1, 2).await;
        for action in chat_actions(lobby).await.into_iter().filter(|action| !action.ends_search()) {
            let in_time = Call { written_by: Some(START), ..call(1, START) };
            let result = perform(lobby, in_time, action.clone()).await;
            assert_ne!(result.outcome, Outcome::WrittenBefore, "{action:?}");
        }
        // A message about no chat in particular is carried out whenever it was written.
        let old = Call { written_by: Some(BEFORE), ..call(1, START) };
        assert!(matches!(
            perform(lobby, old, Action::SetLanguage(Language::Hindi)).await.outcome,
            Outcome::LanguageSet(_)
        ));
    }
}

#[tokio::test]
async fn lobby_message_from_before_the_search_does_not_end_it() {
    for TestBackend { lobby, _server } in backends() {
        let lobby = &*lobby;
        pair(lobby, 1, 2).await;
        act(lobby, 1, Action::Leave).await;
        act(lobby, 1, Action::meet()).await;
        for action in [Action::Leave, Action::Again] {
            let late = Call { written_by: Some(BEFORE), ..call(1, START) };
            assert_eq!(perform(lobby, late, action).await.outcome, Outcome::WrittenBefore);
        }
        // The last partner is still the one that the message means.
        let look_up = Action::LookUpLastPartner { with_transcript: false };
        let late = Call { written_by: Some(BEFORE), ..call(1, START) };
        let Outcome::LastPartner(Some(last)) = perform(lobby, late, look_up).await.outcome else {
            panic!("the chat has just ended");
        };
        assert_eq!(last.partner, test_user(2));
        let later = Call { written_by: Some(START), ..call(1, START + Duration::from_secs(9)) };
        assert_eq!(perform(lobby, later, Action::Leave).await.outcome, Outcome::LeftQueue);
        assert_eq!(read(lobby, 2).await, ["(left)"]);
    }
}
