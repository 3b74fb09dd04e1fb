//! What holds after any sequence of steps of several people.

use std::collections::HashMap;
use std::time::Duration;

use proptest::prelude::*;

use super::{Lab, user};
use crate::connect::action::{Action, Call, Outcome};
use crate::connect::inbox::News;
use crate::connect::manager::RandomConnectManager;
use crate::connect::person::State;
use crate::kernel::id::UserId;
use crate::mask::{Masked, Memory};

/// What a random person does in the property test.
#[derive(Clone, Debug)]
enum Step {
    Meet,
    Again,
    Leave,
    Say,
    Hide,
    Read,
    LoseAnswer,
    Pass(u64),
    Evict,
    Pair,
}

fn steps() -> impl Strategy<Value = Vec<(u8, Step)>> {
    let step = prop_oneof![
        4 => Just(Step::Meet),
        2 => Just(Step::Again),
        2 => Just(Step::Leave),
        8 => Just(Step::Say),
        1 => Just(Step::Hide),
        3 => Just(Step::Read),
        3 => Just(Step::LoseAnswer),
        1 => (1_u64..2_000).prop_map(Step::Pass),
        1 => Just(Step::Evict),
        1 => Just(Step::Pair),
    ];
    proptest::collection::vec((0_u8..6, step), 1..200)
}

/// What every state must satisfy.
fn check(manager: &RandomConnectManager) {
    let mut queued: Vec<UserId> = manager.queue.iter().collect();
    let mut waiting = Vec::new();
    let mut chatting = 0;
    for (who, person) in &manager.people {
        match &person.state {
            State::Idle => {}
            State::Waiting(_) => waiting.push(*who),
            State::Chatting { partner, .. } => {
                chatting += 1;
                assert_ne!(partner, who, "nobody is paired with themselves");
                let other = &manager.people.get(partner).expect("a partner is known").state;
                assert!(
                    matches!(other, State::Chatting { partner, .. } if partner == who),
                    "a pair is symmetric"
                );
            }
        }
    }
    queued.sort_unstable();
    waiting.sort_unstable();
    assert_eq!(queued, waiting, "who waits is in the queue, once, and nobody else is");
    assert_eq!(chatting, 2 * manager.pairs);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Whatever people do and whichever answers are lost: the state stays sound, and every message
    /// that was accepted reaches the partner of that moment once and in order, unless that
    /// partner was evicted.
    #[test]
    fn nothing_is_lost_doubled_or_misdelivered(steps in steps()) {
        let mut lab = Lab::new();
        let mut sent: HashMap<UserId, Vec<String>> = HashMap::new();
        let mut seen: HashMap<UserId, Vec<String>> = HashMap::new();
        for (number, (who, step)) in steps.into_iter().enumerate() {
            let action = match step {
                Step::Meet => Action::Meet,
                Step::Again => Action::Again,
                Step::Leave => Action::Leave,
                Step::Hide => Action::ToggleMasking,
                Step::Read | Step::LoseAnswer => Action::Read,
                Step::Say => {
                    let text = Masked::waived(&format!("{number}"));
                    Action::Relay { text, sender: lab.manager.sender(user(who)), memory: Memory::default() }
                }
                Step::Pass(seconds) => {
                    lab.pass(Duration::from_secs(seconds));
                    continue;
                }
                Step::Evict => {
                    lab.manager.evict_idle(lab.now, 100);
                    sent.retain(|who, _| lab.manager.people.contains_key(who));
                    seen.retain(|who, _| lab.manager.people.contains_key(who));
                    check(&lab.manager);
                    continue;
                }
                Step::Pair => {
                    lab.manager.pair_waiting(lab.now, 100, &mut lab.rng);
                    check(&lab.manager);
                    continue;
                }
            };
            let partner = lab.partner(who);
            let call = Call { who: user(who), key: None, given_name: None, now: lab.now };
            let performed = lab.manager.perform(call, action, &mut lab.rng);
            if let Outcome::Sent { text, .. } = &performed.outcome {
                let partner = partner.expect("only somebody in a chat can send");
                sent.entry(partner).or_default().push(text.as_str().to_owned());
            }
            let lost = matches!(step, Step::LoseAnswer);
            if let Some(lease) = performed.lease.id {
                lab.manager.settle(user(who), lease, !lost);
            }
            if !lost {
                seen.entry(user(who)).or_default().extend(messages(performed.lease.items));
            }
            check(&lab.manager);
        }
        for who in 0..6 {
            if lab.manager.people.contains_key(&user(who)) {
                let news = lab.call(who, Action::Read).1;
                let last = news.into_iter().filter_map(message);
                seen.entry(user(who)).or_default().extend(last);
            }
            let of = |all: &HashMap<_, Vec<_>>| all.get(&user(who)).cloned().unwrap_or_default();
            prop_assert_eq!(of(&sent), of(&seen));
        }
    }

    /// A retry says the same and changes nothing, whatever happened in between.
    #[test]
    fn a_retry_is_not_carried_out_twice(before in 0_u8..4, lost in any::<bool>()) {
        let mut lab = Lab::new();
        (1..=before).for_each(|other| drop(lab.act(other, Action::Meet)));
        let ids = crate::kernel::id::IdHasher::random(&mut lab.rng);
        let call = Call { who: user(9), key: Some(ids.message(user(9), "m1")), given_name: None, now: lab.now };
        let first = lab.manager.perform(call.clone(), Action::Meet, &mut lab.rng);
        if let Some(lease) = first.lease.id {
            lab.manager.settle(user(9), lease, !lost);
        }
        let stats = lab.manager.stats(lab.now);
        let again = lab.manager.perform(call.clone(), Action::Meet, &mut lab.rng);
        prop_assert_eq!(&again.outcome, &first.outcome);
        prop_assert_eq!(&again.lease.items, &first.lease.items);
        prop_assert_eq!(lab.manager.stats(lab.now), stats);
        lab.pass(Duration::from_secs(600));
        let later = Call { now: lab.now, ..call };
        let forgotten = lab.manager.perform(later, Action::Leave, &mut lab.rng).outcome;
        prop_assert!(matches!(forgotten, Outcome::LeftQueue | Outcome::ChatEnded));
    }
}

fn message(news: News) -> Option<String> {
    match news {
        News::Message { text, .. } => Some(text.as_str().to_owned()),
        _ => None,
    }
}

fn messages(items: Vec<crate::connect::inbox::Item>) -> Vec<String> {
    items.into_iter().filter_map(|item| message(item.news)).collect()
}
