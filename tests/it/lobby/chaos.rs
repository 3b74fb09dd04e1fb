//! Chaos test: three server processes share a Redis while 200 users chat for a minute.
//!
//! Meanwhile the test kills a process or Redis again and again. In the end [`account`] checks every
//! acknowledged message.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use random_connect::transport::channels::outbound;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::DURABLE;
use crate::support::redis_server::RedisServer;
use crate::support::server_process::{ServerProcess, TIMEOUT, TOKEN};

/// Number of users that chat.
const USERS: usize = 200;
/// Number of server processes.
const INSTANCES: usize = 3;
/// Duration of the kills and, except for the end, of the chats.
const DURATION: Duration = Duration::from_secs(60);
/// Number of messages between two kills. Every fourth kill is of Redis.
const MESSAGES_PER_KILL: usize = 400;

/// Starts a process; port 0 chooses a free one.
async fn start(redis: &RedisServer, port: u16) -> ServerProcess {
    ServerProcess::start(port, &[("REDIS_URL", &redis.url())]).await
}

/// The acknowledged and the received messages of one user.
#[derive(Default)]
struct MessageLedger {
    /// Acknowledged messages, in order.
    sent: Vec<String>,
    /// Received messages, without repeats.
    received: Vec<String>,
    /// Number of messages that were received again.
    repeats: usize,
}

/// A user that calls all instances at random.
struct ChaosUser {
    name: String,
    ports: Vec<u16>,
    http: reqwest::Client,
    dice: StdRng,
    calls: usize,
    messages: MessageLedger,
    seen: HashSet<String>,
}

impl ChaosUser {
    /// Makes a call, and repeats it at random instances until one answers.
    async fn say(&mut self, message: &str) -> String {
        self.calls += 1;
        let id = format!("{}-{}", self.name, self.calls);
        let params = json!({ "message": message, "puch_user_id": self.name, "message_id": id });
        let body = json!({ "method": "handle_message", "params": params }).to_string();
        loop {
            let port = self.ports[self.dice.random_range(0..self.ports.len())];
            let url = format!("http://127.0.0.1:{port}/mcp");
            let request =
                self.http.post(url).bearer_auth(TOKEN).timeout(TIMEOUT).body(body.clone());
            let Ok(response) = request.send().await else { continue };
            let Ok(body) = response.json::<Value>().await else { continue };
            let Some(text) = body["result"].as_str() else { continue };
            self.record(text);
            return text.to_owned();
        }
    }

    /// Records the messages of the partner in an answer.
    fn record(&mut self, answer: &str) {
        for line in answer.lines().filter(|line| line.starts_with('💬')) {
            let (_, text) = line.split_once(": ").expect("a nickname and a text");
            if self.seen.insert(text.to_owned()) {
                self.messages.received.push(text.to_owned());
            } else {
                self.messages.repeats += 1;
            }
        }
    }
}

/// Writes a number in letters, so that the masker does not take it for a phone number.
fn letters(mut number: usize) -> String {
    let mut word = String::new();
    loop {
        word.insert(0, char::from(b'a' + u8::try_from(number % 26).expect("a letter")));
        number /= 26;
        if number == 0 {
            return word;
        }
    }
}

/// Chats until `stopped` is set, then reads the rest of the inbox.
async fn chat(mut user: ChaosUser, stopped: Arc<AtomicBool>, sent: Arc<Progress>) -> MessageLedger {
    user.say("#meet").await;
    let name = user.name.clone();
    for number in 0.. {
        if stopped.load(Ordering::Relaxed) {
            break;
        }
        let text = format!("{name} says {}", letters(number));
        if user.say(&text).await.contains("📤 Message sent") {
            user.messages.sent.push(text);
            sent.step();
        } else {
            // No partner yet, or the partner's inbox is full.
            user.say("#m").await;
        }
    }
    // Items leased to lost answers return after ten seconds at most.
    let end = timeout(Duration::from_secs(12), async {
        loop {
            user.say("#m").await;
        }
    });
    assert!(end.await.is_err());
    user.messages
}

/// Counts messages and wakes the task that waits for a number of them.
#[derive(Default)]
struct Progress {
    count: AtomicUsize,
    moved: Notify,
}

