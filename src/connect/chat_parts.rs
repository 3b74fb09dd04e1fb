//! [`ChatParts`]: the chat of a server, for the toolsets that offer it.

use std::sync::Arc;

use super::lobby::LobbyBackend;
use super::moderated::ModeratedLobby;
use super::service::ConnectService;
use crate::delivery::courier::Couriers;

/// The services of the chat. A server has one chat, whichever toolsets and channels offer it.
#[derive(Clone)]
pub struct ChatParts {
    pub lobby: Arc<ModeratedLobby>,
    pub backend: LobbyBackend,
    pub connect: Arc<ConnectService>,
    pub couriers: Arc<Couriers>,
    /// Whether each client is one user, because the server is on this machine and has no shared token.
    pub clients_are_users: bool,
}
