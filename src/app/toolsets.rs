//! The table of toolsets: builds each from the parts of the server.
//!
//! To add a toolset, add an arm to [`build`].

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::config::{Config, ToolsetName};
use crate::connect::delivery::courier::Couriers;
use crate::connect::lobby::LobbyBackend;
use crate::connect::moderated::ModeratedLobby;
use crate::connect::service::ConnectService;
use crate::connect::tools::ConnectTools;
use crate::kernel::clock::{Clock, seeded_rng};
use crate::kernel::id::IdHasher;
use crate::kernel::toolset::Toolset;
use crate::penpal::service::PenPalService;
use crate::penpal::tools::PenPalTools;

/// The parts of the server that toolsets are built from.
pub(super) struct Parts<'a> {
    pub lobby: &'a Arc<ModeratedLobby>,
    pub backend: &'a LobbyBackend,
    pub connect: &'a Arc<ConnectService>,
    pub couriers: &'a Arc<Couriers>,
    pub clock: &'a Arc<dyn Clock>,
    pub ids: &'a IdHasher,
    /// Cancelled when the server stops.
    pub stopping: &'a CancellationToken,
    pub config: &'a Config,
}

/// Builds a toolset.
pub(super) fn build(name: ToolsetName, parts: &Parts<'_>) -> Arc<dyn Toolset> {
    match name {
        ToolsetName::Connect => {
            let my_number = parts.config.my_number.clone();
            Arc::new(ConnectTools::new(Arc::clone(parts.connect), my_number))
        }
        ToolsetName::PenPal => {
            let service = PenPalService::new(
                Arc::clone(parts.lobby),
                Arc::clone(&parts.backend.mailbox),
                Arc::clone(parts.connect),
                Arc::clone(parts.couriers),
                Arc::clone(parts.clock),
                parts.ids.clone(),
                seeded_rng(),
            );
            let service = service.with_shutdown(parts.stopping.clone());
            let service = service.with_departures(Arc::clone(&parts.backend.upkeep));
            let clients_are_users = parts.config.auth_tokens.is_none();
            Arc::new(PenPalTools::new(Arc::new(service), clients_are_users))
        }
    }
}
