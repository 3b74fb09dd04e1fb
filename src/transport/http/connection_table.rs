//! [`ConnectionTable`]: all open connections, and the eviction of those that only wait.
//!
//! A connection waits until its request has arrived whole, and again after the answer. It needs no
//! token for that, so the number of waiting connections is limited, and the limit must not lock
//! other callers out: [`evictions`] makes room. A connection whose request is being answered, or
//! that carries a live session, is never evicted.
//!
//! Each connection has an atomic for its state, so that requests on different connections share
//! no lock. The table is locked once when a connection opens and once when it closes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::fairness::{Holder, evictions};
use super::limits::ConnectionLimits;
use super::timer;
use crate::kernel::client_network::ClientNetwork;
use crate::kernel::failure_log::RepeatCounter;

/// Part of the connections that is evicted in one step, because a step visits all of them.
const EVICTED_PART: usize = 64;
/// Interval of the search for a connection to evict while all are busy.
const RETRY_INTERVAL: Duration = Duration::from_millis(100);

/// [`ConnectionState::phase`] while a request is answered. Other values are the time since when the
/// connection waits, in nanoseconds.
const BUSY: u64 = u64::MAX;
/// [`ConnectionState::phase`] after the eviction.
const EVICTED: u64 = u64::MAX - 1;

/// The open connections.
pub struct ConnectionTable {
    started: Instant,
    max_waiting: usize,
    /// Number of connections to evict in one step.
    batch: usize,
    permits: Arc<Semaphore>,
    open: Mutex<OpenConnections>,
}

#[derive(Default)]
struct OpenConnections {
    by_id: FxHashMap<u64, Arc<ConnectionState>>,
    next_id: u64,
    /// Number of connections that may open before the waiting ones are counted again.
    uncounted: usize,
    /// Counts the steps that evicted connections because too many waited.
    evictions: RepeatCounter,
}

/// The state of one connection.
pub struct ConnectionState {
    pub network: ClientNetwork,
    started: Instant,
    phase: AtomicU64,
    /// Cancelled by shutdown and by the eviction.
    stop: CancellationToken,
}

/// An open connection. Dropping it removes the connection from its table.
pub struct ConnectionSlot {
    id: u64,
    state: Arc<ConnectionState>,
    table: Arc<ConnectionTable>,
    _permit: OwnedSemaphorePermit,
}

/// Marks a connection as busy. Dropping it marks the connection as waiting.
pub struct BusyGuard(Arc<ConnectionState>);

impl ConnectionTable {
    pub fn new(limits: &ConnectionLimits) -> Arc<Self> {
        let ConnectionLimits { max_connections, max_waiting, .. } = *limits;
        Arc::new(Self {
            started: timer::now(),
            max_waiting,
            batch: (max_waiting.min(max_connections) / EVICTED_PART).max(1),
            permits: Arc::new(Semaphore::new(max_connections)),
            open: Mutex::default(),
        })
    }

    /// Returns a permit for a connection. While all are in use, evicts waiting connections.
    pub async fn permit(&self) -> OwnedSemaphorePermit {
        loop {
            if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
                return permit;
            }
            self.evict(self.batch);
            let acquired = timeout(RETRY_INTERVAL, Arc::clone(&self.permits).acquire_owned()).await;
            if let Ok(Ok(permit)) = acquired {
                return permit;
            }
        }
    }

    /// Adds a connection. `stop` is cancelled if it is evicted.
    pub fn add(
        self: &Arc<Self>,
        network: ClientNetwork,
        permit: OwnedSemaphorePermit,
        stop: CancellationToken,
    ) -> ConnectionSlot {
        let phase = AtomicU64::new(nanos_since(self.started));
        let state = Arc::new(ConnectionState { network, started: self.started, phase, stop });
        let mut open = self.open.lock();
        let id = open.next_id;
        open.next_id += 1;
        open.by_id.insert(id, Arc::clone(&state));
        let is_counted = open.uncounted > 0;
        if is_counted {
            open.uncounted -= 1;
        }
        drop(open);
        if !is_counted {
            self.count_waiting();
        }
        ConnectionSlot { id, state, table: Arc::clone(self), _permit: permit }
    }

    /// Evicts connections if too many wait.
    fn count_waiting(&self) {
        let mut open = self.open.lock();
        let waiting = open.by_id.values().filter(|state| state.waits_since().is_some()).count();
        let free = self.max_waiting.saturating_sub(waiting);
        let is_full = free < self.batch;
        open.uncounted = if is_full { self.batch } else { free };
        let now = timer::now().saturating_duration_since(self.started);
        let due = if is_full { open.evictions.record(now) } else { None };
        drop(open);
        if due.is_some() {
            tracing::warn!("too many idle or unfinished connections: the oldest are closed");
        }
        if is_full {
            self.evict(self.batch + waiting.saturating_sub(self.max_waiting));
        }
    }

    /// Evicts this number of waiting connections, or all.
    fn evict(&self, count: usize) {
        let waiting: Vec<_> = {
            let open = self.open.lock();
            let holder = |state: &Arc<ConnectionState>| {
                let since = state.waits_since()?;
                Some((Holder { network: state.network, since, amount: 1 }, Arc::clone(state)))
            };
            open.by_id.values().filter_map(holder).collect()
        };
        let (holders, states): (Vec<_>, Vec<_>) = waiting.into_iter().unzip();
        for index in evictions(&holders, count) {
            states[index].evict(holders[index].since);
        }
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        self.table.open.lock().by_id.remove(&self.id);
    }
}

impl ConnectionSlot {
    pub fn state(&self) -> &Arc<ConnectionState> {
        &self.state
    }
}

impl ConnectionState {
    /// The time since when the connection waits. `None` if it is busy or evicted.
    fn waits_since(&self) -> Option<u64> {
        Some(self.phase.load(Ordering::Relaxed)).filter(|phase| *phase < EVICTED)
    }

    /// Evicts the connection if it still waits since `since`.
    fn evict(&self, since: u64) {
        let exchanged =
            self.phase.compare_exchange(since, EVICTED, Ordering::Relaxed, Ordering::Relaxed);
        if exchanged.is_ok() {
            self.stop.cancel();
        }
    }

    /// Marks the connection as busy. Returns `false` if it has been evicted.
    pub fn set_busy(&self) -> bool {
        self.set_phase(BUSY)
    }

    /// Marks the connection as waiting from this moment.
    pub fn set_waiting(&self) {
        self.set_phase(nanos_since(self.started));
    }

    pub fn is_evicted(&self) -> bool {
        self.phase.load(Ordering::Relaxed) == EVICTED
    }

    fn set_phase(&self, phase: u64) -> bool {
        let update = |current| (current != EVICTED).then_some(phase);
        self.phase.fetch_update(Ordering::Relaxed, Ordering::Relaxed, update).is_ok()
    }
}

impl BusyGuard {
    /// Marks the connection as busy. `None` if it has been evicted.
    pub fn new(state: &Arc<ConnectionState>) -> Option<Self> {
        state.set_busy().then(|| Self(Arc::clone(state)))
    }
}

impl Drop for BusyGuard {
    fn drop(&mut self) {
        self.0.set_waiting();
    }
}

fn nanos_since(start: Instant) -> u64 {
    let nanos = timer::now().saturating_duration_since(start).as_nanos();
    u64::try_from(nanos).unwrap_or(u64::MAX).min(EVICTED - 1)
}
