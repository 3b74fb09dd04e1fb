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

use super::endpoint::{MAX_BODY_BYTES, elsewhere, read};
use super::session_pipe::{ClientHalf, ClientMessage, PipeName};
use super::short_form::{INVALID_REQUEST, RpcError};
use crate::transport::http::receipts::ConnectionReceipts;
use crate::transport::http::server::ConnectionInfo;
use crate::transport::state::HttpState;

/// How often something is sent, so that a client who is gone is noticed and proxies keep the stream.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Answers a request to `/mcp/sse`: the stream of events.
pub async fn connect(
    State(core): State<Arc<HttpState>>,
    Extension(connection): Extension<ConnectionInfo>,
    headers: HeaderMap,
) -> Response {
    if let Some(refused) = elsewhere(&core, &headers) {
        return refused;
    }
    let ends = core.pipes.open(core.origin(&connection, &headers));
    let name = core.pipes.name(ends.inlet.clone());
    let first = format!("event: endpoint\ndata: /mcp/sse/messages?session={}\n\n", name.as_str());
    let events = SseBody {
        first: Some(first.into()),
        ends,
        alive: interval(KEEP_ALIVE),
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
    let Some(inlet) = core.pipes.by_name(&session) else {
        return (StatusCode::NOT_FOUND, "There is no such session\n").into_response();
    };
    let time_is_over = sleep(core.limits.body_timeout);
    let body = match read(request.into_body(), MAX_BODY_BYTES, time_is_over).await {
        Ok(body) => body,
        Err(response) => return response,
    };
    let Ok(message) = serde_json::from_slice::<ClientMessage>(&body) else {
        let told = "Invalid request: not a message of the protocol.";
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
    ends: ClientHalf,
    alive: Interval,
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
        if let Poll::Ready(message) = self.ends.outgoing.poll_recv(cx) {
            let event = message.and_then(|message| {
                self.receipts.add(self.ends.inlet.receipts(&message));
                serde_json::to_string(&message).ok()
            });
            return Poll::Ready(
                event.map(|json| {
                    Ok(Frame::data(format!("event: message\ndata: {json}\n\n").into()))
                }),
            );
        }
        self.alive.poll_tick(cx).map(|_| Some(Ok(Frame::data(Bytes::from_static(b": \n\n")))))
    }
}