impl Progress {
    fn step(&self) {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.moved.notify_waiters();
    }

    /// Waits until this many messages were sent.
    async fn reach(&self, count: usize) {
        while self.count.load(Ordering::Relaxed) < count {
            let moved = self.moved.notified();
            // A step may have happened just before.
            let _ = timeout(Duration::from_millis(100), moved).await;
        }
    }
}

/// Kills an instance or Redis after every [`MESSAGES_PER_KILL`] messages, for [`DURATION`].
///
/// Returns the number of killed instances and of Redis restarts.
async fn kill_repeatedly(
    instances: &mut [ServerProcess],
    redis: &mut RedisServer,
    sent: &Progress,
) -> (usize, usize) {
    let (mut kills, mut restarts) = (0, 0);
    let end = timeout(DURATION, async {
        for round in 1_usize.. {
            sent.reach(round * MESSAGES_PER_KILL).await;
            if round % 4 == 0 {
                redis.kill();
                redis.run();
                restarts += 1;
            } else {
                let instance = &mut instances[round % INSTANCES];
                instance.kill().await;
                *instance = start(redis, instance.port).await;
                kills += 1;
            }
        }
    });
    assert!(end.await.is_err());
    (kills, restarts)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chaos_acknowledged_messages_survive_kills() {
    let mut redis = RedisServer::start(DURABLE);
    let mut instances = Vec::new();
    for _ in 0..INSTANCES {
        instances.push(start(&redis, 0).await);
    }
    let ports: Vec<u16> = instances.iter().map(|instance| instance.port).collect();
    let (stopped, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(Progress::default()));
    let http = outbound::http_client(None).expect("a client");
    let mut users = JoinSet::new();
    for number in 0..USERS {
        let user = ChaosUser {
            name: format!("user-{}", letters(number)),
            ports: ports.clone(),
            http: http.clone(),
            dice: StdRng::seed_from_u64(number as u64),
            calls: 0,
            messages: MessageLedger::default(),
            seen: HashSet::new(),
        };
        let (name, task) = (user.name.clone(), chat(user, Arc::clone(&stopped), Arc::clone(&sent)));
        users.spawn(async move { (name, task.await) });
    }
    let (kills, restarts) = kill_repeatedly(&mut instances, &mut redis, &sent).await;
    stopped.store(true, Ordering::Relaxed);
    let logs: HashMap<String, MessageLedger> = users.join_all().await.into_iter().collect();
    account(&logs, kills, restarts);
}

/// Asserts that all acknowledged messages of a sender reached one and the same user, in order.
fn account(logs: &HashMap<String, MessageLedger>, kills: usize, restarts: usize) {
    let (mut sent, mut lost, mut misdelivered, mut disordered) = (0, 0, 0, 0);
    for (name, log) in logs {
        let is_own = |text: &&String| text.starts_with(&format!("{name} says "));
        let recipients: Vec<_> = logs
            .values()
            .filter(|recipient| recipient.received.iter().any(|text| is_own(&text)))
            .collect();
        sent += log.sent.len();
        misdelivered += recipients.len().saturating_sub(1);
        let received: Vec<&String> = recipients
            .iter()
            .flat_map(|recipient| recipient.received.iter())
            .filter(is_own)
            .collect();
        let delivered: HashSet<_> = received.iter().copied().collect();
        lost += log.sent.iter().filter(|text| !delivered.contains(text)).count();
        let positions: Vec<_> = received
            .iter()
            .filter_map(|text| log.sent.iter().position(|sent| sent == *text))
            .collect();
        disordered += positions.windows(2).filter(|pair| pair[0] > pair[1]).count();
    }
    let repeats: usize = logs.values().map(|log| log.repeats).sum();
    println!(
        "{sent} messages acknowledged, {kills} processes killed, Redis killed {restarts} times: \
         lost {lost}, misdelivered {misdelivered}, out of order {disordered}, repeated {repeats}"
    );
    assert!(sent > MESSAGES_PER_KILL && kills > 0 && restarts > 0, "too little happened");
    assert_eq!((lost, misdelivered, disordered), (0, 0, 0));
}
