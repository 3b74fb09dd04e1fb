//! [`Replacement`]: replaces the file of a database while no process has it open.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use sqlx::{ConnectOptions, Connection};

use super::file::{companions, file_problem};
use super::lock;
use super::lock::FileLock;
use crate::kernel::sql::backup::partial::PartialFile;
use crate::kernel::sql::problem::DatabaseProblem;

/// A database that is being replaced. Until [`finish`](Self::finish) has succeeded, the old one is complete.
pub struct Replacement<'a> {
    database: &'a Path,
    new: PartialFile,
    /// Keeps servers and other commands away.
    _lock: FileLock,
}

impl<'a> Replacement<'a> {
    /// Locks the database, which need not exist.
    ///
    /// # Errors
    /// Returns [`DatabaseProblem::InUse`] if a process has it open, and [`DatabaseProblem::Exists`] if it exists,
    /// unless `replace` allows that.
    pub async fn begin(database: &'a Path, replace: bool) -> Result<Self, DatabaseProblem> {
        let lock = lock(database, FileLock::exclusive).await.map_err(|problem| match problem {
            DatabaseProblem::Locked => DatabaseProblem::InUse,
            problem => problem,
        })?;
        match fs::metadata(database) {
            Ok(metadata) if metadata.is_dir() => return Err(DatabaseProblem::IsFolder),
            // A server that is starting creates an empty file.
            Ok(metadata) if metadata.len() > 0 && !replace => return Err(DatabaseProblem::Exists),
            _ => {}
        }
        let new = PartialFile::create(database).map_err(|error| file_problem(database, error))?;
        Ok(Self { database, new, _lock: lock })
    }

    /// The new database, at first empty.
    pub fn file_mut(&mut self) -> &mut File {
        self.new.file_mut()
    }

    /// Replaces the database, in one step.
    ///
    /// # Errors
    /// Returns [`DatabaseProblem`] if that fails, and the old database is unchanged.
    pub async fn finish(self) -> Result<(), DatabaseProblem> {
        let problem = |error| file_problem(self.database, error);
        self.new.file().sync_all().map_err(problem)?;
        if fs::exists(self.database).map_err(problem)? {
            merge_companions(self.database).await?;
        }
        // SQLite would apply those of the old database to the new one.
        remove_companions(self.database).map_err(problem)?;
        self.new.publish(true).map_err(problem)
    }
}

/// Merges the files beside the old database into it, so that it is complete without them.
async fn merge_companions(database: &Path) -> Result<(), DatabaseProblem> {
    // Leaving WAL fails while any other process has the database open, also one that knows no lock file.
    let options = SqliteConnectOptions::new()
        .filename(database)
        .journal_mode(SqliteJournalMode::Delete)
        .disable_statement_logging();
    let merged = match options.connect().await {
        Ok(connection) => connection.close().await,
        Err(error) => Err(error),
    };
    match merged.map_err(DatabaseProblem::from) {
        Err(DatabaseProblem::Locked) => Err(DatabaseProblem::InUse),
        // One that is damaged can't be used in any case.
        Err(problem) if !problem.is_damage() => Err(problem),
        _ => Ok(()),
    }
}

fn remove_companions(database: &Path) -> io::Result<()> {
    let mut journal = database.as_os_str().to_owned();
    journal.push("-journal");
    for path in companions(database).into_iter().chain([journal.into()]) {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
