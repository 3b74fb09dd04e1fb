//! [`MIGRATIONS`]: the tables of the gateway in SQL, in `migrations/`.

use crate::kernel::sql::migration::{MigrationChain, MigrationFile};

pub const MIGRATIONS: MigrationChain = MigrationChain::new(
    "gateway",
    &[
        MigrationFile::new(1, "ledger", include_str!("migrations/sqlite/0001_ledger.sql")),
        MigrationFile::new(2, "limits", include_str!("migrations/sqlite/0002_limits.sql")),
    ],
    &[
        MigrationFile::new(1, "ledger", include_str!("migrations/postgres/0001_ledger.sql")),
        MigrationFile::new(2, "limits", include_str!("migrations/postgres/0002_limits.sql")),
        MigrationFile::new(3, "instances", include_str!("migrations/postgres/0003_instances.sql")),
    ],
);
