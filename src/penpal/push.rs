//! [`SessionPush`]: pushes events to an agent's live session as notifications.
//!
//! The protocol does not acknowledge notifications. Therefore a ping follows them. Clients process
//! messages in order, so that the answer to the ping acknowledges the notifications.

use std::any::Any;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use rmcp::model::{CustomNotification, PingRequest, ServerNotification, ServerRequest};
use rmcp::service::PeerRequestOptions;
use rmcp::{Peer, RoleServer};
use serde_json::Value;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::error::PenPalError;
use super::event::Event;
use super::output::WaitResult;
use crate::connect::push::LobbyEvent;
use crate::delivery::channel::{Channel, DeliveryError, TypingState};
use crate::delivery::courier::{CourierGuard, Couriers};
use crate::delivery::event::{PushEvent, PushEvents};
use crate::delivery::mailbox::LEASE_TIME;
use crate::kernel::id::{IdHasher, UserId};
use crate::kernel::receipt::Receipt;
use crate::kernel::session::PushStream;

/// Timeout for a session to accept a notification. In rmcp, a client that does not read blocks its
/// whole session.
const NOTIFY_TIMEOUT: Duration = Duration::from_millis(500);

/// Time for a client to acknowledge events. Ends before the lease of the items.
const ACK_TIMEOUT: Duration = LEASE_TIME.saturating_sub(Duration::from_secs(1));

/// Time for a client to acknowledge events after it has opened another stream.
const REPLACED_GRACE: Duration = Duration::from_secs(2);

/// Maximum number of users whose events one session receives.
const MAX_USERS_PER_SESSION: usize = 32;

/// Number of recently pushed events that a client receives again when it starts to poll.
const MAX_RECENT_EVENTS: usize = 32;

/// An event as a session sends it.
enum Outbound<'a> {
    /// An event of a chat, in the form that the tools of this toolset also return.
    Lobby(Event),
    /// An event of another toolset. No tool here returns it.
    Other(&'a dyn PushEvent),
}

impl<'a> Outbound<'a> {
    fn new(event: &'a dyn PushEvent, ids: &IdHasher) -> Self {
        match (event as &dyn Any).downcast_ref::<LobbyEvent>() {
            Some(LobbyEvent { item, language }) => {
                Self::Lobby(Event::from_item(item, *language, ids))
            }
            None => Self::Other(event),
        }
    }

    fn into_lobby_event(self) -> Option<Event> {
        match self {
            Self::Lobby(event) => Some(event),
            Self::Other(_) => None,
        }
    }
}

/// A live session as a channel for one user.
pub struct SessionChannel {
    peer: Peer<RoleServer>,
    ids: IdHasher,
    recent: Mutex<VecDeque<Event>>,
    /// The stream that the events leave on. `None` if the connection of the session carries them.
    stream: Option<PushStream>,
    /// The number of the stream whose client acknowledged nothing. The channel waits for another one.
    deaf_stream: Mutex<Option<u64>>,
}

impl SessionChannel {
    /// The error of a delivery that began on stream `number`. After a change of the network, the client
    /// opens another stream.
    fn failure(&self, number: Option<u64>) -> DeliveryError {
        if self.stream.is_none() {
            return DeliveryError::Closed;
        }
        *self.deaf_stream.lock() = number;
        DeliveryError::RetryLater
    }

    /// Waits until another stream has replaced number `number`, and its client had time to acknowledge
    /// what it read on both.
    async fn replaced(&self, number: Option<u64>) {
        match &self.stream {
            Some(stream) => stream.opened(number).await,
            None => std::future::pending().await,
        }
        sleep(REPLACED_GRACE).await;
    }

