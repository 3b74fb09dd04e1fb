//! [`SessionDepartures`]: records that the users of a live session have lost it when it ends.

use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::runtime::Handle;

use crate::connect::lobby::Upkeep;
use crate::kernel::clock::Clock;
use crate::kernel::id::UserId;

/// Maximum number of users of one session that are recorded.
const MAX_USERS: usize = 32;

/// Records departures in the lobby. Cheap to clone.
#[derive(Clone)]
pub struct DepartureLog {
    pub upkeep: Arc<dyn Upkeep>,
    pub clock: Arc<dyn Clock>,
}

/// The users of a live session. Stored in the session and dropped with it. Clones share the same state.
#[derive(Clone, Default)]
pub struct SessionDepartures(Arc<Mutex<ConnectedUsers>>);

#[derive(Default)]
struct ConnectedUsers {
    users: HashSet<UserId>,
    log: Option<DepartureLog>,
}

impl SessionDepartures {
    /// Records the departure of `user` in `log` when the session ends.
    pub fn watch(&self, user: UserId, log: &DepartureLog) {
        let mut connected = self.0.lock();
        connected.log.get_or_insert_with(|| log.clone());
        if connected.users.len() < MAX_USERS {
            connected.users.insert(user);
        }
    }
}

impl Drop for ConnectedUsers {
    fn drop(&mut self) {
        let users = std::mem::take(&mut self.users);
        // Without a runtime the process ends, and the idle timeout applies.
        let (Some(log), Ok(runtime)) = (self.log.take(), Handle::try_current()) else { return };
        runtime.spawn(async move {
            for user in users {
                // After a failure, which the store has logged, the idle timeout applies.
                let _ = log.upkeep.note_departure(user, log.clock.now()).await;
            }
        });
    }
}
