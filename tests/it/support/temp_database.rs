//! [`TempDatabase`]: a path for an SQLite file in a temporary folder.

use std::path::{Path, PathBuf};

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

    /// Opens the database, and creates it if necessary.
    pub async fn open(&self) -> SqlitePool {
        let options = SqliteConnectOptions::new().filename(self.file()).create_if_missing(true);
        SqlitePool::connect_with(options).await.expect("a database")
    }
}
