//! [`GraphApi`] sends one message per request to Meta's Graph API, and classifies the response.
//!
//! Retries belong to the courier and must not happen here. To handle another error code, add it to
//! [`RETRYABLE_CODES`] or [`ACCESS_CODES`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::header::RETRY_AFTER;
use reqwest::{Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};

use super::webhook::{DeliveryFailure, Recipient};
use crate::transport::channels::outbound::{OutboundClient, SendPolicy};
use crate::transport::ops::metrics::{Metrics, OutboundTarget, SendOutcome};

/// The reason why a message was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// The message may be sent later: after this delay, if the API asked for one.
    RetryLater(Option<Duration>),
    /// No message can be sent until the user writes again.
    Rejected,
}

/// Error codes of temporary failures: application, account and pair limits, and internal errors.
const RETRYABLE_CODES: &[i64] =
    &[1, 2, 4, 80_007, 130_429, 131_000, 131_016, 131_048, 131_056, 131_057, 133_004];
/// Error codes that concern the operator's access, not the user or the message.
const ACCESS_CODES: &[i64] = &[0, 3, 10, 190, 131_005, 131_031, 131_042, 131_045, 133_010];

/// Error code of an app in development that is not allowed to write to this user.
const RECIPIENT_NOT_ALLOWED: i64 = 131_030;

/// Sends messages from one phone number.
pub struct GraphApi {
    http: OutboundClient,
    /// `{base}/{phone number id}/messages`.
    url: String,
    token: SecretString,
    send_policy: SendPolicy,
    /// Ticks when the next request to any user may be sent.
    send_ticks: Mutex<Interval>,
    metrics: Arc<Metrics>,
    /// Whether a warning about denied access was logged since the last success.
    access_warned: AtomicBool,
}

impl GraphApi {
    /// Must be called within a tokio runtime.
    #[must_use]
    pub fn new(
        http: OutboundClient,
        url: String,
        token: SecretString,
        send_policy: SendPolicy,
        metrics: Arc<Metrics>,
    ) -> Self {
        let mut send_ticks = interval(send_policy.global_interval.max(Duration::from_micros(1)));
        send_ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let access_warned = AtomicBool::new(false);
        Self {
            http,
            url,
            token,
            send_policy,
            send_ticks: Mutex::new(send_ticks),
            metrics,
            access_warned,
        }
    }

    /// Sends a text of at most 4,096 characters, in one attempt, and returns Meta's id of the
    /// message if the response has one. An interrupted attempt may have arrived.
    ///
    /// # Errors
    /// Returns [`SendError`] if the API did not accept the message.
    pub async fn send(&self, to: &Recipient, text: &str) -> Result<Option<String>, SendError> {
        let result = timeout(self.send_policy.attempt_timeout, self.attempt(to, text)).await;
        let result = result.unwrap_or(Err(SendError::RetryLater(None)));
        self.record(result.as_ref().err().copied());
        result
    }

    /// Classifies the failure of a message that the API had accepted.
    pub fn delivery_failed(&self, failure: DeliveryFailure) -> SendError {
        let error = self.classify(StatusCode::OK, failure.code, None);
        self.record(Some(error));
        error
    }

    fn record(&self, error: Option<SendError>) {
        let outcome = match error {
            None => SendOutcome::Ok,
            Some(SendError::RetryLater(_)) => SendOutcome::Later,
            Some(SendError::Rejected) => SendOutcome::Refused,
        };
        self.metrics.record_send(OutboundTarget::WhatsApp, outcome);
    }

    /// Returns when the next request may be sent.
    async fn next_slot(&self) {
        self.send_ticks.lock().await.tick().await;
    }

    async fn attempt(&self, to: &Recipient, text: &str) -> Result<Option<String>, SendError> {
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
        let _slot = self.http.slot().await;
        let response = request.json(&message).send().await.map_err(|error| {
            self.http.log_failure(OutboundTarget::WhatsApp, &error);
            SendError::RetryLater(None)
        })?;
        let status = response.status();
        let retry_after = retry_after(&response);
        let body = response.json::<Value>().await.unwrap_or_default();
        if status.is_success() {
            self.access_warned.store(false, Ordering::Relaxed);
            let id = body.pointer("/messages/0/id").and_then(Value::as_str);
            return Ok(id.map(str::to_owned));
        }
        let code = body.pointer("/error/code").and_then(Value::as_i64);
        Err(self.classify(status, code, retry_after))
    }

    fn classify(
        &self,
        status: StatusCode,
        code: Option<i64>,
        retry_after: Option<Duration>,
    ) -> SendError {
        let is_in = |codes: &[i64]| code.is_some_and(|code| codes.contains(&code));
        let permission = code.is_some_and(|code| (200..300).contains(&code));
        let unauthorized = status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN;
        if is_in(RETRYABLE_CODES)
            || status == StatusCode::TOO_MANY_REQUESTS
            || status.is_server_error()
        {
            return SendError::RetryLater(retry_after);
        }
        let access_denied = is_in(ACCESS_CODES) || permission || unauthorized;
        let needs_warning = access_denied || code == Some(RECIPIENT_NOT_ALLOWED);
        if needs_warning && !self.access_warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                status = status.as_u16(),
                code,
                "the WhatsApp API denied access: check WHATSAPP_TOKEN, WHATSAPP_PHONE_NUMBER_ID and the Meta app's allowed recipients"
            );
        }
        if access_denied {
            return SendError::RetryLater(retry_after);
        }
        tracing::debug!(status = status.as_u16(), code, "the WhatsApp API rejected a message");
        SendError::Rejected
    }
}

/// The seconds of a `Retry-After` header. `None` for a date, which is not supported.
fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn whatsapp_sends_at_most_eighty_requests_per_second() {
        let http = OutboundClient::new(None).expect("root certificates");
        let (url, token) = (String::new(), String::new().into());
        let metrics = Arc::new(Metrics::default());
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
