//! Tells those who listen for somebody's news that there is some, at once and without ever waiting.
//!
//! A word only says "look": what there is to see is in the inbox, which is the truth. Words that
//! come faster than they are heard become one.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::action::Effect;
use crate::kernel::id::{RoomId, UserId};
use crate::kernel::toolset::ResourceWatch;

/// What has been said to listeners so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InboxSignal {
    /// Counts the news.
    pub inbox_changes: u64,
    /// The last that was said of the partner's typing: how many times, where and what.
    pub typing: Option<(u64, RoomId, bool)>,
}

/// Everybody who is listened for. Clones share the same list.
#[derive(Clone, Default)]
pub struct SignalHub(Arc<HubInner>);

#[derive(Default)]
struct HubInner {
    channels: Mutex<HashMap<UserId, watch::Sender<InboxSignal>>>,
    /// How many people there are in the list, so that telling nobody costs nothing.
    count: AtomicUsize,
}

impl SignalHub {
    /// Listens for a person until dropped.
    #[must_use]
    pub fn listen(&self, who: UserId) -> Listener {
        let mut people = self.0.channels.lock();
        let words = people.entry(who).or_default().subscribe();
        let heard = *words.borrow();
        self.0.count.store(people.len(), Ordering::Release);
        Listener { who, receiver: words, seen: heard, hub: self.clone() }
    }

    /// Whether anybody listens for this person.
    #[must_use]
    pub fn has_listener(&self, who: UserId) -> bool {
        self.0.count.load(Ordering::Acquire) > 0 && self.0.channels.lock().contains_key(&who)
    }

    pub fn notify(&self, effects: &[Effect]) {
        if effects.is_empty() || self.0.count.load(Ordering::Acquire) == 0 {
            return;
        }
        let people = self.0.channels.lock();
        for effect in effects {
            match *effect {
                Effect::InboxChanged(who) => {
                    if let Some(words) = people.get(&who) {
                        words.send_modify(|word| word.inbox_changes += 1);
                    }
                }
                Effect::Typing { to, room, typing } => {
                    if let Some(words) = people.get(&to) {
                        words.send_modify(|word| {
                            let times = word.typing.map_or(0, |(times, ..)| times);
                            word.typing = Some((times + 1, room, typing));
                        });
                    }
                }
            }
        }
    }
}

/// Hears what is said of one person.
pub struct Listener {
    who: UserId,
    receiver: watch::Receiver<InboxSignal>,
    seen: InboxSignal,
    hub: SignalHub,
}

impl Listener {
    /// Waits for a word that was not heard yet, and returns what was said so far.
    pub async fn recv(&mut self) -> InboxSignal {
        // The sender is in the list for as long as there is a listener.
        let _ = self.receiver.changed().await;
        self.seen = *self.receiver.borrow_and_update();
        self.seen
    }
}

#[async_trait]
impl ResourceWatch for Listener {
    async fn changed(&mut self) {
        let known = self.seen.inbox_changes;
        while self.recv().await.inbox_changes == known {}
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut people = self.hub.0.channels.lock();
        // This one still counts.
        if people.get(&self.who).is_some_and(|words| words.receiver_count() <= 1) {
            people.remove(&self.who);
        }
        self.hub.0.count.store(people.len(), Ordering::Release);
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
        let listeners = SignalHub::default();
        let (mut one, mut two) = (listeners.listen(ANN), listeners.listen(ANN));
        listeners.notify(&[
            Effect::InboxChanged(ANN),
            Effect::InboxChanged(BEN),
            Effect::InboxChanged(ANN),
        ]);
        assert_eq!((one.recv().await.inbox_changes, two.recv().await.inbox_changes), (2, 2));
        let room = RoomId::random(&mut seeded_rng());
        listeners.notify(&[Effect::Typing { to: ANN, room, typing: true }]);
        assert_eq!(
            one.recv().await,
            InboxSignal { inbox_changes: 2, typing: Some((1, room, true)) }
        );
    }

    #[test]
    fn signal_hub_forgets_a_user_without_listeners() {
        let listeners = SignalHub::default();
        let (one, two) = (listeners.listen(ANN), listeners.listen(ANN));
        drop(one);
        assert!(listeners.has_listener(ANN));
        drop(two);
        assert!(!listeners.has_listener(ANN) && listeners.0.channels.lock().is_empty());
    }
}
