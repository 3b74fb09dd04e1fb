//! Events of a second toolset through the couriers: [`ReminderMailbox`] is in memory, and the server does not know it.
//!
//! The channels are the live session of the server and [`FlakyChannel`]. Events of the lobby are in `courier.rs`.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use random_connect::connect::lobby::action::{Action, Call};
use random_connect::connect::lobby::store_memory::MemoryLobby;
use random_connect::connect::lobby::{Lobby, Mailbox};
use random_connect::connect::push::lobby_couriers;
use random_connect::delivery::channel::{Channel, DeliveryError, TypingState};
use random_connect::delivery::courier::Couriers;
use random_connect::delivery::event::{PushEvent, PushEvents};
use random_connect::delivery::mailbox::{EventLease, EventListener, EventMailbox};
use random_connect::kernel::clock::{Clock, ManualClock, Timestamp, seeded_rng};
use random_connect::kernel::id::{IdHasher, UserId};
use random_connect::kernel::store::StoreError;
use random_connect::penpal::push::SessionPush;
use rmcp::{ServerHandler, ServiceExt};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, duplex};
use tokio::sync::watch;
use tokio::time::timeout;

const ANN: UserId = UserId::from_bytes([1; 16]);
const BEN: UserId = UserId::from_bytes([2; 16]);
const NOW: Timestamp = Timestamp::from_millis(0);
/// More than any of these tests takes on the paused clock.
const LIMIT: Duration = Duration::from_secs(3_600);

/// The event of a toolset that the server does not know.
struct Reminder(u64);

impl PushEvent for Reminder {
    fn id(&self, _ids: &IdHasher) -> String {
        format!("reminder-{}", self.0)
    }

    fn kind(&self) -> &'static str {
        "reminder.due"
    }

    fn at(&self) -> Timestamp {
        NOW
    }

    fn text(&self) -> String {
        format!("⏰ {}", self.0)
    }
}

/// The reminders of Ann. Leases do not expire, because each delivery settles its own.
#[derive(Default)]
struct ReminderMailbox {
    state: Mutex<ReminderState>,
    changes: watch::Sender<u64>,
}

#[derive(Default)]
struct ReminderState {
    waiting: VecDeque<u64>,
    /// The active lease, and its number of reminders from the first.
    lease: Option<(u64, usize)>,
    last_lease: u64,
}

impl ReminderMailbox {
    fn add(&self, reminder: u64) {
        self.state.lock().waiting.push_back(reminder);
        self.changes.send_modify(|changes| *changes += 1);
    }

    fn is_empty(&self) -> bool {
        self.state.lock().waiting.is_empty()
    }
}

#[async_trait]
impl EventMailbox for ReminderMailbox {
    async fn lease(&self, user: UserId, _now: Timestamp) -> Result<Option<EventLease>, StoreError> {
        let mut state = self.state.lock();
        if user != ANN || state.waiting.is_empty() || state.lease.is_some() {
            return Ok(None);
        }
        state.last_lease += 1;
        let events = state.waiting.iter().map(|number| Box::new(Reminder(*number)) as _);
        let lease = EventLease { id: state.last_lease, events: events.collect() };
        state.lease = Some((lease.id, lease.events.len()));
        Ok(Some(lease))
    }

    async fn put_back(&self, _user: UserId, id: u64, delivered: usize) -> Result<(), StoreError> {
        if let Some((_, count)) = self.state.lock().lease.as_mut().filter(|lease| lease.0 == id) {
            *count = delivered;
        }
        Ok(())
    }

    fn settle(&self, _user: UserId, id: u64, delivered: bool) {
        let mut state = self.state.lock();
        if let Some((_, count)) = state.lease.take_if(|lease| lease.0 == id)
            && delivered
        {
            state.waiting.drain(..count);
        }
        drop(state);
        self.changes.send_modify(|changes| *changes += 1);
    }

    fn listen(&self, _user: UserId) -> Box<dyn EventListener> {
        Box::new(ReminderListener(self.changes.subscribe()))
    }
}

struct ReminderListener(watch::Receiver<u64>);

#[async_trait]
impl EventListener for ReminderListener {
    async fn changed(&mut self) -> Option<TypingState> {
        self.0.changed().await.expect("the mailbox exists");
        None
    }
}

