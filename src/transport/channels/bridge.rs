//! [`BridgeChannels`] posts events to the operator's bridge as they arrive, for users of other
//! messengers.
//!
//! The bridge calls `handle_message` for its users like any other caller. Each event of such a
//! user is then posted to the bridge, signed, in order. A 2xx response acknowledges an event. A 410
//! response stops posts for this user until their next call. After any other result the event is
//! posted again.
//!
//! The type of a post is the [`PushEvent::kind`] of its event; types and JSON fields are part of the
//! public contract.
//!
//! **Invariant:** the raw ids of users are stored here only in memory, and sent only to the bridge.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use rand::SeedableRng;
use rand::rngs::StdRng;
use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use tokio::time::timeout;

use super::outbound::{Backoff, OutboundClient, SendPolicy};
use super::signature::sign;
use crate::connect::service::CallerObserver;
use crate::delivery::channel::{Channel, DeliveryError, TypingState};
use crate::delivery::courier::{CourierGuard, Couriers};
use crate::delivery::event::{PushEvent, PushEvents};
use crate::kernel::clock::Clock;
use crate::kernel::id::{IdHasher, RoomId, UserId};
use crate::kernel::ttl_cache::TtlCache;
use crate::transport::ops::metrics::{Metrics, OutboundTarget, SendOutcome};

/// Time after a user's last call during which their items are posted. Later items wait for the next
/// call.
const ATTACHED_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// Maximum number of attached users. A new user replaces the one silent for the longest time.
const MAX_BRIDGE_USERS: usize = 100_000;

/// Header with the signature of the body.
const SIGNATURE_HEADER: &str = "x-signature-256";

/// The body posted for an event.
#[derive(Serialize)]
struct BridgeItem<'a> {
    /// The `puch_user_id` that the bridge passed.
    user_id: &'a str,
    /// Unchanged when the item is posted again.
    item_id: String,
    r#type: &'static str,
    /// `None` (null) for an event outside a room.
    room_id: Option<String>,
    /// The text that the user reads.
    text: String,
    /// Milliseconds since the Unix epoch.
    timestamp: u64,
}

/// The bridge's address and what requests to it need.
pub struct Bridge {
    pub http: OutboundClient,
    pub url: SecretString,
    pub secret: SecretString,
    pub ids: IdHasher,
    pub metrics: Arc<Metrics>,
    pub send_policy: SendPolicy,
}

/// The channels of all users that call through the bridge.
pub struct BridgeChannels {
    bridge: Arc<Bridge>,
    couriers: Arc<Couriers>,
    clock: Arc<dyn Clock>,
    users: Mutex<(TtlCache<UserId, Arc<CourierGuard>>, StdRng)>,
}

impl BridgeChannels {
    #[must_use]
    pub fn new(
        bridge: Bridge,
        couriers: Arc<Couriers>,
        clock: Arc<dyn Clock>,
        rng: StdRng,
    ) -> Self {
        let users = Mutex::new((TtlCache::new(ATTACHED_FOR, MAX_BRIDGE_USERS), rng));
        Self { bridge: Arc::new(bridge), couriers, clock, users }
    }
}

impl CallerObserver for BridgeChannels {
    fn on_call(&self, user: UserId, raw_id: &str) {
        let now = self.clock.steady();
        let mut locked = self.users.lock();
        let (users, rng) = &mut *locked;
        let existing = users.get(&user, now).filter(|attachment| attachment.is_active());
        let attachment = match existing {
            Some(existing) => Arc::clone(existing),
            // Another channel already delivers this user's items.
            None if self.couriers.is_reachable(user) => return,
            None => {
                let backoff = Backoff::new(self.bridge.send_policy, StdRng::from_rng(rng));
                let bridge = Arc::clone(&self.bridge);
                let channel = BridgeChannel { bridge, user_id: raw_id.into(), backoff };
                Arc::new(self.couriers.attach(user, Arc::new(channel)))
            }
        };
        // Evicted guards are dropped after the lock is released, because dropping one takes the
        // lock of the couriers.
        let evicted = users.insert(user, attachment, now);
        drop(locked);
        drop(evicted);
    }
}

/// The channel of one user.
struct BridgeChannel {
    bridge: Arc<Bridge>,
    user_id: SecretString,
    backoff: Backoff,
}

impl BridgeChannel {
    async fn post(&self, event: &dyn PushEvent) -> Result<(), DeliveryError> {
        let item = BridgeItem {
            user_id: self.user_id.expose_secret(),
            item_id: event.id(&self.bridge.ids),
            r#type: event.kind(),
            room_id: event.room().map(RoomId::to_hex),
            text: event.text(),
            timestamp: event.at().as_millis(),
        };
        let body = serde_json::to_vec(&item).map_err(|_| DeliveryError::Closed)?;
        let Bridge { http, url, secret, metrics, .. } = &*self.bridge;
        let request = http.post(url.expose_secret()).header(CONTENT_TYPE, "application/json");
        let request = request.header(SIGNATURE_HEADER, sign(secret, &body)).body(body);
        let _slot = http.slot().await;
        let (outcome, result) = match request.send().await.map(|response| response.status()) {
            Ok(status) if status.is_success() => (SendOutcome::Ok, Ok(())),
            Ok(StatusCode::GONE) => (SendOutcome::Refused, Err(DeliveryError::Closed)),
            Ok(_) => (SendOutcome::Later, Err(DeliveryError::RetryLater)),
            Err(error) => {
                http.log_failure(OutboundTarget::Callback, &error);
                (SendOutcome::Later, Err(DeliveryError::RetryLater))
            }
        };
        metrics.record_send(OutboundTarget::Callback, outcome);
        result
    }
}

#[async_trait]
impl Channel for BridgeChannel {
    async fn deliver(&self, events: &PushEvents) -> Result<usize, DeliveryError> {
        let mut delivered = 0;
        let posts = timeout(self.bridge.send_policy.attempt_timeout, async {
            for event in events {
                self.post(&**event).await?;
                delivered += 1;
            }
            Ok(())
        });
        let error = match posts.await {
            Ok(Ok(())) => {
                self.backoff.on_success(Duration::ZERO);
                return Ok(delivered);
            }
            Ok(Err(error)) => error,
            Err(_) => {
                self.bridge.metrics.record_send(OutboundTarget::Callback, SendOutcome::Later);
                DeliveryError::RetryLater
            }
        };
        self.backoff.on_failure(None);
        if delivered == 0 { Err(error) } else { Ok(delivered) }
    }

    async fn ready(&self) {
        self.backoff.wait().await;
    }

    /// Does nothing: a bridge only receives events.
    async fn send_typing(&self, _state: TypingState) {}
}
