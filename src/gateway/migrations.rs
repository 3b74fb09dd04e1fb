//! [`MIGRATIONS`]: the tables of the gateway in SQL, in `migrations/`.

use crate::kernel::sql::migration::{MigrationChain, MigrationFile};

pub const MIGRATIONS: MigrationChain = MigrationChain::new(
    "gateway",
    &[
        MigrationFile::new(1, "ledger", include_str!("migrations/sqlite/0001_ledger.sql")),
        MigrationFile::new(2, "limits", include_str!("migrations/sqlite/0002_limits.sql")),
        MigrationFile::new(3, "deductions", include_str!("migrations/sqlite/0003_deductions.sql")),
    ],
    &[
        MigrationFile::new(1, "ledger", include_str!("migrations/postgres/0001_ledger.sql")),
        MigrationFile::new(2, "limits", include_str!("migrations/postgres/0002_limits.sql")),
        MigrationFile::new(3, "instances", include_str!("migrations/postgres/0003_instances.sql")),
        MigrationFile::new(
            4,
            "deductions",
            include_str!("migrations/postgres/0004_deductions.sql"),
        ),
    ],
);
