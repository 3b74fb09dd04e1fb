//! [`PartialFile`]: a file that gets its name once it is complete and on the disk.
//!
//! A process that is killed leaves a hidden file beside it, which the next one for the same name removes. A lock on
//! the hidden file shows that a process still writes it.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

/// A file in the folder of its target, under a hidden name and with mode 0600. Dropping it removes the file.
pub struct PartialFile {
    temporary: NamedTempFile,
    target: PathBuf,
}

impl PartialFile {
    /// Creates an empty file, and removes those of killed processes.
    ///
    /// # Errors
    /// Returns an error if the folder can't be written.
    pub fn create(target: &Path) -> io::Result<Self> {
        let name = target.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let mut prefix = OsString::from(".");
        prefix.push(name);
        prefix.push(".partial-");
        // An absolute path, so that SQLite does not take one such as `file:x` for a URI.
        let folder = folder(target).canonicalize()?;
        remove_abandoned(&folder, &prefix)?;
        let temporary = Builder::new().prefix(&prefix).tempfile_in(&folder)?;
        temporary.as_file().try_lock()?;
        Ok(Self { temporary, target: folder.join(name) })
    }

    /// The absolute path of the hidden file.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.temporary.path()
    }

    pub fn file(&self) -> &File {
        self.temporary.as_file()
    }

    pub fn file_mut(&mut self) -> &mut File {
        self.temporary.as_file_mut()
    }

    /// Writes the file to the disk and gives it its name, in one step.
    ///
    /// # Errors
    /// Returns [`io::ErrorKind::AlreadyExists`] if the name exists, unless it may be replaced.
    pub fn publish(self, replace: bool) -> io::Result<()> {
        let Self { temporary, target } = self;
        temporary.as_file().sync_all()?;
        let named =
            if replace { temporary.persist(&target) } else { temporary.persist_noclobber(&target) };
        named.map_err(|error| error.error)?;
        File::open(folder(&target))?.sync_all()
    }
}

fn folder(file: &Path) -> &Path {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

fn remove_abandoned(folder: &Path, prefix: &OsString) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if !name.as_encoded_bytes().starts_with(prefix.as_encoded_bytes()) {
            continue;
        }
        // One that can't be opened or removed does no harm.
        if File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()) {
            let _ = fs::remove_file(entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    use tempfile::TempDir;

    use super::*;

    fn names(folder: &Path) -> usize {
        fs::read_dir(folder).expect("a folder").count()
    }

    #[test]
    fn partial_file_has_no_name_until_it_is_complete() {
        let folder = TempDir::new().expect("a folder");
        let target = folder.path().join("copy");
        let mut first = PartialFile::create(&target).expect("a file");
        first.file_mut().write_all(b"first").expect("written");
        let second = PartialFile::create(&target).expect("another one beside it");
        assert!(!target.exists() && names(folder.path()) == 2);
        first.publish(false).expect("a name");
        assert_eq!(fs::read(&target).expect("readable"), b"first");
        let mode = fs::metadata(&target).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let refused = second.publish(false).expect_err("the name exists");
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(
            (fs::read(&target).expect("readable"), names(folder.path())),
            (b"first".to_vec(), 1)
        );
        PartialFile::create(&target).expect("a file").publish(true).expect("replaced");
        assert!(fs::read(&target).expect("readable").is_empty());
    }

    #[test]
    fn partial_file_of_a_killed_process_is_removed() {
        let folder = TempDir::new().expect("a folder");
        let target = folder.path().join("copy");
        fs::write(folder.path().join(".copy.partial-abcdef"), "half").expect("written");
        fs::write(folder.path().join(".copy2.partial-abcdef"), "of another name").expect("written");
        let file = PartialFile::create(&target).expect("a file");
        assert_eq!(names(folder.path()), 2);
        drop(file);
        assert_eq!(names(folder.path()), 1);
    }
}
