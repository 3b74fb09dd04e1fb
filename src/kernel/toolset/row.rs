//! [`ToolsetRow`]: a toolset before it is built, as a row in the table of toolsets.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use rmcp::model::Extensions;

use super::Toolset;
use super::parts::{ToolsetError, ToolsetParts};
use crate::kernel::health::HealthCheck;
use crate::kernel::quota::ToolsetQuota;
use crate::kernel::settings::{Setting, SettingsReader};
use crate::kernel::sql::migration::MigrationChain;

/// A row in the table of toolsets: all that the server knows of a toolset.
#[derive(Clone, Copy)]
pub struct ToolsetRow {
    /// The name in `TOOLSETS`, in scopes and in metrics: lower-case letters.
    pub name: &'static str,
    /// The page of the documentation, such as `docs/goals.md`.
    pub docs: &'static str,
    /// The settings that `read` reads.
    pub settings: &'static [Setting],
    /// The limits on the actions of each user.
    pub quotas: &'static [ToolsetQuota],
    /// The tables. `None` if the toolset needs no database.
    pub migrations: Option<&'static MigrationChain>,
    /// Reads the settings. A problem is reported to the reader, and the plan is then not used.
    pub read: fn(&mut SettingsReader<'_>) -> Arc<dyn ToolsetPlan>,
}

impl fmt::Debug for ToolsetRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// A toolset with its settings, ready to be built. `Debug` hides secrets.
pub trait ToolsetPlan: fmt::Debug + Send + Sync {
    /// Builds the toolset within a tokio runtime.
    ///
    /// # Errors
    /// Returns [`ToolsetError`] if the server does not have what the toolset needs.
    fn build(&self, parts: &ToolsetParts) -> Result<BuiltToolset, ToolsetError>;
}

/// An enabled toolset of a configuration.
#[derive(Clone, Debug)]
pub struct EnabledToolset {
    pub row: ToolsetRow,
    /// The limits of the row, as the operator set them.
    pub quotas: Vec<ToolsetQuota>,
    pub plan: Arc<dyn ToolsetPlan>,
}

/// A toolset, with what the server runs for it.
pub struct BuiltToolset {
    pub toolset: Arc<dyn Toolset>,
    /// Background work, which is aborted when the server stops.
    pub tasks: Vec<BoxFuture<'static, ()>>,
    /// The checks of the toolset's stores.
    pub health: Vec<HealthCheck>,
    /// Services for transports and for the toolsets after this one, by type.
    pub services: Extensions,
    /// Ends what is in progress, before the stores are closed.
    pub closing: Vec<Closing>,
}

/// A step at the end of the server.
pub type Closing = Box<dyn FnOnce() -> BoxFuture<'static, ()> + Send + Sync>;

impl BuiltToolset {
    /// A toolset without background work and stores.
    #[must_use]
    pub fn new(toolset: Arc<dyn Toolset>) -> Self {
        Self {
            toolset,
            tasks: Vec::new(),
            health: Vec::new(),
            services: Extensions::new(),
            closing: Vec::new(),
        }
    }
}
