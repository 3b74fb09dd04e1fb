//! The manager in a laboratory: people are numbers, time passes when told to.

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
use crate::mask::{Masked, Memory};

const IDLE: Duration = Duration::from_secs(1_800);

const fn test_user(n: u8) -> UserId {
    UserId::from_bytes([n; 16])
}

/// A manager with a clock and a generator of its own; people are numbers.
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

    /// One call whose answer arrives; returns the outcome and what the answer showed.
    fn call(&mut self, who: u8, action: Action) -> (Outcome, Vec<InboxEvent>) {
        let call = Call::new(test_user(who), self.now);
        let performed = self.manager.perform(call, action, &mut self.rng);
        if let Some(lease) = performed.lease.id {
            self.manager.settle(test_user(who), lease, true);
        }
        (performed.outcome, performed.lease.items.into_iter().map(|item| item.event).collect())
    }

    fn act(&mut self, who: u8, action: Action) -> Outcome {
        self.call(who, action).0
    }

    fn say(&mut self, who: u8, text: &str) -> Outcome {
        let sender = self.manager.sender_state(test_user(who));
        self.act(
            who,
            Action::Relay { text: Masked::waived(text), sender, memory: Memory::default() },
        )
    }

    fn partner(&self, who: u8) -> Option<UserId> {
        self.chat(who).map(|chat| chat.partner)
    }

    fn room(&self, who: u8) -> Option<RoomId> {
        self.chat(who).map(|chat| chat.room)
    }

    fn chat(&self, who: u8) -> Option<&Chat> {
        self.manager.people.get(&test_user(who))?.chat()
    }

    fn advance(&mut self, time: Duration) {
        self.now = self.now + time;
    }

    /// Both leave their chat, so that each is the other's recent partner.
    fn make_recent_partners(&mut self, a: u8, b: u8) {
        self.act(a, Action::meet());
        self.act(b, Action::meet());
        assert_eq!(self.partner(a), Some(test_user(b)));
        self.act(a, Action::Leave);
    }
}
