//! [`OpenHolds`]: the open holds of this instance.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use metrics::Gauge;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;

use crate::gateway::ledger::ids::HoldId;
use crate::gateway::money::MicroCredits;

/// The open holds of this node, with their present charges. Clones share them.
#[derive(Clone)]
pub(super) struct OpenHolds {
    holds: Arc<Mutex<FxHashMap<HoldId, Arc<CheckpointState>>>>,
    /// Shows their number.
    gauge: Gauge,
}

#[derive(Default)]
struct CheckpointState {
    charge: AtomicI64,
    stored: AtomicI64,
}

/// An open hold, until it is dropped.
pub(super) struct OpenHold {
    holds: OpenHolds,
    hold: HoldId,
    state: Arc<CheckpointState>,
}

impl OpenHolds {
    pub fn new(gauge: Gauge) -> Self {
        Self { holds: Arc::default(), gauge }
    }

    pub fn add(&self, hold: HoldId) -> OpenHold {
        let state = Arc::new(CheckpointState::default());
        self.holds.lock().insert(hold, Arc::clone(&state));
        self.gauge.increment(1.0);
        OpenHold { holds: self.clone(), hold, state }
    }

    pub fn count(&self) -> usize {
        self.holds.lock().len()
    }

    /// The charges that have changed since they were stored.
    pub fn changed(&self) -> Vec<(HoldId, MicroCredits)> {
        let holds = self.holds.lock();
        let changed = holds.iter().filter_map(|(hold, state)| {
            let charge = state.charge.load(Ordering::Relaxed);
            let stored = state.stored.swap(charge, Ordering::Relaxed);
            (stored != charge).then_some((*hold, MicroCredits::from_micros(charge)))
        });
        changed.collect()
    }
}

impl OpenHold {
    /// Sets the charge so far.
    pub fn set(&self, charge: MicroCredits) {
        self.state.charge.store(charge.as_micros(), Ordering::Relaxed);
    }
}

impl Drop for OpenHold {
    fn drop(&mut self) {
        self.holds.holds.lock().remove(&self.hold);
        self.holds.gauge.decrement(1.0);
    }
}
