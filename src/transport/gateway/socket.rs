//! [`connect`]: opens a socket of the gateway.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::caller::NotAdmitted;
use super::session::GatewaySession;
use super::state::GatewayState;
use super::token::{SUBPROTOCOLS, SocketToken, socket_token};
use crate::gateway::error::GatewayError;
use crate::gateway::wire::reply;
use crate::transport::socket::handshake::SocketUpgrade;

/// Maximum size of a message, in bytes: a conversation with a few images.
pub const MAX_MESSAGE_BYTES: usize = 8 * 1024 * 1024;

/// Answers a request to open a socket.
pub async fn connect(State(state): State<Arc<GatewayState>>, mut request: Request) -> Response {
    let parts = &state.session;
    let (headers, uri) = (request.headers(), request.uri());
    let token = match socket_token(headers, uri, state.takes_query_token) {
        SocketToken::Token(token) => token,
        SocketToken::InQuery => {
            let message = "A token in the URL ends up in logs: send it in the Authorization header or as a subprotocol, or set GATEWAY_QUERY_TOKEN=on\n";
            let challenge = [(header::WWW_AUTHENTICATE, "Bearer realm=\"random-connect\"")];
            return (StatusCode::UNAUTHORIZED, challenge, message).into_response();
        }
    };
    if parts.drain.is_on() {
        let retry = [(header::RETRY_AFTER, "1")];
        let message = "The server is about to stop: connect again\n";
        return (StatusCode::SERVICE_UNAVAILABLE, retry, message).into_response();
    }
    let (principal, caller) = match parts.gate.admit(&token, headers, uri).await {
        Ok(user) => user,
        Err(NotAdmitted::Gate(response)) => return response,
        Err(NotAdmitted::Gateway(error)) => {
            return (StatusCode::FORBIDDEN, format!("{}\n", error.message)).into_response();
        }
    };
    drop(token);
    let (upgrade, response) = match SocketUpgrade::accept(&mut request, &SUBPROTOCOLS) {
        Ok(accepted) => accepted,
        Err(rejection) => return rejection.into_response(),
    };
    let service = &parts.service;
    let limits = service.limits(caller.role);
    let permit = match service.open_socket(&caller).await {
        Ok(permit) => permit,
        Err(error) => return refusal(&error),
    };
    let balance = match service.balance(&caller).await {
        Ok(balance) => balance,
        Err(error) => return refusal(&error),
    };
    let name: Arc<str> = service.random_name().into();
    let greeting = reply::ready(&name, &balance, limits, service.now());
    let session = GatewaySession::new(Arc::clone(parts), name, principal, caller, greeting, permit);
    state.sockets.spawn(async move {
        let Some(socket) = upgrade.open(MAX_MESSAGE_BYTES).await else { return };
        socket.serve(session).await;
    });
    response
}

/// The answer to a request whose socket is not opened.
fn refusal(error: &GatewayError) -> Response {
    let status = StatusCode::from_u16(error.code.status());
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, format!("{}\n", error.message)).into_response();
    if let Some(seconds) = error.retry_after_seconds() {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
