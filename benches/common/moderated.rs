//! The lobby in memory as the server has it, with all that protects its people, but that nobody is ever
//! told to wait.

use std::sync::Arc;
use std::time::Duration;

use random_connect::connect::lobby::store_memory::MemoryLobby;
use random_connect::connect::moderated::GuardedLobby;
use random_connect::kernel::clock::seeded_rng;
use random_connect::kernel::keyring::Seal;
use random_connect::moderation::service::{NoticePolicy, Warden};
use random_connect::moderation::store_memory::MemoryLedger;
use random_connect::rate_limit::gcra::Limits;
use random_connect::rate_limit::store_memory::MemoryThrottle;

pub fn lobby(idle_timeout: Duration) -> GuardedLobby {
    let many = u32::MAX;
    let limits = Limits { messages: many, same: many, searches: many, newcomers: many };
    let throttle = Arc::new(MemoryThrottle::new(limits));
    let ledger = Arc::new(MemoryLedger::default());
    let warden = Warden::new(ledger, Seal::new(&[[7; 32]]), Some(throttle), seeded_rng());
    let lobby = Arc::new(MemoryLobby::new(idle_timeout, seeded_rng()));
    GuardedLobby::new(lobby, Arc::new(warden), NoticePolicy::On)
}
