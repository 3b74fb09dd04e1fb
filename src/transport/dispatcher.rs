//! The first to see a request: what nearly all of them are, calls of `/mcp`, goes straight there, and the
//! rest to the routes.
//!
//! A router boxes each request and looks up a route that is nearly always the same, which takes a good
//! part of the time of a call that is carried out in microseconds.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::http::Response;
use hyper::Request;
use hyper::body::Incoming;
use tower::ServiceExt;

use super::http::auth::Gate;
use super::http::receipts::ReceiptBody;
use super::http::server::ConnectionInfo;
use super::mcp::endpoint;
use super::state::HttpState;

/// What answers all requests.
pub struct Dispatcher {
    pub state: Arc<HttpState>,
    pub gate: Arc<Gate>,
    pub routes: Router,
}

impl Dispatcher {
    /// Answers a request that came on a connection.
    pub async fn dispatch(
        &self,
        mut request: Request<Incoming>,
        connection: &ConnectionInfo,
    ) -> Response<ReceiptBody> {
        if matches!(request.uri().path(), "/mcp" | "/mcp/") {
            return match self.gate.rejection(request.headers(), request.uri()) {
                Some(refused) => refused.map(ReceiptBody::from),
                None => endpoint::handle(&self.state, request, connection).await,
            };
        }
        request.extensions_mut().insert(connection.clone());
        let answered: Result<_, Infallible> = self.routes.clone().oneshot(request).await;
        answered.unwrap_or_else(|never| match never {}).map(ReceiptBody::from)
    }
}
