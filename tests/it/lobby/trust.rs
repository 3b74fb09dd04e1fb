//! When two people are familiar with each other, on every backend.

use random_connect::connect::lobby::action::{Action, Outcome};
use random_connect::mask::{Masked, Memory};

use super::contract::{LobbyBackend, act, backends, pair, say, user};

#[tokio::test]
async fn trust_needs_three_messages_from_both() {
    for LobbyBackend { lobby, _server } in backends() {
        let lobby = &*lobby;
        let familiar =
            async |who| lobby.sender_state(user(who)).await.expect("the store works").trusted;
        pair(lobby, 1, 2).await;
        for who in [1, 1, 1, 1, 2, 2] {
            say(lobby, who, "hi").await;
            assert!(!familiar(1).await && !familiar(2).await);
        }
        let stale = lobby.sender_state(user(1)).await.expect("the store works");
        say(lobby, 2, "hi").await;
        assert!(familiar(1).await && familiar(2).await);
        let text = Masked::waived("x");
        let relay = Action::Relay { text, sender: stale, memory: Memory::default() };
        assert_eq!(act(lobby, 1, relay).await.0, Outcome::SenderChanged);
        act(lobby, 1, Action::Leave).await;
        assert!(!familiar(1).await && !familiar(2).await, "the next chat begins anew");
        pair(lobby, 1, 3).await;
        assert!(!familiar(1).await && !familiar(3).await);
    }
}
