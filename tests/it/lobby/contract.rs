//! The contract of the lobby: behavior that every backend must have, written once against the
//! traits.
//!
//! Features with many cases are in the files beside this one, which share its fixture. To run all
//! of them on a new backend, add it to [`backends`].

use std::sync::Arc;
use std::time::Duration;

use random_connect::connect::lobby::action::{
    Action, ActionResult, Call, MatchConstraints, Outcome, QueuePosition, SenderState, UserStatus,
};
use random_connect::connect::lobby::inbox::InboxEvent;
use random_connect::connect::lobby::steps::sweep_all;
use random_connect::connect::lobby::store_memory::MemoryLobby;
use random_connect::connect::lobby::store_redis::{Keyring, RedisLobby};
use random_connect::connect::lobby::{Deduplicator, Directory, Lobby, Mailbox, Upkeep};
use random_connect::connect::profile::nickname::Nickname;
use random_connect::kernel::clock::{Timestamp, seeded_rng};
use random_connect::kernel::id::{IdHasher, UserId};
use random_connect::mask::{Memory, mask, mask_next};

use crate::support::backends::memory_only;
use crate::support::redis_server::RedisServer;

const IDLE: Duration = Duration::from_secs(1_800);
/// The time of every call that names no other.
pub const START: Timestamp = Timestamp::from_millis(1_000_000);

/// All roles of a backend.
pub trait AllRoles: Lobby + Mailbox + Upkeep + Directory + Deduplicator {}

impl<T: Lobby + Mailbox + Upkeep + Directory + Deduplicator> AllRoles for T {}

/// A new, empty lobby, with the server that it needs.
pub struct TestBackend {
    pub lobby: Arc<dyn AllRoles>,
    pub _server: Option<RedisServer>,
}

/// Creates one lobby of each kind.
pub fn backends() -> Vec<TestBackend> {
    let memory =
        TestBackend { lobby: Arc::new(MemoryLobby::new(IDLE, seeded_rng())), _server: None };
    if memory_only() {
        return vec![memory];
    }
    let server = RedisServer::start(&[]);
    let (keyring, ids) = (Keyring::new(&[[7; 32]]), IdHasher::from_salt(b"salt"));
    let redis = RedisLobby::new(server.connection(), IDLE, keyring, ids, seeded_rng());
    vec![memory, TestBackend { lobby: Arc::new(redis), _server: Some(server) }]
}

/// Returns the id of test user `n`.
pub fn test_user(n: u8) -> UserId {
    UserId::from_bytes([n; 16])
}

/// Creates a call of a test user.
pub fn call(user: u8, now: Timestamp) -> Call {
    Call::new(test_user(user), now)
}

/// Performs a call; its answer is still in flight.
pub async fn perform(lobby: &dyn AllRoles, call: Call, action: Action) -> ActionResult {
    lobby.perform(call, action).await.expect("the store works")
}

/// Performs a call whose answer is delivered; returns its outcome and the events it showed.
pub async fn act(lobby: &dyn AllRoles, user: u8, action: Action) -> (Outcome, Vec<InboxEvent>) {
    let result = perform(lobby, call(user, START), action).await;
    if let Some(lease) = result.lease.id {
        lobby.settle(test_user(user), lease, true);
    }
    (result.outcome, result.lease.items.into_iter().map(|item| item.event).collect())
}

/// Relays a text to the partner and returns the outcome.
pub async fn say(lobby: &dyn AllRoles, user: u8, text: &str) -> Outcome {
    let sender = lobby.sender_state(test_user(user)).await.expect("the store works");
    act(lobby, user, Action::Relay { text: mask(text), sender, memory: Memory::default() }).await.0
}

/// Reads the inbox and returns its events in the form of [`shown`].
pub async fn read(lobby: &dyn AllRoles, user: u8) -> Vec<String> {
    act(lobby, user, Action::ReadInbox).await.1.into_iter().map(shown).collect()
}

