//! Inboxes, leases and signals, on every lobby backend.

use std::sync::Arc;

use random_connect::connect::lobby::action::{Action, ActionResult, Call, Outcome};
use random_connect::connect::lobby::inbox::{INBOX_CAPACITY, LEASE_TIME};

use random_connect::kernel::id::IdHasher;

use crate::support::redis_wire::command;

use super::contract::{
    START, TestBackend, act, backends, call, pair, perform, read, say, test_user,
};

#[tokio::test]
async fn lease_lost_answer_is_redelivered_in_order() {
    for TestBackend { lobby, _server } in backends() {
        let lobby = &*lobby;
        pair(lobby, 1, 2).await;
        say(lobby, 2, "a").await;
        say(lobby, 2, "b").await;
        let lost = perform(lobby, call(1, START), Action::ReadInbox).await.lease;
        say(lobby, 2, "c").await;
        lobby.settle(test_user(1), lost.id.expect("a lease"), false);
        assert_eq!(read(lobby, 1).await, ["a", "b", "c"]);
        assert_eq!(read(lobby, 1).await, [""; 0]);
    }
}

#[tokio::test]
async fn lease_unshown_items_are_put_back() {
    for TestBackend { lobby, _server } in backends() {
        let lobby = &*lobby;
        pair(lobby, 1, 2).await;
        for text in ["a", "b", "c"] {
            say(lobby, 2, text).await;
        }
        let lease = perform(lobby, call(1, START), Action::ReadInbox).await.lease;
        lobby.put_back(test_user(1), &lease, 1).await.expect("the store works");
        lobby.settle(test_user(1), lease.id.expect("a lease"), true);
        assert_eq!(read(lobby, 1).await, ["b", "c"]);
    }
}

#[tokio::test]
async fn inbox_items_outlive_the_chat() {
    for TestBackend { lobby, _server } in backends() {
        let lobby = &*lobby;
        pair(lobby, 1, 2).await;
        say(lobby, 1, "before I go").await;
        act(lobby, 1, Action::Leave).await;
        act(lobby, 3, Action::meet()).await;
        assert_eq!(read(lobby, 2).await, ["before I go", "(left)"]);
    }
}

#[tokio::test]
async fn signal_wakes_a_listener_who_collects_in_order() {
    for TestBackend { lobby, _server } in backends() {
        let lobby = &*lobby;
        let mut listener = lobby.listen(test_user(1));
        pair(lobby, 1, 2).await;
        listener.recv().await;
        say(lobby, 2, "a").await;
        listener.recv().await;
        let first = lobby.collect(test_user(1), START).await.expect("the store works");
        assert_eq!(first.items.len(), 1);
        say(lobby, 2, "b").await;
        let none = lobby.collect(test_user(1), START).await.expect("the store works");
        assert_eq!((none.id, none.items.len()), (None, 0), "\"a\" is still leased");
        lobby.settle(test_user(1), first.id.expect("a lease"), false);
        listener.recv().await;
        assert_eq!(read(lobby, 1).await, ["a", "b"]);
    }
}

#[tokio::test]
async fn lease_timeout_redelivers_with_the_same_seq() {
    for TestBackend { lobby, _server } in backends() {
        let lobby = &*lobby;
        pair(lobby, 1, 2).await;
        say(lobby, 2, "a").await;
        let lost = lobby.collect(test_user(1), START).await.expect("the store works");
        let later = START + LEASE_TIME;
        let again = lobby.collect(test_user(1), later).await.expect("the store works");
        assert_eq!(again.items, lost.items);
        lobby.settle(test_user(1), lost.id.expect("a lease"), true);
        lobby.settle(test_user(1), again.id.expect("a lease"), true);
        assert_eq!(read(lobby, 1).await, [""; 0]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn inbox_concurrent_calls_lose_nothing() {
    for TestBackend { lobby, _server } in backends() {
        pair(&*lobby, 1, 2).await;
        let senders = (0..8).map(|_| {
            let lobby = Arc::clone(&lobby);
            tokio::spawn(async move {
                for _ in 0..20 {
                    assert!(matches!(say(&*lobby, 1, "x").await, Outcome::Sent { .. }));
                }
            })
        });
        for sender in senders.collect::<Vec<_>>() {
            sender.await.expect("no panic");
        }
        assert_eq!(read(&*lobby, 2).await.len(), 160);
    }
}

#[tokio::test]
async fn replay_items_of_one_user_are_limited() {
    for TestBackend { lobby, _server: server } in backends() {
        let lobby = &*lobby;
        pair(lobby, 1, 2).await;
        for n in 0..50 {
            say(lobby, 2, &n.to_string()).await;
        }
        let repeat = async |n: usize| {
            let key =
                IdHasher::from_salt(b"salt").idempotency_key(test_user(1), &n.to_string(), "");
            let call = Call { idempotency_key: Some(key), ..call(1, START) };
            let ActionResult { lease, outcome } = perform(lobby, call, Action::ReadInbox).await;
            assert_eq!(outcome, Outcome::InboxRead);
            if let Some(id) = lease.id {
                lobby.settle(test_user(1), id, false);
            }
            lease.items.len()
        };
        let calls = 3 * (2 * INBOX_CAPACITY) / 50;
        for n in 0..calls {
            assert_eq!(repeat(n).await, 50);
        }
        assert_eq!([repeat(0).await, repeat(calls - 1).await], [0, 50]);
        if let Some(server) = server {
            let script = "local sum = 0 for _, key in ipairs(redis.call('KEYS', ARGV[1])) do \
                          sum = sum + redis.call('STRLEN', key) end return sum";
            let bytes = command(&server, &["EVAL", script, "0", "*:replay:*"]).concat();
            let limit = (2 * INBOX_CAPACITY) * 250 + calls * 100;
            assert!(bytes.parse::<usize>().expect("a number") < limit, "{bytes} of {limit}");
        }
    }
}
