//! The commands `backup` and `restore`: save the database of a [`Config`] in one file, and put it back.
//!
//! A restore checks everything that can be checked before it changes anything: the checksum, the version, and
//! whether the server would start with the secrets.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

use super::database;
use super::database::{DatabaseSetupError, known_chains};
use crate::config::Config;
use crate::config::secrets_file::{SecretsFile, SecretsFileError};
use crate::config::store::DatabaseConfig;
use crate::kernel::clock::{Clock, SystemClock};
use crate::kernel::secrets::{SecretFingerprints, SecretMismatch};
use crate::kernel::sql::backup::archive::{ArchiveProblem, BackupArchive, seal};
use crate::kernel::sql::backup::manifest::{BackupManifest, BackupSection};
use crate::kernel::sql::backup::partial::PartialFile;
use crate::kernel::sql::migration::MigrationChain;
use crate::kernel::sql::postgres::dump::{PostgresDump, TransferError, dump};
use crate::kernel::sql::postgres::load::load;
use crate::kernel::sql::problem::DatabaseProblem;
use crate::kernel::sql::sqlite::replacement::Replacement;
use crate::kernel::sql::sqlite::snapshot::{Snapshot, copy_snapshot};
use crate::kernel::sql::url::DatabaseUrl;

/// The section with the file of an SQLite database.
const DATABASE: &str = "database";

/// The section with the secrets file.
const SECRETS: &str = "secrets";

/// A backup can't be made or used. Nothing has changed.
#[derive(Debug, Error)]
pub enum BackupError {
    #[error("there is no database: set DATABASE_URL")]
    NoDatabase,
    #[error("can't write {}: {problem}", file.display())]
    Write {
        file: PathBuf,
        #[source]
        problem: WriteProblem,
    },
    #[error("can't use the backup {}: {problem}", file.display())]
    Archive {
        file: PathBuf,
        #[source]
        problem: ArchiveProblem,
    },
    #[error("the backup does not fit the secrets of this configuration: {0}")]
    Mismatch(#[from] SecretMismatch),
    #[error(
        "there is no file with generated secrets, because ID_SALT and INBOX_KEY are set: back them up with the other settings, and leave out --with-secrets"
    )]
    NoSecretsFile,
    #[error(transparent)]
    Secrets(#[from] SecretsFileError),
    #[error(transparent)]
    Database(#[from] DatabaseSetupError),
}

/// Why the file of a backup can't be written.
#[derive(Debug, Error)]
pub enum WriteProblem {
    #[error("it exists: choose another name, or add --force to replace it")]
    Exists,
    #[error("it needs a name, because a backup gets it once it is complete")]
    NoName,
    #[error("its folder does not exist: create it")]
    NoFolder,
    #[error(transparent)]
    Io(io::Error),
}

impl From<io::Error> for WriteProblem {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::AlreadyExists => Self::Exists,
            io::ErrorKind::InvalidInput => Self::NoName,
            io::ErrorKind::NotFound => Self::NoFolder,
            _ => Self::Io(error),
        }
    }
}

/// A backup that was written.
pub struct WrittenBackup {
    /// See [`DatabaseUrl::place`].
    pub place: String,
    /// Its size.
    pub bytes: u64,
    /// The secrets file, if it exists and the backup does not have it.
    pub left_out: Option<PathBuf>,
}

/// A backup that was restored.
pub struct RestoredBackup {
    /// See [`DatabaseUrl::place`].
    pub place: String,
    /// When the backup was written, in ISO 8601.
    pub created_at: String,
    /// The secrets file to put back before the server starts, if the secrets are not known.
    pub missing: Option<PathBuf>,
}

