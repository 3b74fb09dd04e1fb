//! [`BodyBudget`]: the memory of all large bodies that are being read.

use std::sync::Arc;

use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use tokio_util::sync::CancellationToken;

use super::fairness::{Holder, evictions};
use crate::kernel::client_network::ClientNetwork;

/// Limits the memory of large bodies that are being read. While they take all of it, the oldest of
/// the network with the most gives way to a new one.
pub struct BodyBudget {
    max_bytes: usize,
    bodies: Mutex<LargeBodies>,
}

#[derive(Default)]
struct LargeBodies {
    by_id: FxHashMap<u64, LargeBody>,
    next_id: u64,
}

struct LargeBody {
    network: ClientNetwork,
    max_bytes: usize,
    evicted: CancellationToken,
}

/// The part of a [`BodyBudget`] that one body takes, released when dropped.
pub struct BodyShare {
    id: u64,
    evicted: CancellationToken,
    budget: Arc<BodyBudget>,
}

impl BodyBudget {
    pub fn new(max_bytes: usize) -> Arc<Self> {
        Arc::new(Self { max_bytes, bodies: Mutex::default() })
    }

    /// Reserves room for a body of at most `max_bytes`, which may evict others. `None` if the body has
    /// to give way itself.
    pub fn reserve(
        self: &Arc<Self>,
        network: ClientNetwork,
        max_bytes: usize,
    ) -> Option<BodyShare> {
        let mut bodies = self.bodies.lock();
        let mut ids: Vec<u64> = bodies.by_id.keys().copied().collect();
        let mut holders: Vec<_> = ids.iter().map(|id| bodies.by_id[id].holder(*id)).collect();
        let id = bodies.next_id;
        bodies.next_id += 1;
        let evicted = CancellationToken::new();
        let body = LargeBody { network, max_bytes, evicted: evicted.clone() };
        ids.push(id);
        holders.push(body.holder(id));
        let used: usize = holders.iter().map(|holder| holder.amount).sum();
        let victims = evictions(&holders, used.saturating_sub(self.max_bytes));
        bodies.by_id.insert(id, body);
        let victims = victims.into_iter().filter_map(|index| bodies.by_id.remove(&ids[index]));
        let victims: Vec<_> = victims.collect();
        drop(bodies);
        victims.iter().for_each(|victim| victim.evicted.cancel());
        let is_admitted = !evicted.is_cancelled();
        is_admitted.then(|| BodyShare { id, evicted, budget: Arc::clone(self) })
    }
}

impl BodyShare {
    /// Completes when the body has to give way.
    pub async fn evicted(&self) {
        self.evicted.cancelled().await;
    }
}

impl LargeBody {
    fn holder(&self, id: u64) -> Holder {
        Holder { network: self.network, since: id, amount: self.max_bytes }
    }
}

impl Drop for BodyShare {
    fn drop(&mut self) {
        self.budget.bodies.lock().by_id.remove(&self.id);
    }
}