/// Short form of an event for assertions.
fn shown(event: InboxEvent) -> String {
    match event {
        InboxEvent::Message { text, .. } => text.as_str().to_owned(),
        InboxEvent::Connected { .. } => "(connected)".to_owned(),
        InboxEvent::PartnerLeft { .. } => "(left)".to_owned(),
        InboxEvent::PartnerTimedOut { .. } => "(timed out)".to_owned(),
        InboxEvent::Icebreaker { question, .. } => format!("(icebreaker {question})"),
        InboxEvent::Nudge { .. } => "(nudged)".to_owned(),
        InboxEvent::Broadcast(text) => format!("({})", text.as_str()),
    }
}

/// Pairs two users and reads the match event of `a`.
pub async fn pair(lobby: &dyn AllRoles, a: u8, b: u8) {
    act(lobby, a, Action::meet()).await;
    assert!(matches!(act(lobby, b, Action::meet()).await.0, Outcome::Connected { .. }));
    assert_eq!(read(lobby, a).await, ["(connected)"]);
}

#[tokio::test]
async fn match_is_symmetric_and_shows_both_names() {
    for TestBackend { lobby, _server } in backends() {
        let lobby = &*lobby;
        act(lobby, 1, Action::SetNickname(Nickname::parse("Ann").expect("a name"))).await;
        act(lobby, 2, Action::SetNickname(Nickname::parse("Ben").expect("a name"))).await;
        assert!(matches!(
            act(lobby, 1, Action::meet()).await.0,
            Outcome::Waiting {
                place: QueuePosition { position: 1, estimated_wait: None },
                again: false,
                ..
            }
        ));
        let ann = Nickname::parse("Ann").expect("a name");
        let Outcome::Connected { chat, again: false } = act(lobby, 2, Action::meet()).await.0
        else {
            panic!("user 1 waits");
        };
        assert_eq!((chat.partner, &chat.partner_name), (test_user(1), &ann));
        assert_eq!(act(lobby, 2, Action::Who).await.0, Outcome::PartnerName(Some(ann.clone())));
        let Outcome::Sent { to, from, .. } = say(lobby, 1, "hi").await else { panic!("a chat") };
        assert_eq!((to, from), (test_user(2), ann));
        assert_eq!(read(lobby, 2).await, ["hi"]);
        assert!(matches!(
            act(lobby, 1, Action::meet()).await.0,
            Outcome::AlreadyChatting(current) if current.room == chat.room && current.partner == test_user(2)
        ));
        assert_eq!(
            act(lobby, 2, Action::GetStatus).await.0,
            Outcome::Status(UserStatus::Chatting(chat))
        );
    }
}

#[tokio::test]
async fn block_prevents_rematching() {
    for TestBackend { lobby, _server } in backends() {
        let lobby = &*lobby;
        pair(lobby, 1, 2).await;
        let blocked = act(lobby, 1, Action::Block(test_user(2))).await.0;
        assert_eq!(blocked, Outcome::Blocked { chat_ended: true });
        assert_eq!(read(lobby, 2).await, ["(left)"]);
        for user in [1, 2] {
            assert!(matches!(act(lobby, user, Action::meet()).await.0, Outcome::Waiting { .. }));
        }
        let later = START + Duration::from_secs(120);
        assert_eq!(lobby.pair_waiting(later).await.expect("the store works"), 0);
        // The moderation store may know of blocks that the lobby does not.
        let call = Call {
            constraints: MatchConstraints {
                blocked: vec![test_user(1), test_user(2)],
                ..MatchConstraints::default()
            },
            ..call(3, START)
        };
        let result = perform(lobby, call, Action::meet()).await;
        assert!(matches!(result.outcome, Outcome::Waiting { .. }));
        assert!(matches!(act(lobby, 4, Action::meet()).await.0, Outcome::Connected { .. }));
    }
}

