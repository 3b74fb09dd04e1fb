//! [`TOOLSETS`]: the table of toolsets. To add a toolset, write its folder and add a row.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use thiserror::Error;

use crate::connect;
use crate::kernel::health::HealthCheck;
use crate::kernel::toolset::Toolset;
use crate::kernel::toolset::parts::{ToolsetError, ToolsetParts};
use crate::kernel::toolset::row::{EnabledToolset, ToolsetRow};
use crate::penpal;

/// All toolsets, in the order of the documentation.
pub const TOOLSETS: &[ToolsetRow] = &[
    ToolsetRow {
        name: "connect",
        docs: "docs/tools.md",
        settings: connect::config::SETTINGS,
        migrations: None,
        read: connect::config::read,
    },
    ToolsetRow {
        name: "penpal",
        docs: "docs/agents.md",
        settings: &[],
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

/// Builds toolsets, each from the parts that `parts` returns for its name.
pub(super) fn build<'a>(
    enabled: impl Iterator<Item = &'a EnabledToolset>,
    parts: impl Fn(&'static str) -> ToolsetParts,
) -> Result<BuiltToolsets, ToolsetBuildError> {
    let mut all = BuiltToolsets::default();
    for EnabledToolset { row, plan } in enabled {
        let built = plan.build(&parts(row.name));
        let built = built.map_err(|problem| ToolsetBuildError { toolset: row.name, problem })?;
        all.list.push(built.toolset);
        all.tasks.extend(built.tasks);
        all.health.extend(built.health);
    }
    Ok(all)
}
