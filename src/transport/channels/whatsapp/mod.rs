//! [`WhatsApp`]: users who write to the operator's own number, over Meta's Cloud API, without Puch.
//!
//! - `routes.rs` answers Meta's requests immediately; `webhook.rs` parses their messages.
//! - `users.rs` queues the messages of each user. They are handled in order, after the response.
//! - `channel.rs` delivers replies and inbox items, `graph.rs` sends them to the Graph API.
//!
//! To handle a new kind of message, add it to `MessageContent` in `webhook.rs` and handle it in
//! `WhatsApp::handle_message`.
//!
//! **Invariant:** a body that Meta did not sign has no effect, and a message that Meta retries has
//! its effect once. Phone numbers are only in memory here, and in no log.

mod channel;
mod graph;
pub(in crate::transport) mod routes;
mod sent;
mod users;
mod webhook;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use constant_time_eq::constant_time_eq;
use parking_lot::Mutex;
use rand::SeedableRng;
use rand::rngs::StdRng;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::interval;
use tokio_util::task::TaskTracker;

use self::channel::WhatsAppChannel;
use self::graph::GraphApi;
use self::sent::SentMessages;
use self::users::{WhatsAppUser, WhatsAppUsers};
use self::webhook::{InboundMessage, MessageContent, MessageStatus, Recipient};
use super::outbound::{OutboundClient, SendPolicy};
use super::signature::{is_well_formed, verify};
use crate::connect::dto::{NotRelayed, PushContent, PushInput, PushReply};
use crate::connect::service::ConnectService;
use crate::delivery::courier::Couriers;
use crate::kernel::clock::Clock;
use crate::kernel::id::{IdHasher, Realm, UserId};
use crate::transport::ops::metrics::{Metrics, WebhookOutcome};

/// Maximum number of messages that wait to be handled. Meta has to retry any others.
const MAX_PENDING_MESSAGES: usize = 10_000;
/// Interval of the eviction of idle users.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(60);

/// The operator's phone number and the credentials for it.
pub struct WhatsAppSettings {
    pub token: SecretString,
    pub phone_number_id: String,
    pub verify_token: SecretString,
    pub app_secret: SecretString,
    /// Base URL of the Graph API, without a trailing slash.
    pub api_base: String,
}

/// The services that [`WhatsApp`] depends on.
pub struct WhatsAppDeps {
    pub connect: Arc<ConnectService>,
    pub couriers: Arc<Couriers>,
    pub clock: Arc<dyn Clock>,
    pub ids: IdHasher,
    pub metrics: Arc<Metrics>,
    pub http: OutboundClient,
    pub send_policy: SendPolicy,
    pub rng: StdRng,
}

/// Receives the messages of WhatsApp users, and sends them replies and inbox items.
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
    sent: Arc<SentMessages>,
    /// Number of accepted messages that are not handled yet.
    pending: AtomicUsize,
    tasks: TaskTracker,
}

