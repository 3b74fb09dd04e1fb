//! [`read_body`]: reads a request body within a size limit and a deadline.

use axum::BoxError;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::{BodyExt, Collected, LengthLimitError, Limited};

/// Reads a whole body of at most `limit` bytes before `deadline` completes.
///
/// # Errors
/// Returns the response to send: 408 after the deadline, 413 for a larger body, 400 if the body
/// can't be read.
pub async fn read_body<B>(
    body: B,
    limit: usize,
    deadline: impl Future<Output = ()>,
) -> Result<Bytes, Response>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>>,
{
    let collected = tokio::select! {
        biased;
        collected = Limited::new(body, limit).collect() => collected,
        () = deadline => {
            let close = [(header::CONNECTION, "close")];
            let message = "Timed out reading the request body\n";
            return Err((StatusCode::REQUEST_TIMEOUT, close, message).into_response());
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
