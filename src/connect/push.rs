//! [`LobbyMailbox`] and [`LobbyEvent`]: the inboxes of the lobby as push delivery sees them.

use std::sync::Arc;

use async_trait::async_trait;

use super::lobby::Mailbox;
use super::lobby::inbox::{InboxEvent, Item, Lease};
use super::lobby::signal::Listener;
use super::profile::language::Language;
use super::reply;
use crate::delivery::channel::TypingState;
use crate::delivery::courier::Couriers;
use crate::delivery::event::PushEvent;
use crate::delivery::mailbox::{EventLease, EventListener, EventMailbox};
use crate::kernel::clock::{Clock, Timestamp};
use crate::kernel::id::{IdHasher, RoomId, UserId};
use crate::kernel::store::StoreError;

/// An inbox item, and the language that its user reads it in.
pub struct LobbyEvent {
    pub item: Item,
    pub language: Language,
}

impl PushEvent for LobbyEvent {
    fn id(&self, ids: &IdHasher) -> String {
        ids.item_id(self.item.seq)
    }

    fn kind(&self) -> &'static str {
        match self.item.event {
            InboxEvent::Message { .. } => "message.received",
            InboxEvent::Connected { .. } => "chatroom.found",
            InboxEvent::PartnerLeft { .. } | InboxEvent::PartnerTimedOut { .. } => {
                "partner.disconnected"
            }
            InboxEvent::Icebreaker { .. } => "icebreaker",
            InboxEvent::Nudge { .. } => "nudge",
            InboxEvent::Broadcast(_) => "operator.notice",
        }
    }

    fn at(&self) -> Timestamp {
        self.item.at
    }

    fn room(&self) -> Option<RoomId> {
        match &self.item.event {
            InboxEvent::Connected { chat } => Some(chat.room),
            InboxEvent::Message { room, .. }
            | InboxEvent::PartnerLeft { room }
            | InboxEvent::PartnerTimedOut { room }
            | InboxEvent::Icebreaker { room, .. }
            | InboxEvent::Nudge { room } => Some(*room),
            InboxEvent::Broadcast(_) => None,
        }
    }

    fn text(&self) -> String {
        reply::event(self.language, &self.item.event)
    }
}

/// Returns couriers of the lobby's inboxes. Other toolsets add their mailboxes.
#[must_use]
pub fn lobby_couriers(mailbox: &Arc<dyn Mailbox>, clock: &Arc<dyn Clock>) -> Arc<Couriers> {
    let couriers = Couriers::new(Arc::clone(clock));
    couriers.add_mailbox(Arc::new(LobbyMailbox(Arc::clone(mailbox))));
    couriers
}

/// The inboxes of all users.
pub struct LobbyMailbox(pub Arc<dyn Mailbox>);

#[async_trait]
impl EventMailbox for LobbyMailbox {
    async fn lease(&self, user: UserId, now: Timestamp) -> Result<Option<EventLease>, StoreError> {
        let Lease { id, language, items } = self.0.collect(user, now).await?;
        let language = language.unwrap_or_default();
        let event = |item| Box::new(LobbyEvent { item, language }) as Box<dyn PushEvent>;
        let lease = |id| EventLease { id, events: items.into_iter().map(event).collect() };
        Ok(id.map(lease))
    }

    async fn put_back(&self, user: UserId, lease: u64, delivered: usize) -> Result<(), StoreError> {
        let lease = Lease { id: Some(lease), ..Lease::default() };
        self.0.put_back(user, &lease, delivered).await
    }

    fn settle(&self, user: UserId, lease: u64, delivered: bool) {
        self.0.settle(user, lease, delivered);
    }

    fn listen(&self, user: UserId) -> Box<dyn EventListener> {
        Box::new(LobbyListener { listener: self.0.listen(user), last_typing: 0 })
    }
}

/// Reports each typing notification once.
struct LobbyListener {
    listener: Listener,
    /// Number of the last typing notification that was reported.
    last_typing: u64,
}

#[async_trait]
impl EventListener for LobbyListener {
    async fn changed(&mut self) -> Option<TypingState> {
        let (count, room, typing) = self.listener.recv().await.typing?;
        let is_new = std::mem::replace(&mut self.last_typing, count) != count;
        is_new.then_some(TypingState { room, typing })
    }
}
