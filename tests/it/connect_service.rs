//! The service over a lobby that behaves badly on purpose.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use random_connect::connect::broadcast_all;
use random_connect::connect::dto::{HandleError, HandleMessageParams};
use random_connect::connect::lobby::action::{
    Action, ActionResult, Call, LobbyStats, NudgeResult, SenderState, SweepResult,
};
use random_connect::connect::lobby::broadcast::{
    Broadcast, BroadcastProgress, BroadcastText, Presence,
};
use random_connect::connect::lobby::inbox::{Lease, LeaseId};
use random_connect::connect::lobby::signal::Listener;
use random_connect::connect::lobby::store_memory::MemoryLobby;
use random_connect::connect::lobby::{Lobby, LobbyError};
use random_connect::connect::service::{ConnectOptions, ConnectService};
use random_connect::guard::{Guard, LinkPolicy};
use random_connect::kernel::clock::{ManualClock, Timestamp, seeded_rng};
use random_connect::kernel::id::{IdHasher, IdempotencyKey, UserId};

/// A lobby in memory, where something happens just after a text's sender was looked up.
struct FaultyLobby {
    lobby: MemoryLobby,
    /// How many times the sender still switches masking in that moment.
    switches: AtomicUsize,
    /// How many steps of a notice to everybody still succeed.
    steps: AtomicUsize,
    /// Whether the store is gone.
    broken: bool,
}

impl FaultyLobby {
    fn new(switches: usize, steps: usize, broken: bool) -> Self {
        let lobby = MemoryLobby::new(Duration::from_secs(1_800), seeded_rng());
        let (switches, steps) = (AtomicUsize::new(switches), AtomicUsize::new(steps));
        Self { lobby, switches, steps, broken }
    }

    fn service(switches: usize, broken: bool) -> ConnectService {
        Self::service_with(switches, broken, ConnectOptions::default())
    }

    fn service_with(switches: usize, broken: bool, options: ConnectOptions) -> ConnectService {
        let lobby = Self::new(switches, 0, broken);
        let ids = IdHasher::random(&mut seeded_rng());
        ConnectService::new(Arc::new(lobby), Arc::new(ManualClock::default()), ids, options)
    }
}

#[async_trait]
impl Lobby for FaultyLobby {
    async fn perform(&self, call: Call, action: Action) -> Result<ActionResult, LobbyError> {
        if self.broken { Err(LobbyError) } else { self.lobby.perform(call, action).await }
    }

    async fn sender_state(&self, who: UserId) -> Result<SenderState, LobbyError> {
        let sender = self.lobby.sender_state(who).await?;
        let left = self
            .switches
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if left.is_ok() {
            let call = Call::new(who, Timestamp::default());
            self.lobby.perform(call, Action::ToggleMasking).await?;
        }
        Ok(sender)
    }

    async fn collect(&self, who: UserId, now: Timestamp) -> Result<Lease, LobbyError> {
        self.lobby.collect(who, now).await
    }

    fn listen(&self, who: UserId) -> Listener {
        self.lobby.listen(who)
    }

    async fn put_back(&self, who: UserId, lease: &Lease, shown: usize) -> Result<(), LobbyError> {
        self.lobby.put_back(who, lease, shown).await
    }

    fn settle(&self, who: UserId, lease: LeaseId, delivered: bool) {
        self.lobby.settle(who, lease, delivered);
    }

    async fn sweep(&self, now: Timestamp) -> Result<SweepResult, LobbyError> {
        self.lobby.sweep(now).await
    }

    async fn pair_waiting(&self, now: Timestamp) -> Result<usize, LobbyError> {
        self.lobby.pair_waiting(now).await
    }

    async fn claim_delivery(
        &self,
        message: IdempotencyKey,
        now: Timestamp,
    ) -> Result<bool, LobbyError> {
        self.lobby.claim_delivery(message, now).await
    }

    async fn nudge_silent(&self, now: Timestamp) -> Result<NudgeResult, LobbyError> {
        self.lobby.nudge_silent(now).await
    }

