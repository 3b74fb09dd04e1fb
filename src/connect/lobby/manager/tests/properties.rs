//! Properties that hold after any sequence of steps of several users.

use std::collections::HashMap;
use std::time::Duration;

use proptest::prelude::*;

use super::{ManagerFixture, test_user};
use crate::connect::lobby::action::{Action, Call, Outcome};
use crate::connect::lobby::chat::{Chat, MatchPreferences};
use crate::connect::lobby::inbox::{InboxEvent, Item, Lease};
use crate::connect::lobby::manager::RandomConnectManager;
use crate::connect::lobby::person::PersonState;
use crate::connect::profile::interest::Interests;
use crate::kernel::id::{IdHasher, UserId};
use crate::mask::{Memory, mask};

/// A random step of a user or of the lobby.
#[derive(Clone, Debug)]
enum TestStep {
    /// Search with the interests of this list.
    Meet(&'static str),
    Again,
    Leave,
    Send,
    SetMasking(Option<bool>),
    Read,
    Advance(u64),
    Sweep,
    PairWaiting,
    /// Settle an answer that is still in flight.
    Settle {
        which: usize,
        delivered: bool,
    },
}

fn meet_with(list: &str) -> Action {
    Action::Meet(MatchPreferences {
        interests: Interests::parse(list).expect("valid interests"),
        keep_history: false,
    })
}

/// The fate of an answer.
#[derive(Clone, Copy, Debug)]
enum AnswerFate {
    Delivered,
    Lost,
    /// Unknown until a later step.
    InFlight,
    /// Delivered, but with this number of items at most.
    Truncated(usize),
}

fn steps() -> impl Strategy<Value = Vec<(u8, TestStep, AnswerFate)>> {
    let step = prop_oneof![
        4 => prop::sample::select(vec!["", "tea", "tea, music", "music", "chess"])
            .prop_map(TestStep::Meet),
        2 => Just(TestStep::Again),
        2 => Just(TestStep::Leave),
        8 => Just(TestStep::Send),
        1 => any::<Option<bool>>().prop_map(TestStep::SetMasking),
        4 => Just(TestStep::Read),
        1 => (1_u64..2_000).prop_map(TestStep::Advance),
        1 => Just(TestStep::Sweep),
        1 => Just(TestStep::PairWaiting),
        3 => (0_usize..8, any::<bool>())
            .prop_map(|(which, delivered)| TestStep::Settle { which, delivered }),
    ];
    let fate = prop_oneof![
        6 => Just(AnswerFate::Delivered),
        2 => Just(AnswerFate::Lost),
        2 => Just(AnswerFate::InFlight),
        2 => (0_usize..3).prop_map(AnswerFate::Truncated),
    ];
    proptest::collection::vec((0_u8..6, step, fate), 1..200)
}

/// The sent and received messages of every user, and the answers in flight.
#[derive(Default)]
struct DeliveryLog {
    sent: HashMap<UserId, Vec<u64>>,
    received: HashMap<UserId, Vec<u64>>,
    in_flight: Vec<(UserId, Lease)>,
}

impl DeliveryLog {
    fn settle(
        &mut self,
        manager: &mut RandomConnectManager,
        user: UserId,
        lease: &Lease,
        fate: AnswerFate,
    ) {
        let Some(id) = lease.id else { return };
        let shown = match fate {
            AnswerFate::Truncated(shown) => shown.min(lease.items.len()),
            _ => lease.items.len(),
        };
        let delivered = match fate {
            AnswerFate::Delivered => true,
            AnswerFate::Truncated(_) => {
                manager.put_back(user, lease, shown);
                true
            }
            AnswerFate::Lost => false,
            AnswerFate::InFlight => return self.in_flight.push((user, lease.clone())),
        };
        manager.settle(user, id, delivered);
        if delivered && manager.people.get(&user).is_some() {
            // A late answer may be a redelivery under the same `seq`, which a channel recognizes.
            let received = self.received.entry(user).or_default();
            for number in lease.items[..shown].iter().filter_map(number) {
                if !received.contains(&number) {
                    received.push(number);
                }
            }
        }
    }

    fn settle_later(&mut self, manager: &mut RandomConnectManager, which: usize, delivered: bool) {
        if self.in_flight.is_empty() {
            return;
        }
        let (user, lease) = self.in_flight.remove(which % self.in_flight.len());
        let fate = if delivered { AnswerFate::Delivered } else { AnswerFate::Lost };
        self.settle(manager, user, &lease, fate);
    }

    /// Forgets evicted users and the answers to them, because eviction drops their messages.
    fn forget_evicted(&mut self, manager: &RandomConnectManager) {
        let is_known = |user: &UserId| manager.people.get(user).is_some();
        self.sent.retain(|user, _| is_known(user));
        self.received.retain(|user, _| is_known(user));
        self.in_flight.retain(|(user, _)| is_known(user));
    }