/// A channel that acknowledges some events, fails, hangs or closes, as its dice say.
struct FlakyChannel {
    dice: Mutex<StdRng>,
    /// The texts that it acknowledged, over all channels of a test.
    acknowledged: Arc<Mutex<Vec<String>>>,
}

#[async_trait]
impl Channel for FlakyChannel {
    async fn deliver(&self, events: &PushEvents) -> Result<usize, DeliveryError> {
        let (fate, count) = {
            let mut dice = self.dice.lock();
            (dice.random_range(0..10), dice.random_range(0..=events.len()))
        };
        match fate {
            0 => std::future::pending().await,
            1 => Err(DeliveryError::Closed),
            2 => Err(DeliveryError::RetryLater),
            _ => {
                let texts = events[..count].iter().map(|event| event.text());
                self.acknowledged.lock().extend(texts);
                Ok(count)
            }
        }
    }

    async fn send_typing(&self, _state: TypingState) {}
}

/// The couriers of the lobby and of the reminders.
fn couriers(lobby: &Arc<MemoryLobby>) -> (Arc<Couriers>, Arc<ReminderMailbox>) {
    let inboxes = Arc::clone(lobby) as Arc<dyn Mailbox>;
    let clock = Arc::new(ManualClock::at(NOW)) as Arc<dyn Clock>;
    let (couriers, reminders) =
        (lobby_couriers(&inboxes, &clock), Arc::new(ReminderMailbox::default()));
    couriers.add_mailbox(Arc::clone(&reminders) as _);
    (couriers, reminders)
}

fn lobby() -> Arc<MemoryLobby> {
    Arc::new(MemoryLobby::new(Duration::from_secs(1_800), seeded_rng()))
}

/// Waits until `condition` holds, while tasks and the paused clock go on.
async fn until(condition: impl Fn() -> bool) {
    let mut ticks = tokio::time::interval(Duration::from_millis(10));
    let waited = async {
        while !condition() {
            ticks.tick().await;
        }
    };
    timeout(LIMIT, waited).await.expect("in time");
}

#[tokio::test(start_paused = true)]
async fn courier_delivers_events_of_another_toolset_over_failing_channels() {
    for seed in 0..100 {
        let (couriers, reminders) = couriers(&lobby());
        let acknowledged = Arc::new(Mutex::new(Vec::new()));
        let mut dice = StdRng::seed_from_u64(seed);
        let attach = |dice: &mut StdRng| {
            let dice = Mutex::new(StdRng::from_rng(dice));
            let channel = FlakyChannel { dice, acknowledged: Arc::clone(&acknowledged) };
            couriers.attach(ANN, Arc::new(channel))
        };
        let mut courier = attach(&mut dice);
        for number in 0..20 {
            reminders.add(number);
            until(|| reminders.is_empty() || !courier.is_active() || number % 3 > 0).await;
            if !courier.is_active() || dice.random_bool(0.2) {
                courier = attach(&mut dice);
            }
        }
        while !reminders.is_empty() {
            until(|| reminders.is_empty() || !courier.is_active()).await;
            if !courier.is_active() {
                courier = attach(&mut dice);
            }
        }
        let mut first = acknowledged.lock().clone();
        let mut seen = std::collections::HashSet::new();
        first.retain(|text| seen.insert(text.clone()));
        let all: Vec<_> = (0..20).map(|number| Reminder(number).text()).collect();
        assert_eq!(first, all, "seed {seed}: each at least once, in order");
    }
}

