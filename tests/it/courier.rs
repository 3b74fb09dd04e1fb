//! Couriers and the channels they work for: what a channel did not bring waits, in order, until it
//! is ready again.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use random_connect::connect::delivery::channel::{Channel, DeliveryError};
use random_connect::connect::delivery::courier::Couriers;
use random_connect::connect::lobby::Lobby;
use random_connect::connect::lobby::action::{Action, Call, Outcome, SenderState};
use random_connect::connect::lobby::inbox::{InboxEvent, Item};
use random_connect::connect::lobby::store_memory::MemoryLobby;
use random_connect::connect::profile::language::Language;
use random_connect::kernel::clock::{ManualClock, Timestamp, seeded_rng};
use random_connect::kernel::id::{RoomId, UserId};
use random_connect::mask::{Masked, Memory};
use tokio::sync::{Notify, Semaphore};
use tokio::time::timeout;

const ANN: UserId = UserId::from_bytes([1; 16]);
const BEN: UserId = UserId::from_bytes([2; 16]);
const NOW: Timestamp = Timestamp::from_millis(0);

/// What became of one attempt: the messages that were to be brought, and what the channel said.
type Attempt = (Vec<String>, Result<usize, DeliveryError>);

/// Does as it is told, and is ready as often as it is told.
struct ScriptedChannel {
    answers: Mutex<Vec<Result<usize, DeliveryError>>>,
    attempts: Mutex<Vec<Attempt>>,
    permits: Semaphore,
    wanted: Notify,
    tried: Notify,
}

#[async_trait]
impl Channel for ScriptedChannel {
    async fn deliver(&self, _language: Language, items: &[Item]) -> Result<usize, DeliveryError> {
        let shown = items.iter().map(|item| match &item.event {
            InboxEvent::Message { text, .. } => text.as_str().to_owned(),
            InboxEvent::Connected { .. } => "connected".to_owned(),
            InboxEvent::PartnerLeft { .. } | InboxEvent::PartnerTimedOut { .. } => {
                "parted".to_owned()
            }
            InboxEvent::Icebreaker { .. } | InboxEvent::Nudge { .. } => "said to both".to_owned(),
            InboxEvent::Broadcast(notice) => notice.as_str().to_owned(),
        });
        let answer = self.answers.lock().pop().unwrap_or(Ok(items.len()));
        self.attempts.lock().push((shown.collect(), answer));
        self.tried.notify_one();
        answer
    }

    async fn ready(&self) {
        self.permits.acquire().await.expect("never closed").forget();
    }

    async fn outgoing_ready(&self) {
        self.wanted.notified().await;
    }

    async fn send_typing(&self, _room: RoomId, _typing: bool) {}
}

struct CourierFixture {
    lobby: Arc<dyn Lobby>,
    couriers: Arc<Couriers>,
    channel: Arc<ScriptedChannel>,
}

impl CourierFixture {
    /// Ann, who is reached over a channel, and Ben are in a chat.
    async fn new(answers: &[Result<usize, DeliveryError>]) -> Self {
        let lobby: Arc<dyn Lobby> =
            Arc::new(MemoryLobby::new(Duration::from_secs(60), seeded_rng()));
        let couriers = Couriers::new(Arc::clone(&lobby), Arc::new(ManualClock::at(NOW)));
        let channel = Arc::new(ScriptedChannel {
            answers: Mutex::new(answers.iter().rev().copied().collect()),
            attempts: Mutex::default(),
            permits: Semaphore::new(0),
            wanted: Notify::new(),
            tried: Notify::new(),
        });
        let world = Self { lobby, couriers, channel };
        world.perform(ANN, Action::meet()).await;
        world.perform(BEN, Action::meet()).await;
        world
    }

    async fn perform(&self, who: UserId, action: Action) -> Outcome {
        let call = Call { include_inbox: false, ..Call::new(who, NOW) };
        self.lobby.perform(call, action).await.expect("done").outcome
    }

    async fn say(&self, text: &str) {
        let (text, memory) = (Masked::waived(text), Memory::default());
        let relay = Action::Relay { text, sender: SenderState::default(), memory };
        assert!(matches!(self.perform(BEN, relay).await, Outcome::Sent { .. }));
    }

    /// The attempts so far, after one more.
    async fn attempts(&self) -> Vec<Attempt> {
        let patience = Duration::from_secs(30);
        timeout(patience, self.channel.tried.notified()).await.expect("an attempt");
        self.channel.attempts.lock().clone()
    }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn courier_redelivers_the_rest_first() {
    let world = CourierFixture::new(&[Ok(2), Err(DeliveryError::RetryLater)]).await;
    let _attachment = world.couriers.attach(ANN, Arc::clone(&world.channel) as _);
    for text in ["one", "two", "three"] {
        world.say(text).await;
    }
    world.channel.permits.add_permits(1);
    assert_eq!(world.attempts().await.len(), 1);
    world.say("four").await;
    world.channel.permits.add_permits(1);
    assert_eq!(world.attempts().await.len(), 2);
    world.channel.permits.add_permits(1);
    let rest = texts(&["two", "three", "four"]);
    let attempts = [
        (texts(&["connected", "one", "two", "three"]), Ok(2)),
        (rest.clone(), Err(DeliveryError::RetryLater)),
        (rest, Ok(3)),
    ];
    assert_eq!(world.attempts().await, attempts);
    assert!(world.couriers.is_reachable(ANN) && world.couriers.closed_count() == 0);
}

#[tokio::test(start_paused = true)]
async fn courier_delivers_own_messages_without_items() {
    let world = CourierFixture::new(&[]).await;
    let _attachment = world.couriers.attach(ANN, Arc::clone(&world.channel) as _);
    world.channel.permits.add_permits(3);
    assert_eq!(world.attempts().await, [(texts(&["connected"]), Ok(1))]);
    world.channel.wanted.notify_one();
    assert_eq!(world.attempts().await[1..], [(texts(&[]), Ok(0))]);
}

#[tokio::test(start_paused = true)]
async fn courier_detaches_a_closed_channel_and_keeps_items() {
    let world = CourierFixture::new(&[Err(DeliveryError::Closed)]).await;
    let attachment = world.couriers.attach(ANN, Arc::clone(&world.channel) as _);
    world.channel.permits.add_permits(1);
    world.attempts().await;
    while attachment.is_active() {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.couriers.closed_count(), 1);
    let waiting = world.lobby.collect(ANN, NOW).await.expect("a lease");
    assert_eq!(waiting.items.len(), 1);
}
