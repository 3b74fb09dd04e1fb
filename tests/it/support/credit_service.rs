//! [`CreditServiceStandIn`]: the service of `CREDIT_SERVICE_URL` on loopback, with faults and a record of its calls.

use std::collections::HashMap;
use std::future::pending;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use parking_lot::Mutex;
use random_connect::gateway::money::MicroCredits;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::server::TEST_TIMEOUT;

/// The token that the stand-in demands.
pub const SERVICE_TOKEN: &str = "a-token-of-the-service";

/// A deviation from the documented answer.
#[derive(Clone, Debug, Default)]
pub enum ServiceFault {
    #[default]
    None,
    /// This status, and nothing is done.
    Status(u16),
    /// This text with the status 200, and nothing is done.
    Text(&'static str),
    /// The call has no effect and no answer.
    Hang,
    /// The call takes effect and has no answer.
    LoseAnswer,
}

/// A call that the stand-in received.
#[derive(Clone, Debug)]
pub struct ServiceCall {
    pub path: &'static str,
    pub user: String,
    /// In millionths; zero for a check.
    pub amount: i64,
    pub key: Option<String>,
}

#[derive(Default)]
struct Books {
    balances: HashMap<String, i64>,
    /// The deductions by their keys.
    deducted: HashMap<String, (String, i64)>,
    calls: Vec<ServiceCall>,
    check_fault: ServiceFault,
    deduct_fault: ServiceFault,
}

/// The balances of the service, and its faults.
pub struct CreditBooks {
    books: Mutex<Books>,
    /// Number of deductions that took effect.
    progress: watch::Sender<usize>,
}

impl CreditBooks {
    /// Sets the balance of a user, in millionths.
    pub fn set(&self, user: &str, balance: i64) {
        self.books.lock().balances.insert(user.to_owned(), balance);
    }

    pub fn balance(&self, user: &str) -> i64 {
        self.books.lock().balances.get(user).copied().unwrap_or_default()
    }

    pub fn fail_checks(&self, fault: ServiceFault) {
        self.books.lock().check_fault = fault;
    }

    pub fn fail_deductions(&self, fault: ServiceFault) {
        self.books.lock().deduct_fault = fault;
    }

    pub fn calls(&self, path: &str) -> Vec<ServiceCall> {
        self.books.lock().calls.iter().filter(|call| call.path == path).cloned().collect()
    }

    /// The deductions that took effect: their sum for a user, in millionths, and the number of all.
    pub fn deducted(&self, user: &str) -> (i64, usize) {
        let books = self.books.lock();
        let of_user = books.deducted.values().filter(|(name, _)| name == user);
        (of_user.map(|(_, amount)| amount).sum(), books.deducted.len())
    }

    /// Waits until `count` deductions have taken effect.
    pub async fn wait_for_deductions(&self, count: usize) {
        let mut progress = self.progress.subscribe();
        let reached = progress.wait_for(|deducted| *deducted >= count);
        timeout(TEST_TIMEOUT, reached).await.expect("deductions in time").expect("a sender");
    }

    fn receive(&self, path: &'static str, headers: &HeaderMap, body: &Value) -> ServiceCall {
        let token = headers["authorization"].to_str().expect("text");
        assert_eq!(token, format!("Bearer {SERVICE_TOKEN}"));
        assert_eq!(headers["content-type"], "application/json");
        let amount = body["amount"]
            .as_str()
            .map_or(0, |amount| amount.parse::<MicroCredits>().expect("an amount").as_micros());
        let key = headers.get("idempotency-key").map(|key| key.to_str().expect("text").to_owned());
        let user = body["user"].as_str().expect("a user").to_owned();
        let call = ServiceCall { path, user, amount, key };
        self.books.lock().calls.push(call.clone());
        call
    }

    /// Deducts once per key.
    fn deduct(&self, call: &ServiceCall) -> (StatusCode, Value) {
        let key = call.key.clone().expect("a key");
        let mut books = self.books.lock();
        let fact = (call.user.clone(), call.amount);
        if let Some(earlier) = books.deducted.get(&key) {
            let status = if *earlier == fact { StatusCode::OK } else { StatusCode::CONFLICT };
            return (status, json!({ "deducted": micro_text(earlier.1) }));
        }
        let balance = books.balances.entry(call.user.clone()).or_default();
        if *balance < call.amount {
            return (StatusCode::PAYMENT_REQUIRED, json!({ "balance": micro_text(*balance) }));
        }
        *balance -= call.amount;
        books.deducted.insert(key, fact);
        let count = books.deducted.len();
        drop(books);
        self.progress.send_replace(count);
        (StatusCode::OK, json!({ "deducted": micro_text(call.amount) }))
    }
}

/// The decimal text of an amount in millionths.
pub fn micro_text(micros: i64) -> String {
    MicroCredits::from_micros(micros).to_string()
}

type Request = (State<Arc<CreditBooks>>, HeaderMap, axum::Json<Value>);

async fn check((State(books), headers, axum::Json(body)): Request) -> Response {
    let call = books.receive("/check", &headers, &body);
    let fault = books.books.lock().check_fault.clone();
    let answer = || (StatusCode::OK, json!({ "balance": micro_text(books.balance(&call.user)) }));
    respond(fault, answer).await
}

async fn deduct((State(books), headers, axum::Json(body)): Request) -> Response {
    let call = books.receive("/deduct", &headers, &body);
    let fault = books.books.lock().deduct_fault.clone();
    respond(fault, || books.deduct(&call)).await
}

/// Answers a call, or not as it should be.
pub async fn respond(fault: ServiceFault, act: impl FnOnce() -> (StatusCode, Value)) -> Response {
    let json = [("content-type", "application/json")];
    match fault {
        ServiceFault::None => {
            let (status, body) = act();
            (status, json, body.to_string()).into_response()
        }
        ServiceFault::Status(status) => {
            let status = StatusCode::from_u16(status).expect("a status");
            (status, json, r#"{"balance":"1000","deducted":"0"}"#).into_response()
        }
        ServiceFault::Text(text) => (json, text).into_response(),
        ServiceFault::Hang => pending().await,
        ServiceFault::LoseAnswer => {
            act();
            pending().await
        }
    }
}

/// A stand-in on a port of loopback. It ends with its value.
pub struct CreditServiceStandIn {
    pub url: String,
    pub books: Arc<CreditBooks>,
    task: JoinHandle<()>,
}

impl CreditServiceStandIn {
    /// Starts a service whose users have these balances, in millionths.
    pub async fn start(balances: &[(&str, i64)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/credits", listener.local_addr().expect("an address"));
        let books =
            Arc::new(CreditBooks { books: Mutex::default(), progress: watch::Sender::new(0) });
        balances.iter().for_each(|(user, balance)| books.set(user, *balance));
        let of_check = |state, headers, body| check((state, headers, body));
        let of_deduct = |state, headers, body| deduct((state, headers, body));
        let router = Router::new()
            .route("/credits/check", post(of_check))
            .route("/credits/deduct", post(of_deduct))
            .with_state(Arc::clone(&books));
        let task = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Self { url, books, task }
    }

    /// The settings of a server that uses the service.
    pub fn settings(&self) -> [(&str, &str); 3] {
        [
            ("CREDIT_SERVICE_URL", &self.url),
            ("CREDIT_SERVICE_TOKEN", SERVICE_TOKEN),
            ("GATEWAY_START_CREDITS", "0"),
        ]
    }
}

impl Drop for CreditServiceStandIn {
    fn drop(&mut self) {
        self.task.abort();
    }
}
