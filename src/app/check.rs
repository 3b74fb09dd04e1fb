//! [`check_stores`]: asks each store of a configuration, for the command `check`.

use std::sync::Arc;

use super::{database, stores};
use crate::config::Config;
use crate::kernel::clock::{Clock, SystemClock};
use crate::kernel::health::StoreHealth;
use crate::kernel::redis_eviction::EvictionWatch;
use crate::kernel::store::StoreError;

/// The result of a check of one store.
pub struct CheckedStore {
    pub name: &'static str,
    pub backend: &'static str,
    /// `false` if the store does not exist yet, and the server creates it.
    pub result: Result<bool, String>,
    /// The eviction policy of Redis, if it may remove keys.
    pub evicting: Option<String>,
}

impl CheckedStore {
    const fn new(name: &'static str, backend: &'static str, result: Result<bool, String>) -> Self {
        Self { name, backend, result, evicting: None }
    }
}

/// Checks the stores as `/ready` does. Creates no file and changes no schema. Call it within a tokio
/// runtime.
pub async fn check_stores(config: &mut Config) -> Vec<CheckedStore> {
    let database = match config.database.as_ref().map(|database| database.url.engine().name()) {
        Some(engine) => {
            let result = database::inspect(config).await.map_err(|error| error.to_string());
            Some(CheckedStore::new("database", engine, result))
        }
        None => None,
    };
    database.into_iter().chain(check_others(config).await).collect()
}

/// Checks the stores that are not in the database.
async fn check_others(config: &Config) -> Vec<CheckedStore> {
    let machine = Arc::new(SystemClock::new()) as Arc<dyn Clock>;
    let redis = stores::redis(config, &machine);
    let clock = stores::clock(redis.as_ref(), &machine);
    let (lobby, ids) = stores::lobby(config, redis.as_ref(), &clock);
    let limiter = stores::rate_limiter(config, redis.as_ref(), &clock, &ids);
    let moderation = stores::moderation(config, redis.as_ref(), None, limiter);
    let checks = stores::checks(&lobby.directory, &moderation);
    let health = StoreHealth::new(checks, clock);
    let backend = if config.redis.is_some() { "Redis" } else { "memory" };
    let report = health.check().await;
    // The checks above say whether Redis answers.
    let evicting = match redis {
        Some(connection) => EvictionWatch::new(connection).check().await.ok().flatten(),
        None => None,
    };
    let checked = |(name, result): (_, Result<(), StoreError>)| {
        let result = result.map(|()| true).map_err(|error| error.kind.to_string());
        CheckedStore { evicting: evicting.clone(), ..CheckedStore::new(name, backend, result) }
    };
    // On SQLite without Redis and on PostgreSQL, moderation is in the database.
    let in_database = |name: &str| {
        let url = config.database.as_ref().map(|database| &database.url);
        let holds_moderation =
            url.is_some_and(|url| config.redis.is_none() || url.file().is_none());
        name == "moderation" && holds_moderation
    };
    report.by_name().filter(|(name, _)| !in_database(name)).map(checked).collect()
}
