//! [`Database`]: the SQL database of all toolsets, in an SQLite file or on a PostgreSQL server.
//!
//! A toolset has one query set per engine behind its storage trait, because what matters differs between the engines: see
//! `store_sqlite` and `store_postgres` of moderation. This module has what the stores share: opening, [migrations](migration),
//! writing with group commit or retries, and the [mapping of errors](failure). It knows no table of a toolset.
//!
//! To use it in a toolset: write a [`MigrationChain`], apply it in `app/stores.rs`, and give the store its
//! [`SqliteDatabase`] or [`PostgresDatabase`].

pub mod backup;
pub mod columns;
mod failure;
pub mod migration;
pub mod postgres;
pub mod problem;
mod secrets;
pub mod sqlite;
pub mod url;
pub mod versions;

use self::migration::MigrationChain;
use self::postgres::PostgresDatabase;
use self::problem::{DatabaseError, DatabaseProblem};
use self::sqlite::SqliteDatabase;
use self::url::DatabaseUrl;
use crate::kernel::secrets::SecretFingerprints;
use crate::kernel::store::StoreError;

/// An open database. Cheap to clone.
#[derive(Clone)]
pub enum Database {
    Sqlite(SqliteDatabase),
    Postgres(PostgresDatabase),
}

impl Database {
    /// Opens the database, which must exist on PostgreSQL and is created on SQLite. Call this within a tokio runtime.
    ///
    /// # Errors
    /// Returns [`DatabaseError`] if it can't be used.
    pub async fn open(url: &DatabaseUrl) -> Result<Self, DatabaseError> {
        let opened = match url {
            DatabaseUrl::Sqlite(file) => SqliteDatabase::open(file).await.map(Self::Sqlite),
            DatabaseUrl::Postgres(url) => PostgresDatabase::open(url).await.map(Self::Postgres),
        };
        opened.map_err(|problem| at(url, problem))
    }

    /// Opens the database, applies these chains of migrations in their order, and checks that the database was
    /// written with these secrets.
    ///
    /// # Errors
    /// Returns [`DatabaseError`] if it can't be used.
    pub async fn open_with(
        url: &DatabaseUrl,
        chains: &[&MigrationChain],
        fingerprints: &SecretFingerprints,
    ) -> Result<Self, DatabaseError> {
        let database = Self::open(url).await?;
        let prepare = async {
            for chain in chains {
                database.migrate(chain).await?;
            }
            database.check_secrets(fingerprints).await
        };
        match prepare.await {
            Ok(()) => Ok(database),
            Err(problem) => {
                database.close().await;
                Err(at(url, problem))
            }
        }
    }

    /// Checks that the database can be opened with these chains of migrations and these secrets, and changes
    /// nothing. Returns `false` if the file of SQLite does not exist yet.
    ///
    /// # Errors
    /// Returns [`DatabaseError`] if it can't be used.
    pub async fn inspect(
        url: &DatabaseUrl,
        chains: &[&MigrationChain],
        fingerprints: Option<&SecretFingerprints>,
    ) -> Result<bool, DatabaseError> {
        let inspected = match url {
            DatabaseUrl::Sqlite(file) => SqliteDatabase::inspect(file, chains, fingerprints).await,
            DatabaseUrl::Postgres(url) => {
                PostgresDatabase::inspect(url, chains, fingerprints).await.map(|()| true)
            }
        };
        inspected.map_err(|problem| at(url, problem))
    }

    /// Applies the migrations of a toolset: all, or after a failure none.
    ///
    /// # Errors
    /// Returns [`DatabaseProblem`] if one fails, or if a newer version has written the database.
    pub async fn migrate(&self, chain: &MigrationChain) -> Result<(), DatabaseProblem> {
        match self {
            Self::Sqlite(database) => database.migrate(chain).await,
            Self::Postgres(database) => database.migrate(chain).await,
        }
    }

    /// Compares the secrets with those that the database was written with, and stores them.
    ///
    /// # Errors
    /// Returns [`DatabaseProblem::Secrets`] if they differ.
    pub async fn check_secrets(
        &self,
        fingerprints: &SecretFingerprints,
    ) -> Result<(), DatabaseProblem> {
        match self {
            Self::Sqlite(database) => database.check_secrets(fingerprints).await,
            Self::Postgres(database) => database.check_secrets(fingerprints).await,
        }
    }

    /// Checks that the database answers.
    ///
    /// # Errors
    /// Returns [`StoreError`] if it does not.
    pub async fn check(&self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(database) => database.check().await,
            Self::Postgres(database) => database.check().await,
        }
    }

    /// Ends the connections, after what was written. Later calls fail.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(database) => database.close().await,
            Self::Postgres(database) => database.close().await,
        }
    }
}

fn at(url: &DatabaseUrl, problem: DatabaseProblem) -> DatabaseError {
    DatabaseError { place: url.place(), problem }
}
