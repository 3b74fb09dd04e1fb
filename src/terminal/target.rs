//! [`ServerTarget`]: the URL of a server and the token for it.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::error::ChatError;

/// The server's WebSocket URL and token. `Debug` and `Display` redact the token.
#[derive(Clone, Debug)]
pub struct ServerTarget {
    ws_url: Url,
    display_url: String,
    token: SecretString,
}

impl ServerTarget {
    /// Parses a URL as people write it, with or without `/mcp` at its end.
    ///
    /// # Errors
    /// Returns [`ChatError`] if the URL or the token is invalid.
    pub fn new(address: &str, token: &str) -> Result<Self, ChatError> {
        let bad = || ChatError::InvalidUrl(address.to_owned());
        let mut socket = Url::parse(address.trim()).map_err(|_| bad())?;
        let scheme = match socket.scheme() {
            "http" | "ws" => "ws",
            "https" | "wss" => "wss",
            _ => return Err(bad()),
        };
        let unfit = socket.username() != "" || socket.password().is_some() || !socket.has_host();
        if unfit || socket.query().is_some() || socket.set_scheme(scheme).is_err() {
            return Err(bad());
        }
        socket.set_fragment(None);
        let path = socket.path().trim_end_matches('/');
        let base = path.strip_suffix("/mcp").unwrap_or(path).to_owned();
        socket.set_path(&format!("{base}/mcp/ws"));
        let mut shown = socket.clone();
        shown.set_path(&base);
        let shown = shown.as_str().trim_end_matches('/').replacen("ws", "http", 1);
        let token = token.trim();
        // A header value can contain no other characters.
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ChatError::MissingToken);
        }
        Ok(Self { ws_url: socket, display_url: shown, token: token.into() })
    }

    /// Returns the URL of the WebSocket.
    #[must_use]
    pub fn ws_url(&self) -> &str {
        self.ws_url.as_str()
    }

    /// Returns the value of the `Authorization` header.
    #[must_use]
    pub fn bearer(&self) -> String {
        format!("Bearer {}", self.token.expose_secret())
    }
}

/// Shows the URL as people write it.
impl fmt::Display for ServerTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.display_url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_url_resolves_to_the_websocket() {
        for (address, socket, shown) in [
            ("http://127.0.0.1:8086", "ws://127.0.0.1:8086/mcp/ws", "http://127.0.0.1:8086"),
            ("http://localhost:1/mcp/", "ws://localhost:1/mcp/ws", "http://localhost:1"),
            ("https://chat.example", "wss://chat.example/mcp/ws", "https://chat.example"),
            ("wss://chat.example/a/mcp", "wss://chat.example/a/mcp/ws", "https://chat.example/a"),
        ] {
            let server = ServerTarget::new(address, "token").expect("an address");
            assert_eq!((server.ws_url(), server.to_string()), (socket, shown.to_owned()));
        }
        for address in ["", "127.0.0.1:8086", "ftp://x", "http://", "http://a:b@x", "http://x?t=1"]
        {
            let refused = ServerTarget::new(address, "token");
            assert!(matches!(refused, Err(ChatError::InvalidUrl(_))), "{address}");
        }
    }

    #[test]
    fn terminal_token_is_validated_and_redacted() {
        for token in ["", " ", "two words", "käse", "a\nb"] {
            assert!(
                matches!(ServerTarget::new("http://x", token), Err(ChatError::MissingToken)),
                "{token}"
            );
        }
        let server = ServerTarget::new("http://x", " hunter2 ").expect("a token");
        assert_eq!(server.bearer(), "Bearer hunter2");
        assert!(!format!("{server:?} {server}").contains("hunter2"));
    }
}
