//! [`ToolsetParts`]: the parts of the server that a toolset is built from.

use std::any::type_name;
use std::sync::Arc;

use rand::rngs::StdRng;
use rmcp::model::Extensions;
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use crate::kernel::clock::{Clock, seeded_rng};
use crate::kernel::figures::ToolsetFigures;
use crate::kernel::id::IdHasher;
use crate::kernel::keyring::Keyring;
use crate::kernel::quota::ToolsetQuotas;
use crate::kernel::sql::Database;

/// The parts that a toolset is built from.
#[derive(Clone)]
pub struct ToolsetParts {
    pub clock: Arc<dyn Clock>,
    pub ids: IdHasher,
    pub keyring: Arc<Keyring>,
    /// `None` if no enabled toolset needs one and the configuration names none.
    pub database: Option<Database>,
    /// The limits on the actions of users.
    pub quotas: ToolsetQuotas,
    pub figures: ToolsetFigures,
    /// Cancelled when the server stops.
    pub stopping: CancellationToken,
    /// Services that several toolsets share, by type.
    pub services: Extensions,
}

impl ToolsetParts {
    /// A strong random generator of this toolset alone.
    #[must_use]
    pub fn rng(&self) -> StdRng {
        seeded_rng()
    }

    /// The database.
    ///
    /// # Errors
    /// Returns [`ToolsetError::Database`] if the toolset's row has no migrations.
    pub fn database(&self) -> Result<&Database, ToolsetError> {
        self.database.as_ref().ok_or(ToolsetError::Database)
    }

    /// A service that several toolsets share, such as the chat's lobby.
    ///
    /// # Errors
    /// Returns [`ToolsetError::Service`] if the server does not have it.
    pub fn service<T: Send + Sync + 'static>(&self) -> Result<&T, ToolsetError> {
        self.services.get::<T>().ok_or_else(|| ToolsetError::Service(type_name::<T>()))
    }
}

/// A toolset can't be built.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ToolsetError {
    #[error("it needs a database, which its row in the table does not ask for")]
    Database,
    #[error("it needs a service that this server does not have: {0}")]
    Service(&'static str),
    #[error("it can't send requests ({0}): install ca-certificates")]
    Outbound(String),
}