/// Acknowledges everything, and counts the texts of each kind.
#[derive(Default)]
struct CountingChannel(Mutex<HashMap<&'static str, usize>>);

#[async_trait]
impl Channel for CountingChannel {
    async fn deliver(&self, events: &PushEvents) -> Result<usize, DeliveryError> {
        for event in events {
            *self.0.lock().entry(event.kind()).or_default() += 1;
        }
        Ok(events.len())
    }

    async fn ready(&self) {
        // As a channel with an interval between messages.
        tokio::time::timeout(Duration::from_secs(1), std::future::pending::<()>()).await.ok();
    }

    async fn send_typing(&self, _state: TypingState) {}
}

#[tokio::test(start_paused = true)]
async fn courier_serves_all_mailboxes_over_one_channel_in_turn() {
    let lobby = lobby();
    let (couriers, reminders) = couriers(&lobby);
    let channel = Arc::new(CountingChannel::default());
    let _courier = couriers.attach(ANN, Arc::clone(&channel) as _);
    let count = |kind| channel.0.lock().get(kind).copied().unwrap_or_default();
    for user in [ANN, BEN] {
        let call = Call { include_inbox: false, ..Call::new(user, NOW) };
        lobby.perform(call, Action::meet()).await.expect("the lobby works");
    }
    reminders.add(1);
    until(|| count("chatroom.found") == 1 && count("reminder.due") == 1).await;
    // A mailbox that is never empty.
    for number in 2..10 {
        reminders.add(number);
        until(|| count("reminder.due") + 1 >= usize::try_from(number).expect("small")).await;
    }
    let leave = Call { include_inbox: false, ..Call::new(BEN, NOW) };
    lobby.perform(leave, Action::Leave).await.expect("the lobby works");
    let before = count("reminder.due");
    reminders.add(10);
    until(|| count("partner.disconnected") == 1).await;
    assert!(count("reminder.due") <= before + 2, "the lobby's event waits for one delivery");
}

struct SilentServer;

impl ServerHandler for SilentServer {}

/// The client of a live session, as lines of JSON.
struct SessionClient(BufReader<DuplexStream>);

impl SessionClient {
    async fn send(&mut self, message: Value) {
        let line = format!("{message}\n");
        self.0.get_mut().write_all(line.as_bytes()).await.expect("sent");
    }

    async fn receive(&mut self) -> Value {
        let mut line = String::new();
        timeout(LIMIT, self.0.read_line(&mut line)).await.expect("in time").expect("a line");
        serde_json::from_str(&line).expect("JSON")
    }
}

/// Opens a live session that Ann's events are pushed to.
async fn session(couriers: &Arc<Couriers>) -> (SessionClient, SessionPush) {
    let (near, far) = duplex(4_096);
    let server = tokio::spawn(SilentServer.serve(far));
    let mut client = SessionClient(BufReader::new(near));
    let (info, capabilities) = (json!({"name": "test", "version": "1"}), json!({}));
    let params = json!({
        "protocolVersion": "2025-06-18", "clientInfo": info, "capabilities": capabilities,
    });
    client.send(json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params})).await;
    client.receive().await;
    client.send(json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
    let running = server.await.expect("no panic").expect("a session");
    let push = SessionPush::default();
    let ids = IdHasher::random(&mut seeded_rng());
    push.attach(ANN, running.peer().clone(), None, &ids, couriers);
    tokio::spawn(running.waiting());
    (client, push)
}

/// The ids of the reminders until the ping that asks for their acknowledgment, and the id of the ping.
async fn reminder_ids(client: &mut SessionClient) -> (Vec<Value>, Value) {
    let mut ids = Vec::new();
    loop {
        let message = client.receive().await;
        if message["method"] == "ping" {
            return (ids, message["id"].clone());
        }
        assert_eq!(message["method"], "reminder.due");
        assert!(message["params"]["text"].as_str().expect("a text").starts_with('⏰'));
        ids.push(message["params"]["message_id"].clone());
    }
}

#[tokio::test(start_paused = true)]
async fn courier_redelivers_to_a_live_session_after_the_first_dies() {
    let (couriers, reminders) = couriers(&lobby());
    (0..3).for_each(|number| reminders.add(number));
    let (mut client, _push) = session(&couriers).await;
    // This client has read all events, and dies before it acknowledges them.
    assert_eq!(reminder_ids(&mut client).await.0.len(), 3);
    drop(client);
    until(|| !couriers.is_reachable(ANN)).await;
    reminders.add(3);

    let (mut client, _push) = session(&couriers).await;
    let (ids, ping) = reminder_ids(&mut client).await;
    assert_eq!(ids, ["reminder-0", "reminder-1", "reminder-2", "reminder-3"]);
    assert!(!reminders.is_empty(), "an event that is not acknowledged stays");
    client.send(json!({"jsonrpc": "2.0", "id": ping, "result": {}})).await;
    until(|| reminders.is_empty()).await;
    assert!(couriers.is_reachable(ANN));
}
