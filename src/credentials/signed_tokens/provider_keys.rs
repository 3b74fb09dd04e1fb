//! [`ProviderKeys`]: the current keys of a provider. One task fetches them; the verification of a token
//! waits for it if the key of the token is missing.

use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::Algorithm;
use reqwest::Url;
use serde::Deserialize;
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};
use tokio_util::task::AbortOnDropHandle;

use super::document::{Document, DocumentFetcher, FetchError};
use super::key_set::{KeySet, VerificationKey};
use super::key_state::KeyState;
use super::token_cache::TokenCache;
use super::web_address::is_safe;
use crate::kernel::clock::{Clock, Stopwatch};
use crate::kernel::failure_log::RepeatCounter;
use crate::kernel::principal::Rejected;

/// Interval between two checks whether the keys are still fresh.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// Time that a token waits for a fetch, which has two requests at most.
const MAX_WAIT: Duration = Duration::from_secs(11);

/// The place of the keys of a provider.
#[derive(Clone, Debug)]
pub(super) enum KeySource {
    /// The discovery document of this issuer names it (OpenID Connect Discovery 1.0, section 4).
    Discovery { issuer: String },
    /// This address.
    Fixed(Url),
}

#[derive(Deserialize)]
struct DiscoveryDocument {
    issuer: String,
    jwks_uri: String,
}

impl KeySource {
    /// Fetches the keys.
    async fn fetch(&self, fetcher: &DocumentFetcher) -> Result<Document, FetchError> {
        match self {
            Self::Fixed(url) => fetcher.fetch(url.clone()).await,
            Self::Discovery { issuer } => {
                let base = issuer.trim_end_matches('/');
                let url = Url::parse(&format!("{base}/.well-known/openid-configuration"));
                let url = url.map_err(|_| FetchError::Content("the issuer is no URL"))?;
                let is_local = !is_https(&url);
                let found = fetcher.fetch(url).await?;
                let found: DiscoveryDocument = serde_json::from_slice(&found.body)
                    .map_err(|_| FetchError::Content("the discovery document can't be read"))?;
                if found.issuer != *issuer {
                    return Err(FetchError::Content("the discovery document has another issuer"));
                }
                let keys = Url::parse(&found.jwks_uri).ok();
                // A provider elsewhere must not send this server to the machine that it runs on.
                let keys = keys.filter(|url| is_https(url) || (is_local && is_safe(url)));
                let keys = keys.ok_or(FetchError::Content("jwks_uri is no https:// URL"))?;
                fetcher.fetch(keys).await
            }
        }
    }
}

fn is_https(url: &Url) -> bool {
    url.scheme() == "https"
}

/// The keys of a provider. Dropping it ends its task.
pub(super) struct ProviderKeys {
    state: watch::Receiver<KeyState>,
    wanted: Arc<Notify>,
    clock: Arc<dyn Clock>,
    _upkeep: AbortOnDropHandle<()>,
}

impl ProviderKeys {
    /// Starts to fetch the keys. `setting` names the provider in the log; `verified` forgets its tokens when
    /// a key is no longer valid. Must be called within a tokio runtime.
    pub fn start(
        setting: &'static str,
        source: KeySource,
        fetcher: DocumentFetcher,
        clock: Arc<dyn Clock>,
        verified: Arc<TokenCache>,
    ) -> Self {
        let (sender, state) = watch::channel(KeyState::default());
        let wanted = Arc::new(Notify::new());
        let upkeep = KeyUpkeep {
            setting,
            source,
            fetcher,
            clock: Arc::clone(&clock),
            verified,
            state: sender,
            wanted: Arc::clone(&wanted),
            failures: RepeatCounter::default(),
            since_start: Stopwatch::start(),
        };
        let upkeep = AbortOnDropHandle::new(tokio::spawn(upkeep.run()));
        Self { state, wanted, clock, _upkeep: upkeep }
    }

    /// The key of a token whose header has this `id` and `algorithm`.
    ///
    /// # Errors
    /// Returns [`Rejected::Invalid`] if the provider has no such key, and [`Rejected::Unavailable`] if the
    /// provider does not answer.
    pub async fn find(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<VerificationKey, Rejected> {
        let (mut state, now) = (self.state.clone(), self.clock.steady());
        let (found, needs_fetch) = {
            let current = state.borrow_and_update();
            let found = current.find(id, algorithm, now);
            let needs_fetch = current.is_due(now) || (found.is_err() && current.may_fetch(now));
            (found, needs_fetch)
        };
        if !needs_fetch {
            return found;
        }
        self.wanted.notify_one();
        // The state changes after each fetch, also of one that was running before.
        let _ = timeout(MAX_WAIT, state.changed()).await;
        let (current, now) = (state.borrow(), self.clock.steady());
        current.find(id, algorithm, now)
    }
}

/// The task that fetches the keys of a provider.
struct KeyUpkeep {
    setting: &'static str,
    source: KeySource,
    fetcher: DocumentFetcher,
    clock: Arc<dyn Clock>,
    verified: Arc<TokenCache>,
    state: watch::Sender<KeyState>,
    wanted: Arc<Notify>,
    failures: RepeatCounter,
    since_start: Stopwatch,
}

impl KeyUpkeep {
    async fn run(mut self) {
        let mut is_wanted = false;
        loop {
            let now = self.clock.steady();
            let state = self.state.borrow().clone();
            if state.is_due(now) || (is_wanted && state.may_fetch(now)) {
                let next = match self.fetch().await {
                    Ok((keys, max_age)) => KeyState::fetched(keys, max_age, now),
                    Err(error) => {
                        self.log(error);
                        state.failed(now)
                    }
                };
                let loses_a_key = state.loses_a_key_to(&next);
                self.state.send_replace(next);
                if loses_a_key {
                    self.verified.clear();
                }
            }
            is_wanted = tokio::select! {
                () = self.wanted.notified() => true,
                () = sleep(CHECK_INTERVAL) => false,
            };
        }
    }

    async fn fetch(&self) -> Result<(KeySet, Option<Duration>), FetchError> {
        let Document { body, max_age } = self.source.fetch(&self.fetcher).await?;
        let keys = KeySet::read(&body).map_err(FetchError::Content)?;
        if keys.len() == 0 {
            tracing::warn!(setting = self.setting, "the provider has no key that can be used");
        }
        Ok((keys, max_age))
    }

    fn log(&mut self, error: FetchError) {
        if let Some(failures) = self.failures.record(self.since_start.elapsed()) {
            let setting = self.setting;
            tracing::warn!(setting, failures, "the keys of the provider can't be fetched: {error}");
        }
    }
}
