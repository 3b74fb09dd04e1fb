//! [`TempDatabase`]: a path for an SQLite file in a temporary folder.

use std::path::{Path, PathBuf};

use random_connect::kernel::sql::sqlite::SqliteDatabase;
use random_connect::moderation::migrations::MIGRATIONS;
use random_connect::moderation::store_sqlite::SqliteModerationStore;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use tempfile::TempDir;

/// A folder for one database. Dropping it removes the folder.
pub struct TempDatabase(TempDir);

impl TempDatabase {
    pub fn new() -> Self {
        Self(TempDir::new().expect("a folder"))
    }

    pub fn folder(&self) -> &Path {
        self.0.path()
    }

    /// Returns the file, which does not exist at first.
    pub fn file(&self) -> PathBuf {
        self.0.path().join("state.db")
    }

    /// Opens the database as a server does.
    pub async fn sqlite(&self) -> SqliteDatabase {
        SqliteDatabase::open(&self.file()).await.expect("a database")
    }

    /// Opens the database with the tables of moderation.
    pub async fn moderation_store(&self) -> SqliteModerationStore {
        let database = self.sqlite().await;
        database.migrate(&MIGRATIONS).await.expect("tables");
        SqliteModerationStore::new(database)
    }

    /// Opens the database, and creates it if necessary.
    pub async fn open(&self) -> SqlitePool {
        let options = SqliteConnectOptions::new().filename(self.file()).create_if_missing(true);
        SqlitePool::connect_with(options).await.expect("a database")
    }
}
