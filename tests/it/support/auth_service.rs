//! [`AuthServiceStandIn`]: the service of `AUTH_SERVICE_URL` on loopback.

use std::collections::HashSet;
use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::post;
use axum::{Json, Router};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::credit_service::{SERVICE_TOKEN, ServiceFault, respond};

/// The answers of the service.
pub struct AuthVerdicts {
    refused: Mutex<HashSet<String>>,
    fault: Mutex<ServiceFault>,
    posted: Mutex<Vec<String>>,
    /// Answers wait while it is true.
    holding: watch::Sender<bool>,
}

impl AuthVerdicts {
    /// Refuses a token from now on.
    pub fn refuse(&self, token: &str) {
        self.refused.lock().insert(token.to_owned());
    }

    pub fn fail(&self, fault: ServiceFault) {
        *self.fault.lock() = fault;
    }

    /// Holds all answers back, or no longer.
    pub fn hold(&self, holds: bool) {
        self.holding.send_replace(holds);
    }

    /// The tokens that were posted.
    pub fn posted(&self) -> Vec<String> {
        self.posted.lock().clone()
    }
}

async fn verify(
    State(verdicts): State<Arc<AuthVerdicts>>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    assert_eq!(headers["authorization"], format!("Bearer {SERVICE_TOKEN}"));
    let token = body["token"].as_str().expect("a token").to_owned();
    verdicts.posted.lock().push(token.clone());
    let mut holding = verdicts.holding.subscribe();
    let _ = holding.wait_for(|holds| !*holds).await;
    let fault = verdicts.fault.lock().clone();
    let valid = !verdicts.refused.lock().contains(&token);
    respond(fault, || (axum::http::StatusCode::OK, json!({ "valid": valid }))).await
}

/// A stand-in on a port of loopback, which accepts every token. It ends with its value.
pub struct AuthServiceStandIn {
    pub url: String,
    pub verdicts: Arc<AuthVerdicts>,
    task: JoinHandle<()>,
}

impl AuthServiceStandIn {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let verdicts = Arc::new(AuthVerdicts {
            refused: Mutex::default(),
            fault: Mutex::default(),
            posted: Mutex::default(),
            holding: watch::Sender::new(false),
        });
        let router = Router::new().route("/verify", post(verify)).with_state(Arc::clone(&verdicts));
        let task = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Self { url, verdicts, task }
    }

    /// The settings of a server that uses the service.
    pub fn settings(&self) -> [(&str, &str); 2] {
        [("AUTH_SERVICE_URL", &self.url), ("AUTH_SERVICE_TOKEN", SERVICE_TOKEN)]
    }
}

impl Drop for AuthServiceStandIn {
    fn drop(&mut self) {
        self.task.abort();
    }
}
