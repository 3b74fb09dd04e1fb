//! [`Couriers`] with a scripted channel: undelivered items stay in order until the channel is
//! ready.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use random_connect::connect::lobby::action::{Action, Call, Outcome, SenderState};
use random_connect::connect::lobby::inbox::InboxEvent;
use random_connect::connect::lobby::store_memory::MemoryLobby;
use random_connect::connect::lobby::{Lobby, Mailbox};
use random_connect::connect::push::{LobbyEvent, lobby_couriers};
use random_connect::delivery::channel::{Channel, DeliveryError, TypingState};
use random_connect::delivery::courier::Couriers;
use random_connect::delivery::event::{PushEvent, PushEvents};
use random_connect::kernel::clock::{Clock, ManualClock, Timestamp, seeded_rng};
use random_connect::kernel::id::UserId;
use random_connect::mask::{Memory, mask};
use tokio::sync::{Notify, Semaphore};
use tokio::time::timeout;

const ANN: UserId = UserId::from_bytes([1; 16]);
const BEN: UserId = UserId::from_bytes([2; 16]);
const NOW: Timestamp = Timestamp::from_millis(0);

/// One attempt to deliver: the items in the form of [`ScriptedChannel::deliver`] and its result.
type Attempt = (Vec<String>, Result<usize, DeliveryError>);

/// A channel that returns scripted results and is ready once per permit.
struct ScriptedChannel {
    /// Results of the next attempts, the next one last; after them, all items are delivered.
    results: Mutex<Vec<Result<usize, DeliveryError>>>,
    attempts: Mutex<Vec<Attempt>>,
    permits: Semaphore,
    /// Wakes the courier for messages of the channel itself.
    outgoing: Notify,
    /// Signals each attempt to the test.
    attempted: Notify,
    /// The states of the typing indicator that were shown.
    typing: Mutex<Vec<bool>>,
}

/// The event of the lobby behind a pushed event.
fn inbox_event(event: &dyn PushEvent) -> &InboxEvent {
    let event = (event as &dyn Any).downcast_ref::<LobbyEvent>();
    &event.expect("an event of the lobby").item.event
}

#[async_trait]
impl Channel for ScriptedChannel {
    async fn deliver(&self, events: &PushEvents) -> Result<usize, DeliveryError> {
        let shown = events.iter().map(|event| match inbox_event(&**event) {
            InboxEvent::Message { text, .. } => text.as_str().to_owned(),
            InboxEvent::Connected { .. } => "connected".to_owned(),
            InboxEvent::PartnerLeft { .. } | InboxEvent::PartnerTimedOut { .. } => {
                "partner left".to_owned()
            }
            InboxEvent::Icebreaker { .. } | InboxEvent::Nudge { .. } => "to both".to_owned(),
            InboxEvent::Broadcast(text) => text.as_str().to_owned(),
        });
        let result = self.results.lock().pop().unwrap_or(Ok(events.len()));
        self.attempts.lock().push((shown.collect(), result));
        self.attempted.notify_one();
        result
    }

    async fn ready(&self) {
        self.permits.acquire().await.expect("never closed").forget();
    }

    async fn outgoing_ready(&self) {
        self.outgoing.notified().await;
    }

    async fn send_typing(&self, state: TypingState) {
        self.typing.lock().push(state.typing);
    }
}

/// Ann and Ben in a chat, and the couriers that deliver to Ann.
struct CourierFixture {
    lobby: Arc<MemoryLobby>,
    couriers: Arc<Couriers>,
    channel: Arc<ScriptedChannel>,
}

impl CourierFixture {
    /// Pairs Ann and Ben; `results` are those of the channel's first attempts.
    async fn new(results: &[Result<usize, DeliveryError>]) -> Self {
        let lobby = Arc::new(MemoryLobby::new(Duration::from_secs(60), seeded_rng()));
        let mailbox = Arc::clone(&lobby) as Arc<dyn Mailbox>;
        let clock = Arc::new(ManualClock::at(NOW)) as Arc<dyn Clock>;
        let couriers = lobby_couriers(&mailbox, &clock);
        let channel = Arc::new(ScriptedChannel {
            results: Mutex::new(results.iter().rev().copied().collect()),
            attempts: Mutex::default(),
            permits: Semaphore::new(0),
            outgoing: Notify::new(),
            attempted: Notify::new(),
            typing: Mutex::default(),
        });
        let fixture = Self { lobby, couriers, channel };
        fixture.perform(ANN, Action::meet()).await;
        fixture.perform(BEN, Action::meet()).await;
        fixture
    }