    async fn find_by_prefix(&self, prefix: &str) -> Result<Vec<UserId>, LobbyError> {
        self.lobby.find_by_prefix(prefix).await
    }

    async fn presence(&self, who: UserId) -> Result<Option<Presence>, LobbyError> {
        self.lobby.presence(who).await
    }

    async fn broadcast(
        &self,
        announcement: &Broadcast,
        after: Option<UserId>,
        now: Timestamp,
    ) -> Result<BroadcastProgress, LobbyError> {
        let left =
            self.steps.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        left.map_err(|_| LobbyError)?;
        self.lobby.broadcast(announcement, after, now).await
    }

    async fn stats(&self, now: Timestamp) -> Result<LobbyStats, LobbyError> {
        self.lobby.stats(now).await
    }
}

async fn say(service: &ConnectService, who: &str, message: &str) -> Result<String, HandleError> {
    let incoming = HandleMessageParams {
        message: message.to_owned(),
        puch_user_id: who.to_owned(),
        user_nickname: None,
        message_id: None,
    };
    let answer = service.handle(incoming).await?;
    answer.receipt.confirm();
    Ok(answer.text)
}

#[tokio::test]
async fn sender_state_change_remasks_the_text() {
    // Masking is on when the text is first prepared, off, on, and off when it is sent.
    let service = FaultyLobby::service(3, false);
    say(&service, "ann", "#meet").await.expect("an answer");
    say(&service, "ben", "#meet").await.expect("an answer");
    let sent = say(&service, "ben", "9876543210").await.expect("an answer");
    assert!(sent.ends_with(": 9876543210"), "{sent}");
    let sent = say(&service, "ann", "9876543210").await.expect("an answer");
    assert!(sent.ends_with(": [hidden]"), "{sent}");
}

#[tokio::test]
async fn store_outage_returns_a_clear_error() {
    let service = FaultyLobby::service(0, true);
    for message in ["#meet", "hello", "#m"] {
        let refusal = say(&service, "ann", message).await.expect_err("the store is gone");
        assert_eq!(
            refusal.to_string(),
            "Random Connect can't be reached right now. Please try again shortly."
        );
    }
}

#[tokio::test]
async fn content_rejected_is_reported_to_the_sender() {
    let guard = Guard { links: LinkPolicy::Refuse, ..Guard::default() };
    let service =
        FaultyLobby::service_with(0, false, ConnectOptions { guard, ..ConnectOptions::default() });
    say(&service, "ann", "#meet").await.expect("an answer");
    say(&service, "ben", "#meet").await.expect("an answer");
    let told = say(&service, "ben", "buy at example.com").await.expect("an answer");
    assert_eq!(told, "⚠️ Your message was not sent: links aren't allowed here.");
    say(&service, "ben", "hello").await.expect("an answer");
    let read = say(&service, "ann", "#m").await.expect("an answer");
    assert!(read.ends_with(": hello") && !read.contains("buy"), "{read}");
}

#[tokio::test]
async fn broadcast_resumes_after_a_failure_without_duplicates() {
    let lobby = FaultyLobby::new(0, 1, false);
    let now = Timestamp::default();
    let everybody: Vec<_> = (0..=255).map(|n| UserId::from_bytes([n; 16])).collect();
    for who in &everybody {
        lobby.perform(Call::new(*who, now), Action::ReadInbox).await.expect("up");
    }
    let key = IdHasher::random(&mut seeded_rng()).broadcast_key("noon");
    let notice = BroadcastText::parse("We restart at noon.").expect("a notice");
    let announcement = Broadcast { key, text: notice };
    let until_then = broadcast_all(&lobby, &announcement, now).await.expect_err("it breaks off");
    assert!((1..256).contains(&until_then.delivered), "{until_then:?}");
    lobby.steps.store(usize::MAX, Ordering::SeqCst);
    let rest = broadcast_all(&lobby, &announcement, now).await.expect("up");
    assert_eq!(
        (rest.already_delivered, rest.delivered),
        (until_then.delivered, 256 - until_then.delivered)
    );
    for who in everybody {
        assert_eq!(lobby.collect(who, now).await.expect("up").items.len(), 1);
    }
}
