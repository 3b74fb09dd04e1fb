//! When a chat becomes trusted, on every lobby backend.

use random_connect::connect::lobby::action::{Action, Outcome};
use random_connect::mask::{Memory, mask};

use super::contract::{TestBackend, act, backends, pair, say, test_user};

#[tokio::test]
async fn trust_needs_three_messages_from_both() {
    for TestBackend { lobby, _server } in backends() {
        let lobby = &*lobby;
        let trusted = async |user| {
            lobby.sender_state(test_user(user)).await.expect("the store works").trusted
        };
        pair(lobby, 1, 2).await;
        for user in [1, 1, 1, 1, 2, 2] {
            say(lobby, user, "hi").await;
            assert!(!trusted(1).await && !trusted(2).await);
        }
        let stale = lobby.sender_state(test_user(1)).await.expect("the store works");
        say(lobby, 2, "hi").await;
        assert!(trusted(1).await && trusted(2).await);
        let text = mask("x");
        let relay = Action::Relay { text, sender: stale, memory: Memory::default() };
        assert_eq!(act(lobby, 1, relay).await.0, Outcome::SenderChanged);
        act(lobby, 1, Action::Leave).await;
        assert!(!trusted(1).await && !trusted(2).await, "trust ends with the chat");
        pair(lobby, 1, 3).await;
        assert!(!trusted(1).await && !trusted(3).await);
    }
}
