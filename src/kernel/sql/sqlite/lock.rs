//! [`FileLock`]: shows other processes that a database file is in use.
//!
//! SQLite's locks exclude no process that replaces the file. Every process that has the database open
//! therefore shares a lock on a file beside it, and a restore takes that lock alone. The kernel releases the lock of a process
//! that is killed.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// Number of attempts, because a process that stops holds the lock alone for a moment.
const ATTEMPTS: u32 = 20;

/// Time between two attempts.
const PAUSE: Duration = Duration::from_millis(25);

/// A lock on a database file. Dropping it releases the lock, and removes the lock's file after the last holder.
#[derive(Debug)]
pub struct FileLock {
    file: File,
    path: PathBuf,
    was_alone: bool,
}

impl FileLock {
    /// Shares the lock with other processes that use the database. Blocks for up to half a second.
    ///
    /// # Errors
    /// Returns [`io::ErrorKind::WouldBlock`] if another process is replacing the database.
    pub fn shared(database: &Path) -> io::Result<Self> {
        Self::acquire(database, |file| {
            let was_alone = file.try_lock().is_ok();
            // Replaces the other lock. Another process may come in between: it then tries again, or this one does.
            file.try_lock_shared()?;
            Ok(was_alone)
        })
    }

    /// Returns `true` if no other process had the database open when this lock was taken.
    pub const fn was_alone(&self) -> bool {
        self.was_alone
    }

    /// Takes the lock alone. Blocks for up to half a second.
    ///
    /// # Errors
    /// Returns [`io::ErrorKind::WouldBlock`] if another process has the database open.
    pub fn exclusive(database: &Path) -> io::Result<Self> {
        Self::acquire(database, |file| file.try_lock().map(|()| true))
    }

    fn acquire(
        database: &Path,
        lock: impl Fn(&File) -> Result<bool, TryLockError>,
    ) -> io::Result<Self> {
        let mut path = database.as_os_str().to_owned();
        path.push("-lock");
        let path = PathBuf::from(path);
        for _ in 0..ATTEMPTS {
            let file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .open(&path)?;
            match lock(&file) {
                Ok(was_alone) if is_same_file(&file, &path) => {
                    return Ok(Self { file, path, was_alone });
                }
                // The last holder has removed the file in between.
                Ok(_) => {}
                Err(TryLockError::WouldBlock) => thread::sleep(PAUSE),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Err(io::ErrorKind::WouldBlock.into())
    }
}

/// Returns `true` if `path` still names `file`.
fn is_same_file(file: &File, path: &Path) -> bool {
    let (Ok(open), Ok(named)) = (file.metadata(), fs::metadata(path)) else { return false };
    (open.dev(), open.ino()) == (named.dev(), named.ino())
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // A file that is left behind does no harm.
        if self.file.try_lock().is_ok() && is_same_file(&self.file, &self.path) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn file_lock_is_shared_or_exclusive_and_leaves_no_file() {
        let folder = TempDir::new().expect("a folder");
        let database = folder.path().join("state.db");
        let (first, second) = (
            FileLock::shared(&database).expect("shared"),
            FileLock::shared(&database).expect("shared"),
        );
        assert!(first.was_alone() && !second.was_alone());
        let refused = |result: io::Result<FileLock>| {
            result.expect_err("locked").kind() == io::ErrorKind::WouldBlock
        };
        assert!(refused(FileLock::exclusive(&database)));
        drop(first);
        assert!(refused(FileLock::exclusive(&database)), "one holder is left");
        drop(second);
        let alone = FileLock::exclusive(&database).expect("alone");
        assert!(refused(FileLock::shared(&database)));
        drop(alone);
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
    }
}
