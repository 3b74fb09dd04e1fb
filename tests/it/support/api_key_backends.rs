//! One store of API keys of each kind, and requests for keys.

use std::sync::Arc;

use random_connect::credentials::api_keys::record::{ApiKeyPolicy, ApiKeyRequest};
use random_connect::credentials::api_keys::store::ApiKeyStore;
use random_connect::credentials::api_keys::store_memory::MemoryApiKeyStore;
use random_connect::credentials::api_keys::store_postgres::PostgresApiKeyStore;
use random_connect::credentials::api_keys::store_sqlite::SqliteApiKeyStore;
use random_connect::credentials::migrations::MIGRATIONS;
use random_connect::kernel::permissions::{AccessLevel, Globs};
use random_connect::kernel::principal::Owner;

use crate::support::backends::memory_only;
use crate::support::postgres_server::TestPostgres;
use crate::support::temp_database::TempDatabase;

/// A new, empty store, with the folder that it needs.
pub struct ApiKeyBackend {
    pub store: Arc<dyn ApiKeyStore>,
    _database: Option<TempDatabase>,
}

impl ApiKeyBackend {
    pub fn memory() -> Self {
        Self { store: Arc::new(MemoryApiKeyStore::default()), _database: None }
    }
}

/// Creates one store of each kind, first the one in memory.
pub async fn api_key_backends() -> Vec<ApiKeyBackend> {
    if memory_only() {
        return vec![ApiKeyBackend::memory()];
    }
    let postgres = TestPostgres::create().await.open().await;
    postgres.migrate(&MIGRATIONS).await.expect("tables");
    let folder = TempDatabase::new();
    let sqlite = folder.sqlite().await;
    sqlite.migrate(&MIGRATIONS).await.expect("tables");
    vec![
        ApiKeyBackend::memory(),
        ApiKeyBackend { store: Arc::new(PostgresApiKeyStore::new(postgres)), _database: None },
        ApiKeyBackend { store: Arc::new(SqliteApiKeyStore::new(sqlite)), _database: Some(folder) },
    ]
}

/// A request for a key of `owner` that lives for `days`.
pub fn key_request(owner: &str, days: u64) -> ApiKeyRequest {
    ApiKeyRequest {
        name: "a laptop".parse().expect("a name"),
        owner: Owner::named(owner).expect("an owner"),
        policy: ApiKeyPolicy { level: AccessLevel::ReadWrite, globs: Globs::default() },
        days: days.try_into().expect("days"),
    }
}
