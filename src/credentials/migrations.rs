//! [`MIGRATIONS`]: the tables of credentials in SQL, in `migrations/`.

use crate::kernel::sql::migration::{MigrationChain, MigrationFile};

pub const MIGRATIONS: MigrationChain = MigrationChain::new(
    "credentials",
    &[MigrationFile::new(1, "api keys", include_str!("migrations/sqlite/0001_api_keys.sql"))],
    &[MigrationFile::new(1, "api keys", include_str!("migrations/postgres/0001_api_keys.sql"))],
);
