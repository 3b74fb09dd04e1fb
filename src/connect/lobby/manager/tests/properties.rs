//! What holds after any sequence of steps of several people.

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
use crate::mask::{Masked, Memory};

/// What a random person does in the property test.
#[derive(Clone, Debug)]
enum TestStep {
    /// With the interests of this list.
    Meet(&'static str),
    Again,
    Leave,
    Send,
    ToggleMasking,
    Read,
    Advance(u64),
    Sweep,
    PairWaiting,
    /// The fate of an answer that is still on its way.
    Settle {
        which: usize,
        delivered: bool,
    },
}

fn meet_with(list: &str) -> Action {
    Action::Meet(MatchPreferences { interests: Interests::parse(list), keep_history: false })
}

/// What becomes of an answer.
#[derive(Clone, Copy, Debug)]
enum AnswerFate {
    Delivered,
    Lost,
    /// Not known until a later step.
    InFlight,
    /// Delivered, but with room for only so many items.
    Truncated(usize),
}

fn steps() -> impl Strategy<Value = Vec<(u8, TestStep, AnswerFate)>> {
    let step = prop_oneof![
        4 => prop::sample::select(vec!["", "tea", "tea, music", "music", "chess"]).prop_map(TestStep::Meet),
        2 => Just(TestStep::Again),
        2 => Just(TestStep::Leave),
        8 => Just(TestStep::Send),
        1 => Just(TestStep::ToggleMasking),
        4 => Just(TestStep::Read),
        1 => (1_u64..2_000).prop_map(TestStep::Advance),
        1 => Just(TestStep::Sweep),
        1 => Just(TestStep::PairWaiting),
        3 => (0_usize..8, any::<bool>()).prop_map(|(which, delivered)| TestStep::Settle { which, delivered }),
    ];
    let fate = prop_oneof![
        6 => Just(AnswerFate::Delivered),
        2 => Just(AnswerFate::Lost),
        2 => Just(AnswerFate::InFlight),
        2 => (0_usize..3).prop_map(AnswerFate::Truncated),
    ];
    proptest::collection::vec((0_u8..6, step, fate), 1..200)
}

/// Everything that was sent and seen, and the answers that are on their way.
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
        who: UserId,
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
                manager.put_back(who, lease, shown);
                true
            }
            AnswerFate::Lost => false,
            AnswerFate::InFlight => return self.in_flight.push((who, lease.clone())),
        };
        manager.settle(who, id, delivered);
        if delivered && manager.people.get(&who).is_some() {
            // What arrived too late has come again under the same number, which a channel can tell.
            let seen = self.received.entry(who).or_default();
            for number in lease.items[..shown].iter().filter_map(number) {
                if !seen.contains(&number) {
                    seen.push(number);
                }
            }
        }
    }

    fn settle_later(&mut self, manager: &mut RandomConnectManager, which: usize, delivered: bool) {
        if self.in_flight.is_empty() {
            return;
        }
        let (who, lease) = self.in_flight.remove(which % self.in_flight.len());
        let fate = if delivered { AnswerFate::Delivered } else { AnswerFate::Lost };
        self.settle(manager, who, &lease, fate);
    }

    /// Nothing is expected of people who were forgotten, nor of answers they were owed.
    fn forget_evicted(&mut self, manager: &RandomConnectManager) {
        let known = |who: &UserId| manager.people.get(who).is_some();
        self.sent.retain(|who, _| known(who));
        self.received.retain(|who, _| known(who));
        self.in_flight.retain(|(who, _)| known(who));
    }

    /// What was sent to a person, and what they saw.
    fn of(&self, who: UserId) -> (Vec<u64>, Vec<u64>) {
        let of = |all: &HashMap<UserId, Vec<u64>>| all.get(&who).cloned().unwrap_or_default();
        (of(&self.sent), of(&self.received))
    }
}

/// The number that a message of the property test consists of.
fn number(item: &Item) -> Option<u64> {
    match &item.event {
        InboxEvent::Message { text, .. } => text.as_str().parse().ok(),
        _ => None,
    }
}

/// What every state must satisfy.
fn check_invariants(manager: &RandomConnectManager) {
    let mut queued: Vec<UserId> = manager.queue.iter().collect();
    let mut waiting = Vec::new();
    let mut chatting = 0;
    for who in manager.people.ids_in(..) {
        let person = manager.people.get(&who).expect("whose code is known");
        match &person.state {
            PersonState::Idle => {}
            PersonState::Waiting(_) => waiting.push(who),
            PersonState::Chatting(talk) => {
                chatting += 1;
                let Chat { partner, room, .. } = &talk.chat;
                assert_ne!(*partner, who, "nobody is paired with themselves");
                let other = manager.people.get(partner).expect("a partner is known").chat();
                assert!(
                    other.is_some_and(|theirs| (theirs.partner, theirs.room) == (who, *room)),
                    "a pair is symmetric"
                );
            }
        }
    }
    queued.sort_unstable();
    waiting.sort_unstable();
    assert_eq!(queued, waiting, "who waits is in the queue, once, and nobody else is");
    assert_eq!(chatting, 2 * manager.pair_count);
}

