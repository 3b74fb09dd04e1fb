//! [`SignalHub`] and [`Listener`]: lossy notifications that a user's inbox is worth checking.
//!
//! Notifying never blocks. An [`InboxSignal`] carries no items, because the inbox is authoritative.
//! Signals that arrive faster than a listener receives them are merged into one.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::action::Effect;
use crate::kernel::id::{RoomId, UserId};
use crate::kernel::toolset::ResourceWatch;

/// The sum of all signals that one user's listeners were sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InboxSignal {
    /// Number of inbox changes.
    pub inbox_changes: u64,
    /// The partner's last typing notification: its number from 1, the room, and whether the partner
    /// is typing. `None` until the first.
    pub typing: Option<(u64, RoomId, bool)>,
}

/// The listeners of all users. Clones share them.
#[derive(Clone, Default)]
pub struct SignalHub(Arc<HubInner>);

#[derive(Default)]
struct HubInner {
    channels: Mutex<HashMap<UserId, watch::Sender<InboxSignal>>>,
    /// Length of `channels`, so that notifying takes no lock while there are no listeners.
    count: AtomicUsize,
}

impl SignalHub {
    /// Subscribes to the signals of `user` until the listener is dropped.
    #[must_use]
    pub fn listen(&self, user: UserId) -> Listener {
        let mut channels = self.0.channels.lock();
        let receiver = channels.entry(user).or_default().subscribe();
        let seen = *receiver.borrow();
        self.0.count.store(channels.len(), Ordering::Release);
        Listener { user, receiver, seen, hub: self.clone() }
    }

    /// Returns `true` if `user` has a listener.
    #[must_use]
    pub fn has_listener(&self, user: UserId) -> bool {
        self.0.count.load(Ordering::Acquire) > 0 && self.0.channels.lock().contains_key(&user)
    }

    /// Signals `effects` to the listeners of the users they concern.
    pub fn notify(&self, effects: &[Effect]) {
        if effects.is_empty() || self.0.count.load(Ordering::Acquire) == 0 {
            return;
        }
        let channels = self.0.channels.lock();
        for effect in effects {
            match *effect {
                Effect::InboxChanged(user) => {
                    if let Some(sender) = channels.get(&user) {
                        sender.send_modify(|signal| signal.inbox_changes += 1);
                    }
                }
                Effect::Typing { to, room, typing } => {
                    if let Some(sender) = channels.get(&to) {
                        sender.send_modify(|signal| {
                            let count = signal.typing.map_or(0, |(count, ..)| count);
                            signal.typing = Some((count + 1, room, typing));
                        });
                    }
                }
            }
        }
    }
}

/// A subscription to the signals of one user.
pub struct Listener {
    user: UserId,
    receiver: watch::Receiver<InboxSignal>,
    seen: InboxSignal,
    hub: SignalHub,
}

impl Listener {
    /// Waits for a signal that this listener has not received, and returns the sum of all signals.
    pub async fn recv(&mut self) -> InboxSignal {
        // Never fails, because the hub holds the sender for as long as this listener exists.
        let _ = self.receiver.changed().await;
        self.seen = *self.receiver.borrow_and_update();
        self.seen
    }
}

#[async_trait]
impl ResourceWatch for Listener {
    async fn changed(&mut self) {
        let seen = self.seen.inbox_changes;
        while self.recv().await.inbox_changes == seen {}
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut channels = self.hub.0.channels.lock();
        // The count still includes this listener's own receiver.
        if channels.get(&self.user).is_some_and(|sender| sender.receiver_count() <= 1) {
            channels.remove(&self.user);
        }
        self.hub.0.count.store(channels.len(), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::clock::seeded_rng;

    const ANN: UserId = UserId::from_bytes([1; 16]);
    const BEN: UserId = UserId::from_bytes([2; 16]);

    #[tokio::test]
    async fn signal_reaches_every_listener_of_that_user_only() {
        let hub = SignalHub::default();
        let (mut first, mut second) = (hub.listen(ANN), hub.listen(ANN));
        hub.notify(&[
            Effect::InboxChanged(ANN),
            Effect::InboxChanged(BEN),
            Effect::InboxChanged(ANN),
        ]);
        assert_eq!((first.recv().await.inbox_changes, second.recv().await.inbox_changes), (2, 2));
        let room = RoomId::random(&mut seeded_rng());
        hub.notify(&[Effect::Typing { to: ANN, room, typing: true }]);
        assert_eq!(
            first.recv().await,
            InboxSignal { inbox_changes: 2, typing: Some((1, room, true)) }
        );
    }

    #[test]
    fn signal_hub_forgets_a_user_without_listeners() {
        let hub = SignalHub::default();
        let (first, second) = (hub.listen(ANN), hub.listen(ANN));
        drop(first);
        assert!(hub.has_listener(ANN));
        drop(second);
        assert!(!hub.has_listener(ANN) && hub.0.channels.lock().is_empty());
    }
}