/// Saves the database in `file`, while servers may use it. With `with_secrets`, also the generated secrets.
/// `replace` allows replacing a file.
///
/// # Errors
/// Returns [`BackupError`] if it can't be saved. `file` is then unchanged.
pub async fn backup(
    config: &Config,
    file: &Path,
    with_secrets: bool,
    replace: bool,
) -> Result<WrittenBackup, BackupError> {
    let database = configured(config)?;
    let write = |error| unwritten(file, error);
    if file.as_os_str() == "-" {
        return Err(write(io::ErrorKind::InvalidInput.into()));
    }
    // Reported before the work; `publish` decides.
    if !replace && fs::exists(file).map_err(write)? {
        return Err(write(io::ErrorKind::AlreadyExists.into()));
    }
    let secrets = secrets_to_save(database, with_secrets)?;
    let mut partial = PartialFile::create(file).map_err(write)?;
    let mut manifest = save(database, &known_chains(config), file, &mut partial).await?;
    manifest.created_at = SystemClock::new().now().to_iso_8601();
    let out = partial.file_mut();
    if let Some(secrets) = &secrets {
        let bytes = append(out, secrets.expose_secret().as_bytes()).map_err(write)?;
        manifest.sections.push(BackupSection::new(SECRETS, bytes));
    }
    seal(out, &manifest).map_err(write)?;
    let bytes = out.metadata().map_err(write)?.len();
    partial.publish(replace).map_err(write)?;
    let secrets_file = database.url.file().map(SecretsFile::beside);
    let left_out = secrets_file
        .map(|file| file.path().to_owned())
        .filter(|path| secrets.is_none() && path.exists());
    Ok(WrittenBackup { place: database.url.place(), bytes, left_out })
}

/// Replaces the database by the one in `file`. `replace` allows replacing one that exists.
///
/// # Errors
/// Returns [`BackupError`] if it can't be restored. The database is then unchanged.
pub async fn restore(
    config: &Config,
    file: &Path,
    replace: bool,
) -> Result<RestoredBackup, BackupError> {
    let database = configured(config)?;
    let archive_error =
        |problem: ArchiveProblem| BackupError::Archive { file: file.to_owned(), problem };
    let mut archive = BackupArchive::open(file).map_err(archive_error)?;
    let chains = known_chains(config);
    let checked = archive.manifest.check(database.url.engine(), &chains);
    checked.map_err(|problem| archive_error(problem.into()))?;
    let saved = read_secrets(&mut archive).map_err(|error| archive_error(error.into()))?;
    let missing = check_secrets(config, database, saved.as_ref(), &archive.manifest)?;
    put_back(database, &chains, (file, &mut archive), saved.as_ref(), replace).await?;
    let created_at = archive.manifest.created_at;
    Ok(RestoredBackup { place: database.url.place(), created_at, missing })
}

fn configured(config: &Config) -> Result<&DatabaseConfig, BackupError> {
    config.database.as_ref().ok_or(BackupError::NoDatabase)
}

fn secrets_to_save(
    database: &DatabaseConfig,
    with_secrets: bool,
) -> Result<Option<SecretString>, BackupError> {
    if !with_secrets {
        return Ok(None);
    }
    let file = database.url.file().map(SecretsFile::beside).ok_or(BackupError::NoSecretsFile)?;
    file.contents()?.map(Some).ok_or(BackupError::NoSecretsFile)
}

/// Writes the sections of the database.
async fn save(
    database: &DatabaseConfig,
    chains: &[&MigrationChain],
    file: &Path,
    partial: &mut PartialFile,
) -> Result<BackupManifest, BackupError> {
    let problem = |problem| DatabaseSetupError::new(database, problem);
    let described = BackupManifest { engine: database.url.engine(), ..BackupManifest::default() };
    match &database.url {
        DatabaseUrl::Sqlite(path) => {
            let snapshot = copy_snapshot(path, partial.path(), chains).await.map_err(problem)?;
            let metadata = partial.file().metadata();
            let bytes = metadata.map_err(|error| problem(DatabaseProblem::Io(error)))?.len();
            let Snapshot { schemas, fingerprints } = snapshot;
            let sections = vec![BackupSection::new(DATABASE, bytes)];
            Ok(BackupManifest { schemas, fingerprints, sections, ..described })
        }
        DatabaseUrl::Postgres(url) => {
            let mut out = BufWriter::new(partial.file_mut());
            let dumped = dump(url, chains, &mut out).await;
            let dumped = dumped.and_then(|dump| Ok(out.flush().map(|()| dump)?));
            let PostgresDump { schemas, fingerprints, sections } =
                dumped.map_err(|error| match error {
                    TransferError::Database(error) => problem(error).into(),
                    TransferError::File(error) => unwritten(file, error),
                })?;
            Ok(BackupManifest { schemas, fingerprints, sections, ..described })
        }
    }
}

