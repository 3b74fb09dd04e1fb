//! The credentials of users, beside the fixed tokens of the configuration: API keys, and signed tokens
//! of this server, of an OpenID provider and of Firebase.
//!
//! The gate passes every token that it does not know to [`CredentialVerifiers`], which finds its kind by
//! its form. To add a kind, add a verifier and an arm.
//!
//! **Invariant:** no part of a token, and no name of an owner, is logged or part of an error.

pub mod api_keys;
pub mod migrations;
pub mod signed_tokens;

use std::sync::Arc;

use async_trait::async_trait;

use self::api_keys::key::API_KEY_PREFIX;
use crate::kernel::principal::{CredentialVerifier, Principal, Rejected};

/// The verifiers of a server. `None` rejects the tokens of a kind.
#[derive(Clone, Default)]
pub struct CredentialVerifiers {
    pub api_keys: Option<Arc<dyn CredentialVerifier>>,
    pub signed_tokens: Option<Arc<dyn CredentialVerifier>>,
}

#[async_trait]
impl CredentialVerifier for CredentialVerifiers {
    async fn verify(&self, token: &[u8]) -> Result<Arc<Principal>, Rejected> {
        // No signed token has the prefix: those are three parts in base64.
        let is_key = token.starts_with(API_KEY_PREFIX.as_bytes());
        let verifier = if is_key { &self.api_keys } else { &self.signed_tokens };
        match verifier {
            Some(verifier) => verifier.verify(token).await,
            None => Err(Rejected::Invalid),
        }
    }
}
