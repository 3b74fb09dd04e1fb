//! [`MIGRATIONS`]: the tables of moderation in SQL, in `migrations/`.

use crate::kernel::sql::migration::{MigrationChain, MigrationFile};

/// The first chain of every database: it also creates `secret_fingerprints`. On SQLite, the
/// versions are in the table that version 0.1.0 created.
pub const MIGRATIONS: MigrationChain = MigrationChain {
    toolset: "moderation",
    sqlite_table: Some("_sqlx_migrations"),
    sqlite: &[
        MigrationFile::new(1, "ledger", include_str!("migrations/sqlite/0001_ledger.sql")),
        MigrationFile::new(
            2,
            "consents and ratings",
            include_str!("migrations/sqlite/0002_consents_and_ratings.sql"),
        ),
        MigrationFile::new(
            3,
            "histories and decisions",
            include_str!("migrations/sqlite/0003_histories_and_decisions.sql"),
        ),
        MigrationFile::new(
            4,
            "secret fingerprints",
            include_str!("migrations/sqlite/0004_secret_fingerprints.sql"),
        ),
    ],
    postgres: &[MigrationFile::new(
        1,
        "moderation",
        include_str!("migrations/postgres/0001_moderation.sql"),
    )],
};