    /// Sends events, and waits until the client acknowledges them.
    async fn push(&self, events: &[Outbound<'_>]) -> Result<(), DeliveryError> {
        for event in events {
            let notification = match event {
                Outbound::Lobby(event) => event.notification(),
                Outbound::Other(event) => event.notification(&self.ids),
            };
            self.notify(notification).await?;
        }
        let ping = ServerRequest::PingRequest(PingRequest::default());
        let options = PeerRequestOptions::with_timeout(ACK_TIMEOUT);
        let pending = self
            .peer
            .send_request_with_option(ping, options)
            .await
            .map_err(|_| DeliveryError::Closed)?;
        pending.await_response().await.map(drop).map_err(|_| DeliveryError::Closed)
    }

    async fn notify(&self, (method, params): (String, Value)) -> Result<(), DeliveryError> {
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
    async fn deliver(&self, events: &PushEvents) -> Result<usize, DeliveryError> {
        let outbound: Vec<_> =
            events.iter().map(|event| Outbound::new(&**event, &self.ids)).collect();
        let number = self.stream.as_ref().and_then(PushStream::current);
        tokio::select! {
            biased;
            pushed = self.push(&outbound) => pushed.map_err(|_| self.failure(number))?,
            // The client did not read the old stream to its end.
            () = self.replaced(number) => return Err(self.failure(number)),
        }
        let mut recent = self.recent.lock();
        recent.extend(outbound.into_iter().filter_map(Outbound::into_lobby_event));
        let surplus = recent.len().saturating_sub(MAX_RECENT_EVENTS);
        recent.drain(..surplus);
        Ok(events.len())
    }

    /// Waits for a stream, because rmcp would keep an event without one, and no client would read it.
    async fn ready(&self) {
        if let Some(stream) = &self.stream {
            let deaf = *self.deaf_stream.lock();
            stream.opened(deaf).await;
        }
    }

    fn is_open(&self) -> bool {
        let current = |stream: &PushStream| stream.current();
        let deaf = *self.deaf_stream.lock();
        self.stream.as_ref().map(current).is_none_or(|number| number.is_some() && number != deaf)
    }

    async fn send_typing(&self, TypingState { room, typing }: TypingState) {
        // Best effort, because a lost indicator does not affect the messages.
        let _ = self.notify(Event::Typing { room_id: room.to_hex(), typing }.notification()).await;
    }
}

/// The users whose events a session receives. Stored in the session and dropped with it.
/// Clones share the same state.
#[derive(Clone, Default)]
pub struct SessionPush(Arc<Mutex<PushState>>);

#[derive(Default)]
struct PushState {
    /// Users with a courier to this session.
    attached: HashMap<UserId, (CourierGuard, Arc<SessionChannel>)>,
    /// Users that poll instead, with the recently pushed events that they have not polled yet.
    polling: HashMap<UserId, Vec<Event>>,
    restored: Arc<Notify>,
}

impl SessionPush {
    /// Starts to push a user's events over `peer`, unless the user polls. `stream` is the session's.
    pub fn attach(
        &self,
        user: UserId,
        peer: Peer<RoleServer>,
        stream: Option<&PushStream>,
        ids: &IdHasher,
        couriers: &Arc<Couriers>,
    ) {
        let mut state = self.0.lock();
        let is_working = |(courier, channel): &(CourierGuard, Arc<SessionChannel>)| {
            courier.is_active() && channel.deaf_stream.lock().is_none()
        };
        let is_attached = state.attached.get(&user).is_some_and(is_working);
        if is_attached || state.polling.contains_key(&user) {
            return;
        }
        state.attached.retain(|_, (courier, _)| courier.is_active());
        if state.attached.len() >= MAX_USERS_PER_SESSION {
            return;
        }
        let channel = Arc::new(SessionChannel {
            peer,
            ids: ids.clone(),
            recent: Mutex::default(),
            stream: stream.cloned(),
            deaf_stream: Mutex::default(),
        });
        let courier = couriers.attach(user, Arc::clone(&channel) as Arc<dyn Channel>);
        state.attached.insert(user, (courier, channel));
    }

    /// Stops pushing to a user that polls, because a client that does not show notifications would
    /// miss the events.
    pub fn switch_to_polling(&self, user: UserId) {
        let mut state = self.0.lock();
        let detached = state.attached.remove(&user);
        let recent: Option<Vec<Event>> =
            detached.map(|(_, channel)| channel.recent.lock().drain(..).collect());
        if state.polling.len() < MAX_USERS_PER_SESSION || state.polling.contains_key(&user) {
            let missed: &mut Vec<Event> = state.polling.entry(user).or_default();
            missed.extend(recent.unwrap_or_default());
        }
    }

    /// Switches a user to polling and returns the recently pushed events, which the client may have
    /// missed.
    pub fn missed_events(&self, user: UserId) -> Vec<Event> {
        self.switch_to_polling(user);
        self.0.lock().polling.get_mut(&user).map(std::mem::take).unwrap_or_default()
    }

    /// Returns the missed events of a user that polls; without any, those of `wait`. Events that
    /// [`Self::restore`] returns meanwhile end the wait, and so does `ending`, without events.
    ///
    /// # Errors
    /// Returns the error of `wait`.
    pub async fn missed_or(
        &self,
        user: UserId,
        wait: impl Future<Output = Result<(WaitResult, Receipt), PenPalError>>,
        ending: &CancellationToken,
    ) -> Result<(WaitResult, Receipt), PenPalError> {
        let mut wait = std::pin::pin!(wait);
        let restored = self.restored();
        loop {
            let mut restored = std::pin::pin!(restored.notified());
            // Before looking, so that no return is missed in between.
            restored.as_mut().enable();
            let events = self.missed_events(user);
            if !events.is_empty() {
                let (push, lost) = (self.clone(), events.clone());
                let receipt = Receipt::new(move |delivered| {
                    if !delivered {
                        push.restore(user, lost);
                    }
                });
                return Ok((WaitResult { events }, receipt));
            }
            tokio::select! {
                // Restored events are older than those of the wait.
                biased;
                () = restored => {}
                result = &mut wait => return result,
                () = ending.cancelled() => {
                    return Ok((WaitResult { events: Vec::new() }, Receipt::none()));
                }
            }
        }
    }

    /// Returns events whose answer the client has not read to the front of
    /// [`Self::missed_events`], and wakes a wait for them.
    pub fn restore(&self, user: UserId, events: Vec<Event>) {
        let mut state = self.0.lock();
        if let Some(missed) = state.polling.get_mut(&user) {
            missed.splice(..0, events);
            state.restored.notify_waiters();
        }
    }

    /// Notified when [`Self::restore`] has returned events of a user of this session.
    fn restored(&self) -> Arc<Notify> {
        Arc::clone(&self.0.lock().restored)
    }

    /// Ends polling for a user, so that [`SessionPush::attach`] pushes again.
    pub fn resume_push(&self, user: UserId) {
        self.0.lock().polling.remove(&user);
    }
}
