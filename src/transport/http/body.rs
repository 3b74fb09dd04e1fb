//! [`read_body`]: reads a request body within a size limit and a deadline, which shutdown shortens.

use std::time::Duration;

use axum::BoxError;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::{BodyExt, Collected, LengthLimitError, Limited};

use super::connection::ConnectionInfo;

/// Reads a whole body of at most `limit` bytes that arrives on `connection` within `timeout`.
///
/// # Errors
/// Returns the response to send: 408 after the timeout, 413 for a larger body, 400 if the body
/// can't be read, 503 if it does not arrive soon after shutdown begins.
pub async fn read_body<B>(
    body: B,
    limit: usize,
    timeout: Duration,
    connection: &ConnectionInfo,
) -> Result<Bytes, Response>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>>,
{
    let close = [(header::CONNECTION, "close")];
    let collected = tokio::select! {
        biased;
        collected = Limited::new(body, limit).collect() => collected,
        () = connection.timer.deadline_after(timeout) => {
            let message = "Timed out reading the request body\n";
            return Err((StatusCode::REQUEST_TIMEOUT, close, message).into_response());
        }
        () = connection.unread_deadline() => {
            let message = "The server is stopping: send the request again\n";
            return Err((StatusCode::SERVICE_UNAVAILABLE, close, message).into_response());
        }
    };
    collected.map(Collected::to_bytes).map_err(|error| {
        if error.is::<LengthLimitError>() {
            let message = format!("The request body exceeds {} KiB\n", limit / 1024);
            return (StatusCode::PAYLOAD_TOO_LARGE, message).into_response();
        }
        (StatusCode::BAD_REQUEST, "The request body could not be read\n").into_response()
    })
}
