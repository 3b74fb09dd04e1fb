//! Three real processes on a real Redis, two hundred people who chat for a minute, and a hand that
//! kills now one of the processes and now Redis. Afterwards every message is accounted for.

use std::collections::{HashMap, HashSet};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::DURABLE;
use crate::support::redis_server::RedisServer;

const PEOPLE: usize = 200;
const PROCESSES: usize = 3;
const SPAN: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_secs(30);
/// After so many messages something is killed; every fourth time it is Redis.
const CALM: usize = 400;

/// A process of the server that comes back at the same address.
struct ServerInstance {
    child: Child,
    port: u16,
}

impl ServerInstance {
    async fn start(redis: &RedisServer, port: u16) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_random-connect"))
            .env_clear()
            .current_dir(std::env::temp_dir())
            .envs([("AUTH_TOKEN", "chaos"), ("HOST", "127.0.0.1"), ("LOG_LEVEL", "error")])
            .envs([("REDIS_URL", redis.url()), ("PORT", port.to_string())])
            .envs([("ID_SALT", "a salt of some length"), ("INBOX_KEY", &"ab".repeat(32))])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the binary starts");
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().expect("its output"));
        let told = timeout(PATIENCE, out.read_line(&mut line)).await;
        told.expect("in time").expect("a line");
        let port = line.trim().trim_end_matches("/mcp").rsplit(':').next().expect("a port");
        Self { child, port: port.parse().expect("a number") }
    }
}

/// What a person said that was acknowledged, and what they read, repeats left out.
#[derive(Default)]
struct MessageLedger {
    said: Vec<String>,
    read: Vec<String>,
    repeats: usize,
}

struct ChaosUser {
    name: String,
    ports: Vec<u16>,
    http: reqwest::Client,
    dice: StdRng,
    calls: usize,
    diary: MessageLedger,
    known: HashSet<String>,
}

impl ChaosUser {
    /// One call, made again at any of the processes until it is answered.
    async fn say(&mut self, message: &str) -> String {
        self.calls += 1;
        let id = format!("{}-{}", self.name, self.calls);
        let params = json!({ "message": message, "puch_user_id": self.name, "message_id": id });
        let body = json!({ "method": "handle_message", "params": params }).to_string();
        loop {
            let port = self.ports[self.dice.random_range(0..self.ports.len())];
            let url = format!("http://127.0.0.1:{port}/mcp");
            let request = self.http.post(url).bearer_auth("chaos").body(body.clone());
            let Ok(response) = request.send().await else { continue };
            let Ok(answer) = response.json::<Value>().await else { continue };
            let Some(text) = answer["result"].as_str() else { continue };
            self.note(text);
            return text.to_owned();
        }
    }

    fn note(&mut self, answer: &str) {
        for line in answer.lines().filter(|line| line.starts_with('💬')) {
            let (_, text) = line.split_once(": ").expect("a name and a text");
            if self.known.insert(text.to_owned()) {
                self.diary.read.push(text.to_owned());
            } else {
                self.diary.repeats += 1;
            }
        }
    }
}

/// A number in letters, so that nothing looks like a phone number.
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

/// Chats until told to stop, then reads what is left.
async fn chat(mut person: ChaosUser, done: Arc<AtomicBool>, sent: Arc<Progress>) -> MessageLedger {
    person.say("#meet").await;
    let own = person.name.clone();
    for number in 0.. {
        if done.load(Ordering::Relaxed) {
            break;
        }
        let text = format!("{own} says {}", letters(number));
        if person.say(&text).await.contains("📤 Message sent") {
            person.diary.said.push(text);
            sent.step();
        } else {
            // No partner yet, or one who does not keep up.
            person.say("#m").await;
        }
    }
    // What is on lease to answers that were lost comes back after ten seconds at the latest.
    let end = timeout(Duration::from_secs(12), async {
        loop {
            person.say("#m").await;
        }
    });
    assert!(end.await.is_err());
    person.diary
}

/// Counts messages and wakes whoever waits for a number of them.
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

    async fn reach(&self, count: usize) {
        while self.count.load(Ordering::Relaxed) < count {
            let moved = self.moved.notified();
            // A step may have come just before.
            let _ = timeout(Duration::from_millis(100), moved).await;
        }
    }
}

/// Kills something whenever so many messages were sent, until told to stop.
async fn havoc(
    processes: &mut [ServerInstance],
    redis: &mut RedisServer,
    sent: &Progress,
) -> (usize, usize) {
    let (mut kills, mut restarts) = (0, 0);
    let end = timeout(SPAN, async {
        for round in 1_usize.. {
            sent.reach(round * CALM).await;
            if round % 4 == 0 {
                redis.kill();
                redis.run();
                restarts += 1;
            } else {
                let process = &mut processes[round % PROCESSES];
                process.child.kill().await.expect("it runs");
                *process = ServerInstance::start(redis, process.port).await;
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
    let mut processes = Vec::new();
    for _ in 0..PROCESSES {
        processes.push(ServerInstance::start(&redis, 0).await);
    }
    let ports: Vec<u16> = processes.iter().map(|process| process.port).collect();
    let (done, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(Progress::default()));
    let http = reqwest::Client::builder().timeout(PATIENCE).build().expect("a client");
    let mut people = JoinSet::new();
    for number in 0..PEOPLE {
        let person = ChaosUser {
            name: format!("person-{}", letters(number)),
            ports: ports.clone(),
            http: http.clone(),
            dice: StdRng::seed_from_u64(number as u64),
            calls: 0,
            diary: MessageLedger::default(),
            known: HashSet::new(),
        };
        let (name, task) =
            (person.name.clone(), chat(person, Arc::clone(&done), Arc::clone(&sent)));
        people.spawn(async move { (name, task.await) });
    }
    let (kills, restarts) = havoc(&mut processes, &mut redis, &sent).await;
    done.store(true, Ordering::Relaxed);
    let diaries: HashMap<String, MessageLedger> = people.join_all().await.into_iter().collect();
    account(&diaries, kills, restarts);
}

/// Everything that was acknowledged must have been read by one person, the same for all of one
/// sender, in the order in which it was said.
fn account(diaries: &HashMap<String, MessageLedger>, kills: usize, restarts: usize) {
    let (mut said, mut lost, mut astray, mut disordered) = (0, 0, 0, 0);
    for (name, diary) in diaries {
        let own = |text: &&String| text.starts_with(&format!("{name} says "));
        let readers: Vec<_> =
            diaries.values().filter(|other| other.read.iter().any(|text| own(&text))).collect();
        said += diary.said.len();
        astray += readers.len().saturating_sub(1);
        let read: Vec<&String> =
            readers.iter().flat_map(|reader| reader.read.iter()).filter(own).collect();
        let known: HashSet<_> = read.iter().copied().collect();
        lost += diary.said.iter().filter(|text| !known.contains(text)).count();
        let places: Vec<_> =
            read.iter().filter_map(|text| diary.said.iter().position(|own| own == *text)).collect();
        disordered += places.windows(2).filter(|pair| pair[0] > pair[1]).count();
    }
    let repeats: usize = diaries.values().map(|diary| diary.repeats).sum();
    println!(
        "{said} messages acknowledged, {kills} processes killed, Redis killed {restarts} times: \
         lost {lost}, misdelivered {astray}, out of order {disordered}, repeated {repeats}"
    );
    assert!(said > CALM && kills > 0 && restarts > 0, "there was something to account for");
    assert_eq!((lost, astray, disordered), (0, 0, 0));
}
