//! [`GatewayConnections`]: the open sockets of this instance, by user and role.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use serde::Serialize;
use tokio::sync::Notify;

use crate::gateway::instances::store::SocketId;
use crate::kernel::id::UserId;
use crate::kernel::principal::PrincipalRole;

/// Counts the open sockets. Clones share the counts.
#[derive(Clone, Debug, Default)]
pub struct GatewayConnections(Arc<SharedSockets>);

#[derive(Debug, Default)]
struct SharedSockets {
    open: Mutex<OpenSockets>,
    /// Notified when the other instances have to forget a socket.
    closed: Notify,
}

#[derive(Debug, Default)]
struct OpenSockets {
    by_user: FxHashMap<UserId, usize>,
    by_role: BTreeMap<&'static str, usize>,
    /// Sockets that the other instances know.
    shared: FxHashMap<SocketId, UserId>,
    /// Sockets that the other instances have to forget.
    closed: Vec<SocketId>,
}

/// The numbers of open sockets and running requests, in the notation of the first version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionCounts {
    pub total_connections: usize,
    pub total_users: usize,
    pub total_pending_requests: usize,
    /// Without roles that have none.
    pub connections_by_role: BTreeMap<&'static str, usize>,
}

/// An open socket, until it is dropped.
#[derive(Debug)]
pub struct SocketPermit {
    sockets: GatewayConnections,
    user: UserId,
    role: &'static str,
    /// The name among the other instances, if they know it.
    shared: Option<SocketId>,
}

/// The user has as many sockets as the role allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManySockets {
    pub limit: usize,
}

impl GatewayConnections {
    /// Counts a socket of `user`.
    ///
    /// # Errors
    /// Returns [`TooManySockets`] if there are `limit` of them.
    pub fn open(
        &self,
        user: UserId,
        role: PrincipalRole,
        limit: usize,
    ) -> Result<SocketPermit, TooManySockets> {
        let mut open = self.0.open.lock();
        if open.by_user.get(&user).copied().unwrap_or_default() >= limit {
            return Err(TooManySockets { limit });
        }
        *open.by_user.entry(user).or_default() += 1;
        *open.by_role.entry(role.name()).or_default() += 1;
        Ok(SocketPermit { sockets: self.clone(), user, role: role.name(), shared: None })
    }

    /// The sockets that the other instances know, with their users.
    #[must_use]
    pub fn shared(&self) -> Vec<(SocketId, UserId)> {
        self.0.open.lock().shared.iter().map(|(socket, user)| (*socket, *user)).collect()
    }

    /// Waits until the other instances have to forget sockets. Cancel-safe.
    pub async fn closed(&self) {
        while self.0.open.lock().closed.is_empty() {
            self.0.closed.notified().await;
        }
    }

    /// Returns the sockets that the other instances have to forget, once.
    #[must_use]
    pub fn take_closed(&self) -> Vec<SocketId> {
        std::mem::take(&mut self.0.open.lock().closed)
    }

    /// The counts, with `pending` running requests.
    #[must_use]
    pub fn counts(&self, pending: usize) -> ConnectionCounts {
        let open = self.0.open.lock();
        ConnectionCounts {
            total_connections: open.by_user.values().sum(),
            total_users: open.by_user.len(),
            total_pending_requests: pending,
            connections_by_role: open.by_role.clone(),
        }
    }
}

impl SocketPermit {
    /// Names the socket before the other instances learn it, so that they forget it with the permit.
    pub fn share(&mut self, socket: SocketId) {
        self.shared = Some(socket);
        self.sockets.0.open.lock().shared.insert(socket, self.user);
    }
}

impl Drop for SocketPermit {
    fn drop(&mut self) {
        let mut open = self.sockets.0.open.lock();
        let OpenSockets { by_user, by_role, shared, closed } = &mut *open;
        if let Some(socket) = self.shared {
            shared.remove(&socket);
            closed.push(socket);
            self.sockets.0.closed.notify_one();
        }
        if let Some(count) = by_user.get_mut(&self.user) {
            *count -= 1;
            if *count == 0 {
                by_user.remove(&self.user);
            }
        }
        if let Some(count) = by_role.get_mut(self.role) {
            *count -= 1;
            if *count == 0 {
                by_role.remove(self.role);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gateway_sockets_are_limited_per_user_and_counted_by_role() {
        let (ann, ben) = (UserId::from_bytes([1; 16]), UserId::from_bytes([2; 16]));
        let sockets = GatewayConnections::default();
        let first = sockets.open(ann, PrincipalRole::User, 2).expect("a permit");
        let second = sockets.open(ann, PrincipalRole::User, 2).expect("a permit");
        assert!(sockets.open(ann, PrincipalRole::User, 2).is_err());
        let _other = sockets.open(ben, PrincipalRole::Pro, 2).expect("a permit");
        let counts = sockets.counts(7);
        let shape = serde_json::to_value(&counts).expect("JSON");
        let expected = serde_json::json!({
            "totalConnections": 3, "totalUsers": 2, "totalPendingRequests": 7,
            "connectionsByRole": {"pro": 1, "user": 2},
        });
        assert_eq!(shape, expected);
        drop((first, second));
        assert!(sockets.open(ann, PrincipalRole::User, 1).is_ok());
        assert_eq!(sockets.counts(0).total_users, 1, "a user without a socket is not counted");
    }
}