#[tokio::test]
async fn transcript_is_available_until_its_ttl() {
    for TestBackend { lobby, _server } in backends() {
        let lobby = &*lobby;
        let transcript = async |now| {
            let look_up = Action::LookUpLastPartner { with_transcript: true };
            let call = Call { include_inbox: false, ..call(1, now) };
            match perform(lobby, call, look_up).await.outcome {
                Outcome::LastPartner(Some(last_partner)) => {
                    assert_eq!(last_partner.partner, test_user(2));
                    last_partner.transcript.iter().map(|text| text.as_str().to_owned()).collect()
                }
                _ => Vec::new(),
            }
        };
        pair(lobby, 1, 2).await;
        say(lobby, 1, "mine").await;
        let mut texts = Vec::new();
        for n in 1..=90 {
            say(lobby, 2, &n.to_string()).await;
            texts.push(n.to_string());
            // The first five and the last 25.
            let end = texts.len().saturating_sub(25).max(5).min(texts.len());
            let expected = [&texts[..texts.len().min(5)], &texts[end..]].concat();
            assert_eq!(transcript(START).await, expected, "after {n} messages");
        }
        let last = transcript(START).await;
        act(lobby, 2, Action::Leave).await;
        assert_eq!(transcript(START).await, last, "also after the partner has left");
        assert!(transcript(START + Duration::from_secs(20 * 60)).await.is_empty());
    }
}

#[tokio::test]
async fn outcome_refusals_change_no_state() {
    for TestBackend { lobby, _server } in backends() {
        let lobby = &*lobby;
        assert_eq!(act(lobby, 1, Action::Leave).await.0, Outcome::NothingToLeave);
        assert_eq!(act(lobby, 1, Action::Who).await.0, Outcome::PartnerName(None));
        assert_eq!(say(lobby, 1, "hi").await, Outcome::NoPartner { waiting: false });
        let stats = lobby.stats(START).await.expect("the store works");
        assert_eq!((stats.people, stats.waiting, stats.pairs, stats.relayed), (1, 0, 0, 0));
    }
}

#[tokio::test]
async fn replay_returns_the_first_outcome() {
    for TestBackend { lobby, _server } in backends() {
        let lobby = &*lobby;
        pair(lobby, 1, 2).await;
        say(lobby, 2, "hello").await;
        let key =
            Some(IdHasher::random(&mut seeded_rng()).idempotency_key(test_user(1), "m1", "hi"));
        let keyed = |now| Call { idempotency_key: key, ..call(1, now) };
        let relay = || Action::Relay {
            text: mask("hi"),
            sender: SenderState::default(),
            memory: Memory::default(),
        };
        let first = perform(lobby, keyed(START), relay()).await;
        lobby.settle(test_user(1), first.lease.id.expect("a lease"), false);
        let again = perform(lobby, keyed(START + Duration::from_secs(599)), relay()).await;
        let completes_exchange =
            |outcome: &Outcome| matches!(outcome, Outcome::Sent { completes_exchange: true, .. });
        assert!(completes_exchange(&first.outcome) && !completes_exchange(&again.outcome));
        let seq = |outcome: &Outcome| match outcome {
            Outcome::Sent { seq, .. } => Some(*seq),
            _ => None,
        };
        assert_eq!(
            (seq(&again.outcome), &again.lease.items),
            (seq(&first.outcome), &first.lease.items)
        );
        lobby.settle(test_user(1), again.lease.id.expect("the lost items are leased again"), true);
        assert_eq!(read(lobby, 1).await, [""; 0]);
        assert_eq!(read(lobby, 2).await, ["hi"]);
        perform(lobby, keyed(START + Duration::from_secs(600)), relay()).await;
        assert_eq!(read(lobby, 2).await, ["hi"], "after ten minutes the key is new again");
    }
}

#[tokio::test]
async fn sender_state_mismatch_is_rejected() {
    for TestBackend { lobby, _server } in backends() {
        let lobby = &*lobby;
        pair(lobby, 1, 2).await;
        let before = lobby.sender_state(test_user(1)).await.expect("the store works");
        assert_eq!(act(lobby, 1, Action::SetMasking(None)).await.0, Outcome::Masking(false));
        let stale = Action::Relay { text: mask("x"), sender: before, memory: Memory::default() };
        assert_eq!(act(lobby, 1, stale).await.0, Outcome::SenderChanged);
        assert_eq!(read(lobby, 2).await, [""; 0]);
    }
}