/// Whoever still waits after a search has nobody to be paired with.
fn check_no_match_left(fixture: &mut ManagerFixture, who: u8, outcome: &Outcome) {
    if matches!(outcome, Outcome::Waiting { .. }) {
        assert!(
            fixture.manager.match_waiter(test_user(who), fixture.now, &mut fixture.rng).is_none(),
            "nobody is held up"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Whatever people do and whatever becomes of the answers: the state stays sound, and every
    /// message that was accepted reaches the partner of that moment once and in order, unless that
    /// partner was evicted.
    #[test]
    fn inbox_never_loses_duplicates_or_misdelivers(steps in steps()) {
        let mut fixture = ManagerFixture::new();
        let mut book = DeliveryLog::default();
        for (number, (who, step, fate)) in (1_u64..).zip(steps) {
            let action = match step {
                TestStep::Meet(list) => meet_with(list),
                TestStep::Again => Action::Again,
                TestStep::Leave => Action::Leave,
                TestStep::ToggleMasking => Action::ToggleMasking,
                TestStep::Read => Action::ReadInbox,
                TestStep::Send => {
                    let text = Masked::waived(&number.to_string());
                    Action::Relay { text, sender: fixture.manager.sender_state(test_user(who)), memory: Memory::default() }
                }
                TestStep::Advance(seconds) => {
                    fixture.advance(Duration::from_secs(seconds));
                    continue;
                }
                TestStep::Sweep => {
                    fixture.manager.sweep(fixture.now, 100);
                    book.forget_evicted(&fixture.manager);
                    check_invariants(&fixture.manager);
                    continue;
                }
                TestStep::PairWaiting => {
                    fixture.manager.pair_waiting(fixture.now, 100, &mut fixture.rng);
                    check_invariants(&fixture.manager);
                    continue;
                }
                TestStep::Settle { which, delivered } => {
                    book.settle_later(&mut fixture.manager, which, delivered);
                    continue;
                }
            };
            let partner = fixture.partner(who);
            let call = Call::new(test_user(who), fixture.now);
            let performed = fixture.manager.perform(call, action, &mut fixture.rng);
            if matches!(performed.outcome, Outcome::Sent { .. }) {
                let partner = partner.expect("only somebody in a chat can send");
                book.sent.entry(partner).or_default().push(number);
            }
            book.settle(&mut fixture.manager, test_user(who), &performed.lease, fate);
            check_no_match_left(&mut fixture, who, &performed.outcome);
            check_invariants(&fixture.manager);
        }
        while !book.in_flight.is_empty() {
            book.settle_later(&mut fixture.manager, 0, false);
        }
        for who in (0..6).map(test_user).filter(|who| fixture.manager.people.get(who).is_some()).collect::<Vec<_>>() {
            let call = Call::new(who, fixture.now);
            let rest = fixture.manager.perform(call, Action::ReadInbox, &mut fixture.rng).lease;
            book.settle(&mut fixture.manager, who, &rest, AnswerFate::Delivered);
            let (sent, seen) = book.of(who);
            prop_assert_eq!(sent, seen);
        }
    }

    /// A retry says the same and changes nothing, whatever happened in between.
    #[test]
    fn replay_is_not_executed_twice(before in 0_u8..4, lost in any::<bool>(), between in steps()) {
        let mut fixture = ManagerFixture::new();
        (1..=before).for_each(|other| drop(fixture.act(other, Action::meet())));
        let key = IdHasher::random(&mut fixture.rng).idempotency_key(test_user(9), "m1", "");
        let call = Call { idempotency_key: Some(key), ..Call::new(test_user(9), fixture.now) };
        let first = fixture.manager.perform(call.clone(), Action::meet(), &mut fixture.rng);
        if let Some(lease) = first.lease.id {
            fixture.manager.settle(test_user(9), lease, !lost);
        }
        for (who, step, _) in between {
            match step {
                TestStep::Meet(list) => drop(fixture.act(who, meet_with(list))),
                TestStep::Again => drop(fixture.act(who, Action::Again)),
                TestStep::Leave => drop(fixture.act(who, Action::Leave)),
                TestStep::Send => drop(fixture.say(who, "hello")),
                _ => {}
            }
        }
        let stats = fixture.manager.stats(fixture.now);
        let again = fixture.manager.perform(call.clone(), Action::meet(), &mut fixture.rng);
        prop_assert_eq!(&again.outcome, &first.outcome);
        prop_assert_eq!(&again.lease.items, &first.lease.items);
        prop_assert_eq!(fixture.manager.stats(fixture.now), stats);
        fixture.advance(Duration::from_secs(600));
        let later = fixture.manager.perform(Call { now: fixture.now, ..call }, Action::Leave, &mut fixture.rng).outcome;
        prop_assert!(matches!(later, Outcome::LeftQueue | Outcome::ChatEnded | Outcome::NothingToLeave));
    }
}
