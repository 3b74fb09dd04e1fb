//! [`ManagerBench`]: the lobby's manager without a store, for the benchmarks of the lobby.
//!
//! Lobbies as the server runs them are in `moderated.rs`.

use std::time::Duration;

use once_cell::sync::Lazy;
use rand::rngs::StdRng;
use random_connect::connect::lobby::action::{Action, Call, Outcome};
use random_connect::connect::lobby::manager::RandomConnectManager;
use random_connect::kernel::clock::{Stopwatch, Timestamp, seeded_rng};
use random_connect::kernel::id::{IdHasher, Realm, UserId};

use crate::common::{Latencies, record};

/// Step between the users of two rounds, so that a user is rarely in the processor's cache.
///
/// It shares no factor with any number of users.
pub const STRIDE: u64 = 7_919;

/// A message of ordinary length.
pub const TEXT: &str = "Mumbai, and you? It has been raining here since this morning";

/// Hashes ids as the server does, so that user ids are in no order.
pub static IDS: Lazy<IdHasher> = Lazy::new(|| IdHasher::random(&mut seeded_rng()));

/// Returns the id of a user.
pub fn user(number: u64) -> UserId {
    IDS.user_id(Realm::Puch, &number.to_string())
}

/// A manager, with the time and the random source that its calls need.
pub struct ManagerBench {
    pub manager: RandomConnectManager,
    pub now: Timestamp,
    rng: StdRng,
}

impl ManagerBench {
    pub fn new(idle_timeout: Duration) -> Self {
        let manager = RandomConnectManager::new(idle_timeout);
        Self { manager, now: Timestamp::default(), rng: seeded_rng() }
    }

    /// Performs an action whose answer is delivered.
    pub fn perform(&mut self, user: UserId, action: Action) -> Outcome {
        let result = self.manager.perform(Call::new(user, self.now), action, &mut self.rng);
        if let Some(lease) = result.lease.id {
            self.manager.settle(user, lease, true);
        }
        // A store takes the effects after each call.
        drop(self.manager.take_effects());
        result.outcome
    }

    /// Performs an action and records its latency.
    pub fn timed(&mut self, latencies: &mut Latencies, user: UserId, action: Action) -> Outcome {
        let stopwatch = Stopwatch::start();
        let outcome = self.perform(user, action);
        record(latencies, stopwatch.elapsed());
        outcome
    }
}
