//! Which backends keep what, as configured: the only file that names them.

use std::sync::Arc;

use rand::RngExt;
use secrecy::ExposeSecret;

use crate::config::Config;
use crate::connect::lobby::Lobby;
use crate::connect::lobby::store_memory::MemoryLobby;
use crate::connect::lobby::store_redis::RedisLobby;
use crate::kernel::clock::seeded_rng;
use crate::kernel::id::IdHasher;
use crate::kernel::keyring::Seal;
use crate::moderation::service::Warden;
use crate::moderation::store::Ledger;
use crate::moderation::store_memory::MemoryLedger;
use crate::moderation::store_redis::RedisLedger;
use crate::moderation::store_sql::SqlLedger;
use crate::rate_limit::limiter::Throttle;
use crate::rate_limit::store_memory::MemoryThrottle;
use crate::rate_limit::store_redis::RedisThrottle;

/// The lobby, and the hashes by which people are known in it.
pub(super) fn lobby(config: &Config) -> (Arc<dyn Lobby>, IdHasher) {
    let Some(redis) = &config.redis else {
        let lobby = MemoryLobby::new(config.idle_timeout, seeded_rng());
        let ids = match &config.state {
            Some(state) => IdHasher::salted(state.salt.expose_secret().as_bytes()),
            None => IdHasher::random(&mut seeded_rng()),
        };
        return (Arc::new(lobby), ids);
    };
    let ids = IdHasher::salted(redis.salt.expose_secret().as_bytes());
    let lobby = RedisLobby::new(
        redis.url.expose_secret(),
        config.idle_timeout,
        Seal::new(&redis.keys),
        ids.clone(),
        seeded_rng(),
    )
    .expect("the configuration has checked the address");
    (Arc::new(lobby), ids)
}

/// Who keeps people apart, with reports sealed.
pub(super) fn warden(config: &Config, ids: &IdHasher) -> Warden {
    let mut rng = seeded_rng();
    let (seal, ledger): (_, Arc<dyn Ledger>) = match (&config.redis, &config.state) {
        (Some(redis), _) => {
            let ledger = RedisLedger::new(redis.url.expose_secret());
            let ledger = ledger.expect("the configuration has checked the address");
            (Seal::new(&redis.keys), Arc::new(ledger))
        }
        (None, Some(state)) => (Seal::new(&state.keys), Arc::new(SqlLedger::new(&state.file))),
        (None, None) => (Seal::new(&[rng.random()]), Arc::new(MemoryLedger::default())),
    };
    let throttle = config.rate_limits.map(|limits| -> Arc<dyn Throttle> {
        let Some(redis) = &config.redis else { return Arc::new(MemoryThrottle::new(limits)) };
        let throttle = RedisThrottle::new(redis.url.expose_secret(), limits, ids.clone());
        Arc::new(throttle.expect("the configuration has checked the address"))
    });
    Warden::new(ledger, seal, throttle, rng)
}
