//! [`SocketUpgrade`]: the opening handshake of a WebSocket.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::tungstenite::Error as WsError;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;

use super::connection::ServerSocket;

/// An upgrade that the server has accepted. The connection carries frames once the response is written.
pub struct SocketUpgrade {
    pending: OnUpgrade,
    protocol: Option<&'static str>,
}

/// A request that is no valid upgrade to a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandshakeRejection {
    /// The method is not GET.
    Method,
    /// The request asks for no upgrade, or for one to another version of the protocol.
    NoUpgrade,
    Invalid,
}

impl SocketUpgrade {
    /// Accepts an upgrade, and returns it with the response. Selects the first of `protocols` that the client offers.
    ///
    /// # Errors
    /// Returns [`HandshakeRejection`] if the request is no valid upgrade.
    pub fn accept(
        request: &mut Request,
        protocols: &[&'static str],
    ) -> Result<(Self, Response), HandshakeRejection> {
        let pending = hyper::upgrade::on(&mut *request);
        let response = create_response_with_body(request, Body::empty);
        let mut response = response.map_err(|error| HandshakeRejection::from(&error))?;
        let is_offered = |name: &&&str| offers_protocol(request.headers(), name);
        let protocol = protocols.iter().find(is_offered).copied();
        if let Some(name) = protocol {
            let name = HeaderValue::from_static(name);
            response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, name);
        }
        Ok((Self { pending, protocol }, response))
    }

    /// Returns the selected subprotocol. `None` if the client offers none of them.
    #[must_use]
    pub const fn protocol(&self) -> Option<&'static str> {
        self.protocol
    }

    /// Waits until the connection carries frames. `None` if it closes before.
    pub async fn open(self, max_message_bytes: usize) -> Option<ServerSocket<TokioIo<Upgraded>>> {
        let stream = TokioIo::new(self.pending.await.ok()?);
        Some(ServerSocket::new(stream, max_message_bytes).await)
    }
}

impl From<&WsError> for HandshakeRejection {
    fn from(error: &WsError) -> Self {
        match error {
            WsError::Protocol(ProtocolError::WrongHttpMethod) => Self::Method,
            WsError::Protocol(
                ProtocolError::MissingConnectionUpgradeHeader
                | ProtocolError::MissingUpgradeWebSocketHeader
                | ProtocolError::MissingSecWebSocketVersionHeader,
            ) => Self::NoUpgrade,
            _ => Self::Invalid,
        }
    }
}

impl IntoResponse for HandshakeRejection {
    fn into_response(self) -> Response {
        let upgrade = [
            (header::CONNECTION, "upgrade"),
            (header::UPGRADE, "websocket"),
            (header::SEC_WEBSOCKET_VERSION, "13"),
        ];
        match self {
            Self::Method => {
                (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET")]).into_response()
            }
            Self::NoUpgrade => {
                let message =
                    "This path needs an upgrade to version 13 of the WebSocket protocol\n";
                (StatusCode::UPGRADE_REQUIRED, upgrade, message).into_response()
            }
            Self::Invalid => {
                (StatusCode::BAD_REQUEST, "The WebSocket handshake is invalid\n").into_response()
            }
        }
    }
}

fn offers_protocol(headers: &HeaderMap, protocol: &str) -> bool {
    let lists = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    let names = lists.filter_map(|list| list.to_str().ok()).flat_map(|list| list.split(','));
    names.into_iter().any(|name| name.trim() == protocol)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upgrade(offered: &[&str]) -> Request {
        let request = Request::get("/")
            .header(header::CONNECTION, "Upgrade")
            .header(header::UPGRADE, "websocket")
            .header(header::SEC_WEBSOCKET_VERSION, "13")
            .header(header::SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ==");
        let add = |request: axum::http::request::Builder, list: &&str| {
            request.header(header::SEC_WEBSOCKET_PROTOCOL, *list)
        };
        offered.iter().fold(request, add).body(Body::empty()).expect("a request")
    }

    /// The selected subprotocol, as the response says it.
    fn selected(offered: &[&str]) -> Option<String> {
        let (upgrade, response) =
            SocketUpgrade::accept(&mut upgrade(offered), &["b.v2", "b.v1"]).expect("an upgrade");
        let named = response.headers().get(header::SEC_WEBSOCKET_PROTOCOL);
        let named = named.map(|name| name.to_str().expect("text").to_owned());
        assert_eq!(named.as_deref(), upgrade.protocol());
        named
    }

    #[test]
    fn socket_selects_the_first_protocol_that_the_client_offers() {
        assert_eq!(selected(&["b.v1, b.v2"]).as_deref(), Some("b.v2"));
        assert_eq!(selected(&["bearer.abc", "b.v1"]).as_deref(), Some("b.v1"));
        assert_eq!(selected(&["b.v", "b.v10"]), None);
        assert_eq!(selected(&[]), None);
    }

    #[test]
    fn socket_rejects_a_request_that_is_no_upgrade() {
        let mut without_key = upgrade(&[]);
        without_key.headers_mut().remove(header::SEC_WEBSOCKET_KEY);
        let mut post = upgrade(&[]);
        *post.method_mut() = axum::http::Method::POST;
        let plain = Request::get("/").body(Body::empty()).expect("a request");
        for (mut request, status) in [(without_key, 400), (post, 405), (plain, 426)] {
            let rejection = SocketUpgrade::accept(&mut request, &[]).err().expect("a rejection");
            assert_eq!(rejection.into_response().status(), status);
        }
    }
}
