//! [`ConnectService`] and [`broadcast_all`] over a lobby that fails on purpose.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use random_connect::connect::dto::{HandleError, HandleMessageParams};
use random_connect::connect::lobby::action::{Action, ActionResult, Call, LobbyStats, SenderState};
use random_connect::connect::lobby::broadcast::{
    Broadcast, BroadcastProgress, BroadcastText, Presence,
};
use random_connect::connect::lobby::steps::{BroadcastInterrupted, broadcast_all};
use random_connect::connect::lobby::store_memory::MemoryLobby;
use random_connect::connect::lobby::{Directory, Lobby, LobbyBackend, Mailbox};
use random_connect::connect::service::{ConnectOptions, ConnectService};
use random_connect::guard::{Guard, LinkPolicy};
use random_connect::kernel::clock::{ManualClock, Timestamp, seeded_rng};
use random_connect::kernel::id::{IdHasher, UserId};
use random_connect::kernel::store::{StoreError, StoreErrorKind};
use random_connect::rate_limit::gcra::RateLimits;
use random_connect::rate_limit::limiter::RateLimiter;
use random_connect::rate_limit::store_memory::MemoryRateLimiter;

use crate::support::moderated::moderated_with;

/// A memory lobby that fails, or changes a sender's state just after it was read.
struct FaultyLobby {
    lobby: Arc<MemoryLobby>,
    /// Number of further calls of `sender_state` after which the user toggles masking.
    toggles: AtomicUsize,
    /// Number of further broadcast steps that succeed.
    broadcast_steps: AtomicUsize,
    /// Whether every action fails, as in a store outage.
    broken: bool,
}

impl FaultyLobby {
    fn new(toggles: usize, broadcast_steps: usize, broken: bool) -> Self {
        let lobby = Arc::new(MemoryLobby::new(Duration::from_secs(1_800), seeded_rng()));
        let toggles = AtomicUsize::new(toggles);
        let broadcast_steps = AtomicUsize::new(broadcast_steps);
        Self { lobby, toggles, broadcast_steps, broken }
    }

    /// Creates a service over a new faulty lobby.
    fn service(toggles: usize, broken: bool) -> ConnectService {
        Self::service_with(toggles, broken, ConnectOptions::default())
    }

    fn service_with(toggles: usize, broken: bool, options: ConnectOptions) -> ConnectService {
        Self::limited_service(toggles, broken, options, None)
    }

    fn limited_service(
        toggles: usize,
        broken: bool,
        options: ConnectOptions,
        limiter: Option<Arc<dyn RateLimiter>>,
    ) -> ConnectService {
        let lobby = Self::new(toggles, 0, broken);
        let backend = LobbyBackend::new(Arc::clone(&lobby.lobby));
        let ids = IdHasher::random(&mut seeded_rng());
        let clock = Arc::new(ManualClock::default());
        let lobby = moderated_with(Arc::new(lobby), limiter);
        ConnectService::new(lobby, backend, clock, ids, options)
    }
}

/// Decrements a counter; returns `false` if it is already 0.
fn take_one(counter: &AtomicUsize) -> bool {
    counter.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |count| count.checked_sub(1)).is_ok()
}

#[async_trait]
impl Lobby for FaultyLobby {
    async fn perform(&self, call: Call, action: Action) -> Result<ActionResult, StoreError> {
        if self.broken {
            Err(StoreErrorKind::Connection.into())
        } else {
            self.lobby.perform(call, action).await
        }
    }

    async fn sender_state(&self, user: UserId) -> Result<SenderState, StoreError> {
        let sender = self.lobby.sender_state(user).await?;
        if take_one(&self.toggles) {
            let call = Call::new(user, Timestamp::default());
            self.lobby.perform(call, Action::SetMasking(None)).await?;
        }
        Ok(sender)
    }
}

#[async_trait]
impl Directory for FaultyLobby {
    async fn find_by_prefix(&self, prefix: &str) -> Result<Vec<UserId>, StoreError> {
        self.lobby.find_by_prefix(prefix).await
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.lobby.check().await
    }

    async fn presence(&self, user: UserId) -> Result<Option<Presence>, StoreError> {
        self.lobby.presence(user).await
    }

    async fn broadcast(
        &self,
        broadcast: &Broadcast,
        after: Option<UserId>,
        now: Timestamp,
    ) -> Result<BroadcastProgress, StoreError> {
        if !take_one(&self.broadcast_steps) {
            return Err(StoreErrorKind::Timeout.into());
        }
        self.lobby.broadcast(broadcast, after, now).await
    }

