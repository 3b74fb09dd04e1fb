//! [`RemoteClient`]: sends JSON to a service of the operator.

use std::time::Duration;

use parking_lot::Mutex;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Response};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::gateway::catalog::address::ServiceUrl;
use crate::kernel::clock::Stopwatch;
use crate::kernel::failure_log::RepeatCounter;

/// Maximum time to connect.
const CONNECT_TIME: Duration = Duration::from_secs(2);

/// Maximum time of a request with its answer.
pub(super) const TIME_LIMIT: Duration = Duration::from_secs(5);

/// Maximum size of an answer, in bytes.
const MAX_ANSWER_BYTES: usize = 16 * 1024;

/// Maximum number of idle connections.
const MAX_IDLE: usize = 16;

/// The header that makes a repeated request take effect once.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The address of a service, with the token that authenticates this server to it. `Debug` hides the token.
#[derive(Clone, Debug)]
pub struct RemoteAddress {
    pub url: ServiceUrl,
    pub token: Option<SecretString>,
}

/// Why a service has no answer. Contains nothing of the request or the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RemoteFailure {
    #[error("no connection")]
    Unreachable,
    #[error("no answer within the time limit")]
    TimedOut,
    #[error("an answer with the status {0}")]
    Status(u16),
    #[error("an answer that is not as documented")]
    Malformed,
}

/// Sends requests to one service, and logs its failures.
pub(super) struct RemoteClient {
    client: Client,
    address: RemoteAddress,
    /// The setting with the address, for the log.
    setting: &'static str,
    failures: Mutex<RepeatCounter>,
    since_start: Stopwatch,
}

impl RemoteClient {
    /// `builder` has the certificates and the proxy.
    pub fn new(
        setting: &'static str,
        builder: ClientBuilder,
        address: RemoteAddress,
    ) -> reqwest::Result<Self> {
        let client = builder
            // A redirect may lead the token elsewhere.
            .redirect(Policy::none())
            .connect_timeout(CONNECT_TIME)
            .timeout(TIME_LIMIT)
            .pool_max_idle_per_host(MAX_IDLE)
            .build()?;
        let (failures, since_start) = (Mutex::default(), Stopwatch::start());
        Ok(Self { client, address, setting, failures, since_start })
    }

    /// Posts `body` to `path`, and reads the answer with `read`, which returns `None` if it is not as documented.
    pub async fn ask<A: DeserializeOwned, T>(
        &self,
        path: &str,
        body: &(impl Serialize + Sync),
        idempotency_key: Option<&str>,
        read: impl FnOnce(A) -> Option<T> + Send,
    ) -> Result<T, RemoteFailure> {
        let answer = self.post(path, body, idempotency_key).await;
        let read = answer.and_then(|bytes| {
            let answer = serde_json::from_slice(&bytes).map_err(|_| RemoteFailure::Malformed)?;
            read(answer).ok_or(RemoteFailure::Malformed)
        });
        read.inspect_err(|failure| self.record(path, *failure))
    }

    async fn post(
        &self,
        path: &str,
        body: &(impl Serialize + Sync),
        idempotency_key: Option<&str>,
    ) -> Result<Vec<u8>, RemoteFailure> {
        let body = serde_json::to_vec(body).map_err(|_| RemoteFailure::Malformed)?;
        let url = format!("{}{path}", self.address.url.as_str());
        let mut request = self.client.post(url).header(CONTENT_TYPE, "application/json").body(body);
        if let Some(token) = &self.address.token {
            let value = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()));
            let mut value = value.map_err(|_| RemoteFailure::Unreachable)?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        if let Some(key) = idempotency_key {
            request = request.header(IDEMPOTENCY_KEY, key);
        }
        let response = request.send().await.map_err(|error| failure(&error))?;
        if !response.status().is_success() {
            return Err(RemoteFailure::Status(response.status().as_u16()));
        }
        read_body(response).await
    }

    /// Logs the first failure, and then one line a minute.
    fn record(&self, path: &str, failure: RemoteFailure) {
        let due = self.failures.lock().record(self.since_start.elapsed());
        if let Some(failures) = due {
            let setting = self.setting;
            tracing::warn!(setting, path, failures, "a service failed: {failure}");
        }
    }
}

async fn read_body(mut response: Response) -> Result<Vec<u8>, RemoteFailure> {
    let mut body = Vec::new();
    while let Some(bytes) = response.chunk().await.map_err(|error| failure(&error))? {
        if body.len() + bytes.len() > MAX_ANSWER_BYTES {
            return Err(RemoteFailure::Malformed);
        }
        body.extend_from_slice(&bytes);
    }
    Ok(body)
}

/// The text of the error is not used, because it has the address.
fn failure(error: &reqwest::Error) -> RemoteFailure {
    if error.is_timeout() { RemoteFailure::TimedOut } else { RemoteFailure::Unreachable }
}
