//! [`Caller`]: the parts of a request's origin that its messages need.

use std::sync::Arc;

use crate::kernel::client_network::ClientNetwork;
use crate::kernel::principal::Principal;
use crate::kernel::receipt::ReceiptSlot;

/// The origin of a request.
#[derive(Clone)]
pub(super) struct Caller {
    pub slot: ReceiptSlot,
    /// For the new-user limit; `None` if it is not needed.
    pub network: Option<ClientNetwork>,
    pub principal: Arc<Principal>,
}
