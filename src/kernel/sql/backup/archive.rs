//! [`BackupArchive`]: the file of a backup.
//!
//! | part | size |
//! |---|---|
//! | the sections, one after the other | as the manifest says |
//! | the manifest, as JSON | as the next field says |
//! | the size of the manifest, little-endian | 8 bytes |
//! | the SHA-256 of everything before it | 32 bytes |
//! | [`MARK`] | 22 bytes |
//!
//! The description is at the end, because the size of a section is known once it is written. The first section is
//! the database, so that the backup of an SQLite database is in an emergency one that SQLite opens.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Take, Write};
use std::path::Path;

use sha2::{Digest, Sha256};
use thiserror::Error;

use super::manifest::{BackupManifest, ManifestProblem};

/// The last bytes of every backup.
pub const MARK: &[u8; 22] = b"random-connect-backup\n";

/// Size of the fields after the manifest, in bytes.
const TRAILER: u64 = (8 + CHECKSUM + MARK.len()) as u64;

/// Size of the checksum, in bytes.
const CHECKSUM: usize = 32;

/// Maximum size of a manifest, in bytes.
const MAX_MANIFEST: u64 = 1 << 20;

/// Size of the buffer for reading, in bytes.
const BUFFER: usize = 1 << 16;

/// Why a backup can't be used.
#[derive(Debug, Error)]
pub enum ArchiveProblem {
    #[error("it is no backup of this program, or its end is missing")]
    NotABackup,
    #[error("it is damaged: its checksum does not match its contents")]
    Damaged,
    #[error(transparent)]
    Manifest(#[from] ManifestProblem),
    #[error("can't read it: {0}")]
    Io(#[from] io::Error),
}

/// A verified backup that is open for reading.
pub struct BackupArchive {
    file: File,
    pub manifest: BackupManifest,
}

impl BackupArchive {
    /// Opens a backup, and compares its checksum with its contents.
    ///
    /// # Errors
    /// Returns [`ArchiveProblem`] if the file can't be used.
    pub fn open(path: &Path) -> Result<Self, ArchiveProblem> {
        let mut file = File::open(path)?;
        let size = file.seek(SeekFrom::End(0))?;
        let manifest_end = size.checked_sub(TRAILER).ok_or(ArchiveProblem::NotABackup)?;
        file.seek(SeekFrom::Start(manifest_end))?;
        let (mut manifest_size, mut checksum) = ([0; 8], [0; CHECKSUM]);
        let mut mark = [0; MARK.len()];
        file.read_exact(&mut manifest_size)?;
        file.read_exact(&mut checksum)?;
        file.read_exact(&mut mark)?;
        if mark != *MARK {
            return Err(ArchiveProblem::NotABackup);
        }
        if hash(&mut file, manifest_end + 8)? != checksum {
            return Err(ArchiveProblem::Damaged);
        }
        let manifest_size = u64::from_le_bytes(manifest_size);
        let data = manifest_end.checked_sub(manifest_size).ok_or(ArchiveProblem::Damaged)?;
        if manifest_size > MAX_MANIFEST {
            return Err(ArchiveProblem::Damaged);
        }
        file.seek(SeekFrom::Start(data))?;
        let mut json = Vec::new();
        (&mut file).take(manifest_size).read_to_end(&mut json)?;
        let manifest = BackupManifest::parse(&json)?;
        if manifest.sections.iter().map(|section| section.bytes).sum::<u64>() != data {
            return Err(ArchiveProblem::Damaged);
        }
        Ok(Self { file, manifest })
    }

    /// Returns the contents of a section. `None` if the backup has none of this name.
    ///
    /// # Errors
    /// Returns an error if the file can't be read.
    pub fn section(&mut self, name: &str) -> io::Result<Option<Take<&mut File>>> {
        let mut start = 0;
        for section in &self.manifest.sections {
            if section.name == name {
                self.file.seek(SeekFrom::Start(start))?;
                return Ok(Some((&mut self.file).take(section.bytes)));
            }
            start += section.bytes;
        }
        Ok(None)
    }
}

/// Completes a backup: appends the manifest and the checksum to a file that has the sections.
///
/// # Errors
/// Returns an error if the file can't be read or written.
pub fn seal(file: &mut File, manifest: &BackupManifest) -> io::Result<()> {
    let json = serde_json::to_vec(manifest)?;
    file.seek(SeekFrom::End(0))?;
    file.write_all(&json)?;
    file.write_all(&(json.len() as u64).to_le_bytes())?;
    let size = file.stream_position()?;
    let checksum = hash(file, size)?;
    file.seek(SeekFrom::Start(size))?;
    file.write_all(&checksum)?;
    file.write_all(MARK)
}

/// Returns the SHA-256 of the first `size` bytes.
fn hash(file: &mut File, size: u64) -> io::Result<[u8; CHECKSUM]> {
    file.seek(SeekFrom::Start(0))?;
    let (mut hasher, mut buffer) = (Sha256::new(), vec![0; BUFFER]);
    let mut rest = file.take(size);
    loop {
        match rest.read(&mut buffer)? {
            0 => return Ok(hasher.finalize().into()),
            read => hasher.update(&buffer[..read]),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::NamedTempFile;

    use super::*;
    use crate::kernel::sql::backup::manifest::BackupSection;

    const DATA: &[u8] = b"the data of a database";

    fn manifest(bytes: u64) -> BackupManifest {
        BackupManifest {
            sections: vec![BackupSection::new("database", bytes), BackupSection::new("secrets", 0)],
            ..BackupManifest::default()
        }
    }

    fn sealed() -> NamedTempFile {
        let mut file = NamedTempFile::new().expect("a file");
        file.write_all(DATA).expect("written");
        seal(file.as_file_mut(), &manifest(DATA.len() as u64)).expect("sealed");
        file
    }

    #[test]
    fn backup_archive_returns_its_sections() {
        let file = sealed();
        let mut archive = BackupArchive::open(file.path()).expect("a backup");
        let mut section = |name: &str| {
            let mut bytes = Vec::new();
            archive.section(name).expect("readable")?.read_to_end(&mut bytes).expect("readable");
            Some(bytes)
        };
        assert_eq!(section("secrets"), Some(vec![]));
        assert_eq!(section("database").as_deref(), Some(DATA));
        assert_eq!(section("other"), None);
    }

    #[test]
    fn backup_archive_with_a_flipped_bit_or_a_missing_end_is_refused() {
        let file = sealed();
        let intact = fs::read(file.path()).expect("readable");
        let refuse = |bytes: &[u8]| {
            fs::write(file.path(), bytes).expect("written");
            BackupArchive::open(file.path()).err().expect("refused")
        };
        for position in 0..intact.len() {
            let mut damaged = intact.clone();
            damaged[position] ^= 1 << (position % 8);
            refuse(&damaged);
            assert!(matches!(refuse(&intact[..position]), ArchiveProblem::NotABackup));
        }
        refuse(&[&intact[..], &[0]].concat());
        fs::write(file.path(), &intact).expect("written");
        assert!(BackupArchive::open(file.path()).is_ok());
    }

    #[test]
    fn backup_archive_whose_sections_do_not_add_up_is_refused() {
        for bytes in [0, DATA.len() as u64 + 1] {
            let mut file = NamedTempFile::new().expect("a file");
            file.write_all(DATA).expect("written");
            seal(file.as_file_mut(), &manifest(bytes)).expect("sealed");
            let problem = BackupArchive::open(file.path()).err().expect("refused");
            assert!(matches!(problem, ArchiveProblem::Damaged), "{problem}");
        }
    }
}
