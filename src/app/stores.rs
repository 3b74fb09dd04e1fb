//! Chooses the backends of the stores by [`Config`]. The only file that names them.
//!
//! To add a backend, add its configuration to `config/store.rs` and an arm here.

use std::sync::Arc;

use rand::RngExt;
use secrecy::ExposeSecret;
use thiserror::Error;

use super::database;
use super::database::DatabaseSetupError;
use crate::config::Config;
use crate::config::store::RedisConfig;
use crate::connect::lobby::store_memory::MemoryLobby;
use crate::connect::lobby::store_redis::RedisLobby;
use crate::connect::lobby::{Directory, LobbyBackend};
use crate::credentials::api_keys::service::ApiKeys;
use crate::credentials::api_keys::store::ApiKeyStore;
use crate::credentials::api_keys::store_postgres::PostgresApiKeyStore;
use crate::credentials::api_keys::store_sqlite::SqliteApiKeyStore;
use crate::kernel::clock::{Clock, seeded_rng};
use crate::kernel::health::HealthCheck;
use crate::kernel::id::IdHasher;
use crate::kernel::keyring::Keyring;
use crate::kernel::quota::QuotaLimiter;
use crate::kernel::redis::{RedisClock, RedisConnection, RedisOptions};
use crate::kernel::secrets::SecretFingerprints;
use crate::kernel::sql::Database;
use crate::moderation::service::ModerationService;
use crate::moderation::store::ModerationStore;
use crate::moderation::store_memory::MemoryModerationStore;
use crate::moderation::store_postgres::PostgresModerationStore;
use crate::moderation::store_redis::RedisModerationStore;
use crate::moderation::store_sqlite::SqliteModerationStore;
use crate::rate_limit::limiter::RateLimiter;
use crate::rate_limit::store_memory::MemoryRateLimiter;
use crate::rate_limit::store_redis::RedisRateLimiter;
use crate::rate_limit::toolset_quota::ToolsetLimiter;

/// Returns the connection that all stores share. `None` without `REDIS_URL`.
pub(super) fn redis(config: &Config, clock: &Arc<dyn Clock>) -> Option<RedisConnection> {
    config.redis.as_ref().map(|redis| connect(redis, clock.is_simulated()))
}

fn connect(redis: &RedisConfig, uses_callers_time: bool) -> RedisConnection {
    let secrets = SecretFingerprints::new(redis.salt.expose_secret().as_bytes(), &redis.keys);
    let options = RedisOptions { secrets: Some(secrets), uses_callers_time };
    RedisConnection::open_with(redis.url.expose_secret(), options)
        .expect("the configuration has checked the address")
}

/// The instances that share Redis have another secret.
#[derive(Debug, Error)]
#[error(
    "{secret} differs from that of the other instances on this Redis: set the same value, or rotate INBOX_KEY in three steps, see docs/settings.md"
)]
pub struct RedisSecretError {
    secret: String,
}

/// Returns the clock that the stores follow: Redis's or the machine's.
pub(super) fn clock(
    connection: Option<&RedisConnection>,
    machine: &Arc<dyn Clock>,
) -> Arc<dyn Clock> {
    match connection {
        Some(connection) if !machine.is_simulated() => {
            Arc::new(RedisClock::new(connection.clone(), Arc::clone(machine)))
        }
        _ => Arc::clone(machine),
    }
}

/// Returns the lobby and the hasher of its user ids.
pub(super) fn lobby(
    config: &Config,
    connection: Option<&RedisConnection>,
    clock: &Arc<dyn Clock>,
) -> (LobbyBackend, IdHasher) {
    let ids = match config.id_salt() {
        Some(salt) => IdHasher::from_salt(salt.expose_secret().as_bytes()),
        None => IdHasher::random(&mut seeded_rng()),
    };
    let (Some(redis), Some(connection)) = (&config.redis, connection) else {
        let lobby =
            MemoryLobby::new(config.idle_timeout, seeded_rng()).with_clock(Arc::clone(clock));
        return (LobbyBackend::new(Arc::new(lobby)), ids);
    };
    let lobby = RedisLobby::new(
        connection.clone(),
        config.idle_timeout,
        Keyring::new(&redis.keys),
        ids.clone(),
        seeded_rng(),
    );
    (LobbyBackend::new(Arc::new(lobby)), ids)
}

/// Opens the database of the configuration and completes its secrets, and compares them with those of
/// the other instances on Redis, which may also start later. Returns `None` without a database.
///
/// # Errors
/// Returns [`StoreSetupError`] if a store can't be used with this configuration.
pub async fn open(config: &mut Config) -> Result<Option<Database>, StoreSetupError> {
    if let Some(redis) = &config.redis
        && let Some(secret) = connect(redis, false).differing_secret().await
    {
        return Err(RedisSecretError { secret }.into());
    }
    Ok(database::open(config).await?)
}

