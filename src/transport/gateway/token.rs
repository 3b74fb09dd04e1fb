//! [`socket_token`] and [`http_token`]: the places where clients of the gateway put their token.

use std::borrow::Cow;

use axum::http::{HeaderMap, HeaderValue, Uri, header};

use crate::transport::http::auth::bearer;

/// The subprotocol of this version of the messages.
pub const SUBPROTOCOL: &str = "gateway.v1";

/// A subprotocol that is followed by the token as another one, as the first clients send it.
pub const BEARER_SUBPROTOCOL: &str = "Bearer";

/// The subprotocols that the server selects, best first. A client may close if the server selects none.
pub const SUBPROTOCOLS: [&str; 2] = [SUBPROTOCOL, BEARER_SUBPROTOCOL];

/// The header that Anthropic's clients send their key in.
const API_KEY_HEADER: &str = "x-api-key";

/// The token of a request to open a socket.
#[derive(Debug, PartialEq, Eq)]
pub enum SocketToken<'a> {
    Token(Cow<'a, [u8]>),
    /// The request has a token in its URL only, and `GATEWAY_QUERY_TOKEN` is off.
    InQuery,
}

/// Finds the token of a request to open a socket: in the header, in the subprotocols, or in the query if `takes_query`.
/// It is empty if there is none.
pub fn socket_token<'a>(
    headers: &'a HeaderMap,
    uri: &'a Uri,
    takes_query: bool,
) -> SocketToken<'a> {
    if headers.contains_key(header::AUTHORIZATION) {
        return SocketToken::Token(Cow::Borrowed(bearer(headers)));
    }
    if let Some(token) = token_of_protocols(headers) {
        return SocketToken::Token(Cow::Borrowed(token.as_bytes()));
    }
    match token_of_query(uri) {
        Some(token) if takes_query => SocketToken::Token(Cow::Owned(token.into_bytes())),
        Some(_) => SocketToken::InQuery,
        None => SocketToken::Token(Cow::Borrowed(&[])),
    }
}

/// Finds the token of a request to an HTTP API: a bearer token, or the key that Anthropic's clients send.
pub fn http_token(headers: &HeaderMap) -> &[u8] {
    if headers.contains_key(header::AUTHORIZATION) {
        return bearer(headers);
    }
    headers.get(API_KEY_HEADER).map_or(&[], |key| key.as_bytes().trim_ascii())
}

/// The token in the subprotocols: `bearer.<token>`, or the one after `Bearer`, or the rest of `Bearer <token>`, which
/// is no valid name of a subprotocol, but was documented.
fn token_of_protocols(headers: &HeaderMap) -> Option<&str> {
    let lists = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).into_iter();
    let names = lists.filter_map(|list: &HeaderValue| list.to_str().ok());
    let names: Vec<_> = names.flat_map(|list| list.split(',')).map(str::trim).collect();
    let is_bearer = |name: &str| name.eq_ignore_ascii_case(BEARER_SUBPROTOCOL);
    let prefixed = names.iter().find_map(|name| name.strip_prefix("bearer."));
    let followed = || names.iter().skip_while(|name| !is_bearer(name)).nth(1).copied();
    let spaced = || {
        let parts = names.iter().filter_map(|name| name.split_once(' '));
        parts.filter(|(scheme, _)| is_bearer(scheme)).map(|(_, token)| token.trim()).next()
    };
    prefixed.or_else(followed).or_else(spaced)
}

fn token_of_query(uri: &Uri) -> Option<String> {
    let pairs = url::form_urlencoded::parse(uri.query()?.as_bytes());
    pairs.into_iter().find(|(name, _)| name == "token").map(|(_, token)| token.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(entries: &[(header::HeaderName, &'static str)]) -> HeaderMap {
        let entry = |(name, value): &(header::HeaderName, &'static str)| {
            (name.clone(), HeaderValue::from_static(value))
        };
        entries.iter().map(entry).collect()
    }

    fn found(headers: &HeaderMap, uri: &'static str, takes_query: bool) -> Option<String> {
        match socket_token(headers, &Uri::from_static(uri), takes_query) {
            SocketToken::Token(token) => Some(String::from_utf8_lossy(&token).into_owned()),
            SocketToken::InQuery => None,
        }
    }

    #[test]
    fn gateway_socket_token_comes_from_the_subprotocols() {
        for list in [
            "gateway.v1, bearer.a.b.c",
            "bearer.a.b.c,gateway.v1",
            "Bearer, a.b.c",
            "bearer,a.b.c",
            "Bearer a.b.c",
        ] {
            let headers = headers(&[(header::SEC_WEBSOCKET_PROTOCOL, list)]);
            assert_eq!(found(&headers, "/", false).as_deref(), Some("a.b.c"), "{list}");
        }
        for list in ["gateway.v1", "Bearer", "Basic, x", "bearer."] {
            let headers = headers(&[(header::SEC_WEBSOCKET_PROTOCOL, list)]);
            assert_eq!(found(&headers, "/", false).as_deref(), Some(""), "{list}");
        }
    }

    #[test]
    fn gateway_socket_token_in_the_header_wins() {
        let both = [
            (header::AUTHORIZATION, "Bearer a"),
            (header::SEC_WEBSOCKET_PROTOCOL, "gateway.v1, bearer.b"),
        ];
        assert_eq!(found(&headers(&both), "/?token=c", true).as_deref(), Some("a"));
    }

    #[test]
    fn gateway_socket_token_in_the_query_needs_the_setting() {
        assert_eq!(found(&HeaderMap::new(), "/?token=a%2Eb", true).as_deref(), Some("a.b"));
        assert_eq!(found(&HeaderMap::new(), "/?x=1&token=a", false), None);
        assert_eq!(found(&HeaderMap::new(), "/?tokens=a", false).as_deref(), Some(""));
    }

    #[test]
    fn gateway_http_token_is_a_bearer_token_or_an_api_key() {
        let key = header::HeaderName::from_static(API_KEY_HEADER);
        assert_eq!(http_token(&headers(&[(key.clone(), "k")])), b"k");
        assert_eq!(http_token(&headers(&[(header::AUTHORIZATION, "Bearer b"), (key, "k")])), b"b");
        assert_eq!(http_token(&HeaderMap::new()), b"");
    }
}
