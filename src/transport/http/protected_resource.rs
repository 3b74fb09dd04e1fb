//! [`ProtectedResource`]: the metadata that names the authorization server of this server
//! (RFC 9728), and the challenge that asks them for a wider scope (RFC 6750).

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};

use super::refusal::not_found;

/// Time that a client may keep the metadata.
const CACHE_CONTROL: &str = "public, max-age=3600";

/// The place of the metadata, with the path of the resource behind it (RFC 9728, section 3.1).
const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// The path of the resource that challenges name.
const MCP: &str = "/mcp";

/// This server as a resource of OAuth 2.1.
#[derive(Clone, Debug)]
pub struct ProtectedResource {
    /// The address of the server, without a slash at the end.
    pub public_url: String,
    /// The issuer of the authorization server.
    pub issuer: String,
    /// The scopes that open tools or resources.
    pub scopes: Vec<String>,
}

impl ProtectedResource {
    /// The address of the metadata of `/mcp`.
    #[must_use]
    pub fn metadata_url(&self) -> Arc<str> {
        format!("{}{WELL_KNOWN}{MCP}", self.public_url).into()
    }

    /// The metadata of the resource at `path`.
    fn metadata(&self, path: &str) -> Value {
        json!({
            "resource": format!("{}{path}", self.public_url),
            "authorization_servers": [self.issuer],
            "scopes_supported": self.scopes,
            "bearer_methods_supported": ["header"],
            "resource_name": "Random Connect",
        })
    }

    /// The routes of the metadata, which need no token.
    pub fn routes(&self) -> Router {
        ["", MCP].into_iter().fold(Router::new(), |router, path| {
            let metadata = self.metadata(path).to_string();
            let answer = move || async move {
                let headers = [
                    (header::CONTENT_TYPE, "application/json"),
                    (header::CACHE_CONTROL, CACHE_CONTROL),
                ];
                (headers, metadata)
            };
            router.route(&format!("{WELL_KNOWN}{path}"), get(answer).fallback(not_found))
        })
    }
}

/// The 403 response to a call that needs `scope`. `body` answers the call, and `metadata_url` is
/// [`ProtectedResource::metadata_url`].
pub fn insufficient_scope(scope: &str, metadata_url: &str, body: String) -> Response {
    let challenge = format!(
        "Bearer realm=\"random-connect\", error=\"insufficient_scope\", scope=\"{scope}\", resource_metadata=\"{metadata_url}\""
    );
    let json = [(header::CONTENT_TYPE, "application/json")];
    let mut response = (StatusCode::FORBIDDEN, json, body).into_response();
    if let Ok(challenge) = HeaderValue::from_str(&challenge) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}
