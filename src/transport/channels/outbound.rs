//! What channels that send requests of their own share: the client, how fast they may be, and the
//! pause after a request, longer each time it failed.
//!
//! Pauses are slept through in [`Pause::over`], before items are taken on lease.

use std::time::Duration;

use parking_lot::Mutex;
use rand::RngExt;
use rand::rngs::StdRng;
use reqwest::Client;
use reqwest::redirect::Policy;
use tokio::time::sleep;

/// How fast requests may go out.
#[derive(Clone, Copy, Debug)]
pub struct SendPolicy {
    /// For one attempt to send, which must end before [`crate::connect::lobby::inbox::LEASE_TIME`] does.
    pub attempt_timeout: Duration,
    /// Between two messages to one person on WhatsApp (else error 131056).
    pub per_user_interval: Duration,
    /// Between two messages to anybody on WhatsApp (else error 130429: more than 80 in a second).
    pub global_interval: Duration,
    /// After a first failure; doubled after each further one.
    pub initial_backoff: Duration,
    /// The longest pause after a failure.
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

/// A client that goes nowhere but to the address it is given.
///
/// # Errors
/// When the system has no certificates to trust.
pub fn http_client() -> Result<Client, reqwest::Error> {
    Client::builder().redirect(Policy::none()).build()
}

/// The pause before the next request to one person.
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

    /// Returns when the pause is over.
    pub async fn wait(&self) {
        let left = self.state.lock().delay;
        if !left.is_zero() {
            sleep(left).await;
            self.state.lock().delay = Duration::ZERO;
        }
    }

    /// After a request that went well, the next may follow in `pause`.
    pub fn on_success(&self, pause: Duration) {
        let mut state = self.state.lock();
        (state.delay, state.failures) = (pause, 0);
    }

    /// After one that did not, it may not for longer each time, and for no less than was asked for.
    pub fn on_failure(&self, asked: Option<Duration>) {
        let mut state = self.state.lock();
        let doubled = self.policy.initial_backoff.saturating_mul(1 << state.failures.min(16));
        // Those who failed together shall not all come again at the same moment.
        let part = state.rng.random_range(0.5..=1.0);
        let pause = doubled.min(self.policy.max_backoff).mul_f64(part);
        state.delay = pause.max(asked.unwrap_or_default().min(self.policy.max_backoff));
        state.failures = state.failures.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::clock::seeded_rng;

    #[test]
    fn backoff_doubles_up_to_the_maximum_and_resets_on_success() {
        let pace = SendPolicy::default();
        let pause = Backoff::new(pace, seeded_rng());
        let left = || pause.state.lock().delay;
        for failures in 0..40 {
            pause.on_failure(None);
            let most =
                pace.initial_backoff.saturating_mul(1 << failures.min(16)).min(pace.max_backoff);
            assert!((most / 2..=most).contains(&left()), "{failures}: {:?}", left());
        }
        pause.on_success(pace.per_user_interval);
        assert_eq!(left(), pace.per_user_interval);
        pause.on_failure(None);
        assert!(left() <= pace.initial_backoff);
    }

    #[test]
    fn backoff_honors_retry_after_within_bounds() {
        let pause = Backoff::new(SendPolicy::default(), seeded_rng());
        pause.on_failure(Some(Duration::from_secs(30)));
        assert_eq!(pause.state.lock().delay, Duration::from_secs(30));
        pause.on_failure(Some(Duration::from_secs(1_000_000)));
        assert_eq!(pause.state.lock().delay, SendPolicy::default().max_backoff);
    }

    #[tokio::test(start_paused = true)]
    async fn backoff_restarts_when_cancelled() {
        let pause = Backoff::new(SendPolicy::default(), seeded_rng());
        pause.on_success(Duration::from_secs(6));
        let within = |secs| tokio::time::timeout(Duration::from_secs(secs), pause.wait());
        assert!(within(5).await.is_err());
        assert!(within(5).await.is_err());
        assert!(within(7).await.is_ok());
        assert!(within(0).await.is_ok());
    }
}
