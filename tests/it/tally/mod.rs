//! A toolset that counts things, in one folder and one row: a tool, a resource, a prompt, a setting, a limit,
//! a table in both databases and a metric. Nothing of the server knows it.

mod store;
mod tools;

use std::sync::Arc;
use std::time::Duration;

use random_connect::kernel::health::HealthCheck;
use random_connect::kernel::quota::ToolsetQuota;
use random_connect::kernel::settings::{EchoValue, Setting, SettingsReader};
use random_connect::kernel::sql::migration::{MigrationChain, MigrationFile};
use random_connect::kernel::toolset::parts::{ToolsetError, ToolsetParts};
use random_connect::kernel::toolset::row::{BuiltToolset, ToolsetPlan, ToolsetRow};

use store::TallyStore;
use tools::TallyTools;

const ADDITIONS: ToolsetQuota =
    ToolsetQuota { name: "tally.additions", limit: 30, period: Duration::from_secs(60) };

const MIGRATIONS: MigrationChain = MigrationChain::new(
    "tally",
    &[MigrationFile::new(1, "tallies", include_str!("migrations/sqlite/0001_tallies.sql"))],
    &[MigrationFile::new(1, "tallies", include_str!("migrations/postgres/0001_tallies.sql"))],
);

/// The row in the table of toolsets.
pub const TALLY: ToolsetRow = ToolsetRow {
    name: "tally",
    docs: "docs/toolsets.md",
    settings: &[Setting {
        name: "TALLY_STEP",
        default: "`1`",
        meaning: "Number that one addition adds.",
    }],
    quotas: &[ADDITIONS],
    migrations: Some(&MIGRATIONS),
    read,
};

#[derive(Debug)]
struct TallyPlan {
    step: u32,
}

fn read(reader: &mut SettingsReader<'_>) -> Arc<dyn ToolsetPlan> {
    let step = reader.read("TALLY_STEP", EchoValue::Yes, |text| {
        text.parse().map_err(|_| "a whole number that is not negative")
    });
    Arc::new(TallyPlan { step: step.unwrap_or(1) })
}

impl ToolsetPlan for TallyPlan {
    fn build(&self, parts: &ToolsetParts) -> Result<BuiltToolset, ToolsetError> {
        let store = TallyStore(parts.database()?.clone());
        let checked = store.0.clone();
        let check = move || {
            let database = checked.clone();
            async move { database.check().await }
        };
        let mut built = BuiltToolset::new(Arc::new(TallyTools::new(store, self.step, parts)));
        built.health.push(HealthCheck::new("tally", check));
        Ok(built)
    }
}
