//! [`read_body`]: reads a request body within a size limit, a deadline, which shutdown shortens, and the
//! [`BodyBudget`](super::body_budget::BodyBudget).

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use axum::BoxError;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures_util::poll;
use http_body::Body;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::body_budget::BodyShare;
use super::connection::ConnectionInfo;

/// Maximum size of a small body, in bytes. Small bodies need no share of the budget, because the
/// number of connections that read one is limited.
const SMALL_BODY_BYTES: usize = 8 * 1024;

/// Reads a whole body of at most `limit` bytes that arrives on `connection` within `timeout`.
///
/// Memory grows with the bytes that arrive, and not with an announced length.
///
/// # Errors
/// Returns the response to send: 408 after the timeout, 413 for a larger body, 400 if the body
/// can't be read, 503 if large bodies take too much memory, or if it does not arrive soon after
/// shutdown begins.
pub async fn read_body<B>(
    body: B,
    limit: usize,
    timeout: Duration,
    connection: &ConnectionInfo,
) -> Result<Bytes, Response>
where
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    let mut body = pin!(collect(body, limit, connection));
    // Nearly all bodies arrive with their head and need neither a deadline nor its clock.
    if let Poll::Ready(result) = poll!(body.as_mut()) {
        return result.map_err(|error| error.into_response(limit));
    }
    // A connection whose request has not arrived yet may have to make room for others.
    connection.state.set_waiting();
    let result = tokio::select! {
        biased;
        result = body => result,
        () = connection.timer.deadline_after(timeout) => Err(BodyError::Timeout),
        () = connection.unread_deadline() => Err(BodyError::Stopping),
    };
    if !connection.state.set_busy() {
        return Err(evicted_response());
    }
    result.map_err(|error| error.into_response(limit))
}

/// The response to a request whose connection has been evicted, so that it has no effect. The
/// connection usually closes before it is sent.
pub(super) fn evicted_response() -> Response {
    BodyError::NoBudget.into_response(0)
}

/// The reason why a body was not read.
enum BodyError {
    Timeout,
    TooLarge,
    Unreadable,
    NoBudget,
    Stopping,
}

impl BodyError {
    fn into_response(self, limit: usize) -> Response {
        let close = [(header::CONNECTION, "close")];
        match self {
            Self::Timeout => {
                let message = "Timed out reading the request body\n";
                (StatusCode::REQUEST_TIMEOUT, close, message).into_response()
            }
            Self::TooLarge => {
                let message = format!("The request body exceeds {} KiB\n", limit / 1024);
                (StatusCode::PAYLOAD_TOO_LARGE, message).into_response()
            }
            Self::Unreadable => {
                (StatusCode::BAD_REQUEST, "The request body could not be read\n").into_response()
            }
            Self::Stopping => {
                let message = "The server is stopping: send the request again\n";
                (StatusCode::SERVICE_UNAVAILABLE, close, message).into_response()
            }
            Self::NoBudget => {
                let message = "Too many requests are being read: send the request again\n";
                let retry = [(header::RETRY_AFTER, "1")];
                (StatusCode::SERVICE_UNAVAILABLE, close, retry, message).into_response()
            }
        }
    }
}

/// Reads all of a body. A body in one piece, which nearly all are, is not copied.
async fn collect<B>(body: B, limit: usize, connection: &ConnectionInfo) -> Result<Bytes, BodyError>
where
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    let mut body = pin!(Limited::new(body, limit));
    let mut share: Option<BodyShare> = None;
    let (mut first, mut rest) = (Bytes::new(), BytesMut::new());
    loop {
        let frame = tokio::select! {
            biased;
            () = evicted(share.as_ref()) => return Err(BodyError::NoBudget),
            frame = body.frame() => frame,
        };
        let data = match frame {
            None if rest.is_empty() => return Ok(first),
            None => return Ok(rest.freeze()),
            Some(Err(error)) if error.is::<LengthLimitError>() => return Err(BodyError::TooLarge),
            Some(Err(_)) => return Err(BodyError::Unreadable),
            Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
        };
        if share.is_none() && first.len() + rest.len() + data.len() > SMALL_BODY_BYTES {
            let reserved = connection.bodies.reserve(connection.state.network, limit);
            share = Some(reserved.ok_or(BodyError::NoBudget)?);
        }
        if first.is_empty() && rest.is_empty() {
            first = data;
            continue;
        }
        // Joined, because a body in many small pieces would take a multiple of its size.
        if rest.is_empty() {
            rest.extend_from_slice(&std::mem::take(&mut first));
        }
        rest.extend_from_slice(&data);
    }
}

/// Completes when `share` is evicted.
async fn evicted(share: Option<&BodyShare>) {
    match share {
        Some(share) => share.evicted().await,
        None => std::future::pending().await,
    }
}
