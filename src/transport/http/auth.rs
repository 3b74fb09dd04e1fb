//! [`Gate`] admits requests by bearer token, and optionally by host name, and resolves their
//! [`Principal`].
//!
//! A browser can set no header of a WebSocket except its list of subprotocols. For an upgrade to a
//! WebSocket the token may be there, as `mcp.bearer.` followed by its bytes in hex. A token is never
//! read from a URL, because URLs are stored and logged along the way.

use std::borrow::Cow;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use metrics::Counter;

use super::host::{is_listed, named_host};
use crate::kernel::principal::{CredentialVerifier, Principal, Rejected};
use crate::kernel::token::AuthTokens;

/// The credentials and host names that a request needs.
#[derive(Clone)]
pub struct Gate {
    /// The fixed tokens, compared in constant time, with their principals.
    pub tokens: Vec<(AuthTokens, Arc<Principal>)>,
    /// Verifies all other tokens. `None` rejects them.
    pub verifier: Option<Arc<dyn CredentialVerifier>>,
    /// Lower-case host names, with or without a port. `None` admits any host.
    pub allowed_hosts: Option<Vec<String>>,
    /// The address of the metadata by RFC 9728, which challenges name. `None` if there are none.
    pub resource_metadata: Option<Arc<str>>,
    /// Counts requests without a valid token.
    pub refused_logins: Counter,
}

/// Answers 401 or 403 unless the gate admits the request. Puts the principal into its extensions.
pub async fn require_token(
    State(gate): State<Arc<Gate>>,
    request: Request,
    next: Next,
) -> Response {
    let admitted = gate.admit(request.headers(), request.uri()).await;
    pass_on(admitted, request, next).await
}

/// [`require_token`] for a WebSocket, whose token may be one of the subprotocols.
pub async fn require_websocket_token(
    State(gate): State<Arc<Gate>>,
    request: Request,
    next: Next,
) -> Response {
    let (headers, uri) = (request.headers(), request.uri());
    let admitted = gate.admit_token(&websocket_bearer(headers), headers, uri).await;
    pass_on(admitted, request, next).await
}

async fn pass_on(
    admitted: Result<Arc<Principal>, Response>,
    mut request: Request,
    next: Next,
) -> Response {
    match admitted {
        Ok(principal) => {
            request.extensions_mut().insert(principal);
            next.run(request).await
        }
        Err(rejection) => rejection,
    }
}

/// The 401 response to a request whose credential is not accepted. `metadata` is the address by RFC 9728.
pub fn unauthorized(rejected: Rejected, metadata: Option<&str>) -> Response {
    // RFC 6750, section 3.1: a request without a token gets no error code.
    let error = match rejected {
        Rejected::Missing => String::new(),
        cause => format!(", error=\"invalid_token\", error_description=\"{cause}\""),
    };
    let metadata = metadata.map(|url| format!(", resource_metadata=\"{url}\"")).unwrap_or_default();
    let challenge = format!("Bearer realm=\"random-connect\"{error}{metadata}");
    let message = "Unauthorized: send a valid bearer token\n";
    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)], message).into_response()
}

/// The token of the `Authorization: Bearer` header. Empty, which never equals a token, without one.
pub fn bearer(headers: &HeaderMap) -> &[u8] {
    let value = headers.get(header::AUTHORIZATION).map_or(&[][..], HeaderValue::as_bytes);
    match value.split_at_checked(b"bearer ".len()) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case(b"bearer ") => token.trim_ascii(),
        _ => &[],
    }
}

/// The token of an upgrade to a WebSocket without an `Authorization` header is one of its
/// subprotocols.
fn websocket_bearer(headers: &HeaderMap) -> Cow<'_, [u8]> {
    let upgrade = headers.get(header::UPGRADE).map_or(&[][..], HeaderValue::as_bytes);
    if headers.contains_key(header::AUTHORIZATION) || !upgrade.eq_ignore_ascii_case(b"websocket") {
        return Cow::Borrowed(bearer(headers));
    }
    Cow::Owned(bearer_from_protocols(headers).unwrap_or_default())
}

/// The decoded `mcp.bearer.<hex>` among the requested WebSocket subprotocols.
fn bearer_from_protocols(headers: &HeaderMap) -> Option<Vec<u8>> {
    let protocols = headers.get(header::SEC_WEBSOCKET_PROTOCOL)?.to_str().ok()?;
    let mut tokens =
        protocols.split(',').filter_map(|name| name.trim().strip_prefix("mcp.bearer."));
    let digits = tokens.next()?.as_bytes();
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    // Two hex digits always fit into a byte.
    let byte = |pair: &[u8]| match pair {
        [high, low] => u8::try_from(digit(high)? * 16 + digit(low)?).ok(),
        _ => None,
    };
    digits.chunks(2).map(byte).collect()
}

impl Gate {
    /// The principal of a request.
    ///
    /// # Errors
    /// Returns the response to a request that is not admitted.
    pub async fn admit(&self, headers: &HeaderMap, uri: &Uri) -> Result<Arc<Principal>, Response> {
        self.admit_token(bearer(headers), headers, uri).await
    }

