//! Live sessions over the SSE transport of protocol 2024-11-05.
//!
//! [`connect`] opens a stream of events to the client. The first event has the address that the
//! client posts its messages to, which [`message`] answers.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body::Frame;
use serde::Deserialize;
use tokio::time::{Interval, interval};

use super::endpoint::draining_response;
use super::session_pipe::{ClientGone, ClientHalf, PipeName};
use super::state::McpState;
use crate::kernel::principal::Principal;
use crate::transport::http::body::read_body;
use crate::transport::http::connection::ConnectionInfo;
use crate::transport::http::limits::MAX_BODY_BYTES;
use crate::transport::http::receipts::ConnectionReceipts;

/// Interval of comments in the stream, so that a lost client is detected and proxies keep it open.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// Answers a request to `/mcp/sse`: the stream of events.
pub async fn connect(
    State(state): State<Arc<McpState>>,
    Extension(connection): Extension<ConnectionInfo>,
    Extension(principal): Extension<Arc<Principal>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    if let Some(rejection) = draining_response(&state, &headers) {
        return rejection;
    }
    let network = state.client_network(&connection, &headers);
    let mut pipe = state.session_pipes.open(network, principal);
    pipe.inbound.count_calls(connection.calls);
    let name = state.session_pipes.register(pipe.inbound.clone());
    // Relative to the address of the stream, because a proxy may serve it below a path prefix.
    let messages = if uri.path().ends_with('/') { "messages" } else { "sse/messages" };
    let first = format!("event: endpoint\ndata: {messages}?session={}\n\n", name.as_str());
    let body = SseBody {
        first: Some(first.into()),
        client_half: pipe,
        keep_alive: interval(KEEP_ALIVE_INTERVAL),
        receipts: connection.receipts,
        _name: name,
    };
    let headers =
        [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-cache")];
    (headers, Body::new(body)).into_response()
}

/// Query of `/mcp/sse/messages`.
#[derive(Deserialize)]
pub struct MessageQuery {
    session: String,
}

/// Answers a request to `/mcp/sse/messages`: a message of the client.
pub async fn message(
    State(state): State<Arc<McpState>>,
    Query(MessageQuery { session }): Query<MessageQuery>,
    Extension(connection): Extension<ConnectionInfo>,
    Extension(principal): Extension<Arc<Principal>>,
    request: Request,
) -> Response {
    let inbound = state.session_pipes.find(&session);
    let Some(inbound) = inbound.filter(|inbound| inbound.admits(&principal)) else {
        return (StatusCode::NOT_FOUND, "Unknown session\n").into_response();
    };
    let (body, timeout) = (request.into_body(), state.body_timeout);
    let body = match read_body(body, MAX_BODY_BYTES, timeout, &connection).await {
        Ok(body) => body,
        Err(response) => return response,
    };
    let ended = |_: ClientGone| (StatusCode::NOT_FOUND, "The session has ended\n").into_response();
    let errors = match inbound.receive(&body).await {
        Ok(errors) => errors,
        Err(gone) => return ended(gone),
    };
    for error in errors {
        if !error.has_id() {
            return error.into_response();
        }
        // The client waits for the answer to its request on the stream.
        if let Err(gone) = inbound.refuse(error).await {
            return ended(gone);
        }
    }
    StatusCode::ACCEPTED.into_response()
}

/// The stream of events. Dropping it ends the session.
struct SseBody {
    /// The event with the address for messages, until it is sent.
    first: Option<Bytes>,
    client_half: ClientHalf,
    keep_alive: Interval,
    receipts: ConnectionReceipts,
    _name: PipeName,
}

impl http_body::Body for SseBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        if let Poll::Ready(message) = self.client_half.outbound.poll_recv(cx) {
            let event = message.and_then(|message| {
                let receipts = self.client_half.inbound.pending().take_receipts(&message);
                self.receipts.confirm_on_flush(receipts);
                serde_json::to_string(&message).ok()
            });
            return Poll::Ready(
                event.map(|json| {
                    Ok(Frame::data(format!("event: message\ndata: {json}\n\n").into()))
                }),
            );
        }
        self.keep_alive.poll_tick(cx).map(|_| Some(Ok(Frame::data(Bytes::from_static(b": \n\n")))))
    }
}
