//! [`GatewayRequest`]: a request for an answer, whichever way it came in.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::gateway::money::MicroCredits;
use crate::gateway::provider::request::{MessagesHeaders, RequestBody};
use crate::kernel::id::{IdHasher, Realm, UserId};
use crate::kernel::principal::{Owner, Principal, PrincipalConfirmation, PrincipalRole, Rejected};

/// The name that chooses the provider by the model.
pub const AUTO_PROVIDER: &str = "auto";

/// A user, whose account pays.
#[derive(Clone, Debug)]
pub struct GatewayCaller {
    pub account: UserId,
    /// The name of the user.
    pub owner: Owner,
    pub role: PrincipalRole,
    /// Confirms the credential before each request. `None` if that needs no one.
    pub confirmation: Option<Arc<dyn PrincipalConfirmation>>,
}

impl GatewayCaller {
    /// The user that a principal is. `None` if it owns nothing.
    #[must_use]
    pub fn of(principal: &Principal, ids: &IdHasher) -> Option<Self> {
        let owner = principal.owner()?;
        let known = principal.chat_user();
        let account = known.unwrap_or_else(|| ids.user_id(Realm::Owner, owner.as_str()));
        let confirmation = principal.confirmation().cloned();
        Some(Self { account, owner: owner.clone(), role: principal.role(), confirmation })
    }

    /// Confirms the credential, if the authentication service has to.
    ///
    /// # Errors
    /// Returns [`Rejected`] if the service refuses it, or does not answer.
    pub async fn confirm(&self) -> Result<(), Rejected> {
        match &self.confirmation {
            Some(confirmation) => confirmation.confirm().await,
            None => Ok(()),
        }
    }
}

/// Whether the body of a request asks for more than one answer, which only OpenAI's format of HTTP has.
#[must_use]
pub fn asks_for_several_answers(body: &Map<String, Value>) -> bool {
    body.get("n").and_then(Value::as_f64).is_some_and(|answers| answers > 1.0)
}

/// A request for an answer. `Debug` hides its content.
#[derive(Clone)]
pub struct GatewayRequest {
    pub body: RequestBody,
    pub headers: MessagesHeaders,
    /// The name of a provider, or [`AUTO_PROVIDER`].
    pub provider: String,
    pub model: String,
    /// Models to try after `model`, in order.
    pub fallback: Vec<String>,
    pub stream: bool,
    /// The length of the answer in tokens that the caller allows. `None` for the default.
    pub max_output_tokens: Option<u64>,
    /// The most that the answer may cost.
    pub budget: Option<MicroCredits>,
    pub idempotency_key: Option<String>,
}

impl GatewayRequest {
    /// A hash of everything that the answer depends on.
    #[must_use]
    pub fn body_hash(&self) -> [u8; 32] {
        let (RequestBody::Chat(body) | RequestBody::Messages(body)) = &self.body;
        let format = format!("{:?}", self.body.format());
        let fields = serde_json::json!([
            format,
            body,
            self.provider,
            self.model,
            self.fallback,
            self.max_output_tokens,
            self.budget,
        ]);
        Sha256::digest(fields.to_string().as_bytes()).into()
    }
}

impl fmt::Debug for GatewayRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatewayRequest").field("body", &self.body).finish_non_exhaustive()
    }
}
