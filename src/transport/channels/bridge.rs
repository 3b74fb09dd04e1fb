//! Posts news to a bridge of the operator's: how people on other messengers get theirs at once.
//!
//! The bridge calls `handle_message` for its people like any other caller; each item that comes for
//! one of them is then posted to it, signed, one after the other. An answer of 2xx acknowledges an
//! item, 410 says that nothing more is to be posted for this person until their next call, and
//! after anything else it is posted again.
//!
//! **Invariant:** the ids by which callers know people are kept here, in memory, and shown to nobody
//! but the bridge.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use rand::SeedableRng;
use rand::rngs::StdRng;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use tokio::time::timeout;

use super::outbound::{Backoff, SendPolicy};
use super::signature::sign;
use crate::connect::delivery::channel::{Channel, DeliveryError};
use crate::connect::delivery::courier::{CourierGuard, Couriers};
use crate::connect::lobby::inbox::{InboxEvent, Item};
use crate::connect::profile::language::Language;
use crate::connect::reply;
use crate::connect::service::CallerObserver;
use crate::kernel::clock::Clock;
use crate::kernel::id::{IdHasher, RoomId, UserId};
use crate::kernel::ttl_cache::TtlCache;
use crate::transport::ops::metrics::{Metrics, OutboundTarget, SendOutcome};

/// How long after their last call somebody's news is posted. What comes later waits for the next.
const ATTACHED_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// The most people whose news is posted; the longest silent are forgotten for new ones.
const MAX_BRIDGE_USERS: usize = 100_000;

/// A header with the signature of the body.
const SIGNATURE_HEADER: &str = "x-signature-256";

/// What is posted for an item.
#[derive(Serialize)]
struct BridgeItem<'a> {
    /// The `puch_user_id` that the bridge passed.
    user_id: &'a str,
    /// The same when an item is posted again.
    item_id: String,
    r#type: &'static str,
    /// Null for what happened in no room.
    room_id: Option<String>,
    /// What the person is to read.
    text: String,
    /// Milliseconds since the Unix epoch.
    timestamp: u64,
}

/// The bridge, and how it is reached.
pub struct Bridge {
    pub http: Client,
    pub url: SecretString,
    pub secret: SecretString,
    pub ids: IdHasher,
    pub metrics: Arc<Metrics>,
    pub send_policy: SendPolicy,
}

/// Everybody whose news is posted.
pub struct BridgeChannels {
    bridge: Arc<Bridge>,
    couriers: Arc<Couriers>,
    clock: Arc<dyn Clock>,
    people: Mutex<(TtlCache<UserId, Arc<CourierGuard>>, StdRng)>,
}

impl BridgeChannels {
    #[must_use]
    pub fn new(
        bridge: Bridge,
        couriers: Arc<Couriers>,
        clock: Arc<dyn Clock>,
        rng: StdRng,
    ) -> Self {
        let people = Mutex::new((TtlCache::new(ATTACHED_FOR, MAX_BRIDGE_USERS), rng));
        Self { bridge: Arc::new(bridge), couriers, clock, people }
    }
}

impl CallerObserver for BridgeChannels {
    fn on_call(&self, who: UserId, raw_id: &str) {
        let now = self.clock.now();
        let mut locked = self.people.lock();
        let (people, rng) = &mut *locked;
        let known = people.get(&who, now).filter(|attachment| attachment.is_active());
        let attachment = match known {
            Some(known) => Arc::clone(known),
            // Somebody who is reached otherwise is not to be told twice.
            None if self.couriers.is_reachable(who) => return,
            None => {
                let pause = Backoff::new(self.bridge.send_policy, StdRng::from_rng(rng));
                let bridge = Arc::clone(&self.bridge);
                let channel = BridgeChannel { bridge, user_id: raw_id.into(), backoff: pause };
                Arc::new(self.couriers.attach(who, Arc::new(channel)))
            }
        };
        let forgotten = people.insert(who, attachment, now);
        drop(locked);
        drop(forgotten);
    }
}

/// One person whom the bridge reaches.
struct BridgeChannel {
    bridge: Arc<Bridge>,
    user_id: SecretString,
    backoff: Backoff,
}

impl BridgeChannel {
    async fn post(&self, language: Language, item: &Item) -> Result<(), DeliveryError> {
        let (r#type, room) = match &item.event {
            InboxEvent::Message { room, .. } => ("message.received", Some(*room)),
            InboxEvent::Connected { chat } => ("chatroom.found", Some(chat.room)),
            InboxEvent::PartnerLeft { room } | InboxEvent::PartnerTimedOut { room } => {
                ("partner.disconnected", Some(*room))
            }
            InboxEvent::Icebreaker { room, .. } => ("icebreaker", Some(*room)),
            InboxEvent::Nudge { room } => ("nudge", Some(*room)),
            InboxEvent::Broadcast(_) => ("operator.notice", None),
        };
        let posted = BridgeItem {
            user_id: self.user_id.expose_secret(),
            item_id: self.bridge.ids.item_id(item.seq),
            r#type,
            room_id: room.map(RoomId::to_hex),
            text: reply::event(language, &item.event),
            timestamp: item.at.as_millis(),
        };
        let body = serde_json::to_vec(&posted).map_err(|_| DeliveryError::Closed)?;
        let Bridge { http, url, secret, metrics, .. } = &*self.bridge;
        let request = http.post(url.expose_secret()).header(CONTENT_TYPE, "application/json");
        let request = request.header(SIGNATURE_HEADER, sign(secret, &body)).body(body);
        // What an error says may hold the address, which may hold a token.
        let (outcome, done) = match request.send().await.map(|answer| answer.status()) {
            Ok(status) if status.is_success() => (SendOutcome::Ok, Ok(())),
            Ok(StatusCode::GONE) => (SendOutcome::Refused, Err(DeliveryError::Closed)),
            Ok(_) | Err(_) => (SendOutcome::Later, Err(DeliveryError::RetryLater)),
        };
        metrics.record_send(OutboundTarget::Callback, outcome);
        done
    }
}

#[async_trait]
impl Channel for BridgeChannel {
    async fn deliver(&self, language: Language, items: &[Item]) -> Result<usize, DeliveryError> {
        let mut brought = 0;
        let all = timeout(self.bridge.send_policy.attempt_timeout, async {
            for item in items {
                self.post(language, item).await?;
                brought += 1;
            }
            Ok(())
        });
        let failed = match all.await {
            Ok(Ok(())) => {
                self.backoff.on_success(Duration::ZERO);
                return Ok(brought);
            }
            Ok(Err(failed)) => failed,
            Err(_) => {
                self.bridge.metrics.record_send(OutboundTarget::Callback, SendOutcome::Later);
                DeliveryError::RetryLater
            }
        };
        self.backoff.on_failure(None);
        if brought == 0 { Err(failed) } else { Ok(brought) }
    }

    async fn ready(&self) {
        self.backoff.wait().await;
    }

    /// A bridge is told of news only.
    async fn send_typing(&self, _room: RoomId, _typing: bool) {}
}
