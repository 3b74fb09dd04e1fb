//! Users whose last connection has ended: their search ends after a short grace, their chat after a
//! longer one, unless they come back.

use std::time::Duration;

use random_connect::connect::lobby::action::{Action, Outcome, UserStatus};
use random_connect::connect::lobby::rules::{CHAT_GRACE, QUEUE_GRACE};
use random_connect::kernel::clock::Timestamp;

use super::contract::{AllRoles, START, act, backends, call, pair, perform, read, test_user};

const MOMENT: Duration = Duration::from_millis(1);

fn after(grace: Duration) -> Timestamp {
    START + grace
}

async fn depart(lobby: &dyn AllRoles, user: u8, now: Timestamp) {
    lobby.note_departure(test_user(user), now).await.expect("the store works");
}

async fn end_departed(lobby: &dyn AllRoles, now: Timestamp) -> usize {
    lobby.end_departed(now).await.expect("the store works")
}

#[tokio::test]
async fn departure_ends_a_search_after_a_grace() {
    for backend in backends() {
        let lobby = &*backend.lobby;
        act(lobby, 1, Action::meet()).await;
        depart(lobby, 1, START).await;
        assert_eq!(end_departed(lobby, after(QUEUE_GRACE.saturating_sub(MOMENT))).await, 0);
        assert_eq!(end_departed(lobby, after(QUEUE_GRACE)).await, 1);
        assert_eq!(end_departed(lobby, after(QUEUE_GRACE)).await, 0);
        let (outcome, _) = act(lobby, 2, Action::meet()).await;
        assert!(matches!(outcome, Outcome::Waiting { .. }), "no one meets a ghost: {outcome:?}");
    }
}

#[tokio::test]
async fn departure_ends_a_chat_after_a_longer_grace() {
    for backend in backends() {
        let lobby = &*backend.lobby;
        pair(lobby, 1, 2).await;
        read(lobby, 2).await;
        depart(lobby, 1, START).await;
        assert_eq!(end_departed(lobby, after(CHAT_GRACE.saturating_sub(MOMENT))).await, 0);
        assert_eq!(read(lobby, 2).await, [""; 0]);
        assert_eq!(end_departed(lobby, after(CHAT_GRACE)).await, 1);
        assert_eq!(read(lobby, 2).await, ["(timed out)"]);
        for user in [1, 2] {
            let (outcome, _) = act(lobby, user, Action::GetStatus).await;
            assert_eq!(outcome, Outcome::Status(UserStatus::Idle));
        }
    }
}

#[tokio::test]
async fn departure_is_taken_back_by_a_call() {
    for backend in backends() {
        let lobby = &*backend.lobby;
        act(lobby, 1, Action::meet()).await;
        depart(lobby, 1, START).await;
        perform(lobby, call(1, after(MOMENT)), Action::GetStatus).await;
        assert_eq!(end_departed(lobby, after(QUEUE_GRACE)).await, 0);
        assert_eq!(end_departed(lobby, after(2 * QUEUE_GRACE)).await, 0);
        depart(lobby, 1, after(2 * QUEUE_GRACE)).await;
        assert_eq!(end_departed(lobby, after(3 * QUEUE_GRACE)).await, 1, "a second departure");
    }
}

#[tokio::test]
async fn departure_is_taken_back_by_another_connection() {
    for backend in backends() {
        let lobby = &*backend.lobby;
        pair(lobby, 1, 2).await;
        depart(lobby, 1, START).await;
        let other_connection = lobby.listen(test_user(1));
        assert_eq!(end_departed(lobby, after(MOMENT)).await, 0);
        drop(other_connection);
        assert_eq!(end_departed(lobby, after(CHAT_GRACE)).await, 0, "it is taken back for good");
    }
}

#[tokio::test]
async fn departure_of_an_idle_or_unknown_user_has_no_effect() {
    for backend in backends() {
        let lobby = &*backend.lobby;
        act(lobby, 1, Action::ReadInbox).await;
        depart(lobby, 1, START).await;
        depart(lobby, 9, START).await;
        assert_eq!(end_departed(lobby, after(CHAT_GRACE)).await, 0);
        let presence = lobby.presence(test_user(9)).await.expect("the store works");
        assert!(presence.is_none(), "a departure creates no user");
    }
}
