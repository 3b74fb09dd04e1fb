//! [`BackupManifest`]: describes a backup, and says whether this program can use it.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::kernel::secrets::SecretFingerprints;
use crate::kernel::sql::migration::MigrationChain;
use crate::kernel::sql::url::DatabaseEngine;
use crate::kernel::sql::versions::SchemaVersion;

/// The version of the format that this program writes, and the newest that it reads.
const FORMAT: u32 = 1;

/// A backup was not written for this program, or not for its database.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum ManifestProblem {
    #[error("a newer version of this program has written it (format {0}): run that version")]
    NewerFormat(u32),
    #[error(
        "a newer version of this program has written it (schema {version} of {toolset}): run that version"
    )]
    NewerSchema { toolset: String, version: i64 },
    #[error("it is a backup of {backup}, and the database is on {database}")]
    OtherEngine { backup: &'static str, database: &'static str },
    #[error("its description can't be read")]
    Unreadable,
}

/// A part of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupSection {
    pub name: String,
    pub bytes: u64,
    /// `None` if it is not a table of PostgreSQL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<SavedTable>,
}

impl BackupSection {
    /// A section that is not a table.
    #[must_use]
    pub fn new(name: &str, bytes: u64) -> Self {
        Self { name: name.to_owned(), bytes, table: None }
    }
}

/// A table of PostgreSQL, whose section has the rows in the text format of COPY.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedTable {
    pub name: String,
    /// In the order of the rows' fields.
    pub columns: Vec<String>,
    /// The columns that are numbered, each with the last number.
    #[serde(default)]
    pub numbered: Vec<(String, i64)>,
}

/// The description of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupManifest {
    pub format: u32,
    /// The version of the program that wrote it, such as `0.1.0`.
    pub program: String,
    pub engine: DatabaseEngine,
    /// ISO 8601.
    pub created_at: String,
    /// The toolsets with tables, in the order of their creation.
    pub schemas: Vec<SchemaVersion>,
    /// Of the secrets that the database was written with. `None` if it has none yet.
    pub fingerprints: Option<SecretFingerprints>,
    /// In the order of the file.
    pub sections: Vec<BackupSection>,
}

impl Default for BackupManifest {
    /// An empty backup of this program.
    fn default() -> Self {
        Self {
            format: FORMAT,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            engine: DatabaseEngine::Sqlite,
            created_at: String::new(),
            schemas: Vec::new(),
            fingerprints: None,
            sections: Vec::new(),
        }
    }
}

impl BackupManifest {
    /// Parses the JSON of a backup.
    ///
    /// # Errors
    /// Returns [`ManifestProblem`] if this program can't read the format.
    pub(super) fn parse(json: &[u8]) -> Result<Self, ManifestProblem> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        // Another format may have other fields.
        let Ok(Format { format }) = serde_json::from_slice(json) else {
            return Err(ManifestProblem::Unreadable);
        };
        if format > FORMAT {
            return Err(ManifestProblem::NewerFormat(format));
        }
        serde_json::from_slice(json).map_err(|_| ManifestProblem::Unreadable)
    }

    /// Checks that this program can use the backup with a database of `engine` and these tables.
    ///
    /// # Errors
    /// Returns [`ManifestProblem`] if it can't.
    pub fn check(
        &self,
        engine: DatabaseEngine,
        chains: &[&MigrationChain],
    ) -> Result<(), ManifestProblem> {
        if self.engine != engine {
            let (backup, database) = (self.engine.name(), engine.name());
            return Err(ManifestProblem::OtherEngine { backup, database });
        }
        for SchemaVersion { toolset, version } in &self.schemas {
            let chain = chains.iter().find(|chain| chain.toolset == toolset);
            let newest = chain.map(|chain| chain.newest(engine));
            if newest.is_none_or(|newest| newest < *version) {
                let (toolset, version) = (toolset.clone(), *version);
                return Err(ManifestProblem::NewerSchema { toolset, version });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::sql::migration::MigrationFile;

    const CHAIN: MigrationChain = MigrationChain::new(
        "notes",
        &[MigrationFile::new(1, "one", ""), MigrationFile::new(2, "two", "")],
        &[MigrationFile::new(1, "one", "")],
    );

    fn manifest(toolset: &str, version: i64) -> BackupManifest {
        let schemas = vec![SchemaVersion { toolset: toolset.to_owned(), version }];
        BackupManifest { schemas, ..BackupManifest::default() }
    }

    #[test]
    fn backup_of_a_newer_version_is_refused() {
        let check = |toolset, version| {
            let checked = manifest(toolset, version).check(DatabaseEngine::Sqlite, &[&CHAIN]);
            checked.map_err(|problem| problem.to_string())
        };
        assert_eq!((check("notes", 1), check("notes", 2)), (Ok(()), Ok(())));
        for (toolset, version) in [("notes", 3), ("others", 1)] {
            let problem = check(toolset, version).expect_err("refused");
            assert!(problem.contains(&format!("schema {version} of {toolset}")), "{problem}");
        }
        let newer = br#"{"format":2,"sections":"of another form"}"#;
        assert_eq!(BackupManifest::parse(newer), Err(ManifestProblem::NewerFormat(2)));
        assert_eq!(BackupManifest::parse(b"{}"), Err(ManifestProblem::Unreadable));
    }

    #[test]
    fn backup_of_another_engine_is_refused() {
        let problem = manifest("notes", 1).check(DatabaseEngine::Postgres, &[&CHAIN]);
        let problem = problem.expect_err("refused").to_string();
        assert_eq!(problem, "it is a backup of SQLite, and the database is on PostgreSQL");
    }
}
