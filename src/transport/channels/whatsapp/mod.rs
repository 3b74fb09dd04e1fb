//! WhatsApp's Cloud API: people write to a number of the operator's own, without Puch.
//!
//! What Meta posts is checked and answered at once (`webhook.rs` reads it), carried out behind the
//! answer in the order of each person's messages (`people.rs`), and what people get goes out through
//! the Graph API (`channel.rs`, `graph.rs`).
//!
//! **Invariant:** nothing is done for a body that Meta did not sign, and nothing twice for a message
//! that it sends again. Numbers stay here, in memory, and are in no log.

mod channel;
mod graph;
pub(crate) mod routes;
mod users;
mod webhook;

use constant_time_eq::constant_time_eq;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use rand::SeedableRng;
use rand::rngs::StdRng;
use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::interval;
use tokio_util::task::TaskTracker;

use self::channel::WhatsAppChannel;
use self::graph::GraphApi;
use self::users::{WhatsAppUser, WhatsAppUsers};
use self::webhook::{InboundMessage, MessageContent, Recipient};
use super::outbound::SendPolicy;
use super::signature::verify;
use crate::connect::delivery::courier::Couriers;
use crate::connect::dto::PushInput;
use crate::connect::service::ConnectService;
use crate::kernel::clock::Clock;
use crate::kernel::id::{IdHasher, Realm, UserId};
use crate::transport::ops::metrics::{Metrics, WebhookOutcome};

/// The most messages that may wait to be carried out; Meta is asked to come again with further ones.
const MAX_PENDING_MESSAGES: usize = 10_000;
/// How often those who have been silent for too long are looked for.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(60);

/// The operator's number, and how to use it.
pub struct WhatsAppSettings {
    pub token: SecretString,
    pub phone_number_id: String,
    pub verify_token: SecretString,
    pub app_secret: SecretString,
    /// Without a slash at its end.
    pub api_base: String,
}

/// What the channel works with.
pub struct WhatsAppDeps {
    pub connect: Arc<ConnectService>,
    pub couriers: Arc<Couriers>,
    pub clock: Arc<dyn Clock>,
    pub ids: IdHasher,
    pub metrics: Arc<Metrics>,
    pub http: Client,
    pub pace: SendPolicy,
    pub rng: StdRng,
}

/// The way in and out for people on WhatsApp.
pub struct WhatsApp {
    connect: Arc<ConnectService>,
    couriers: Arc<Couriers>,
    clock: Arc<dyn Clock>,
    ids: IdHasher,
    metrics: Arc<Metrics>,
    send_policy: SendPolicy,
    rng: Mutex<StdRng>,
    phone_number_id: String,
    verify_token: SecretString,
    app_secret: SecretString,
    graph: Arc<GraphApi>,
    users: WhatsAppUsers,
    /// How many messages were taken and not carried out yet.
    pending: AtomicUsize,
    tasks: TaskTracker,
}

impl WhatsApp {
    /// Call it within a tokio runtime.
    #[must_use]
    pub fn new(settings: WhatsAppSettings, parts: WhatsAppDeps) -> Self {
        let WhatsAppSettings { token, phone_number_id, verify_token, app_secret, api_base } =
            settings;
        let WhatsAppDeps { connect, couriers, clock, ids, metrics, http, pace: send_policy, rng } =
            parts;
        let url = format!("{api_base}/{phone_number_id}/messages");
        let graph = Arc::new(GraphApi::new(http, url, token, send_policy, Arc::clone(&metrics)));
        Self {
            connect,
            couriers,
            clock,
            ids,
            metrics,
            send_policy,
            rng: Mutex::new(rng),
            phone_number_id,
            verify_token,
            app_secret,
            graph,
            users: WhatsAppUsers::default(),
            pending: AtomicUsize::new(0),
            tasks: TaskTracker::new(),
        }
    }

    /// Whether a request to subscribe to this webhook comes from the operator.
    #[must_use]
    pub fn verify_subscription(&self, mode: &str, token: &str) -> bool {
        let known = self.verify_token.expose_secret().as_bytes();
        mode == "subscribe" && constant_time_eq(known, token.as_bytes())
    }

    /// Takes what was posted to the webhook, to be carried out after this.
    pub fn accept(self: &Arc<Self>, body: &[u8], signature: &[u8]) -> WebhookOutcome {
        let outcome = if !verify(&self.app_secret, body, signature) {
            WebhookOutcome::Unsigned
        } else if let Some(messages) = webhook::parse(body, &self.phone_number_id) {
            self.enqueue(messages)
        } else {
            WebhookOutcome::Invalid
        };
        self.metrics.record_webhook(outcome);
        outcome
    }

    fn enqueue(self: &Arc<Self>, messages: Vec<InboundMessage>) -> WebhookOutcome {
        let now = self.clock.now();
        if self.pending.load(Ordering::Relaxed) + messages.len() > MAX_PENDING_MESSAGES {
            return WebhookOutcome::Busy;
        }
        for message in messages {
            let who = self.user_id(&message.from);
            self.pending.fetch_add(1, Ordering::Relaxed);
            let person = self.users.get_or_insert(who, now, || self.channel(&message.from));
            if person.add(message) {
                self.tasks.spawn(Arc::clone(self).process_queue(person));
            }
        }
        WebhookOutcome::Accepted
    }

    fn user_id(&self, address: &Recipient) -> UserId {
        let (Recipient::Number(raw) | Recipient::User(raw)) = address;
        self.ids.user_id(Realm::WhatsApp, raw.expose_secret())
    }

    fn channel(&self, address: &Recipient) -> WhatsAppChannel {
        let (graph, clock) = (Arc::clone(&self.graph), Arc::clone(&self.clock));
        let rng = StdRng::from_rng(&mut *self.rng.lock());
        WhatsAppChannel::new(graph, clock, address.clone(), self.send_policy, rng)
    }

    /// Carries out a person's messages until none is left.
    async fn process_queue(self: Arc<Self>, person: Arc<WhatsAppUser>) {
        while let Some(message) = person.next() {
            self.handle_message(&person, message).await;
            self.pending.fetch_sub(1, Ordering::Relaxed);
        }
    }

    async fn handle_message(&self, person: &WhatsAppUser, message: InboundMessage) {
        if !self.connect.claim_delivery(person.user, &message.id).await {
            return;
        }
        let now = self.clock.now();
        person.channel.open_window(message.sent_at.map_or(now, |at| at.min(now)));
        person.attach(&self.couriers);
        let _reading = person.channel.hold_delivery().await;
        let told = match &message.content {
            MessageContent::Text(text) => {
                let (message_id, name) = (message.id.as_str(), message.name.as_deref());
                self.connect
                    .handle_push(PushInput { user: person.user, message_id, name, text })
                    .await
                    .reply
            }
            MessageContent::Media => Some(self.connect.text_only_reply(person.user).await),
        };
        told.into_iter().for_each(|told| person.channel.queue_reply(told));
    }

    /// Returns when all that was taken has been carried out. Call it when no more is taken.
    pub async fn wait_idle(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Forgets people who have been silent for too long, until dropped.
    pub async fn run_upkeep(self: Arc<Self>) {
        let mut ticks = interval(UPKEEP_INTERVAL);
        loop {
            ticks.tick().await;
            self.users.evict_idle(self.clock.now());
        }
    }
}
