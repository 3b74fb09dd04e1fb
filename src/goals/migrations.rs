//! [`MIGRATIONS`]: the tables of goals in SQL, in `migrations/`.

use crate::kernel::sql::migration::{MigrationChain, MigrationFile};

pub const MIGRATIONS: MigrationChain = MigrationChain::new(
    "goals",
    &[MigrationFile::new(1, "journal", include_str!("migrations/sqlite/0001_journal.sql"))],
    &[MigrationFile::new(1, "journal", include_str!("migrations/postgres/0001_journal.sql"))],
);
