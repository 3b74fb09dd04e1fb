//! The lobby in memory as the server has it, with all that protects its people, but that nobody is ever
//! told to wait.

use std::sync::Arc;
use std::time::Duration;

use random_connect::connect::lobby::store_memory::MemoryLobby;
use random_connect::connect::moderated::ModeratedLobby;
use random_connect::kernel::clock::seeded_rng;
use random_connect::kernel::keyring::Keyring;
use random_connect::moderation::service::{ModerationService, NoticePolicy};
use random_connect::moderation::store_memory::MemoryModerationStore;
use random_connect::rate_limit::gcra::RateLimits;
use random_connect::rate_limit::store_memory::MemoryRateLimiter;

pub fn lobby(idle_timeout: Duration) -> ModeratedLobby {
    let many = u32::MAX;
    let limits = RateLimits { messages: many, duplicates: many, searches: many, new_users: many };
    let throttle = Arc::new(MemoryRateLimiter::new(limits));
    let ledger = Arc::new(MemoryModerationStore::default());
    let warden =
        ModerationService::new(ledger, Keyring::new(&[[7; 32]]), Some(throttle), seeded_rng());
    let lobby = Arc::new(MemoryLobby::new(idle_timeout, seeded_rng()));
    ModeratedLobby::new(lobby, Arc::new(warden), NoticePolicy::On)
}
