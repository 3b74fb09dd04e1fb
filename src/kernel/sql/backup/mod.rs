//! Backups of a database: one file that is verified as a whole before anything of it is used.
//!
//! - [`archive`] has the file: sections, a manifest and a checksum.
//! - [`manifest`] describes the contents, and says whether this program can use them.
//! - [`partial`] writes a file that gets its name once it is complete.
//!
//! The engines write and read the sections: see `sqlite/snapshot.rs` and `sqlite/replacement.rs`, `postgres/dump.rs` and
//! `postgres/load.rs`. To add a section, give it a name in `app/backup.rs`; readers ignore names that they do not know.

pub mod archive;
pub mod manifest;
pub mod partial;
