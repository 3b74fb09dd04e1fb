//! Ends a call ([`unless_credential_ends`]) and a stream ([`until_credential_ends`]) when the credential of the
//! request is revoked or expires. Other requests are checked when they arrive.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http_body::Frame;

use crate::kernel::principal::Principal;
use crate::transport::http::server::is_event_stream;

/// The response of `answering`. `None` if the credential of `principal` ends first, which cancels the call as a
/// lost connection does.
pub(super) async fn unless_credential_ends(
    answering: impl Future<Output = Response>,
    principal: &Principal,
) -> Option<Response> {
    tokio::select! {
        // An answer that is ready needs no timer.
        biased;
        response = answering => Some(response),
        () = principal.validity().ended() => None,
    }
}

/// Ends `response`, if it is a stream of events, with the credential of `principal`.
pub(super) fn until_credential_ends(response: Response, principal: Arc<Principal>) -> Response {
    if !principal.validity().may_end() || !is_event_stream(&response) {
        return response;
    }
    let ended = Box::pin(async move { principal.validity().ended().await });
    response.map(|body| Body::new(EndingBody { body, ended }))
}

struct EndingBody {
    body: Body,
    ended: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl http_body::Body for EndingBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.ended.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        Pin::new(&mut self.body).poll_frame(cx)
    }
}
