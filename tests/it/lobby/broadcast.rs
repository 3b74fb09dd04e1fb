//! Broadcasts, user look-ups and presence, which the operator uses, on every lobby backend.

use std::collections::BTreeSet;

use random_connect::connect::lobby::action::{Action, Outcome};
use random_connect::connect::lobby::broadcast::{
    Broadcast, BroadcastProgress, BroadcastText, Presence,
};
use random_connect::connect::lobby::inbox::INBOX_CAPACITY;
use random_connect::connect::lobby::steps::broadcast_all;
use random_connect::kernel::clock::Timestamp;
use random_connect::kernel::id::{IdHasher, UserId};

use super::contract::{AllRoles, TestBackend, act, backends, pair, read, say, test_user};

const START: Timestamp = Timestamp::from_millis(1_000_000);

fn broadcast(text: &str) -> Broadcast {
    let key = IdHasher::from_salt(b"salt").broadcast_key(text);
    Broadcast { key, text: BroadcastText::parse(text).expect("a valid text") }
}

/// Sends a broadcast to all users.
async fn send(lobby: &dyn AllRoles, text: &str) -> BroadcastProgress {
    broadcast_all(lobby, &broadcast(text), START).await.expect("the store works")
}

#[tokio::test]
async fn find_by_prefix_returns_presence() {
    for TestBackend { lobby, _server } in backends() {
        let lobby = &*lobby;
        for user in [0x1a, 0x1b, 0xff] {
            act(lobby, user, Action::ReadInbox).await;
        }
        let find =
            async |prefix: &str| lobby.find_by_prefix(prefix).await.expect("the store works");
        assert_eq!(find("1").await, [test_user(0x1a), test_user(0x1b)]);
        assert_eq!(find("1b1b1b1b").await, [test_user(0x1b)]);
        assert_eq!(find("f").await, [test_user(0xff)]);
        assert_eq!(find("").await.len(), 3);
        assert!(find("1c").await.is_empty() && find("2").await.is_empty());
        let presence = async |user| lobby.presence(test_user(user)).await.expect("the store works");
        assert_eq!(presence(0x1a).await, Some(Presence::Idle));
        act(lobby, 0x1a, Action::meet()).await;
        assert_eq!(presence(0x1a).await, Some(Presence::Waiting));
        act(lobby, 0x1b, Action::meet()).await;
        for user in [0x1a, 0x1b] {
            assert_eq!(presence(user).await, Some(Presence::Chatting));
        }
        assert_eq!(presence(2).await, None);
        assert!(find("02").await.is_empty(), "presence() must not create a user");
    }
}

#[tokio::test]
async fn broadcast_skips_evicted_users() {
    for TestBackend { lobby, _server } in backends() {
        let lobby = &*lobby;
        act(lobby, 1, Action::ReadInbox).await;
        let later = START + std::time::Duration::from_secs(3_600);
        lobby.sweep(later).await.expect("the store works");
        assert!(lobby.find_by_prefix("01").await.expect("the store works").is_empty());
        assert_eq!(send(lobby, "hello").await, BroadcastProgress::default());
    }
}

#[tokio::test]
async fn broadcast_reaches_each_user_once_in_order() {
    for TestBackend { lobby, _server } in backends() {
        let lobby = &*lobby;
        pair(lobby, 1, 2).await;
        act(lobby, 3, Action::ReadInbox).await;
        let mut listener = lobby.listen(test_user(3));
        say(lobby, 1, "before").await;
        assert_eq!(send(lobby, "maintenance").await.delivered, 3);
        listener.recv().await;
        say(lobby, 1, "after").await;
        let again = send(lobby, "maintenance").await;
        assert_eq!(
            again,
            BroadcastProgress { already_delivered: 3, ..BroadcastProgress::default() }
        );
        assert_eq!(read(lobby, 2).await, ["before", "(maintenance)", "after"]);
        assert_eq!(read(lobby, 3).await, ["(maintenance)"]);
        act(lobby, 4, Action::ReadInbox).await;
        let again = send(lobby, "maintenance").await;
        assert_eq!((again.delivered, again.already_delivered), (1, 3), "only the new user");
        assert_eq!(send(lobby, "it is over").await.delivered, 4);
        assert_eq!(
            read(lobby, 1).await,
            ["(it is over)"],
            "earlier calls already showed the first one"
        );
    }
}

#[tokio::test]
async fn broadcast_retries_a_full_inbox() {
    for TestBackend { lobby, _server } in backends() {
        let lobby = &*lobby;
        pair(lobby, 1, 2).await;
        for _ in 0..INBOX_CAPACITY {
            assert!(matches!(say(lobby, 1, "x").await, Outcome::Sent { .. }));
        }
        let progress = send(lobby, "hello").await;
        assert_eq!((progress.delivered, progress.inbox_full), (1, 1));
        assert_eq!(read(lobby, 2).await.len(), INBOX_CAPACITY);
        assert!(read(lobby, 2).await.is_empty(), "the inbox is empty now");
        let progress = send(lobby, "hello").await;
        assert_eq!(
            (progress.delivered, progress.already_delivered, progress.inbox_full),
            (1, 1, 0)
        );
        assert_eq!(read(lobby, 2).await, ["(hello)"]);
    }
}

#[tokio::test]
async fn broadcast_steps_resume_at_the_cursor() {
    for TestBackend { lobby, _server } in backends() {
        let lobby = &*lobby;
        let users: BTreeSet<UserId> = (0..=255).map(test_user).collect();
        for user in 0..=255 {
            act(lobby, user, Action::ReadInbox).await;
        }
        let (mut delivered, mut after, mut steps) = (0, None, 0);
        loop {
            let step = lobby.broadcast(&broadcast("hello"), after, START).await;
            let step = step.expect("the store works");
            (delivered, after, steps) = (delivered + step.delivered, step.cursor, steps + 1);
            // Users that call between two steps get the broadcast exactly once.
            act(lobby, 0, Action::ReadInbox).await;
            act(lobby, 255, Action::meet()).await;
            act(lobby, 255, Action::Leave).await;
            if after.is_none() {
                break;
            }
        }
        assert_eq!((delivered, users.len()), (256, 256));
        assert!(steps > 1);
    }
}
