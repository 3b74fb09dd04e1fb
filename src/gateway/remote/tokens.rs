//! [`TokenService`]: the service of `AUTH_SERVICE_URL`, which has the last word on signed tokens that are valid here.
//!
//! [`PostedTokens`] gives the principals of signed tokens a confirmation, which every way into the gateway asks for. Other
//! toolsets do not.

use std::fmt;
use std::str::from_utf8;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use hashlink::LruCache;
use parking_lot::Mutex;
use reqwest::ClientBuilder;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::sync::Mutex as AsyncMutex;

use super::client::{RemoteAddress, RemoteClient};
use crate::kernel::clock::{Clock, Timestamp};
use crate::kernel::principal::{CredentialVerifier, Principal, PrincipalConfirmation, Rejected};

/// Time until an answer no longer counts.
const ANSWER_TIME: Duration = Duration::from_secs(60);

/// Maximum number of tokens whose answers are known.
const CAPACITY: usize = 10_000;

type TokenDigest = [u8; 32];

#[derive(Serialize)]
struct VerifyBody<'a> {
    token: &'a str,
}

#[derive(Deserialize)]
struct VerifyAnswer {
    valid: bool,
}

/// The answer for one token. The lock is held during the question, so that others wait for its answer.
#[derive(Default)]
struct TokenAnswer {
    known: AsyncMutex<Option<KnownAnswer>>,
    /// Number of questions that have ended.
    asked: AtomicU64,
}

#[derive(Clone, Copy)]
struct KnownAnswer {
    result: Result<(), Rejected>,
    since: Timestamp,
    until: Timestamp,
}

/// Asks the service. It has no token longer than the question, but its hash.
pub struct TokenService {
    client: RemoteClient,
    clock: Arc<dyn Clock>,
    answers: Mutex<LruCache<TokenDigest, Arc<TokenAnswer>>>,
}

impl TokenService {
    /// `builder` has the certificates and the proxy.
    ///
    /// # Errors
    /// Returns the error of the builder.
    pub fn new(
        address: RemoteAddress,
        builder: ClientBuilder,
        clock: Arc<dyn Clock>,
    ) -> reqwest::Result<Self> {
        let client = RemoteClient::new("AUTH_SERVICE_URL", builder, address)?;
        Ok(Self { client, clock, answers: Mutex::new(LruCache::new(CAPACITY)) })
    }

    /// Asks for a token that expires at `expires_at`, unless the answer is known. Concurrent calls ask once.
    async fn confirm(&self, token: &str, expires_at: Option<Timestamp>) -> Result<(), Rejected> {
        let digest: TokenDigest = Sha256::digest(token.as_bytes()).into();
        let answer = {
            let mut answers = self.answers.lock();
            Arc::clone(answers.entry(digest).or_insert_with(Arc::default))
        };
        let asked = answer.asked.load(Ordering::SeqCst);
        let mut known = answer.known.lock().await;
        // An answer that came during the wait is that of a question for this call too, also if it is a failure.
        let is_of_wait = answer.asked.load(Ordering::SeqCst) != asked;
        let now = self.clock.now();
        if let Some(known) = known.filter(|known| is_of_wait || known.counts_at(now)) {
            return known.result;
        }
        let verify = VerifyBody { token };
        let result = match self.client.ask("/verify", &verify, None, Some).await {
            Ok(VerifyAnswer { valid: true }) => Ok(()),
            Ok(VerifyAnswer { valid: false }) => Err(Rejected::Refused),
            Err(_) => Err(Rejected::Unavailable),
        };
        let time = if result == Err(Rejected::Unavailable) { Duration::ZERO } else { ANSWER_TIME };
        let until = expires_at.map_or(now + time, |expiry| expiry.min(now + time));
        *known = Some(KnownAnswer { result, since: now, until });
        answer.asked.fetch_add(1, Ordering::SeqCst);
        result
    }
}

impl KnownAnswer {
    /// A clock that was set back ends the answer.
    fn counts_at(&self, now: Timestamp) -> bool {
        self.since <= now && now < self.until
    }
}

/// Verifies tokens, and has the service confirm their principals.
pub struct PostedTokens {
    pub verifier: Arc<dyn CredentialVerifier>,
    pub service: Arc<TokenService>,
}

#[async_trait]
impl CredentialVerifier for PostedTokens {
    async fn verify(&self, token: &[u8]) -> Result<Arc<Principal>, Rejected> {
        let principal = self.verifier.verify(token).await?;
        let token = from_utf8(token).map_err(|_| Rejected::Invalid)?;
        let confirmation = PostedToken {
            token: token.into(),
            expires_at: principal.validity().expires_at(),
            service: Arc::clone(&self.service),
        };
        Ok(Arc::new(Principal::clone(&principal).confirmed_by(Arc::new(confirmation))))
    }
}

/// A valid token, for as long as its request or its connection.
struct PostedToken {
    token: SecretString,
    expires_at: Option<Timestamp>,
    service: Arc<TokenService>,
}

#[async_trait]
impl PrincipalConfirmation for PostedToken {
    async fn confirm(&self) -> Result<(), Rejected> {
        self.service.confirm(self.token.expose_secret(), self.expires_at).await
    }
}

impl fmt::Debug for PostedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PostedToken(..)")
    }
}
