//! [`moderated`]: a lobby with moderation in memory and without rate limits.

use std::sync::Arc;

use random_connect::connect::lobby::Lobby;
use random_connect::connect::moderated::ModeratedLobby;
use random_connect::kernel::clock::seeded_rng;
use random_connect::kernel::keyring::Keyring;
use random_connect::moderation::service::{ModerationService, NoticePolicy};
use random_connect::moderation::store_memory::MemoryModerationStore;
use random_connect::rate_limit::limiter::RateLimiter;

/// Wraps a lobby as the server does.
pub fn moderated(lobby: Arc<dyn Lobby>) -> Arc<ModeratedLobby> {
    moderated_with(lobby, None)
}

/// Wraps a lobby with rate limits, if `limiter` counts them.
pub fn moderated_with(
    lobby: Arc<dyn Lobby>,
    limiter: Option<Arc<dyn RateLimiter>>,
) -> Arc<ModeratedLobby> {
    let store = Arc::new(MemoryModerationStore::default());
    let keyring = Keyring::new(&[[7; 32]]);
    let moderation = ModerationService::new(store, keyring, limiter, seeded_rng());
    Arc::new(ModeratedLobby::new(lobby, Arc::new(moderation), NoticePolicy::Off))
}
