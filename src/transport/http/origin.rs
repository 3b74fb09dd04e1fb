//! [`OriginPolicy`]: which web pages may send requests, by the `Origin` header, and the CORS headers
//! that let a browser show them the answers.
//!
//! A browser sends requests of any page, also to a server that only this machine or network can
//! reach. MCP requires servers to check the header against DNS rebinding, where a page of another
//! site has a name that resolves to this server. Callers that are no browser send no such header.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, Method, Request, Response, StatusCode, Uri, header};
use axum::response::IntoResponse;
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::host::{is_listed, named_host};
use super::receipts::ReceiptBody;

/// Maximum time that a browser remembers the answer to a preflight. Chromium's maximum.
const PREFLIGHT_TTL: Duration = Duration::from_secs(2 * 60 * 60);

const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");

/// Headers that MCP clients send.
const REQUEST_HEADERS: [HeaderName; 9] = [
    header::AUTHORIZATION,
    header::CONTENT_TYPE,
    header::ACCEPT,
    header::CACHE_CONTROL,
    HeaderName::from_static("last-event-id"),
    SESSION_ID,
    PROTOCOL_VERSION,
    HeaderName::from_static("mcp-method"),
    HeaderName::from_static("mcp-name"),
];

/// Headers of answers that MCP clients read.
const RESPONSE_HEADERS: [HeaderName; 4] =
    [SESSION_ID, PROTOCOL_VERSION, header::WWW_AUTHENTICATE, header::RETRY_AFTER];

/// The origins whose pages may send requests.
pub struct OriginPolicy {
    allowed_origins: Vec<String>,
    allowed_hosts: Option<Vec<String>>,
    cors: CorsLayer,
}

impl OriginPolicy {
    /// Allows `allowed_origins` and this server's origins: an IP
    /// address, `localhost` or one of `allowed_hosts`, if the request names the same host and port.
    #[must_use]
    pub fn new(allowed_origins: &[String], allowed_hosts: Option<Vec<String>>) -> Self {
        let allowed_origins = allowed_origins.iter().map(|origin| normalized(origin)).collect();
        let cors = CorsLayer::new()
            .allow_origin(AllowOrigin::mirror_request())
            .allow_methods([Method::GET, Method::POST, Method::DELETE])
            .allow_headers(REQUEST_HEADERS)
            .expose_headers(RESPONSE_HEADERS)
            .max_age(PREFLIGHT_TTL);
        Self { allowed_origins, allowed_hosts, cors }
    }

    /// Adds the CORS headers of an allowed page to the answers of a service, and answers preflights.
    pub const fn cors(&self) -> &CorsLayer {
        &self.cors
    }

    /// The 403 response to a request of a page of a foreign origin. `None` if the page is allowed.
    pub fn rejection(&self, headers: &HeaderMap, uri: &Uri) -> Option<Response<ReceiptBody>> {
        let mut origins = headers.get_all(header::ORIGIN).iter();
        let is_allowed =
            match (origins.next().and_then(|value| value.to_str().ok()), origins.next()) {
                (Some(origin), None) => {
                    let origin = normalized(origin);
                    self.allowed_origins.contains(&origin) || self.is_own(&origin, headers, uri)
                }
                _ => false,
            };
        let message = "Forbidden: this origin is not allowed, see ALLOWED_ORIGINS\n";
        let forbidden = || (StatusCode::FORBIDDEN, message).into_response().map(ReceiptBody::from);
        (!is_allowed).then(forbidden)
    }

