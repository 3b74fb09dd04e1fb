//! Access tokens of an OpenID provider: this server is a resource server of OAuth 2.1, as the
//! authorization of MCP has it, and runs no authorization server.

use jsonwebtoken::Algorithm;

use super::provider::ProviderRules;
use super::provider_keys::KeySource;
use super::web_address::{issuer, public_url};
use crate::kernel::permissions::AccessPermissions;
use crate::kernel::principal::{Credential, Owner};
use crate::kernel::settings::{EchoValue, SettingsReader};

/// The algorithms of signatures. Others, and those with a shared secret, are rejected.
const ALGORITHMS: &[Algorithm] = &[Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];

/// `OIDC_ISSUER` with `PUBLIC_URL`.
#[derive(Clone, Debug)]
pub struct OpenIdSettings {
    /// The issuer of the tokens.
    pub issuer: String,
    /// The address that callers use for this server, without a slash at the end.
    pub public_url: String,
}

/// Reads `OIDC_ISSUER` and `PUBLIC_URL`. `None` if unset or invalid.
pub fn read(reader: &mut SettingsReader<'_>) -> Option<OpenIdSettings> {
    let issuer = reader.read("OIDC_ISSUER", EchoValue::Yes, issuer);
    let public_url = reader.read("PUBLIC_URL", EchoValue::Yes, public_url);
    if reader.is_set("OIDC_ISSUER") && !reader.is_set("PUBLIC_URL") {
        let expected =
            "the https:// URL of this server, which tokens of OIDC_ISSUER have as their audience";
        reader.report_missing("PUBLIC_URL", expected);
    }
    Some(OpenIdSettings { issuer: issuer?, public_url: public_url? })
}

impl OpenIdSettings {
    /// The URIs of this server as a resource (RFC 8707): that of `/mcp`, and that of the host, as clients
    /// write it.
    fn audiences(&self) -> Vec<String> {
        let paths = ["/mcp", "", "/"];
        paths.iter().map(|path| format!("{}{path}", self.public_url)).collect()
    }

    pub(super) fn rules(&self) -> ProviderRules {
        let issuer = self.issuer.clone();
        ProviderRules {
            setting: "OIDC_ISSUER",
            issuer: self.issuer.clone(),
            audiences: self.audiences(),
            algorithms: ALGORITHMS,
            keys: KeySource::Discovery { issuer: self.issuer.clone() },
            credential: Credential::Oidc,
            owner: Box::new(move |subject| Owner::oidc(&issuer, subject)),
            // A token without scopes was given none.
            permissions: |claims| AccessPermissions::scopes(claims.scopes().unwrap_or_default()),
        }
    }
}
