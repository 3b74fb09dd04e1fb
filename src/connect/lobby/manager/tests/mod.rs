//! [`ManagerFixture`], a manager under a clock that only the test advances. Users are numbers.
//!
//! `rules.rs` and `preferences.rs` have one example per rule; `properties.rs` checks invariants on
//! random steps.

mod preferences;
mod properties;
mod rules;

use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::RandomConnectManager;
use crate::connect::lobby::action::{Action, Call, Outcome};
use crate::connect::lobby::chat::Chat;
use crate::connect::lobby::inbox::InboxEvent;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::{RoomId, UserId};
use crate::mask::{Memory, mask};

const IDLE: Duration = Duration::from_secs(1_800);

const fn test_user(n: u8) -> UserId {
    UserId::from_bytes([n; 16])
}

/// A manager with its own clock and random generator. Users are numbers.
struct ManagerFixture {
    manager: RandomConnectManager,
    rng: StdRng,
    now: Timestamp,
}

impl ManagerFixture {
    fn new() -> Self {
        Self {
            manager: RandomConnectManager::new(IDLE),
            rng: StdRng::seed_from_u64(7),
            now: Timestamp::default(),
        }
    }

    /// Makes a call whose answer is delivered. Returns the outcome and the events in the answer.
    fn call(&mut self, user: u8, action: Action) -> (Outcome, Vec<InboxEvent>) {
        let call = Call::new(test_user(user), self.now);
        let result = self.manager.perform(call, action, &mut self.rng);
        if let Some(lease) = result.lease.id {
            self.manager.settle(test_user(user), lease, true);
        }
        (result.outcome, result.lease.items.into_iter().map(|item| item.event).collect())
    }

    fn act(&mut self, user: u8, action: Action) -> Outcome {
        self.call(user, action).0
    }

    fn say(&mut self, user: u8, text: &str) -> Outcome {
        let sender = self.manager.sender_state(test_user(user));
        self.act(user, Action::Relay { text: mask(text), sender, memory: Memory::default() })
    }

    fn partner(&self, user: u8) -> Option<UserId> {
        self.chat(user).map(|chat| chat.partner)
    }

    fn room(&self, user: u8) -> Option<RoomId> {
        self.chat(user).map(|chat| chat.room)
    }

    fn chat(&self, user: u8) -> Option<&Chat> {
        self.manager.people.get(&test_user(user))?.chat()
    }

    fn advance(&mut self, duration: Duration) {
        self.now = self.now + duration;
    }

    /// Pairs `a` and `b` and ends their chat, so that they are recent partners.
    fn make_recent_partners(&mut self, a: u8, b: u8) {
        self.act(a, Action::meet());
        self.act(b, Action::meet());
        assert_eq!(self.partner(a), Some(test_user(b)));
        self.act(a, Action::Leave);
    }
}
