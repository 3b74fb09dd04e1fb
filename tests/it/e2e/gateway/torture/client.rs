//! [`TortureClient`]: a user's request, which is repeated until it is answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use random_connect::kernel::clock::{Clock, SystemClock};
use serde_json::{Value, json};

use super::{ANSWER, PROMPT, pause};
use crate::support::gateway_socket::{GatewaySocket, gateway_request, micros};

/// Pause before a lost connection is opened again.
const CONNECT_PAUSE: Duration = Duration::from_millis(100);

/// Maximum time between two messages. A repeated request waits until the lease of the killed server has ended.
const ANSWER_TIME: Duration = Duration::from_secs(120);

/// The longest pause after a refusal, in pauses after the first one.
const MAX_PAUSE: u32 = 8;

/// A refusal for too few credits.
#[derive(Clone, Copy, Debug)]
pub(super) struct CreditRefusal {
    /// Millionths of a credit, as the refusal has them.
    pub(super) needed: i64,
    pub(super) available: i64,
    /// When the request was sent and the refusal came, in milliseconds since the Unix epoch.
    pub(super) sent: f64,
    pub(super) received: f64,
}

/// The ends of a request, as its client has seen them.
#[derive(Debug, Default)]
pub(super) struct ClientReport {
    /// Charges of all ends.
    pub(super) charges: Vec<i64>,
    /// The client has dropped its connection during the answer.
    pub(super) has_left: bool,
    pub(super) refusals: Vec<CreditRefusal>,
    /// The balance is less than the request needs, whatever is held.
    pub(super) gave_up: bool,
    pub(super) unexpected: Vec<Value>,
}

pub(super) struct TortureClient {
    /// The port of the server, 0 while it is down.
    pub(super) port: Arc<AtomicU16>,
    pub(super) token: String,
    pub(super) number: usize,
    /// Whether it drops the connection during the answer.
    pub(super) leaves: bool,
    /// Pause after the first refusal. It doubles up to [`MAX_PAUSE`] times this one.
    pub(super) pause: Duration,
}

/// The end of an attempt.
enum Attempt {
    /// The request has its last end.
    Over,
    /// It is repeated on this connection.
    Again,
    Disconnected,
}

fn now() -> f64 {
    Duration::from_millis(SystemClock::new().now().as_millis()).as_secs_f64() * 1_000.0
}

impl TortureClient {
    pub(super) async fn run(self) -> ClientReport {
        let mut report = ClientReport::default();
        loop {
            let port = self.port.load(Ordering::SeqCst);
            let address = format!("127.0.0.1:{port}");
            if port > 0
                && let Some(mut socket) = GatewaySocket::connect(&address, &self.token).await
            {
                loop {
                    match self.ask(&mut socket, &mut report).await {
                        Attempt::Over => return report,
                        Attempt::Again => {}
                        Attempt::Disconnected => break,
                    }
                }
            }
            pause(CONNECT_PAUSE).await;
        }
    }

    fn request(&self) -> Value {
        let prompt = "word ".repeat(PROMPT);
        let more = json!({
            "model": "first", "maxTokens": ANSWER + ANSWER / 2,
            "idempotencyKey": format!("request {}", self.number),
            "messages": [{ "role": "user", "content": prompt }],
        });
        gateway_request(self.number, more)
    }

    async fn ask(&self, socket: &mut GatewaySocket, report: &mut ClientReport) -> Attempt {
        let sent = now();
        if !socket.try_send(&self.request()).await {
            return Attempt::Disconnected;
        }
        let mut chunks = 0;
        let end = loop {
            let Ok(text) = socket.receive_within(ANSWER_TIME).await else {
                return Attempt::Disconnected;
            };
            let message: Value = serde_json::from_str(&text).expect("JSON");
            chunks += usize::from(message["type"] == "chunk");
            if self.leaves && chunks > self.number % 20 {
                report.has_left = true;
                return Attempt::Over;
            }
            if message["type"] == "done" || message["type"] == "error" {
                break message;
            }
        };
        let charge = micros(&end["credits"]["charged"]);
        if charge > 0 {
            report.charges.push(charge);
        }
        match end["error"]["code"].as_str() {
            Some("INSUFFICIENT_CREDITS") => {
                let error = &end["error"];
                let (needed, available) = (micros(&error["needed"]), micros(&error["available"]));
                let received = now() + 1.0;
                report.refusals.push(CreditRefusal { needed, available, sent, received });
                self.after_refusal(needed, socket, report).await
            }
            Some(
                "STREAM_BROKEN"
                | "PROVIDER_THROTTLED"
                | "PROVIDER_UNAVAILABLE"
                | "LEDGER_UNAVAILABLE",
            ) => {
                pause(self.pause).await;
                Attempt::Again
            }
            // A duplicate was charged and has no stored answer: its stream had broken, or its server was killed.
            None | Some("DUPLICATE_ID") => Attempt::Over,
            Some(_) => {
                report.unexpected.push(end);
                Attempt::Over
            }
        }
    }

    /// Gives up once the credit is spent. While it is held for others, the request is repeated.
    async fn after_refusal(
        &self,
        needed: i64,
        socket: &mut GatewaySocket,
        report: &mut ClientReport,
    ) -> Attempt {
        if !socket.try_send(&json!({ "type": "balance" })).await {
            return Attempt::Disconnected;
        }
        loop {
            let Ok(text) = socket.receive_within(ANSWER_TIME).await else {
                return Attempt::Disconnected;
            };
            let message: Value = serde_json::from_str(&text).expect("JSON");
            if message["type"] == "balance" {
                report.gave_up = micros(&message["balance"]) < needed;
                break;
            }
            if message["type"] == "error" {
                break;
            }
        }
        if report.gave_up {
            return Attempt::Over;
        }
        let doubled = 1 << report.refusals.len().min(16);
        pause(self.pause * MAX_PAUSE.min(doubled)).await;
        Attempt::Again
    }
}