#[tokio::test]
async fn masking_is_set_or_toggled_and_a_change_clears_the_memory() {
    for TestBackend { lobby, _server } in backends() {
        let lobby = &*lobby;
        pair(lobby, 1, 2).await;
        let sender = lobby.sender_state(test_user(1)).await.expect("the store works");
        let (text, memory) = mask_next("98334", &sender.memory);
        let relay = Action::Relay { text, sender, memory: memory.clone() };
        assert!(matches!(act(lobby, 1, relay).await.0, Outcome::Sent { .. }));
        let set = |on| act(lobby, 1, Action::SetMasking(on));
        let state = async || lobby.sender_state(test_user(1)).await.expect("the store works");
        assert_eq!(set(Some(true)).await.0, Outcome::Masking(true));
        assert_eq!(state().await.memory, memory, "nothing has changed");
        assert_eq!(set(Some(false)).await.0, Outcome::Masking(false));
        assert_eq!(set(Some(false)).await.0, Outcome::Masking(false));
        assert!(!state().await.masking && state().await.memory.is_empty());
        assert_eq!(set(None).await.0, Outcome::Masking(true));
        assert_eq!(set(None).await.0, Outcome::Masking(false));
    }
}

#[tokio::test]
async fn eviction_notifies_the_partner_on_every_backend() {
    for TestBackend { lobby, _server } in backends() {
        let lobby = &*lobby;
        pair(lobby, 1, 2).await;
        let later = START + Duration::from_secs(1);
        perform(lobby, call(2, later), Action::ReadInbox).await;
        let evicted =
            || async { sweep_all(lobby, START + IDLE, |_| ()).await.expect("the store works") };
        assert_eq!((evicted().await, evicted().await), (1, 0));
        let items = perform(lobby, call(2, START + IDLE), Action::ReadInbox).await.lease.items;
        assert_eq!(
            items.into_iter().map(|item| shown(item.event)).collect::<Vec<_>>(),
            ["(timed out)"]
        );
    }
}

#[tokio::test]
async fn match_pairs_recent_partners_after_a_minute() {
    for TestBackend { lobby, _server } in backends() {
        let lobby = &*lobby;
        pair(lobby, 1, 2).await;
        act(lobby, 1, Action::Leave).await;
        act(lobby, 1, Action::meet()).await;
        assert!(matches!(
            act(lobby, 2, Action::meet()).await.0,
            Outcome::Waiting { place: QueuePosition { position: 2, .. }, .. }
        ));
        assert_eq!(
            lobby.pair_waiting(START + Duration::from_secs(59)).await.expect("the store works"),
            0
        );
        assert_eq!(
            lobby.pair_waiting(START + Duration::from_secs(60)).await.expect("the store works"),
            1
        );
        assert_eq!(read(lobby, 1).await, ["(connected)"]);
        assert_eq!(read(lobby, 2).await, ["(left)", "(connected)"][1..]);
    }
}

#[tokio::test]
async fn claim_delivery_succeeds_once() {
    for TestBackend { lobby, _server } in backends() {
        let ids = IdHasher::from_salt(b"salt");
        let [first, second] = ["1", "2"].map(|id| ids.idempotency_key(test_user(1), id, ""));
        let mut claimed = Vec::new();
        for key in [first, first, second, first] {
            claimed.push(lobby.claim_delivery(key, START).await.expect("the store works"));
        }
        assert_eq!(claimed, [true, false, true, false]);
    }
}

#[tokio::test]
async fn typing_is_signalled_and_not_stored() {
    for TestBackend { lobby, _server } in backends() {
        let lobby = &*lobby;
        pair(lobby, 1, 2).await;
        let mut listener = lobby.listen(test_user(2));
        assert_eq!(act(lobby, 1, Action::SetTyping(true)).await.0, Outcome::TypingSet);
        assert!(matches!(listener.recv().await.typing, Some((_, _, true))));
        assert_eq!(read(lobby, 2).await, [""; 0]);
        assert!(matches!(
            act(lobby, 3, Action::SetTyping(true)).await.0,
            Outcome::NoPartner { .. }
        ));
    }
}
