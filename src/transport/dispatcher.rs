//! [`Dispatcher`]: the first handler of a request. It answers `/mcp` and passes other paths to the
//! router.
//!
//! `/mcp` bypasses the router, because a router boxes each request and looks up a route. For nearly
//! all requests that route is `/mcp`, and their calls take only microseconds.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::http::Response;
use hyper::Request;
use hyper::body::Incoming;
use tower::ServiceExt;

use super::http::auth::Gate;
use super::http::connection::ConnectionInfo;
use super::http::host::check_host;
use super::http::receipts::ReceiptBody;
use super::http::server::RequestHandler;
use super::mcp::endpoint;
use super::mcp::state::McpState;

/// Answers all requests.
pub struct Dispatcher {
    pub mcp: Arc<McpState>,
    pub gate: Arc<Gate>,
    pub routes: Router,
}

impl RequestHandler for Dispatcher {
    async fn handle(
        &self,
        request: Request<Incoming>,
        connection: &ConnectionInfo,
    ) -> Response<ReceiptBody> {
        let response = self.dispatch(request, connection).await;
        self.mcp.metrics.record_response(response.status());
        response
    }
}

impl Dispatcher {
    async fn dispatch(
        &self,
        mut request: Request<Incoming>,
        connection: &ConnectionInfo,
    ) -> Response<ReceiptBody> {
        if let Some(rejection) = check_host(&request) {
            return rejection.map(ReceiptBody::from);
        }
        if matches!(request.uri().path(), "/mcp" | "/mcp/") {
            return match self.gate.rejection(request.headers(), request.uri()) {
                Some(rejection) => rejection.map(ReceiptBody::from),
                None => endpoint::handle(&self.mcp, request, connection).await,
            };
        }
        request.extensions_mut().insert(connection.clone());
        let result: Result<_, Infallible> = self.routes.clone().oneshot(request).await;
        result.unwrap_or_else(|never| match never {}).map(ReceiptBody::from)
    }
}
