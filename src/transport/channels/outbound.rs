//! [`SendPolicy`] and [`Backoff`], the timing of outbound requests, and the [`OutboundClient`] that
//! sends them.
//!
//! A channel waits in [`Backoff::wait`], before its courier leases items, because a lease expires.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rand::RngExt;
use rand::rngs::StdRng;
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, NoProxy, Proxy, RequestBuilder};
use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls_platform_verifier::BuilderVerifierExt;
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::sleep;

use crate::kernel::clock::Stopwatch;
use crate::kernel::failure_log::RepeatCounter;
use crate::transport::ops::metrics::OutboundTarget;

/// Timeouts and intervals of outbound requests.
#[derive(Clone, Copy, Debug)]
pub struct SendPolicy {
    /// Time limit of one attempt, shorter than
    /// [`LEASE_TIME`](crate::connect::lobby::inbox::LEASE_TIME).
    pub attempt_timeout: Duration,
    /// Interval between two messages to one WhatsApp user (otherwise error 131056).
    pub per_user_interval: Duration,
    /// Interval between two messages to WhatsApp (otherwise error 130429: more than 80 per second).
    pub global_interval: Duration,
    /// Backoff after the first failure, doubled by each consecutive failure.
    pub initial_backoff: Duration,
    /// Maximum backoff after a failure.
    pub max_backoff: Duration,
}

impl Default for SendPolicy {
    fn default() -> Self {
        Self {
            attempt_timeout: Duration::from_secs(7),
            per_user_interval: Duration::from_secs(6),
            global_interval: Duration::from_micros(12_500),
            initial_backoff: Duration::from_secs(2),
            max_backoff: Duration::from_secs(120),
        }
    }
}

/// Why [`http_client`] can't create a client.
#[derive(Debug, Error)]
pub enum HttpClientError {
    #[error(transparent)]
    Tls(#[from] rustls::Error),
    #[error(transparent)]
    Http(#[from] reqwest::Error),
}

/// Maximum number of concurrent requests of all channels. Others wait within the time limit of their
/// attempt.
const MAX_CONCURRENT_REQUESTS: usize = 128;
/// Maximum number of idle connections to one host.
const MAX_IDLE_PER_HOST: usize = 32;
/// The hosts that requests go to: the Graph API and the bridge.
const HOSTS: usize = 2;

/// Maximum number of sockets of [`OutboundClient`], which the limit of open files must include.
pub const MAX_OUTBOUND_SOCKETS: usize = MAX_CONCURRENT_REQUESTS + HOSTS * MAX_IDLE_PER_HOST;

/// Sends the requests of all channels. Cheap to clone; clones share the limit on concurrent
/// requests.
#[derive(Clone)]
pub struct OutboundClient {
    client: Client,
    slots: Arc<Semaphore>,
    failures: Arc<Mutex<RepeatCounter>>,
    since_start: Stopwatch,
}

impl OutboundClient {
    /// Limits the requests of a new [`http_client`].
    ///
    /// # Errors
    /// See [`http_client`].
    pub fn new(https_proxy: Option<&SecretString>) -> Result<Self, HttpClientError> {
        let slots = Arc::new(Semaphore::new(MAX_CONCURRENT_REQUESTS));
        let (client, since_start) = (http_client(https_proxy)?, Stopwatch::start());
        Ok(Self { client, slots, failures: Arc::default(), since_start })
    }

    /// Starts a request. Hold a [`Self::slot`] until its response is read.
    pub fn post(&self, url: &str) -> RequestBuilder {
        self.client.post(url)
    }

    /// Logs that a request had no response: the first time, then once per minute with the number.
    /// The log has the kind of the error, because the text may contain the URL.
    pub fn log_failure(&self, target: OutboundTarget, error: &reqwest::Error) {
        let cause = if error.is_timeout() {
            "time limit exceeded"
        } else if error.is_connect() {
            "no connection"
        } else {
            "connection broken"
        };
        let due = self.failures.lock().record(self.since_start.elapsed());
        if let Some(failures) = due {
            tracing::warn!(?target, failures, cause, "outbound request failed");
        }
    }

    /// Waits until another request may be sent.
    pub async fn slot(&self) -> Option<SemaphorePermit<'_>> {
        // `None` is unreachable, because the semaphore is never closed.
        self.slots.acquire().await.ok()
    }
}

/// Creates a client that follows no redirects. See [`http_client_builder`].
///
/// # Errors
/// Returns an error if the system has no root certificates, or the proxy's URL is invalid.
pub fn http_client(https_proxy: Option<&SecretString>) -> Result<Client, HttpClientError> {
    Ok(http_client_builder(https_proxy)?.build()?)
}

/// Prepares a client that follows no redirects.
///
/// HTTPS requests go through `https_proxy`, if any, with CONNECT, so that the proxy sees only the name
/// of the host. Plain requests never go through a proxy, which would read them; the proxies of the
/// environment are therefore ignored.
///
/// The client names its TLS provider, because reqwest without a built-in one panics if the process
/// has installed none.
///
/// # Errors
/// Returns an error if the system has no root certificates, or the proxy's URL is invalid.
pub fn http_client_builder(
    https_proxy: Option<&SecretString>,
) -> Result<ClientBuilder, HttpClientError> {
    let mut tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    let mut client = Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .pool_max_idle_per_host(MAX_IDLE_PER_HOST)
        .tls_backend_preconfigured(tls);
    if let Some(url) = https_proxy {
        client = client.proxy(Proxy::https(url.expose_secret())?.no_proxy(NoProxy::from_env()));
    }
    Ok(client)
}

/// The delay before the next request to one user.
pub struct Backoff {
    policy: SendPolicy,
    state: Mutex<BackoffState>,
}

struct BackoffState {
    delay: Duration,
    failures: u32,
    rng: StdRng,
}

impl Backoff {
    #[must_use]
    pub fn new(policy: SendPolicy, rng: StdRng) -> Self {
        Self { policy, state: Mutex::new(BackoffState { delay: Duration::ZERO, failures: 0, rng }) }
    }