    async fn stats(&self, now: Timestamp) -> Result<LobbyStats, StoreError> {
        self.lobby.stats(now).await
    }
}

async fn say(service: &ConnectService, user: &str, message: &str) -> Result<String, HandleError> {
    let params = HandleMessageParams {
        message: message.to_owned().into(),
        puch_user_id: user.to_owned().into(),
        user_nickname: None,
        message_id: None,
    };
    let reply = service.handle(service.subject(&params.puch_user_id), params).await?;
    reply.receipt.confirm();
    Ok(reply.text)
}

#[tokio::test]
async fn sender_state_change_remasks_the_text() {
    // Each attempt to relay toggles masking: on, off, on, and off for the last one.
    let service = FaultyLobby::service(3, false);
    say(&service, "ann", "#meet").await.expect("a reply");
    say(&service, "ben", "#meet").await.expect("a reply");
    let sent = say(&service, "ben", "9876543210").await.expect("a reply");
    assert!(sent.ends_with(": 9876543210"), "{sent}");
    let sent = say(&service, "ann", "9876543210").await.expect("a reply");
    assert!(sent.ends_with(": [hidden]"), "{sent}");
}

#[tokio::test]
async fn rate_limit_counts_a_prepared_again_text_once() {
    let limits = RateLimits { messages: 9, ..RateLimits::default() };
    let limiter = Arc::new(MemoryRateLimiter::new(limits));
    let options = ConnectOptions::default();
    // Each of the first two messages is prepared three times.
    let service = FaultyLobby::limited_service(4, false, options, Some(limiter));
    say(&service, "ann", "#meet").await.expect("a reply");
    say(&service, "ben", "#meet").await.expect("a reply");
    for text in ["one", "two", "three"] {
        let sent = say(&service, "ben", text).await.expect("a reply");
        assert!(sent.ends_with(text), "{sent}");
    }
    let refused = say(&service, "ben", "four").await.expect("a reply");
    assert!(refused.contains("too fast"), "{refused}");
}

#[tokio::test]
async fn store_outage_returns_a_clear_error() {
    let service = FaultyLobby::service(0, true);
    for message in ["#meet", "hello", "#m"] {
        let error = say(&service, "ann", message).await.expect_err("the store is down");
        assert_eq!(
            error.to_string(),
            "Random Connect can't be reached right now. Please try again shortly."
        );
    }
}

#[tokio::test]
async fn content_rejected_is_reported_to_the_sender() {
    let guard = Guard { links: LinkPolicy::Refuse, ..Guard::default() };
    let service =
        FaultyLobby::service_with(0, false, ConnectOptions { guard, ..ConnectOptions::default() });
    say(&service, "ann", "#meet").await.expect("a reply");
    say(&service, "ben", "#meet").await.expect("a reply");
    let reply = say(&service, "ben", "buy at example.com").await.expect("a reply");
    assert_eq!(reply, "⚠️ Your message was not sent: links aren't allowed here.");
    say(&service, "ben", "hello").await.expect("a reply");
    let read = say(&service, "ann", "#m").await.expect("a reply");
    assert!(read.ends_with(": hello") && !read.contains("buy"), "{read}");
}

#[tokio::test]
async fn broadcast_resumes_after_a_failure_without_duplicates() {
    let lobby = FaultyLobby::new(0, 1, false);
    let now = Timestamp::default();
    let users: Vec<_> = (0..=255).map(|n| UserId::from_bytes([n; 16])).collect();
    for user in &users {
        lobby.perform(Call::new(*user, now), Action::ReadInbox).await.expect("the store is up");
    }
    let key = IdHasher::random(&mut seeded_rng()).broadcast_key("noon");
    let text = BroadcastText::parse("We restart at noon.").expect("a valid text");
    let broadcast = Broadcast { key, text };
    let interrupted = broadcast_all(&lobby, &broadcast, now).await;
    let BroadcastInterrupted { progress: partial, cause } =
        interrupted.expect_err("the second step fails");
    assert_eq!(cause.kind, StoreErrorKind::Timeout);
    assert!((1..256).contains(&partial.delivered), "{partial:?}");
    lobby.broadcast_steps.store(usize::MAX, Ordering::SeqCst);
    let rest = broadcast_all(&lobby, &broadcast, now).await.expect("the store is up");
    assert_eq!(
        (rest.already_delivered, rest.delivered),
        (partial.delivered, 256 - partial.delivered)
    );
    for user in users {
        assert_eq!(lobby.lobby.collect(user, now).await.expect("the store is up").items.len(), 1);
    }
}
