//! [`check_host`] and [`named_host`]: the host that a request names, exactly once.
//!
//! A request that names two hosts could pass a check of one of them and be answered, by a proxy or a
//! cache, for the other. RFC 9112 demands status 400 for it, and for a request that names none.

use axum::http::uri::Authority;
use axum::http::{HeaderMap, Request, StatusCode, Uri, Version, header};
use axum::response::{IntoResponse, Response};

/// The 400 response to a request that names no host or two. `None` if it names one, or is of
/// HTTP/1.0, which needs none.
pub fn check_host<B>(request: &Request<B>) -> Option<Response> {
    let mut headers = request.headers().get_all(header::HOST).iter();
    let (first, second) = (headers.next(), headers.next());
    let problem = match (first, request.uri().authority()) {
        _ if second.is_some() => "the request has two Host headers",
        (None, _) if request.version() > Version::HTTP_10 => "the request has no Host header",
        (Some(host), Some(target))
            if !target.as_str().as_bytes().eq_ignore_ascii_case(host.as_bytes()) =>
        {
            "the Host header differs from the request target"
        }
        (_, Some(target)) if target.as_str().contains('@') => "the request target has user data",
        _ => return None,
    };
    Some((StatusCode::BAD_REQUEST, format!("Bad request: {problem}\n")).into_response())
}

/// The host that a request names, which [`check_host`] has passed. The target of an absolute form
/// precedes the header.
pub(super) fn named_host<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Option<&'a str> {
    let target = uri.authority().map(Authority::as_str);
    target.or_else(|| headers.get(header::HOST)?.to_str().ok())
}

/// Returns `true` if `host` is one of `allowed`, which are in lower case, with any port if the entry has
/// none.
pub(super) fn is_listed(allowed: &[String], host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    let name = name.map_or(host.as_str(), |(name, _)| name);
    allowed.iter().any(|allowed| *allowed == host || allowed == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refuses(target: &str, hosts: &[&str], version: Version) -> bool {
        let mut request = Request::builder().uri(target).version(version);
        for host in hosts {
            request = request.header(header::HOST, *host);
        }
        check_host(&request.body(()).expect("a valid request")).is_some()
    }

    #[test]
    fn host_is_named_exactly_once() {
        let refuses = |target, hosts: &[&str]| refuses(target, hosts, Version::HTTP_11);
        assert!(!refuses("/mcp", &["chat.example"]));
        assert!(!refuses("http://chat.example:80/mcp", &["Chat.Example:80"]));
        assert!(refuses("/mcp", &[]));
        assert!(refuses("/mcp", &["chat.example", "chat.example"]));
        assert!(refuses("http://evil.example/mcp", &["chat.example"]));
        assert!(refuses("http://chat.example/mcp", &[]));
        assert!(refuses("http://a@chat.example/mcp", &["a@chat.example"]));
    }

    #[test]
    fn host_is_optional_in_http_1_0() {
        assert!(!refuses("/health", &[], Version::HTTP_10));
        assert!(refuses("/health", &["a", "b"], Version::HTTP_10));
    }
}
