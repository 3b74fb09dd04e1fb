//! The Graph API: one request for one message, and what its answer means.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::header::RETRY_AFTER;
use reqwest::{Client, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};

use super::webhook::Recipient;
use crate::transport::channels::outbound::SendPolicy;
use crate::transport::ops::metrics::{Metrics, OutboundTarget, SendOutcome};

/// Why a message did not go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// It may go out later, and not before this much time, where that was said.
    RetryLater(Option<Duration>),
    /// It will not, until the person writes again.
    Rejected,
}

/// Codes of the API that say "not now": application, account and pair limits, and its own failures.
const RETRYABLE_CODES: &[i64] =
    &[1, 2, 4, 80_007, 130_429, 131_000, 131_016, 131_048, 131_056, 131_057, 133_004];
/// Codes that are about the operator's access, not about the person or the message.
const ACCESS_CODES: &[i64] = &[0, 3, 10, 190, 131_005, 131_031, 131_042, 131_045, 133_010];

/// The app is in development, and the person is not among those it may write to.
const RECIPIENT_NOT_ALLOWED: i64 = 131_030;

/// Sends messages from one number.
pub struct GraphApi {
    http: Client,
    /// `{base}/{phone number id}/messages`.
    url: String,
    token: SecretString,
    send_policy: SendPolicy,
    /// Ticks when the next request to anybody may go out.
    send_ticks: Mutex<Interval>,
    metrics: Arc<Metrics>,
    /// Whether the operator has been warned that access is refused.
    access_warned: AtomicBool,
}

impl GraphApi {
    /// Call it within a tokio runtime.
    #[must_use]
    pub fn new(
        http: Client,
        url: String,
        token: SecretString,
        send_policy: SendPolicy,
        metrics: Arc<Metrics>,
    ) -> Self {
        let mut slots = interval(send_policy.global_interval.max(Duration::from_micros(1)));
        slots.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let access_warned = AtomicBool::new(false);
        Self {
            http,
            url,
            token,
            send_policy,
            send_ticks: Mutex::new(slots),
            metrics,
            access_warned,
        }
    }

    /// Sends a text of at most 4,096 characters. Makes one attempt; one that breaks off may have
    /// arrived all the same.
    ///
    /// # Errors
    /// When the API did not say that it took it.
    pub async fn send(&self, to: &Recipient, text: &str) -> Result<(), SendError> {
        let sent = timeout(self.send_policy.attempt_timeout, self.attempt(to, text)).await;
        let sent = sent.unwrap_or(Err(SendError::RetryLater(None)));
        let outcome = match sent {
            Ok(()) => SendOutcome::Ok,
            Err(SendError::RetryLater(_)) => SendOutcome::Later,
            Err(SendError::Rejected) => SendOutcome::Refused,
        };
        self.metrics.record_send(OutboundTarget::WhatsApp, outcome);
        sent
    }

    /// Returns when the next request may go out.
    async fn next_slot(&self) {
        self.send_ticks.lock().await.tick().await;
    }

    async fn attempt(&self, to: &Recipient, text: &str) -> Result<(), SendError> {
        self.next_slot().await;
        let mut message = json!({
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "type": "text",
            "text": { "preview_url": false, "body": text },
        });
        match to {
            Recipient::Number(number) => message["to"] = number.expose_secret().into(),
            Recipient::User(user) => message["recipient"] = user.expose_secret().into(),
        }
        let request = self.http.post(&self.url).bearer_auth(self.token.expose_secret());
        // What the error says may hold the address, and nothing more can be done about it.
        let answer =
            request.json(&message).send().await.map_err(|_| SendError::RetryLater(None))?;
        let status = answer.status();
        if status.is_success() {
            self.access_warned.store(false, Ordering::Relaxed);
            return Ok(());
        }
        let asked = retry_after(&answer);
        let code = answer
            .json::<Value>()
            .await
            .ok()
            .and_then(|body| body.pointer("/error/code")?.as_i64());
        Err(self.classify(status, code, asked))
    }

    fn classify(
        &self,
        status: StatusCode,
        code: Option<i64>,
        asked: Option<Duration>,
    ) -> SendError {
        let known = |codes: &[i64]| code.is_some_and(|code| codes.contains(&code));
        let permission = code.is_some_and(|code| (200..300).contains(&code));
        let unauthorized = status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN;
        if known(RETRYABLE_CODES)
            || status == StatusCode::TOO_MANY_REQUESTS
            || status.is_server_error()
        {
            return SendError::RetryLater(asked);
        }
        let access = known(ACCESS_CODES) || permission || unauthorized;
        let warns = access || code == Some(RECIPIENT_NOT_ALLOWED);
        if warns && !self.access_warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                status = status.as_u16(),
                code,
                "the WhatsApp API denied access: check WHATSAPP_TOKEN, WHATSAPP_PHONE_NUMBER_ID and the Meta app's allowed recipients"
            );
        }
        if access {
            return SendError::RetryLater(asked);
        }
        tracing::debug!(status = status.as_u16(), code, "the WhatsApp API rejected a message");
        SendError::Rejected
    }
}

/// The seconds in a `Retry-After` header; a date is not understood.
fn retry_after(answer: &Response) -> Option<Duration> {
    let seconds = answer.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn whatsapp_sends_at_most_eighty_requests_per_second() {
        let http = Client::builder().tls_certs_only([]).build().expect("a client");
        let (url, token) = (String::new(), String::new().into());
        let metrics = Arc::new(Metrics::new(std::iter::empty::<String>()));
        let graph = GraphApi::new(http, url, token, SendPolicy::default(), metrics);
        let mut sent = 0;
        let sending = async {
            loop {
                graph.next_slot().await;
                sent += 1;
            }
        };
        let Err(_) = timeout(Duration::from_millis(999), sending).await;
        assert_eq!(sent, 80);
    }
}