    /// Returns `true` if a page of `origin` comes from this server. A DNS name proves that only if it
    /// is one of `allowed_hosts`, because any name may resolve to this server's address.
    fn is_own(&self, origin: &str, headers: &HeaderMap, uri: &Uri) -> bool {
        let Some((scheme, authority)) = origin.split_once("://") else { return false };
        let Some(host) = named_host(headers, uri) else { return false };
        let host = without_default_port(scheme, host);
        if !matches!(scheme, "http" | "https") || !authority.eq_ignore_ascii_case(host) {
            return false;
        }
        let name = authority.rsplit_once(':').filter(|(name, _)| !name.ends_with(':'));
        let name = name.map_or(authority, |(name, _)| name);
        let is_ipv6 = authority.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        name == "localhost"
            || name.parse::<Ipv4Addr>().is_ok()
            || is_ipv6.is_some_and(|(address, _)| address.parse::<Ipv6Addr>().is_ok())
            || self.allowed_hosts.as_deref().is_some_and(|allowed| is_listed(allowed, host))
    }
}

/// Returns `true` if a request asks whether another one may be sent.
pub fn is_preflight<B>(request: &Request<B>) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// An origin in lower case, without the default port of its scheme.
fn normalized(origin: &str) -> String {
    let origin = origin.to_ascii_lowercase();
    match origin.split_once("://") {
        Some((scheme, authority)) => {
            format!("{scheme}://{}", without_default_port(scheme, authority))
        }
        None => origin,
    }
}

fn without_default_port<'a>(scheme: &str, authority: &'a str) -> &'a str {
    let port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return authority,
    };
    authority.strip_suffix(port).unwrap_or(authority)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(origin: &str, host: &str) -> bool {
        let allowed_origins = vec!["https://app.example".to_owned()];
        let hosts = vec!["chat.example".to_owned()];
        let policy = OriginPolicy::new(&allowed_origins, Some(hosts));
        let value = |text: &str| text.parse().expect("valid header value");
        let headers =
            HeaderMap::from_iter([(header::ORIGIN, value(origin)), (header::HOST, value(host))]);
        policy.rejection(&headers, &Uri::from_static("/mcp")).is_none()
    }

    #[test]
    fn origin_is_allowed_if_listed_or_own() {
        for (origin, host) in [
            ("https://app.example", "anything"),
            ("HTTPS://App.Example:443", "anything"),
            ("http://127.0.0.1:8086", "127.0.0.1:8086"),
            ("http://127.0.0.1", "127.0.0.1:80"),
            ("http://localhost:8086", "LOCALHOST:8086"),
            ("http://[::1]:8086", "[::1]:8086"),
            ("http://[::1]", "[::1]"),
            ("https://chat.example", "chat.example"),
            ("https://chat.example:8443", "chat.example:8443"),
        ] {
            assert!(allows(origin, host), "{origin} {host}");
        }
    }

    #[test]
    fn origin_of_another_site_is_foreign() {
        for (origin, host) in [
            ("http://app.example", "anything"),
            ("https://app.example.evil", "anything"),
            ("https://app.example:444", "anything"),
            ("null", "127.0.0.1:8086"),
            ("", "127.0.0.1:8086"),
            ("file://", "127.0.0.1:8086"),
            ("http://127.0.0.1:3000", "127.0.0.1:8086"),
            ("http://localhost:8086", "127.0.0.1:8086"),
            ("http://evil.example:8086", "evil.example:8086"),
            ("http://127.0.0.1.evil:8086", "127.0.0.1.evil:8086"),
            ("http://localhost.evil", "localhost.evil"),
            ("http://chat.example.evil", "chat.example.evil"),
            ("chrome-extension://127.0.0.1", "127.0.0.1"),
        ] {
            assert!(!allows(origin, host), "{origin} {host}");
        }
    }

    #[test]
    fn origin_named_twice_is_foreign() {
        let policy = OriginPolicy::new(&["https://app.example".to_owned()], None);
        let origin = || (header::ORIGIN, "https://app.example".parse().expect("valid"));
        let headers: HeaderMap = [origin()].into_iter().collect();
        assert!(policy.rejection(&headers, &Uri::default()).is_none());
        let mut twice = headers;
        let (name, value) = origin();
        twice.append(name, value);
        assert!(policy.rejection(&twice, &Uri::default()).is_some());
    }
}