    /// Returns the messages sent to `user` and those they received.
    fn messages_of(&self, user: UserId) -> (Vec<u64>, Vec<u64>) {
        let messages =
            |log: &HashMap<UserId, Vec<u64>>| log.get(&user).cloned().unwrap_or_default();
        (messages(&self.sent), messages(&self.received))
    }
}

/// Returns the number that a message of the property test consists of.
fn number(item: &Item) -> Option<u64> {
    match &item.event {
        InboxEvent::Message { text, .. } => text.as_str().parse().ok(),
        _ => None,
    }
}

/// Asserts the invariants of the manager.
fn check_invariants(manager: &RandomConnectManager) {
    let mut queued: Vec<UserId> = manager.queue.iter().collect();
    let mut waiting = Vec::new();
    let mut chatting = 0;
    for user in manager.people.ids_in(..) {
        let person = manager.people.get(&user).expect("every id has a record");
        match &person.state {
            PersonState::Idle => {}
            PersonState::Waiting(_) => waiting.push(user),
            PersonState::Chatting(side) => {
                chatting += 1;
                let Chat { partner, room, .. } = &side.chat;
                assert_ne!(*partner, user, "no user is paired with themselves");
                let partner_chat = manager.people.get(partner).expect("a partner is known").chat();
                assert!(
                    partner_chat.is_some_and(|chat| (chat.partner, chat.room) == (user, *room)),
                    "a pair is symmetric"
                );
            }
        }
    }
    queued.sort_unstable();
    waiting.sort_unstable();
    assert_eq!(queued, waiting, "exactly the waiting users are in the queue, once each");
    assert_eq!(chatting, 2 * manager.pair_count);
}

/// Asserts that a user who still waits after a search has no eligible partner.
fn check_no_match_left(fixture: &mut ManagerFixture, user: u8, outcome: &Outcome) {
    if matches!(outcome, Outcome::Waiting { .. }) {
        assert!(
            fixture.manager.match_waiter(test_user(user), fixture.now, &mut fixture.rng).is_none(),
            "a waiting user has no eligible partner"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// For any steps and any fates of answers, the invariants hold. Every accepted message reaches
    /// the partner of that moment once and in order, unless that partner is evicted.
    #[test]
    fn inbox_never_loses_duplicates_or_misdelivers(steps in steps()) {
        let mut fixture = ManagerFixture::new();
        let mut log = DeliveryLog::default();
        for (number, (user, step, fate)) in (1_u64..).zip(steps) {
            let action = match step {
                TestStep::Meet(list) => meet_with(list),
                TestStep::Again => Action::Again,
                TestStep::Leave => Action::Leave,
                TestStep::SetMasking(on) => Action::SetMasking(on),
                TestStep::Read => Action::ReadInbox,
                TestStep::Send => {
                    let text = mask(&number.to_string());
                    let sender = fixture.manager.sender_state(test_user(user));
                    Action::Relay { text, sender, memory: Memory::default() }
                }
                TestStep::Advance(seconds) => {
                    fixture.advance(Duration::from_secs(seconds));
                    continue;
                }
                TestStep::Sweep => {
                    fixture.manager.sweep(fixture.now, 100);
                    log.forget_evicted(&fixture.manager);
                    check_invariants(&fixture.manager);
                    continue;
                }
                TestStep::PairWaiting => {
                    fixture.manager.pair_waiting(fixture.now, 100, &mut fixture.rng);
                    check_invariants(&fixture.manager);
                    continue;
                }
                TestStep::Settle { which, delivered } => {
                    log.settle_later(&mut fixture.manager, which, delivered);
                    continue;
                }
            };
            let partner = fixture.partner(user);
            let call = Call::new(test_user(user), fixture.now);
            let result = fixture.manager.perform(call, action, &mut fixture.rng);
            if matches!(result.outcome, Outcome::Sent { .. }) {
                let partner = partner.expect("only a user in a chat can send");
                log.sent.entry(partner).or_default().push(number);
            }
            log.settle(&mut fixture.manager, test_user(user), &result.lease, fate);
            check_no_match_left(&mut fixture, user, &result.outcome);
            check_invariants(&fixture.manager);
        }
        while !log.in_flight.is_empty() {
            log.settle_later(&mut fixture.manager, 0, false);
        }
        let known: Vec<_> = fixture.manager.people.ids_in(..).collect();
        for user in known {
            let call = Call::new(user, fixture.now);
            let rest = fixture.manager.perform(call, Action::ReadInbox, &mut fixture.rng).lease;
            log.settle(&mut fixture.manager, user, &rest, AnswerFate::Delivered);
            let (sent, received) = log.messages_of(user);
            prop_assert_eq!(sent, received);
        }
    }

    /// A retry receives the same answer and changes nothing, whatever happened in between.
    #[test]
    fn replay_is_not_executed_twice(before in 0_u8..4, lost in any::<bool>(), between in steps()) {
        let mut fixture = ManagerFixture::new();
        (1..=before).for_each(|user| drop(fixture.act(user, Action::meet())));
        let key = IdHasher::random(&mut fixture.rng).idempotency_key(test_user(9), "m1", "");
        let call = Call { idempotency_key: Some(key), ..Call::new(test_user(9), fixture.now) };
        let first = fixture.manager.perform(call.clone(), Action::meet(), &mut fixture.rng);
        if let Some(lease) = first.lease.id {
            fixture.manager.settle(test_user(9), lease, !lost);
        }
        for (user, step, _) in between {
            match step {
                TestStep::Meet(list) => drop(fixture.act(user, meet_with(list))),
                TestStep::Again => drop(fixture.act(user, Action::Again)),
                TestStep::Leave => drop(fixture.act(user, Action::Leave)),
                TestStep::Send => drop(fixture.say(user, "hello")),
                _ => {}
            }
        }
        let stats = fixture.manager.stats(fixture.now);
        let replay = fixture.manager.perform(call.clone(), Action::meet(), &mut fixture.rng);
        prop_assert_eq!(&replay.outcome, &first.outcome);
        prop_assert_eq!(&replay.lease.items, &first.lease.items);
        prop_assert_eq!(fixture.manager.stats(fixture.now), stats);
        fixture.advance(Duration::from_secs(600));
        let call = Call { now: fixture.now, ..call };
        let later = fixture.manager.perform(call, Action::Leave, &mut fixture.rng).outcome;
        prop_assert!(matches!(
            later,
            Outcome::LeftQueue | Outcome::ChatEnded | Outcome::NothingToLeave
        ));
    }
}
