//! [`TokenWatch`]: asks again whether the token of a socket is accepted, for as long as the socket is open.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::kernel::principal::{PrincipalConfirmation, Rejected};

/// Interval of asking.
const WATCH_INTERVAL: Duration = Duration::from_secs(60);

/// The watch over a token. Dropping it ends it.
pub struct TokenWatch {
    refused: CancellationToken,
    _task: Option<AbortOnDropHandle<()>>,
}

impl TokenWatch {
    /// Watches a token that was confirmed now. Without a confirmation, it is never refused. Call this inside a tokio
    /// runtime.
    #[must_use]
    pub fn start(confirmation: Option<&Arc<dyn PrincipalConfirmation>>) -> Self {
        let refused = CancellationToken::new();
        let task = confirmation.cloned().map(|confirmation| {
            let refused = refused.clone();
            AbortOnDropHandle::new(tokio::spawn(async move {
                loop {
                    sleep(WATCH_INTERVAL).await;
                    // Without an answer the socket stays open, and its requests are refused.
                    if confirmation.confirm().await == Err(Rejected::Refused) {
                        return refused.cancel();
                    }
                }
            }))
        });
        Self { refused, _task: task }
    }

    /// Waits until the token is refused.
    pub async fn refused(&self) {
        self.refused.cancelled().await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;
    use futures_util::FutureExt;

    use super::*;

    /// Answers in this order, the last one again and again.
    #[derive(Debug)]
    struct Answers(&'static [Result<(), Rejected>], AtomicUsize);

    #[async_trait]
    impl PrincipalConfirmation for Answers {
        async fn confirm(&self) -> Result<(), Rejected> {
            let index = self.1.fetch_add(1, Ordering::SeqCst);
            self.0[index.min(self.0.len() - 1)]
        }
    }

    #[tokio::test(start_paused = true)]
    async fn gateway_token_watch_ends_with_a_refusal_and_not_with_a_failure() {
        let results: &[_] = &[Ok(()), Err(Rejected::Unavailable), Ok(()), Err(Rejected::Refused)];
        let answers = Arc::new(Answers(results, AtomicUsize::new(0)));
        let confirmation: Arc<dyn PrincipalConfirmation> = Arc::clone(&answers) as _;
        let watch = TokenWatch::start(Some(&confirmation));
        watch.refused().await;
        assert_eq!(answers.1.load(Ordering::SeqCst), results.len());
        assert!(TokenWatch::start(None).refused().now_or_never().is_none());
    }
}