    /// The principal of a request with `token`, wherever the request has it.
    ///
    /// # Errors
    /// Returns the response to a request that is not admitted.
    pub async fn admit_token(
        &self,
        token: &[u8],
        headers: &HeaderMap,
        uri: &Uri,
    ) -> Result<Arc<Principal>, Response> {
        let principal = self.identify(token).await.map_err(|rejected| self.rejection(rejected))?;
        if self.is_allowed_host(headers, uri) {
            return Ok(principal);
        }
        let message = "Forbidden: this host name is not allowed\n";
        Err((StatusCode::FORBIDDEN, message).into_response())
    }

    /// The principal that `token` proves.
    ///
    /// # Errors
    /// Returns [`Rejected`] if it proves none.
    pub async fn identify(&self, token: &[u8]) -> Result<Arc<Principal>, Rejected> {
        if token.is_empty() {
            return Err(Rejected::Missing);
        }
        let mut known = None;
        // Compares every token; stopping at the first match would reveal how many there are before it.
        for (tokens, principal) in &self.tokens {
            known = tokens.verify(token).then_some(principal).or(known);
        }
        match (known, &self.verifier) {
            (Some(principal), _) => Ok(Arc::clone(principal)),
            // Boxed, because every request would otherwise reserve its size.
            (None, Some(verifier)) => verifier.verify(token).await,
            (None, None) => Err(Rejected::Invalid),
        }
    }

    /// The response to a request whose token is rejected. Counts it, unless it may be valid.
    pub fn rejection(&self, rejected: Rejected) -> Response {
        if rejected == Rejected::Unavailable {
            let message = format!("{rejected}\n");
            let retry = [(header::RETRY_AFTER, "5")];
            return (StatusCode::SERVICE_UNAVAILABLE, retry, message).into_response();
        }
        self.refused_logins.increment(1);
        unauthorized(rejected, self.resource_metadata.as_deref())
    }

    fn is_allowed_host(&self, headers: &HeaderMap, uri: &Uri) -> bool {
        let Some(allowed) = &self.allowed_hosts else { return true };
        named_host(headers, uri).is_some_and(|host| is_listed(allowed, host))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().expect("valid header value"))])
    }

    #[test]
    fn auth_bearer_scheme_is_case_insensitive() {
        for value in ["Bearer abc", "bearer abc", "BEARER  abc "] {
            assert_eq!(bearer(&headers(header::AUTHORIZATION, value)), b"abc");
        }
        for value in ["abc", "Basic abc", "Bearer", "Bearer "] {
            assert_eq!(bearer(&headers(header::AUTHORIZATION, value)), b"");
        }
    }

    #[test]
    fn auth_websocket_token_comes_from_subprotocol() {
        let upgrade = |value| {
            let mut headers = headers(header::SEC_WEBSOCKET_PROTOCOL, value);
            headers.insert(header::UPGRADE, HeaderValue::from_static("WebSocket"));
            headers
        };
        let read = |value| websocket_bearer(&upgrade(value)).into_owned();
        assert_eq!(read("mcp, mcp.bearer.616263"), b"abc");
        assert_eq!(read("mcp.bearer.612D7e,mcp"), b"a-~");
        for value in ["mcp", "mcp.bearer.", "mcp.bearer.6", "mcp.bearer.6x", "bearer.616263"] {
            assert_eq!(read(value), b"", "{value}");
        }
        let no_upgrade = headers(header::SEC_WEBSOCKET_PROTOCOL, "mcp.bearer.616263");
        assert_eq!(&*websocket_bearer(&no_upgrade), b"");
        let mut both = upgrade("mcp.bearer.616263");
        both.insert(header::AUTHORIZATION, "Bearer other".parse().expect("valid header value"));
        assert_eq!(&*websocket_bearer(&both), b"other");
    }

    #[test]
    fn auth_allowed_hosts_match_with_any_port() {
        let gate = |hosts: Option<&[&str]>| Gate {
            tokens: Vec::new(),
            verifier: None,
            allowed_hosts: hosts.map(|hosts| hosts.iter().map(|host| (*host).to_owned()).collect()),
            resource_metadata: None,
            refused_logins: Counter::noop(),
        };
        let admits =
            |gate: Gate, host| gate.is_allowed_host(&headers(header::HOST, host), &Uri::default());
        assert!(admits(gate(None), "anything.example"));
        assert!(admits(gate(Some(&["chat.example"])), "Chat.Example:8086"));
        assert!(admits(gate(Some(&["chat.example:8086"])), "chat.example:8086"));
        assert!(admits(gate(Some(&["[::1]"])), "[::1]:8086"));
        assert!(!admits(gate(Some(&["chat.example:8086"])), "chat.example:1"));
        assert!(!admits(gate(Some(&["chat.example"])), "chat.example.evil"));
        assert!(!gate(Some(&["chat.example"])).is_allowed_host(&HeaderMap::new(), &Uri::default()));
    }
}