    async fn perform(&self, user: UserId, action: Action) -> Outcome {
        let call = Call { include_inbox: false, ..Call::new(user, NOW) };
        self.lobby.perform(call, action).await.expect("the lobby works").outcome
    }

    /// Has Ben send a text to Ann.
    async fn say(&self, text: &str) {
        let (text, memory) = (mask(text), Memory::default());
        let relay = Action::Relay { text, sender: SenderState::default(), memory };
        assert!(matches!(self.perform(BEN, relay).await, Outcome::Sent { .. }));
    }

    /// Waits for one more attempt; returns all attempts.
    async fn attempts(&self) -> Vec<Attempt> {
        let limit = Duration::from_secs(30);
        timeout(limit, self.channel.attempted.notified()).await.expect("an attempt");
        self.channel.attempts.lock().clone()
    }
}

/// Converts texts to the form of an [`Attempt`].
fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn courier_redelivers_the_rest_first() {
    let fixture = CourierFixture::new(&[Ok(2), Err(DeliveryError::RetryLater)]).await;
    let _attachment = fixture.couriers.attach(ANN, Arc::clone(&fixture.channel) as _);
    for text in ["one", "two", "three"] {
        fixture.say(text).await;
    }
    fixture.channel.permits.add_permits(1);
    assert_eq!(fixture.attempts().await.len(), 1);
    fixture.say("four").await;
    fixture.channel.permits.add_permits(1);
    assert_eq!(fixture.attempts().await.len(), 2);
    fixture.channel.permits.add_permits(1);
    let rest = texts(&["two", "three", "four"]);
    let attempts = [
        (texts(&["connected", "one", "two", "three"]), Ok(2)),
        (rest.clone(), Err(DeliveryError::RetryLater)),
        (rest, Ok(3)),
    ];
    assert_eq!(fixture.attempts().await, attempts);
    assert!(fixture.couriers.is_reachable(ANN) && fixture.couriers.closed_count() == 0);
}

#[tokio::test(start_paused = true)]
async fn courier_shows_the_last_of_many_typing_states() {
    let fixture = CourierFixture::new(&[]).await;
    let _attachment = fixture.couriers.attach(ANN, Arc::clone(&fixture.channel) as _);
    fixture.channel.permits.add_permits(10_000);
    fixture.attempts().await;
    let second = Duration::from_secs(1);
    for number in 0..1_000 {
        fixture.perform(BEN, Action::SetTyping(number % 2 == 0)).await;
        tokio::time::advance(second / 200).await;
        tokio::task::yield_now().await;
    }
    tokio::time::advance(2 * second).await;
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    let shown = fixture.channel.typing.lock().clone();
    assert!((4..=8).contains(&shown.len()), "{} states in five seconds", shown.len());
    assert_eq!(shown.last(), Some(&false), "the last state is shown");
}

#[tokio::test(start_paused = true)]
async fn courier_delivers_own_messages_without_items() {
    let fixture = CourierFixture::new(&[]).await;
    let _attachment = fixture.couriers.attach(ANN, Arc::clone(&fixture.channel) as _);
    fixture.channel.permits.add_permits(3);
    assert_eq!(fixture.attempts().await, [(texts(&["connected"]), Ok(1))]);
    fixture.channel.outgoing.notify_one();
    assert_eq!(fixture.attempts().await[1..], [(texts(&[]), Ok(0))]);
}

#[tokio::test(start_paused = true)]
async fn courier_detaches_a_closed_channel_and_keeps_items() {
    let fixture = CourierFixture::new(&[Err(DeliveryError::Closed)]).await;
    let attachment = fixture.couriers.attach(ANN, Arc::clone(&fixture.channel) as _);
    fixture.channel.permits.add_permits(1);
    fixture.attempts().await;
    while attachment.is_active() {
        tokio::task::yield_now().await;
    }
    assert_eq!(fixture.couriers.closed_count(), 1);
    let waiting = fixture.lobby.collect(ANN, NOW).await.expect("a lease");
    assert_eq!(waiting.items.len(), 1);
}
