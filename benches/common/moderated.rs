//! A memory lobby with moderation, as the server runs it, but with limits that no benchmark
//! reaches.

use std::sync::Arc;
use std::time::Duration;

use random_connect::connect::lobby::LobbyBackend;
use random_connect::connect::lobby::store_memory::MemoryLobby;
use random_connect::connect::moderated::ModeratedLobby;
use random_connect::connect::moderated::notice_mailbox::NoticeMailbox;
use random_connect::kernel::clock::seeded_rng;
use random_connect::kernel::keyring::Keyring;
use random_connect::moderation::service::{ModerationService, NoticePolicy};
use random_connect::moderation::store_memory::MemoryModerationStore;
use random_connect::rate_limit::gcra::RateLimits;
use random_connect::rate_limit::store_memory::MemoryRateLimiter;

/// A lobby with moderation, its backend, and the moderation service.
pub type ModeratedBench = (Arc<ModeratedLobby>, LobbyBackend, Arc<ModerationService>);

/// Creates an empty lobby.
pub fn lobby(idle_timeout: Duration) -> ModeratedBench {
    let max = u32::MAX;
    let limits = RateLimits {
        messages: max,
        duplicates: max,
        searches: max,
        reports: max,
        commands: max,
        new_users: max,
    };
    let limiter = Arc::new(MemoryRateLimiter::new(limits));
    let store = Arc::new(MemoryModerationStore::default());
    let keyring = Keyring::new(&[[7; 32]]);
    let moderation = ModerationService::new(store, keyring, Some(limiter), seeded_rng());
    let moderation = Arc::new(moderation);
    let backend = LobbyBackend::new(Arc::new(MemoryLobby::new(idle_timeout, seeded_rng())));
    let mailbox = NoticeMailbox::new(backend.mailbox, Arc::clone(&moderation));
    let backend = LobbyBackend { mailbox: Arc::new(mailbox), ..backend };
    let (inner, moderated) = (Arc::clone(&backend.lobby), Arc::clone(&moderation));
    let lobby = Arc::new(ModeratedLobby::new(inner, moderated, NoticePolicy::On));
    (lobby, backend, moderation)
}
