//! Pushes news to an agent's live session as notifications.
//!
//! The protocol has no answer to a notification. So a ping follows: clients answer it in the order
//! in which they read, which tells that they have read what came before it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use rmcp::model::{CustomNotification, PingRequest, ServerNotification, ServerRequest};
use rmcp::service::PeerRequestOptions;
use rmcp::{Peer, RoleServer};
use tokio::time::timeout;

use super::event::Event;
use crate::connect::delivery::channel::{Channel, DeliveryError};
use crate::connect::delivery::courier::{CourierGuard, Couriers};
use crate::connect::lobby::inbox::{Item, LEASE_TIME};
use crate::connect::profile::language::Language;
use crate::kernel::id::{IdHasher, RoomId, UserId};

/// How long a session may take to accept a notification. A client that does not read blocks its
/// whole session in rmcp.
const NOTIFY_TIMEOUT: Duration = Duration::from_millis(500);
/// The most people one session may be told of.
const MAX_USERS_PER_SESSION: usize = 32;
/// How many of the last items pushed are shown once more to a client that starts to ask for them.
const MAX_RECENT_EVENTS: usize = 32;

/// A live session as a channel for one person.
pub struct SessionChannel {
    peer: Peer<RoleServer>,
    ids: IdHasher,
    recent: Mutex<VecDeque<Event>>,
}

impl SessionChannel {
    async fn notify(&self, event: &Event) -> Result<(), DeliveryError> {
        let (method, params) = event.notification();
        let notification =
            ServerNotification::CustomNotification(CustomNotification::new(method, Some(params)));
        match timeout(NOTIFY_TIMEOUT, self.peer.send_notification(notification)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(DeliveryError::Closed),
        }
    }
}

#[async_trait]
impl Channel for SessionChannel {
    async fn deliver(&self, language: Language, items: &[Item]) -> Result<usize, DeliveryError> {
        let events: Vec<_> =
            items.iter().map(|item| Event::from_item(item, language, &self.ids)).collect();
        for event in &events {
            self.notify(event).await?;
        }
        let ping = ServerRequest::PingRequest(PingRequest::default());
        let within = PeerRequestOptions::with_timeout(LEASE_TIME);
        let ping = self
            .peer
            .send_request_with_option(ping, within)
            .await
            .map_err(|_| DeliveryError::Closed)?;
        ping.await_response().await.map_err(|_| DeliveryError::Closed)?;
        let mut recent = self.recent.lock();
        recent.extend(events);
        let surplus = recent.len().saturating_sub(MAX_RECENT_EVENTS);
        recent.drain(..surplus);
        Ok(items.len())
    }

    async fn send_typing(&self, room: RoomId, typing: bool) {
        // Whoever misses it sees the message all the same.
        let _ = self.notify(&Event::Typing { room_id: room.to_hex(), typing }).await;
    }
}

/// Whom a session is told of. Kept with the session, and gone with it.
#[derive(Clone, Default)]
pub struct SessionPush(Arc<Mutex<PushState>>);

#[derive(Default)]
struct PushState {
    attached: HashMap<UserId, (CourierGuard, Arc<SessionChannel>)>,
    /// Who asks for their news instead, and what was pushed to them lately.
    polling: HashMap<UserId, Vec<Event>>,
}

impl SessionPush {
    /// Has a person's news pushed over `peer`, unless they have taken to asking for it.
    pub fn attach(
        &self,
        who: UserId,
        peer: Peer<RoleServer>,
        ids: &IdHasher,
        couriers: &Arc<Couriers>,
    ) {
        let mut people = self.0.lock();
        let told = people.attached.get(&who).is_some_and(|(attachment, _)| attachment.is_active());
        if told || people.polling.contains_key(&who) {
            return;
        }
        people.attached.retain(|_, (attachment, _)| attachment.is_active());
        if people.attached.len() >= MAX_USERS_PER_SESSION {
            return;
        }
        let recent = Mutex::default();
        let channel = Arc::new(SessionChannel { peer, ids: ids.clone(), recent });
        let courier = Arc::clone(&channel) as Arc<dyn Channel>;
        people.attached.insert(who, (couriers.attach(who, courier), channel));
    }

    /// Pushes no more to a person who asks for their news: a client that does not show
    /// notifications would miss it.
    pub fn switch_to_polling(&self, who: UserId) {
        let mut people = self.0.lock();
        let told = people.attached.remove(&who);
        let recent: Option<Vec<Event>> =
            told.map(|(_, channel)| channel.recent.lock().drain(..).collect());
        if people.polling.len() < MAX_USERS_PER_SESSION || people.polling.contains_key(&who) {
            let missed: &mut Vec<Event> = people.polling.entry(who).or_default();
            missed.extend(recent.unwrap_or_default());
        }
    }

    /// What was pushed lately to a person who now asks for their news, and may have missed it.
    pub fn missed_events(&self, who: UserId) -> Vec<Event> {
        self.switch_to_polling(who);
        self.0.lock().polling.get_mut(&who).map(std::mem::take).unwrap_or_default()
    }

    /// Pushes again to a person who begins anew.
    pub fn resume_push(&self, who: UserId) {
        self.0.lock().polling.remove(&who);
    }
}
