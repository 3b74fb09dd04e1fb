//! Live sessions in the way of protocol 2024-11-05: a stream of events to the client, whose first
//! names the address that the client's own messages are posted to.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body::Frame;
use serde::Deserialize;
use tokio::time::{Interval, interval, sleep};

use super::endpoint::{MAX_BODY_BYTES, draining_response, read_body};
use super::session_pipe::{ClientHalf, ClientMessage, PipeName};
use super::short_form::{INVALID_REQUEST, RpcError};
use crate::transport::http::receipts::ConnectionReceipts;
use crate::transport::http::server::ConnectionInfo;
use crate::transport::state::HttpState;

/// How often something is sent, so that a client who is gone is noticed and proxies keep the stream.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// Answers a request to `/mcp/sse`: the stream of events.
pub async fn connect(
    State(core): State<Arc<HttpState>>,
    Extension(connection): Extension<ConnectionInfo>,
    headers: HeaderMap,
) -> Response {
    if let Some(refused) = draining_response(&core, &headers) {
        return refused;
    }
    let ends = core.session_pipes.open(core.client_network(&connection, &headers));
    let name = core.session_pipes.register(ends.inbound.clone());
    let first = format!("event: endpoint\ndata: /mcp/sse/messages?session={}\n\n", name.as_str());
    let events = SseBody {
        first: Some(first.into()),
        client_half: ends,
        keep_alive: interval(KEEP_ALIVE_INTERVAL),
        receipts: connection.receipts,
        _name: name,
    };
    let headers =
        [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-cache")];
    (headers, Body::new(events)).into_response()
}

#[derive(Deserialize)]
pub struct MessageQuery {
    session: String,
}

/// Answers a post to `/mcp/sse/messages`: a message of the client.
pub async fn message(
    State(core): State<Arc<HttpState>>,
    Query(MessageQuery { session }): Query<MessageQuery>,
    request: Request,
) -> Response {
    let Some(inlet) = core.session_pipes.find(&session) else {
        return (StatusCode::NOT_FOUND, "Unknown session\n").into_response();
    };
    let time_is_over = sleep(core.limits.body_timeout);
    let body = match read_body(request.into_body(), MAX_BODY_BYTES, time_is_over).await {
        Ok(body) => body,
        Err(response) => return response,
    };
    let Ok(message) = serde_json::from_slice::<ClientMessage>(&body) else {
        let told = "Invalid request: not an MCP message.";
        return RpcError::framed(INVALID_REQUEST, told).into_response();
    };
    match inlet.send(message).await {
        Ok(()) => StatusCode::ACCEPTED.into_response(),
        Err(_) => (StatusCode::NOT_FOUND, "The session has ended\n").into_response(),
    }
}

/// The stream of events, and with it the session.
struct SseBody {
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
                self.receipts.confirm_on_flush(self.client_half.inbound.take_receipts(&message));
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
