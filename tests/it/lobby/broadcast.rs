//! What an operator asks of the lobby, on every backend.

use std::collections::BTreeSet;

use random_connect::connect::broadcast_all;
use random_connect::connect::lobby::Lobby;
use random_connect::connect::lobby::action::{Action, Outcome};
use random_connect::connect::lobby::broadcast::{
    Broadcast, BroadcastProgress, BroadcastText, Presence,
};
use random_connect::connect::lobby::inbox::INBOX_CAPACITY;
use random_connect::kernel::clock::Timestamp;
use random_connect::kernel::id::{IdHasher, UserId};

use super::contract::{LobbyBackend, act, backends, pair, read, say, user};

const START: Timestamp = Timestamp::from_millis(1_000_000);

fn notice(text: &str) -> Broadcast {
    let key = IdHasher::from_salt(b"salt").broadcast_key(text);
    Broadcast { key, text: BroadcastText::parse(text).expect("a notice") }
}

async fn announce(lobby: &dyn Lobby, text: &str) -> BroadcastProgress {
    broadcast_all(lobby, &notice(text), START).await.expect("the store works")
}

#[tokio::test]
async fn find_by_prefix_returns_presence() {
    for LobbyBackend { lobby, _server } in backends() {
        let lobby = &*lobby;
        for who in [0x1a, 0x1b, 0xff] {
            act(lobby, who, Action::ReadInbox).await;
        }
        let find =
            async |prefix: &str| lobby.find_by_prefix(prefix).await.expect("the store works");
        assert_eq!(find("1").await, [user(0x1a), user(0x1b)]);
        assert_eq!(find("1b1b1b1b").await, [user(0x1b)]);
        assert_eq!(find("f").await, [user(0xff)]);
        assert_eq!(find("").await.len(), 3);
        assert!(find("1c").await.is_empty() && find("2").await.is_empty());
        let stands = async |who| lobby.presence(user(who)).await.expect("the store works");
        assert_eq!(stands(0x1a).await, Some(Presence::Idle));
        act(lobby, 0x1a, Action::meet()).await;
        assert_eq!(stands(0x1a).await, Some(Presence::Waiting));
        act(lobby, 0x1b, Action::meet()).await;
        for who in [0x1a, 0x1b] {
            assert_eq!(stands(who).await, Some(Presence::Chatting));
        }
        assert_eq!(stands(2).await, None);
        assert!(find("02").await.is_empty(), "asking has made nobody known");
    }
}

#[tokio::test]
async fn broadcast_skips_evicted_users() {
    for LobbyBackend { lobby, _server } in backends() {
        let lobby = &*lobby;
        act(lobby, 1, Action::ReadInbox).await;
        let later = START + std::time::Duration::from_secs(3_600);
        lobby.sweep(later).await.expect("the store works");
        assert!(lobby.find_by_prefix("01").await.expect("the store works").is_empty());
        assert_eq!(announce(lobby, "hello").await, BroadcastProgress::default());
    }
}

#[tokio::test]
async fn broadcast_reaches_each_user_once_in_order() {
    for LobbyBackend { lobby, _server } in backends() {
        let lobby = &*lobby;
        pair(lobby, 1, 2).await;
        act(lobby, 3, Action::ReadInbox).await;
        let mut listener = lobby.listen(user(3));
        say(lobby, 1, "before").await;
        assert_eq!(announce(lobby, "maintenance").await.delivered, 3);
        listener.recv().await;
        say(lobby, 1, "after").await;
        let again = announce(lobby, "maintenance").await;
        assert_eq!(
            again,
            BroadcastProgress { already_delivered: 3, ..BroadcastProgress::default() }
        );
        assert_eq!(read(lobby, 2).await, ["before", "(maintenance)", "after"]);
        assert_eq!(read(lobby, 3).await, ["(maintenance)"]);
        act(lobby, 4, Action::ReadInbox).await;
        let again = announce(lobby, "maintenance").await;
        assert_eq!((again.delivered, again.already_delivered), (1, 3), "who came since");
        assert_eq!(announce(lobby, "it is over").await.delivered, 4);
        assert_eq!(read(lobby, 1).await, ["(it is over)"], "the first came with their own call");
    }
}

#[tokio::test]
async fn broadcast_retries_a_full_inbox() {
    for LobbyBackend { lobby, _server } in backends() {
        let lobby = &*lobby;
        pair(lobby, 1, 2).await;
        for _ in 0..INBOX_CAPACITY {
            assert!(matches!(say(lobby, 1, "x").await, Outcome::Sent { .. }));
        }
        let done = announce(lobby, "hello").await;
        assert_eq!((done.delivered, done.inbox_full), (1, 1));
        assert_eq!(read(lobby, 2).await.len(), INBOX_CAPACITY);
        assert!(read(lobby, 2).await.is_empty(), "which waits until the first have arrived");
        let done = announce(lobby, "hello").await;
        assert_eq!((done.delivered, done.already_delivered, done.inbox_full), (1, 1, 0));
        assert_eq!(read(lobby, 2).await, ["(hello)"]);
    }
}

#[tokio::test]
async fn broadcast_steps_resume_at_the_cursor() {
    for LobbyBackend { lobby, _server } in backends() {
        let lobby = &*lobby;
        let people: BTreeSet<UserId> = (0..=255).map(user).collect();
        for who in 0..=255 {
            act(lobby, who, Action::ReadInbox).await;
        }
        let (mut told, mut after, mut steps) = (0, None, 0);
        loop {
            let step = lobby.broadcast(&notice("hello"), after, START).await;
            let step = step.expect("the store works");
            (told, after, steps) = (told + step.delivered, step.cursor, steps + 1);
            // Whoever calls meanwhile is neither told twice nor left out.
            act(lobby, 0, Action::ReadInbox).await;
            act(lobby, 255, Action::meet()).await;
            act(lobby, 255, Action::Leave).await;
            if after.is_none() {
                break;
            }
        }
        assert_eq!((told, people.len()), (256, 256));
        assert!(steps > 1);
    }
}