/// Writes behind the sections that the file has. Returns the number of bytes.
fn append(file: &mut File, bytes: &[u8]) -> io::Result<u64> {
    io::Seek::seek(file, io::SeekFrom::End(0))?;
    file.write_all(bytes)?;
    Ok(bytes.len() as u64)
}

/// The secrets in a backup. `None` if it has none.
fn read_secrets(archive: &mut BackupArchive) -> io::Result<Option<SecretString>> {
    let Some(mut section) = archive.section(SECRETS)? else { return Ok(None) };
    let mut text = String::new();
    section.read_to_string(&mut text)?;
    Ok(Some(text.into()))
}

/// Checks that the server would start with the restored database. Returns the secrets file to put back, if the
/// secrets are not known.
fn check_secrets(
    config: &Config,
    database: &DatabaseConfig,
    saved: Option<&SecretString>,
    manifest: &BackupManifest,
) -> Result<Option<PathBuf>, BackupError> {
    let mut completed = config.clone();
    let file = database.url.file().map(SecretsFile::beside);
    if let Some(file) = &file {
        if let Some(saved) = saved {
            file.compare(saved)?;
            completed.secrets.complete(file.parse(saved)?);
        } else if let Some(stored) = file.read()? {
            completed.secrets.complete(stored);
        }
    }
    let Some(stored) = &manifest.fingerprints else { return Ok(None) };
    match database::fingerprints(&completed) {
        Some(fingerprints) => Ok(SecretFingerprints::check(&fingerprints, stored).map(|()| None)?),
        None => Ok(file.map(|file| file.path().to_owned())),
    }
}

/// Replaces the database, after everything was checked.
async fn put_back(
    database: &DatabaseConfig,
    chains: &[&MigrationChain],
    (file, archive): (&Path, &mut BackupArchive),
    saved: Option<&SecretString>,
    replace: bool,
) -> Result<(), BackupError> {
    let problem = |problem| DatabaseSetupError::new(database, problem);
    let unreadable =
        |error: io::Error| BackupError::Archive { file: file.to_owned(), problem: error.into() };
    match &database.url {
        DatabaseUrl::Sqlite(path) => {
            let mut replacement = Replacement::begin(path, replace).await.map_err(problem)?;
            let contents = archive.section(DATABASE).map_err(unreadable)?;
            let mut contents =
                contents.ok_or_else(|| unreadable(io::ErrorKind::InvalidData.into()))?;
            let copied = io::copy(&mut contents, replacement.file_mut());
            copied.map_err(|error| problem(DatabaseProblem::Io(error)))?;
            // Before the database, which can't be used without them.
            if let Some(saved) = saved {
                SecretsFile::beside(path).put_back(saved)?;
            }
            Ok(replacement.finish().await.map_err(problem)?)
        }
        DatabaseUrl::Postgres(url) => {
            load(url, chains, archive).await.map_err(|error| match error {
                TransferError::Database(error) => problem(error).into(),
                TransferError::File(error) => unreadable(error),
            })
        }
    }
}

fn unwritten(file: &Path, error: io::Error) -> BackupError {
    BackupError::Write { file: file.to_owned(), problem: error.into() }
}
