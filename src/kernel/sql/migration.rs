//! [`MigrationChain`]: the schema of one toolset in both engines.
//!
//! The files are in the toolset's folder, at `migrations/sqlite/` and `migrations/postgres/`. Existing files
//! never change, because sqlx verifies their checksums; add a new one instead. The list of
//! [`MigrationFile`] replaces `sqlx::migrate!`, because sqlx's macros compile SQLite a second time.

use std::borrow::Cow;

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

use super::url::DatabaseEngine;

/// A file `NNNN_description.sql`: its version, its description with spaces, and its text.
#[derive(Clone, Copy, Debug)]
pub struct MigrationFile {
    pub version: i64,
    pub description: &'static str,
    pub sql: &'static str,
}

impl MigrationFile {
    /// `sql` is the text of the file, from `include_str!`.
    #[must_use]
    pub const fn new(version: i64, description: &'static str, sql: &'static str) -> Self {
        Self { version, description, sql }
    }
}

/// The migrations of one toolset. Each toolset counts its versions in a separate table, so that the chains
/// do not depend on each other.
#[derive(Clone, Copy, Debug)]
pub struct MigrationChain {
    /// The name of the toolset: lower-case letters and `_`.
    pub toolset: &'static str,
    /// Oldest first.
    pub sqlite: &'static [MigrationFile],
    /// Oldest first.
    pub postgres: &'static [MigrationFile],
    /// The table of applied versions on SQLite, if it is not `<toolset>_migrations`.
    pub sqlite_table: Option<&'static str>,
}

impl MigrationChain {
    #[must_use]
    pub const fn new(
        toolset: &'static str,
        sqlite: &'static [MigrationFile],
        postgres: &'static [MigrationFile],
    ) -> Self {
        Self { toolset, sqlite, postgres, sqlite_table: None }
    }

    /// The newest version, or 0 without migrations.
    #[must_use]
    pub fn newest(&self, engine: DatabaseEngine) -> i64 {
        self.files(engine).last().map_or(0, |file| file.version)
    }

    /// The migrations on an engine, oldest first.
    #[must_use]
    pub const fn files(&self, engine: DatabaseEngine) -> &'static [MigrationFile] {
        match engine {
            DatabaseEngine::Sqlite => self.sqlite,
            DatabaseEngine::Postgres => self.postgres,
        }
    }

    /// The tables that the migrations up to a version leave, in the order of their creation, without that of
    /// the applied versions. The files write `CREATE TABLE name` and `DROP TABLE name;` at the begin of a line, in capitals.
    #[must_use]
    pub fn tables(&self, engine: DatabaseEngine, version: i64) -> Vec<&'static str> {
        let mut tables = Vec::new();
        for file in self.files(engine).iter().filter(|file| file.version <= version) {
            for line in file.sql.lines().map(str::trim) {
                if let Some(rest) = line.strip_prefix("CREATE TABLE ") {
                    tables.extend(rest.split([' ', '(']).next());
                } else if let Some(name) = line.strip_prefix("DROP TABLE ") {
                    tables.retain(|table| *table != name.trim_end_matches(';'));
                }
            }
        }
        tables
    }

    /// The name of the table of applied versions.
    #[must_use]
    pub fn versions_table(&self, engine: DatabaseEngine) -> String {
        match (engine, self.sqlite_table) {
            (DatabaseEngine::Sqlite, Some(table)) => table.to_owned(),
            _ => format!("{}_migrations", self.toolset),
        }
    }

    /// The chain on SQLite. Locking is off, as the caller runs the whole chain in one transaction that
    /// holds the lock.
    #[must_use]
    pub fn sqlite_migrator(&self) -> Migrator {
        self.migrator(DatabaseEngine::Sqlite)
    }

    /// The chain on PostgreSQL. See [`sqlite_migrator`](Self::sqlite_migrator).
    #[must_use]
    pub fn postgres_migrator(&self) -> Migrator {
        self.migrator(DatabaseEngine::Postgres)
    }

    fn migrator(&self, engine: DatabaseEngine) -> Migrator {
        let migration = |file: &MigrationFile| {
            let description = Cow::Borrowed(file.description);
            let sql = file.sql.into_sql_str();
            Migration::new(file.version, description, MigrationType::Simple, sql, false)
        };
        let migrations = self.files(engine).iter().map(migration).collect();
        let mut migrator = Migrator::with_migrations(migrations);
        migrator.dangerous_set_table_name(self.versions_table(engine));
        migrator.set_locking(false);
        migrator
    }
}
