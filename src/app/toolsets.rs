//! [`TOOLSETS`]: the table of toolsets. To add a toolset, write its folder and add a row.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use rmcp::model::Extensions;
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use crate::connect;
use crate::kernel::clock::Clock;
use crate::kernel::health::HealthCheck;
use crate::kernel::id::IdHasher;
use crate::kernel::keyring::Keyring;
use crate::kernel::quota::{QuotaLimiter, ToolsetQuotas};
use crate::kernel::sql::Database;
use crate::kernel::toolset::Toolset;
use crate::kernel::toolset::parts::{ToolsetError, ToolsetParts};
use crate::kernel::toolset::row::{EnabledToolset, ToolsetRow};
use crate::penpal;
use crate::transport::ops::metrics::Metrics;

/// All toolsets, in the order of the documentation.
pub const TOOLSETS: &[ToolsetRow] = &[
    ToolsetRow {
        name: "connect",
        docs: "docs/tools.md",
        settings: connect::config::SETTINGS,
        quotas: &[],
        migrations: None,
        read: connect::config::read,
    },
    ToolsetRow {
        name: "penpal",
        docs: "docs/agents.md",
        settings: &[],
        quotas: &[],
        migrations: None,
        read: penpal::plan::read,
    },
];

/// An enabled toolset can't be built.
#[derive(Debug, Error)]
#[error("can't build the toolset {toolset}: {problem}")]
pub struct ToolsetBuildError {
    toolset: &'static str,
    #[source]
    problem: ToolsetError,
}

/// The toolsets of a server.
#[derive(Default)]
pub(super) struct BuiltToolsets {
    pub list: Vec<Arc<dyn Toolset>>,
    pub tasks: Vec<BoxFuture<'static, ()>>,
    pub health: Vec<HealthCheck>,
}

/// The parts that all toolsets share.
pub(super) struct SharedParts {
    pub clock: Arc<dyn Clock>,
    pub ids: IdHasher,
    pub keyring: Arc<Keyring>,
    pub database: Option<Database>,
    /// `None` if rate limits are off.
    pub limiter: Option<Arc<dyn QuotaLimiter>>,
    pub stopping: CancellationToken,
    pub services: Extensions,
}

impl SharedParts {
    fn of(&self, toolset: &EnabledToolset, metrics: &Metrics) -> ToolsetParts {
        ToolsetParts {
            clock: Arc::clone(&self.clock),
            ids: self.ids.clone(),
            keyring: Arc::clone(&self.keyring),
            database: self.database.clone(),
            quotas: ToolsetQuotas::new(self.limiter.clone(), &toolset.quotas),
            figures: metrics.figures(toolset.row.name),
            stopping: self.stopping.clone(),
            services: self.services.clone(),
        }
    }
}

/// Builds toolsets and registers the metrics of their tools.
pub(super) fn build<'a>(
    enabled: impl Iterator<Item = &'a EnabledToolset>,
    shared: &SharedParts,
    metrics: &mut Metrics,
) -> Result<BuiltToolsets, ToolsetBuildError> {
    let mut all = BuiltToolsets::default();
    for toolset in enabled {
        let built = toolset.plan.build(&shared.of(toolset, metrics));
        let toolset = toolset.row.name;
        let built = built.map_err(|problem| ToolsetBuildError { toolset, problem })?;
        all.list.push(built.toolset);
        all.tasks.extend(built.tasks);
        all.health.extend(built.health);
    }
    metrics.register_tools(&all.list);
    Ok(all)
}