impl WhatsApp {
    /// Must be called within a tokio runtime.
    #[must_use]
    pub fn new(settings: WhatsAppSettings, deps: WhatsAppDeps) -> Self {
        let WhatsAppSettings { token, phone_number_id, verify_token, app_secret, api_base } =
            settings;
        let WhatsAppDeps { connect, couriers, clock, ids, metrics, http, send_policy, rng } = deps;
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
            sent: Arc::default(),
            pending: AtomicUsize::new(0),
            tasks: TaskTracker::new(),
        }
    }

    /// Returns `true` if a request to subscribe to this webhook has the operator's verify token.
    #[must_use]
    pub fn verify_subscription(&self, mode: &str, token: &str) -> bool {
        let expected = self.verify_token.expose_secret().as_bytes();
        mode == "subscribe" && constant_time_eq(expected, token.as_bytes())
    }

    /// Returns `false` if a body with this signature can't be accepted, so that it need not be read.
    pub fn may_accept(&self, signature: &[u8]) -> bool {
        let may_accept = is_well_formed(signature);
        if !may_accept {
            self.metrics.record_webhook(WebhookOutcome::Unsigned);
        }
        may_accept
    }

    /// Accepts a body posted to the webhook. Its messages are handled in the background.
    pub fn accept(self: &Arc<Self>, body: &[u8], signature: &[u8]) -> WebhookOutcome {
        let outcome = if !verify(&self.app_secret, body, signature) {
            WebhookOutcome::Unsigned
        } else if let Some(inbound) = webhook::parse(body, &self.phone_number_id) {
            self.update_sent(inbound.statuses);
            self.enqueue(inbound.messages)
        } else {
            WebhookOutcome::Invalid
        };
        self.metrics.record_webhook(outcome);
        outcome
    }

    fn enqueue(self: &Arc<Self>, messages: Vec<InboundMessage>) -> WebhookOutcome {
        let now = self.clock.steady();
        if self.pending.load(Ordering::Relaxed) + messages.len() > MAX_PENDING_MESSAGES {
            return WebhookOutcome::Busy;
        }
        for message in messages {
            let user = self.user_id(&message.from);
            self.pending.fetch_add(1, Ordering::Relaxed);
            let channel = || self.channel(user, &message.from);
            let user = self.users.get_or_insert(user, now, channel);
            if user.add(message) {
                self.tasks.spawn(Arc::clone(self).process_queue(user));
            }
        }
        WebhookOutcome::Accepted
    }

    fn user_id(&self, from: &Recipient) -> UserId {
        let (Recipient::Number(raw) | Recipient::User(raw)) = from;
        self.ids.user_id(Realm::WhatsApp, raw.expose_secret())
    }

    fn channel(&self, user: UserId, recipient: &Recipient) -> WhatsAppChannel {
        let (graph, clock) = (Arc::clone(&self.graph), Arc::clone(&self.clock));
        let (address, sent) = ((user, recipient.clone()), Arc::clone(&self.sent));
        let rng = StdRng::from_rng(&mut *self.rng.lock());
        WhatsAppChannel::new(graph, clock, address, sent, self.send_policy, rng)
    }

    /// Forgets the messages that have arrived, and returns those that have failed to their channels.
    fn update_sent(&self, statuses: Vec<MessageStatus>) {
        let now = self.clock.steady();
        for MessageStatus { id, failure } in statuses {
            let Some(message) = self.sent.take(&id, now) else { continue };
            let user = self.users.get(message.user, now);
            if let Some((user, failure)) = user.zip(failure) {
                user.channel.on_delivery_failure(message, failure);
            }
        }
    }

    /// Handles a user's messages until none is left.
    async fn process_queue(self: Arc<Self>, user: Arc<WhatsAppUser>) {
        while let Some(message) = user.next() {
            self.handle_message(&user, message).await;
            self.pending.fetch_sub(1, Ordering::Relaxed);
        }
    }

    async fn handle_message(&self, sender: &WhatsAppUser, message: InboundMessage) {
        if !self.connect.claim_delivery(sender.user, &message.id).await {
            return;
        }
        let now = self.clock.now();
        let age = message.sent_at.map_or(Duration::ZERO, |at| now.since(at));
        sender.channel.open_window(age);
        sender.attach(&self.couriers);
        let content = match &message.content {
            MessageContent::NotRelayed(NotRelayed::Reaction)
                if !sender.channel.take_first_reaction() =>
            {
                return;
            }
            MessageContent::Text(text) => PushContent::Text(text),
            MessageContent::NotRelayed(kind) => PushContent::NotRelayed(*kind),
        };
        let _hold = sender.channel.hold_delivery().await;
        let input = PushInput {
            user: sender.user,
            message_id: &message.id,
            name: message.name.as_deref(),
            sent_at: message.sent_at,
            // Meta posts the messages of all users.
            network: None,
            content,
        };
        let PushReply { reply, is_late, .. } = self.connect.handle_push(input).await;
        let Some(reply) = reply else { return };
        match message.sent_at.filter(|_| is_late) {
            Some(sent_at) => sender.channel.queue_late_reply(reply, sent_at, now),
            None if matches!(content, PushContent::NotRelayed(_)) => {
                sender.channel.queue_reply_once(reply);
            }
            None => sender.channel.queue_reply(reply),
        }
    }

    /// Returns when all accepted messages are handled. Must be called after the last
    /// [`WhatsApp::accept`].
    pub async fn wait_idle(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Evicts idle users periodically, until dropped.
    pub async fn run_upkeep(self: Arc<Self>) {
        let mut ticks = interval(UPKEEP_INTERVAL);
        loop {
            ticks.tick().await;
            let now = self.clock.steady();
            self.users.evict_idle(now);
            self.sent.evict_expired(now);
        }
    }
}
