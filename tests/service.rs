//! The service over a lobby that behaves badly on purpose.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use random_connect::connect::action::{Action, Call, LobbyStats, Nudged, Performed, Sender, Swept};
use random_connect::connect::inbox::{Lease, LeaseId};
use random_connect::connect::listeners::Listener;
use random_connect::connect::lobby::{Lobby, LobbyError};
use random_connect::connect::service::{ConnectService, Incoming, Options, Refusal};
use random_connect::connect::store_memory::MemoryLobby;
use random_connect::guard::{Guard, Links};
use random_connect::kernel::clock::{ManualClock, Timestamp, seeded_rng};
use random_connect::kernel::id::{IdHasher, MessageKey, UserId};

/// A lobby in memory, where something happens just after a text's sender was looked up.
struct Meddling {
    lobby: MemoryLobby,
    /// How many times the sender still switches masking in that moment.
    switches: AtomicUsize,
    /// Whether the store is gone.
    broken: bool,
}

impl Meddling {
    fn service(switches: usize, broken: bool) -> ConnectService {
        Self::service_with(switches, broken, Options::default())
    }

    fn service_with(switches: usize, broken: bool, options: Options) -> ConnectService {
        let lobby = MemoryLobby::new(Duration::from_secs(1_800), seeded_rng());
        let lobby = Self { lobby, switches: AtomicUsize::new(switches), broken };
        let ids = IdHasher::random(&mut seeded_rng());
        ConnectService::new(Arc::new(lobby), Arc::new(ManualClock::default()), ids, options)
    }
}

#[async_trait]
impl Lobby for Meddling {
    async fn perform(&self, call: Call, action: Action) -> Result<Performed, LobbyError> {
        if self.broken { Err(LobbyError) } else { self.lobby.perform(call, action).await }
    }

    async fn sender(&self, who: UserId) -> Result<Sender, LobbyError> {
        let sender = self.lobby.sender(who).await?;
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

    async fn keep_back(&self, who: UserId, lease: &Lease, shown: usize) -> Result<(), LobbyError> {
        self.lobby.keep_back(who, lease, shown).await
    }

    fn settle(&self, who: UserId, lease: LeaseId, delivered: bool) {
        self.lobby.settle(who, lease, delivered);
    }

    async fn sweep(&self, now: Timestamp) -> Result<Swept, LobbyError> {
        self.lobby.sweep(now).await
    }

    async fn pair_waiting(&self, now: Timestamp) -> Result<usize, LobbyError> {
        self.lobby.pair_waiting(now).await
    }

    async fn first(&self, message: MessageKey, now: Timestamp) -> Result<bool, LobbyError> {
        self.lobby.first(message, now).await
    }

    async fn nudge_silent(&self, now: Timestamp) -> Result<Nudged, LobbyError> {
        self.lobby.nudge_silent(now).await
    }

    async fn stats(&self, now: Timestamp) -> Result<LobbyStats, LobbyError> {
        self.lobby.stats(now).await
    }
}

async fn say(service: &ConnectService, who: &str, message: &str) -> Result<String, Refusal> {
    let incoming = Incoming {
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
async fn text_is_masked_by_what_its_sender_wants_at_the_moment_it_is_sent() {
    // Masking is on when the text is first prepared, off, on, and off when it is sent.
    let service = Meddling::service(3, false);
    say(&service, "ann", "#meet").await.expect("an answer");
    say(&service, "ben", "#meet").await.expect("an answer");
    let sent = say(&service, "ben", "9876543210").await.expect("an answer");
    assert!(sent.ends_with(": 9876543210"), "{sent}");
    let sent = say(&service, "ann", "9876543210").await.expect("an answer");
    assert!(sent.ends_with(": [hidden]"), "{sent}");
}

#[tokio::test]
async fn a_store_that_is_gone_is_told_in_words() {
    let service = Meddling::service(0, true);
    for message in ["#meet", "hello", "#m"] {
        let refusal = say(&service, "ann", message).await.expect_err("the store is gone");
        assert_eq!(
            refusal.to_string(),
            "Random Connect can't be reached right now. Please try again shortly."
        );
    }
}

#[tokio::test]
async fn a_text_that_the_guard_refuses_is_not_sent_and_its_sender_told_why() {
    let guard = Guard { links: Links::Refuse, ..Guard::default() };
    let service = Meddling::service_with(0, false, Options { guard, ..Options::default() });
    say(&service, "ann", "#meet").await.expect("an answer");
    say(&service, "ben", "#meet").await.expect("an answer");
    let told = say(&service, "ben", "buy at example.com").await.expect("an answer");
    assert_eq!(told, "⚠️ Your message was not sent: links can't be sent here.");
    say(&service, "ben", "hello").await.expect("an answer");
    let read = say(&service, "ann", "#m").await.expect("an answer");
    assert!(read.ends_with(": hello") && !read.contains("buy"), "{read}");
}
