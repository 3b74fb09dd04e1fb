//! The plan of the toolset: builds it from its settings and the parts of the server.

use std::sync::Arc;

use super::config::{self, GoalsConfig};
use super::journal::store::GoalsStore;
use super::service::GoalsService;
use super::store_postgres::PostgresGoalsStore;
use super::store_sqlite::SqliteGoalsStore;
use super::tools::GoalsTools;
use super::{NAME, upkeep};
use crate::kernel::health::HealthCheck;
use crate::kernel::settings::SettingsReader;
use crate::kernel::sql::Database;
use crate::kernel::toolset::parts::{ToolsetError, ToolsetParts};
use crate::kernel::toolset::row::{BuiltToolset, ToolsetPlan};

#[derive(Debug)]
struct GoalsPlan(GoalsConfig);

/// Reads the settings of the toolset.
pub fn read(reader: &mut SettingsReader<'_>) -> Arc<dyn ToolsetPlan> {
    Arc::new(GoalsPlan(config::read(reader)))
}

impl ToolsetPlan for GoalsPlan {
    fn build(&self, parts: &ToolsetParts) -> Result<BuiltToolset, ToolsetError> {
        let database = parts.database()?.clone();
        let store: Arc<dyn GoalsStore> = match &database {
            Database::Sqlite(database) => Arc::new(SqliteGoalsStore::new(database.clone())),
            Database::Postgres(database) => Arc::new(PostgresGoalsStore::new(database.clone())),
        };
        let clock = Arc::clone(&parts.clock);
        let zone = self.0.zone.clone();
        let service = GoalsService::new(Arc::clone(&store), Arc::clone(&clock), parts.rng(), zone);
        let mut built =
            BuiltToolset::new(Arc::new(GoalsTools::new(Arc::new(service), Arc::clone(&clock))));
        built.tasks.push(Box::pin(upkeep::run(store, clock)));
        let check = move || {
            let database = database.clone();
            async move { database.check().await }
        };
        built.health.push(HealthCheck::new(NAME, check));
        Ok(built)
    }
}