    /// Returns after the delay. A cancelled wait starts over.
    pub async fn wait(&self) {
        let delay = self.state.lock().delay;
        if !delay.is_zero() {
            sleep(delay).await;
            self.state.lock().delay = Duration::ZERO;
        }
    }

    /// Resets the backoff. The next request may follow after `delay`.
    pub fn on_success(&self, delay: Duration) {
        let mut state = self.state.lock();
        (state.delay, state.failures) = (delay, 0);
    }

    /// Doubles the delay, up to the maximum. The delay is at least `retry_after`, if the other side
    /// asked for one.
    pub fn on_failure(&self, retry_after: Option<Duration>) {
        let mut state = self.state.lock();
        let doubled = self.policy.initial_backoff.saturating_mul(1 << state.failures.min(16));
        // Jitter, so that requests that failed together are not retried together.
        let jitter = state.rng.random_range(0.5..=1.0);
        let delay = doubled.min(self.policy.max_backoff).mul_f64(jitter);
        state.delay = delay.max(retry_after.unwrap_or_default().min(self.policy.max_backoff));
        state.failures = state.failures.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::clock::seeded_rng;

    #[test]
    fn backoff_doubles_up_to_the_maximum_and_resets_on_success() {
        let policy = SendPolicy::default();
        let backoff = Backoff::new(policy, seeded_rng());
        let delay = || backoff.state.lock().delay;
        for failures in 0..40 {
            backoff.on_failure(None);
            let max = policy
                .initial_backoff
                .saturating_mul(1 << failures.min(16))
                .min(policy.max_backoff);
            assert!((max / 2..=max).contains(&delay()), "{failures}: {:?}", delay());
        }
        backoff.on_success(policy.per_user_interval);
        assert_eq!(delay(), policy.per_user_interval);
        backoff.on_failure(None);
        assert!(delay() <= policy.initial_backoff);
    }

    #[test]
    fn backoff_honors_retry_after_within_bounds() {
        let backoff = Backoff::new(SendPolicy::default(), seeded_rng());
        backoff.on_failure(Some(Duration::from_secs(30)));
        assert_eq!(backoff.state.lock().delay, Duration::from_secs(30));
        backoff.on_failure(Some(Duration::from_secs(1_000_000)));
        assert_eq!(backoff.state.lock().delay, SendPolicy::default().max_backoff);
    }

    #[tokio::test(start_paused = true)]
    async fn backoff_restarts_when_cancelled() {
        let backoff = Backoff::new(SendPolicy::default(), seeded_rng());
        backoff.on_success(Duration::from_secs(6));
        let within = |secs| tokio::time::timeout(Duration::from_secs(secs), backoff.wait());
        assert!(within(5).await.is_err());
        assert!(within(5).await.is_err());
        assert!(within(7).await.is_ok());
        assert!(within(0).await.is_ok());
    }
}
