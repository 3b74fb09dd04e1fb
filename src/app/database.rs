//! Opens the SQL database of a [`Config`] and completes its secrets.
//!
//! The tables of a toolset are those of its row in the table of toolsets.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use secrecy::ExposeSecret;
use thiserror::Error;

use crate::config::Config;
use crate::config::secrets_file::{SecretsFile, SecretsFileError, SecretsFileProblem};
use crate::config::store::{DatabaseConfig, StoreSecrets};
use crate::credentials::migrations::MIGRATIONS as CREDENTIALS;
use crate::kernel::clock::seeded_rng;
use crate::kernel::secrets::SecretFingerprints;
use crate::kernel::sql::Database;
use crate::kernel::sql::migration::MigrationChain;
use crate::kernel::sql::problem::DatabaseProblem;
use crate::moderation::migrations::MIGRATIONS as MODERATION;

/// The tables of every database, in the order of their creation. Those of the toolsets follow.
pub const MIGRATIONS: &[&MigrationChain] = &[&MODERATION, &CREDENTIALS];

/// The first bytes of an SQLite database.
const HEADER: &[u8; 16] = b"SQLite format 3\0";

/// The database or its secrets can't be used.
#[derive(Debug, Error)]
pub enum DatabaseSetupError {
    #[error("can't use {place} ({setting}): {problem}")]
    Database { place: String, setting: &'static str, problem: DatabaseProblem },
    #[error(transparent)]
    Secrets(#[from] SecretsFileError),
}

impl DatabaseSetupError {
    pub(super) fn new(config: &DatabaseConfig, problem: DatabaseProblem) -> Self {
        Self::Database { place: config.url.place(), setting: config.setting, problem }
    }

    /// Returns `true` if the operator has to correct a setting.
    #[must_use]
    pub const fn is_bad_setting(&self) -> bool {
        match self {
            Self::Database { problem, .. } => problem.is_bad_setting(),
            Self::Secrets(_) => true,
        }
    }
}

/// Opens the database, creates it and its secrets if necessary, and updates its tables. `None` without a
/// database.
///
/// # Errors
/// Returns [`DatabaseSetupError`] if the database or its secrets can't be used.
pub async fn open(config: &mut Config) -> Result<Option<Database>, DatabaseSetupError> {
    let Some(database) = config.database.clone() else { return Ok(None) };
    let problem = |problem| DatabaseSetupError::new(&database, problem);
    read_secrets(config)?;
    if let Some((file, secrets)) = generated(config) {
        // A file that can't be used is reported first.
        Database::inspect(&database.url, &known_chains(config), None)
            .await
            .map_err(|error| problem(error.problem))?;
        config.secrets.complete(file.create(&secrets)?);
    }
    let fingerprints =
        fingerprints(config).expect("the configuration demands what is not generated");
    let opened = Database::open_with(&database.url, &chains(config), &fingerprints).await;
    Ok(Some(opened.map_err(|error| problem(error.problem))?))
}

/// Checks the database as [`open`] does, but changes nothing. Returns `false` if its file does not
/// exist yet.
///
/// # Errors
/// Returns [`DatabaseSetupError`] if the database or its secrets can't be used.
pub async fn inspect(config: &mut Config) -> Result<bool, DatabaseSetupError> {
    let Some(database) = config.database.clone() else { return Ok(false) };
    read_secrets(config)?;
    let inspected =
        Database::inspect(&database.url, &known_chains(config), fingerprints(config).as_ref())
            .await;
    inspected.map_err(|error| DatabaseSetupError::new(&database, error.problem))
}

/// The tables of a server, in the order of their creation.
fn chains(config: &Config) -> Vec<&'static MigrationChain> {
    let of_toolsets = config.toolsets.enabled.iter().filter_map(|toolset| toolset.row.migrations);
    MIGRATIONS.iter().copied().chain(of_toolsets).collect()
}

/// The tables that a database may have, also of toolsets that are not enabled.
pub(super) fn known_chains(config: &Config) -> Vec<&'static MigrationChain> {
    MIGRATIONS.iter().chain(&config.toolsets.migrations).copied().collect()
}

/// Completes the secrets with those of the file beside an SQLite database, if it exists.
///
/// # Errors
/// Returns [`SecretsFileError`] if the file can't be used, or is missing beside a database.
pub fn read_secrets(config: &mut Config) -> Result<(), SecretsFileError> {
    let Some(file) = secrets_file(config) else { return Ok(()) };
    if let Some(stored) = file.read()? {
        config.secrets.complete(stored);
        let missing = config.secrets.missing().map(SecretsFileProblem::Incomplete);
        return missing.map_or(Ok(()), |problem| Err(file.at()(problem)));
    }
    if config.database.as_ref().and_then(|database| database.url.file()).is_some_and(has_data) {
        return Err(file.at()(SecretsFileProblem::Lost));
    }
    Ok(())
}

/// Returns the secrets to generate, with the file for them. `None` if all are known.
fn generated(config: &Config) -> Option<(SecretsFile, StoreSecrets)> {
    let file = secrets_file(config)?;
    Some((file, config.secrets.complement(StoreSecrets::generate(&mut seeded_rng()))))
}

/// The file that has the unset secrets. `None` if all are set, or if the database is no file.
fn secrets_file(config: &Config) -> Option<SecretsFile> {
    config.secrets.missing()?;
    let file = config.database.as_ref()?.url.file()?;
    Some(SecretsFile::beside(file))
}

/// Returns `true` if the file is a database that was written: an empty file is a new one.
fn has_data(file: &Path) -> bool {
    let mut header = [0; HEADER.len()];
    let read = File::open(file).and_then(|mut file| file.read_exact(&mut header));
    read.is_ok() && header == *HEADER
}

/// The fingerprints of the secrets. `None` if one is unset.
pub(super) fn fingerprints(config: &Config) -> Option<SecretFingerprints> {
    let StoreSecrets { salt, keys } = &config.secrets;
    Some(SecretFingerprints::new(salt.as_ref()?.expose_secret().as_bytes(), keys.as_ref()?))
}
