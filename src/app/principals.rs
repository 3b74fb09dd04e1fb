//! The principals of the fixed tokens of the configuration, and the verifiers of all others.

use std::sync::Arc;

use tokio_util::task::AbortOnDropHandle;

use super::channels::NoHttpClient;
use crate::config::Config;
use crate::config::credentials::CredentialsConfig;
use crate::credentials::CredentialVerifiers;
use crate::credentials::api_keys::service::ApiKeys;
use crate::credentials::signed_tokens::SignedTokens;
use crate::gateway::remote::tokens::{PostedTokens, TokenService};
use crate::kernel::clock::Clock;
use crate::kernel::id::IdHasher;
use crate::kernel::principal::{CredentialVerifier, Owner, Principal};
use crate::kernel::token::AuthTokens;
use crate::transport::channels::outbound::http_client;

/// The owner over standard input and output if `OWNER` is not set.
const DEFAULT_OWNER: &str = "me";

/// The tokens of callers with their principals. `auth_tokens` are those of `AUTH_TOKEN`, which are the
/// owner's too if the owner has no others.
pub(super) fn of_tokens(
    credentials: &CredentialsConfig,
    auth_tokens: AuthTokens,
    ids: &IdHasher,
) -> Vec<(AuthTokens, Principal)> {
    let CredentialsConfig { owner, owner_tokens, .. } = credentials;
    match (owner.clone(), owner_tokens.clone()) {
        (Some(owner), Some(owner_tokens)) => vec![
            (auth_tokens, Principal::connector()),
            (owner_tokens, Principal::owner_token(owner, ids)),
        ],
        (Some(owner), None) => vec![(auth_tokens, Principal::connector_of(owner))],
        (None, _) => vec![(auth_tokens, Principal::connector())],
    }
}

/// The verifiers of all other tokens; `token_service` confirms signed ones for the gateway. `None` if the configuration has no other credentials.
///
/// # Errors
/// Returns [`NoHttpClient`] if the keys of a provider can't be fetched over HTTPS.
pub(super) fn verifiers(
    api_keys: Option<&Arc<ApiKeys>>,
    config: &Config,
    ids: &IdHasher,
    clock: &Arc<dyn Clock>,
    token_service: Option<&Arc<TokenService>>,
) -> Result<Option<Arc<dyn CredentialVerifier>>, NoHttpClient> {
    let settings = &config.credentials.signed_tokens;
    let client = settings.has_provider().then(|| http_client(config.https_proxy.as_ref()));
    let client = client.transpose()?;
    let signed_tokens = settings.has_any().then(|| {
        let tokens = SignedTokens::new(settings, client, ids.clone(), Arc::clone(clock));
        let verifier = Arc::new(tokens) as Arc<dyn CredentialVerifier>;
        match token_service.cloned() {
            Some(service) => Arc::new(PostedTokens { verifier, service }),
            None => verifier,
        }
    });
    let api_keys = api_keys.map(|keys| Arc::clone(keys) as Arc<dyn CredentialVerifier>);
    let verifiers = CredentialVerifiers { api_keys, signed_tokens };
    let CredentialVerifiers { api_keys, signed_tokens } = &verifiers;
    let has_any = api_keys.is_some() || signed_tokens.is_some();
    Ok(has_any.then(|| Arc::new(verifiers) as Arc<dyn CredentialVerifier>))
}

/// The client over standard input and output.
pub(super) fn of_environment(credentials: &CredentialsConfig) -> Principal {
    let owner = credentials.owner.clone().map_or_else(|| Owner::named(DEFAULT_OWNER), Ok);
    Principal::environment(owner.expect("the default is a valid name"))
}

/// Follows the changes of keys, until the handle is dropped. Not needed over standard input and output, where
/// no key is presented.
pub(super) fn watch_keys(keys: &Arc<ApiKeys>) -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(tokio::spawn(Arc::clone(keys).run()))
}