/// The checks of the stores of the chat.
pub(super) fn checks(
    directory: &Arc<dyn Directory>,
    moderation: &Arc<ModerationService>,
) -> Vec<HealthCheck> {
    let (directory, moderation) = (Arc::clone(directory), Arc::clone(moderation));
    let limits = Arc::clone(&moderation);
    let lobby = move || {
        let directory = Arc::clone(&directory);
        async move { directory.check().await }
    };
    let moderation = move || {
        let moderation = Arc::clone(&moderation);
        async move { moderation.check_store().await }
    };
    let limits = move || {
        let limits = Arc::clone(&limits);
        async move { limits.check_rate_limiter().await }
    };
    vec![
        HealthCheck::new("lobby", lobby),
        HealthCheck::new("moderation", moderation),
        HealthCheck::new("rate_limit", limits),
    ]
}

/// The check of the store of API keys.
pub(super) fn credentials_check(keys: &Arc<ApiKeys>) -> HealthCheck {
    let keys = Arc::clone(keys);
    HealthCheck::new("credentials", move || {
        let keys = Arc::clone(&keys);
        async move { keys.check_store().await }
    })
}

/// A store can't be used with this configuration.
#[derive(Debug, Error)]
pub enum StoreSetupError {
    #[error(transparent)]
    Database(#[from] DatabaseSetupError),
    #[error(transparent)]
    RedisSecret(#[from] RedisSecretError),
}

impl StoreSetupError {
    /// Returns `true` if the operator has to correct a setting.
    #[must_use]
    pub const fn is_bad_setting(&self) -> bool {
        match self {
            Self::Database(error) => error.is_bad_setting(),
            Self::RedisSecret(_) => true,
        }
    }
}

/// Returns the encryption keys of the configuration, or a random one for this run.
pub(super) fn keyring(config: &Config) -> Keyring {
    match config.inbox_keys() {
        Some(keys) => Keyring::new(keys),
        None => Keyring::new(&[seeded_rng().random()]),
    }
}

/// Returns the rate limiter. `None` if limits are off.
pub(super) fn rate_limiter(
    config: &Config,
    connection: Option<&RedisConnection>,
    clock: &Arc<dyn Clock>,
    ids: &IdHasher,
) -> Option<Arc<dyn RateLimiter>> {
    let limits = config.rate_limits?;
    Some(match connection {
        Some(connection) => {
            Arc::new(RedisRateLimiter::new(connection.clone(), limits, ids.clone()))
        }
        None => Arc::new(MemoryRateLimiter::new(limits).with_clock(Arc::clone(clock))),
    })
}

/// Returns the limiter of the actions of toolsets.
pub(super) fn toolset_limiter(
    limiter: Arc<dyn RateLimiter>,
    clock: &Arc<dyn Clock>,
) -> Arc<dyn QuotaLimiter> {
    Arc::new(ToolsetLimiter::new(limiter, Arc::clone(clock)))
}

/// Returns the moderation service with its store, encryption keys and rate limiter.
pub(super) fn moderation(
    config: &Config,
    connection: Option<&RedisConnection>,
    database: Option<&Database>,
    limiter: Option<Arc<dyn RateLimiter>>,
) -> Arc<ModerationService> {
    let store: Arc<dyn ModerationStore> = match (connection, database) {
        (_, Some(Database::Postgres(database))) => {
            Arc::new(PostgresModerationStore::new(database.clone()))
        }
        (Some(connection), _) => Arc::new(RedisModerationStore::new(connection.clone())),
        (None, Some(Database::Sqlite(database))) => {
            Arc::new(SqliteModerationStore::new(database.clone()))
        }
        (None, None) => Arc::new(MemoryModerationStore::default()),
    };
    let keyring = keyring(config);
    Arc::new(ModerationService::new(store, keyring, limiter, seeded_rng()))
}

/// Returns the API keys in `database`.
pub(super) fn api_keys(
    database: &Database,
    clock: &Arc<dyn Clock>,
    ids: &IdHasher,
) -> Arc<ApiKeys> {
    let store: Arc<dyn ApiKeyStore> = match database {
        Database::Sqlite(database) => Arc::new(SqliteApiKeyStore::new(database.clone())),
        Database::Postgres(database) => Arc::new(PostgresApiKeyStore::new(database.clone())),
    };
    Arc::new(ApiKeys::new(store, ids.clone(), Arc::clone(clock), seeded_rng()))
}
