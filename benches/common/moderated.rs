//! A memory lobby with moderation, as the server runs it, but with limits that no benchmark
//! reaches.

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

/// Creates an empty lobby.
pub fn lobby(idle_timeout: Duration) -> ModeratedLobby {
    let max = u32::MAX;
    let limits = RateLimits { messages: max, duplicates: max, searches: max, new_users: max };
    let limiter = Arc::new(MemoryRateLimiter::new(limits));
    let store = Arc::new(MemoryModerationStore::default());
    let keyring = Keyring::new(&[[7; 32]]);
    let moderation = ModerationService::new(store, keyring, Some(limiter), seeded_rng());
    let lobby = Arc::new(MemoryLobby::new(idle_timeout, seeded_rng()));
    ModeratedLobby::new(lobby, Arc::new(moderation), NoticePolicy::On)
}
