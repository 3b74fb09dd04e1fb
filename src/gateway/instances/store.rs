//! [`InstanceExchange`]: the trait of a backend through which instances share what they know.

use async_trait::async_trait;
use rand::Rng;

use crate::gateway::ledger::ids::NodeId;
use crate::gateway::routing::change::BreakerChange;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;
use crate::kernel::store::StoreError;

/// An open socket: 128 random bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SocketId([u8; 16]);

impl SocketId {
    #[must_use]
    pub fn random(rng: &mut impl Rng) -> Self {
        let mut bytes = [0; 16];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// A change of a breaker, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBreakerChange {
    pub change: BreakerChange,
    /// Grows with each change of the breaker.
    pub version: u64,
}

/// A backend through which instances share what they know.
///
/// Every method is one atomic step and can be repeated: it then takes effect once.
#[async_trait]
pub trait InstanceExchange: Send + Sync {
    /// Counts an open socket of a user until `lease_until`. Returns `false` if the user has `limit` others.
    async fn open_socket(
        &self,
        socket: SocketId,
        account: UserId,
        limit: usize,
        lease_until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Extends the leases of open sockets, also of those that were forgotten meanwhile.
    async fn renew_sockets(
        &self,
        sockets: Vec<(SocketId, UserId)>,
        lease_until: Timestamp,
    ) -> Result<(), StoreError>;

    /// Forgets sockets.
    async fn close_sockets(&self, sockets: Vec<SocketId>) -> Result<(), StoreError>;

    /// Stores the changes of the breakers of `node`. A breaker that is open for longer stays so.
    async fn store_changes(
        &self,
        node: NodeId,
        changes: Vec<BreakerChange>,
    ) -> Result<(), StoreError>;

    /// The last change of each breaker that another instance than `node` has made.
    async fn changes(&self, node: NodeId) -> Result<Vec<StoredBreakerChange>, StoreError>;
}
