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
use crate::connect::delivery::courier::{Channel, CourierGuard, Couriers, DeliveryError};
use crate::connect::lobby::inbox::{Item, LEASE_TIME};
use crate::connect::profile::language::Language;
use crate::kernel::id::{IdHasher, RoomId, UserId};

/// How long a session may take to accept a notification. A client that does not read blocks its
/// whole session in rmcp.
const ACCEPT: Duration = Duration::from_millis(500);
/// The most people one session may be told of.
const PEOPLE: usize = 32;
/// How many of the last items pushed are shown once more to a client that starts to ask for them.
const RECENT: usize = 32;

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
        match timeout(ACCEPT, self.peer.send_notification(notification)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(DeliveryError::Gone),
        }
    }
}

#[async_trait]
impl Channel for SessionChannel {
    async fn bring(&self, language: Language, items: &[Item]) -> Result<usize, DeliveryError> {
        let events: Vec<_> =
            items.iter().map(|item| Event::of(item, language, &self.ids)).collect();
        for event in &events {
            self.notify(event).await?;
        }
        let ping = ServerRequest::PingRequest(PingRequest::default());
        let within = PeerRequestOptions::with_timeout(LEASE_TIME);
        let ping = self
            .peer
            .send_request_with_option(ping, within)
            .await
            .map_err(|_| DeliveryError::Gone)?;
        ping.await_response().await.map_err(|_| DeliveryError::Gone)?;
        let mut recent = self.recent.lock();
        recent.extend(events);
        let surplus = recent.len().saturating_sub(RECENT);
        recent.drain(..surplus);
        Ok(items.len())
    }

    async fn show_typing(&self, room: RoomId, typing: bool) {
        // Whoever misses it sees the message all the same.
        let _ = self.notify(&Event::Typing { room_id: room.code(), typing }).await;
    }
}

/// Whom a session is told of. Kept with the session, and gone with it.
#[derive(Clone, Default)]
pub struct SessionPush(Arc<Mutex<PushState>>);

#[derive(Default)]
struct PushState {
    told_of: HashMap<UserId, (CourierGuard, Arc<SessionChannel>)>,
    /// Who asks for their news instead, and what was pushed to them lately.
    asking: HashMap<UserId, Vec<Event>>,
}

impl SessionPush {
    /// Has a person's news pushed over `peer`, unless they have taken to asking for it.
    pub fn push(
        &self,
        who: UserId,
        peer: Peer<RoleServer>,
        ids: &IdHasher,
        couriers: &Arc<Couriers>,
    ) {
        let mut people = self.0.lock();
        let told = people.told_of.get(&who).is_some_and(|(attachment, _)| attachment.is_active());
        if told || people.asking.contains_key(&who) {
            return;
        }
        people.told_of.retain(|_, (attachment, _)| attachment.is_active());
        if people.told_of.len() >= PEOPLE {
            return;
        }
        let recent = Mutex::default();
        let channel = Arc::new(SessionChannel { peer, ids: ids.clone(), recent });
        let courier = Arc::clone(&channel) as Arc<dyn Channel>;
        people.told_of.insert(who, (couriers.attach(who, courier), channel));
    }

    /// Pushes no more to a person who asks for their news: a client that does not show
    /// notifications would miss it.
    pub fn stop(&self, who: UserId) {
        let mut people = self.0.lock();
        let told = people.told_of.remove(&who);
        let recent: Option<Vec<Event>> =
            told.map(|(_, channel)| channel.recent.lock().drain(..).collect());
        if people.asking.len() < PEOPLE || people.asking.contains_key(&who) {
            let missed: &mut Vec<Event> = people.asking.entry(who).or_default();
            missed.extend(recent.unwrap_or_default());
        }
    }

    /// What was pushed lately to a person who now asks for their news, and may have missed it.
    pub fn ask(&self, who: UserId) -> Vec<Event> {
        self.stop(who);
        self.0.lock().asking.get_mut(&who).map(std::mem::take).unwrap_or_default()
    }

    /// Pushes again to a person who begins anew.
    pub fn begin(&self, who: UserId) {
        self.0.lock().asking.remove(&who);
    }
}
