//! Builds the toolset from the parts of the server. It has no settings.

use std::sync::Arc;

use super::service::PenPalService;
use super::tools::PenPalTools;
use crate::connect::chat_parts::ChatParts;
use crate::kernel::settings::SettingsReader;
use crate::kernel::toolset::parts::{ToolsetError, ToolsetParts};
use crate::kernel::toolset::row::{BuiltToolset, ToolsetPlan};

#[derive(Debug)]
struct PenPalPlan;

/// Reads no settings.
pub fn read(_reader: &mut SettingsReader<'_>) -> Arc<dyn ToolsetPlan> {
    Arc::new(PenPalPlan)
}

impl ToolsetPlan for PenPalPlan {
    fn build(&self, parts: &ToolsetParts) -> Result<BuiltToolset, ToolsetError> {
        let chat = parts.service::<ChatParts>()?;
        let service = PenPalService::new(
            Arc::clone(&chat.lobby),
            Arc::clone(&chat.backend.mailbox),
            Arc::clone(&chat.connect),
            Arc::clone(&chat.couriers),
            Arc::clone(&parts.clock),
            parts.ids.clone(),
            parts.rng(),
        );
        let service = service.with_shutdown(parts.stopping.clone());
        let service = service.with_departures(Arc::clone(&chat.backend.upkeep));
        let tools = PenPalTools::new(Arc::new(service), chat.clients_are_users);
        Ok(BuiltToolset::new(Arc::new(tools)))
    }
}
