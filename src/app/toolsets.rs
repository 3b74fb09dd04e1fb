//! [`TOOLSETS`]: the table of toolsets. To add a toolset, write its folder and add a row.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use rmcp::model::Extensions;
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use crate::connect;
use crate::gateway;
use crate::goals;
use crate::kernel::clock::Clock;
use crate::kernel::health::HealthCheck;
use crate::kernel::id::IdHasher;
use crate::kernel::keyring::Keyring;
use crate::kernel::quota::{QuotaLimiter, ToolsetQuotas};
use crate::kernel::sql::Database;
use crate::kernel::toolset::Toolset;
use crate::kernel::toolset::parts::{ToolsetError, ToolsetParts};
use crate::kernel::toolset::row::{Closing, EnabledToolset, ToolsetRow};
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
    ToolsetRow {
        name: "gateway",
        docs: "docs/gateway.md",
        settings: gateway::settings::SETTINGS,
        quotas: &[],
        migrations: Some(&gateway::migrations::MIGRATIONS),
        read: gateway::plan::read,
    },
    ToolsetRow {
        name: goals::NAME,
        docs: "docs/goals.md",
        settings: goals::config::SETTINGS,
        quotas: &[],
        migrations: Some(&goals::migrations::MIGRATIONS),
        read: goals::plan::read,
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
    /// The services of the server and those of the toolsets.
    pub services: Extensions,
    pub closing: Vec<Closing>,
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
    fn of(
        &self,
        toolset: &EnabledToolset,
        services: &Extensions,
        metrics: &Metrics,
    ) -> ToolsetParts {
        ToolsetParts {
            clock: Arc::clone(&self.clock),
            ids: self.ids.clone(),
            keyring: Arc::clone(&self.keyring),
            database: self.database.clone(),
            quotas: ToolsetQuotas::new(self.limiter.clone(), &toolset.quotas),
            figures: metrics.figures(toolset.row.name),
            stopping: self.stopping.clone(),
            services: services.clone(),
        }
    }
}

/// Builds toolsets and registers the metrics of their tools.
pub(super) fn build<'a>(
    enabled: impl Iterator<Item = &'a EnabledToolset>,
    shared: &SharedParts,
    metrics: &mut Metrics,
) -> Result<BuiltToolsets, ToolsetBuildError> {
    let mut all = BuiltToolsets { services: shared.services.clone(), ..BuiltToolsets::default() };
    for toolset in enabled {
        let built = toolset.plan.build(&shared.of(toolset, &all.services, metrics));
        let toolset = toolset.row.name;
        let built = built.map_err(|problem| ToolsetBuildError { toolset, problem })?;
        all.list.push(built.toolset);
        all.tasks.extend(built.tasks);
        all.health.extend(built.health);
        all.services.extend(built.services);
        all.closing.extend(built.closing);
    }
    metrics.register_tools(&all.list);
    Ok(all)
}
