//! [`Gate`] admits requests by bearer token, compared in constant time, and optionally by host
//! name.
//!
//! A browser can set no header of a WebSocket except its list of subprotocols. For an upgrade to a
//! WebSocket the token may be there, as `mcp.bearer.` followed by its bytes in hex. A token is never
//! read from a URL, because URLs are stored and logged along the way.

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use metrics::Counter;
use tower_http::validate_request::{ValidateRequest, ValidateRequestHeaderLayer};

use super::host::{is_listed, named_host};
use crate::kernel::token::AuthTokens;

/// The challenge to a request without a token.
const CHALLENGE: &str = "Bearer realm=\"random-connect\"";
/// The challenge to a request with another token.
const CHALLENGE_INVALID_TOKEN: &str = "Bearer realm=\"random-connect\", error=\"invalid_token\", error_description=\"The token is not valid for this path\"";

/// The tokens and host names that a request needs.
#[derive(Clone)]
pub struct Gate {
    pub tokens: AuthTokens,
    /// Lower-case host names, with or without a port. `None` admits any host.
    pub allowed_hosts: Option<Vec<String>>,
    /// Counts requests without a valid token.
    pub refused_logins: Counter,
}

/// A middleware that answers 401 or 403 unless `gate` admits the request.
#[must_use]
pub fn require_token(gate: Arc<Gate>) -> ValidateRequestHeaderLayer<GateLayer> {
    ValidateRequestHeaderLayer::custom(GateLayer { gate, is_websocket: false })
}

/// [`require_token`] for a WebSocket, whose token may be one of the subprotocols.
#[must_use]
pub fn require_websocket_token(gate: Arc<Gate>) -> ValidateRequestHeaderLayer<GateLayer> {
    ValidateRequestHeaderLayer::custom(GateLayer { gate, is_websocket: true })
}

/// [`Gate`] as the validator of a middleware.
#[derive(Clone)]
pub struct GateLayer {
    gate: Arc<Gate>,
    is_websocket: bool,
}

impl<B> ValidateRequest<B> for GateLayer {
    type ResponseBody = Body;

    fn validate(&mut self, request: &mut Request<B>) -> Result<(), Response> {
        let (headers, uri) = (request.headers(), request.uri());
        let rejection = if self.is_websocket {
            self.gate.check(&websocket_bearer(headers), headers, uri)
        } else {
            self.gate.rejection(headers, uri)
        };
        rejection.map_or(Ok(()), Err)
    }
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
    /// The 401 or 403 response to a request. `None` if the request is admitted.
    pub fn rejection(&self, headers: &HeaderMap, uri: &Uri) -> Option<Response> {
        self.check(bearer(headers), headers, uri)
    }

    fn check(&self, token: &[u8], headers: &HeaderMap, uri: &Uri) -> Option<Response> {
        if !self.tokens.verify(token) {
            self.refused_logins.increment(1);
            // RFC 6750, section 3.1: a request without a token gets no error code.
            let challenge = if token.is_empty() { CHALLENGE } else { CHALLENGE_INVALID_TOKEN };
            let challenge = [(header::WWW_AUTHENTICATE, challenge)];
            let message = "Unauthorized: send a valid bearer token\n";
            return Some((StatusCode::UNAUTHORIZED, challenge, message).into_response());
        }
        let message = "Forbidden: this host name is not allowed\n";
        let forbidden = || (StatusCode::FORBIDDEN, message).into_response();
        (!self.is_allowed_host(headers, uri)).then(forbidden)
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
            tokens: AuthTokens::parse("token").expect("valid token"),
            allowed_hosts: hosts.map(|hosts| hosts.iter().map(|host| (*host).to_owned()).collect()),
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
