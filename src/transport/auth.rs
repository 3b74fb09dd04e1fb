//! Who may call: a bearer token, compared in constant time, and optionally only certain hosts.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::kernel::token::AuthTokens;

/// What a request must show to be let in.
#[derive(Clone)]
pub struct Gate {
    pub tokens: AuthTokens,
    /// Host names, with or without a port, in lower case; `None` admits any.
    pub allowed_hosts: Option<Vec<String>>,
}

/// Lets a request through that has a right token and host, and answers 401 or 403 otherwise.
pub async fn require_token(
    State(gate): State<std::sync::Arc<Gate>>,
    request: Request,
    next: Next,
) -> Response {
    if !gate.tokens.admits(bearer(request.headers())) {
        let challenge = [(header::WWW_AUTHENTICATE, "Bearer")];
        return (StatusCode::UNAUTHORIZED, challenge, "Unauthorized: send a valid bearer token\n")
            .into_response();
    }
    if !gate.admits_host(request.headers(), request.uri()) {
        return (StatusCode::FORBIDDEN, "Forbidden: this host name is not allowed\n")
            .into_response();
    }
    next.run(request).await
}

/// The token of an `Authorization: Bearer` header; empty, which no token is, where there is none.
fn bearer(headers: &HeaderMap) -> &[u8] {
    let value = headers.get(header::AUTHORIZATION).map_or(&[][..], |value| value.as_bytes());
    match value.split_at_checked(b"bearer ".len()) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case(b"bearer ") => token.trim_ascii(),
        _ => &[],
    }
}

impl Gate {
    fn admits_host(&self, headers: &HeaderMap, uri: &Uri) -> bool {
        let Some(allowed) = &self.allowed_hosts else { return true };
        let header = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let Some(host) = header.or(uri.host()).map(str::to_ascii_lowercase) else { return false };
        let name =
            host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
        let name = name.map_or(host.as_str(), |(name, _)| name);
        allowed.iter().any(|known| *known == host || known == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().expect("a header value"))])
    }

    #[test]
    fn a_bearer_token_is_read_whatever_the_case_of_its_scheme() {
        for value in ["Bearer abc", "bearer abc", "BEARER  abc "] {
            assert_eq!(bearer(&headers(header::AUTHORIZATION, value)), b"abc");
        }
        for value in ["abc", "Basic abc", "Bearer", "Bearer "] {
            assert_eq!(bearer(&headers(header::AUTHORIZATION, value)), b"");
        }
    }

    #[test]
    fn only_allowed_hosts_are_admitted_with_any_port_unless_one_is_named() {
        let gate = |hosts: Option<&[&str]>| Gate {
            tokens: AuthTokens::parse("token").expect("a token"),
            allowed_hosts: hosts.map(|hosts| hosts.iter().map(|host| (*host).to_owned()).collect()),
        };
        let admits =
            |gate: Gate, host| gate.admits_host(&headers(header::HOST, host), &Uri::default());
        assert!(admits(gate(None), "anything.example"));
        assert!(admits(gate(Some(&["chat.example"])), "Chat.Example:8086"));
        assert!(admits(gate(Some(&["chat.example:8086"])), "chat.example:8086"));
        assert!(admits(gate(Some(&["[::1]"])), "[::1]:8086"));
        assert!(!admits(gate(Some(&["chat.example:8086"])), "chat.example:1"));
        assert!(!admits(gate(Some(&["chat.example"])), "chat.example.evil"));
        assert!(!gate(Some(&["chat.example"])).admits_host(&HeaderMap::new(), &Uri::default()));
    }
}
