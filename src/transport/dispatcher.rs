//! [`Dispatcher`]: the first handler of a request. It answers `/mcp` and passes other paths to the
//! router.
//!
//! `/mcp` bypasses the router, because a router boxes each request and looks up a route. For nearly
//! all requests that route is `/mcp`, and their calls take only microseconds.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::http::{Method, Response, header};
use hyper::Request;
use hyper::body::Incoming;
use tower::{Layer, ServiceExt, service_fn};

use super::http::auth::Gate;
use super::http::connection::ConnectionInfo;
use super::http::host::check_host;
use super::http::origin::{OriginPolicy, is_preflight};
use super::http::receipts::ReceiptBody;
use super::http::refusal;
use super::http::server::RequestHandler;
use super::mcp::endpoint;
use super::mcp::state::McpState;

/// Answers all requests.
pub struct Dispatcher {
    pub mcp: Arc<McpState>,
    pub gate: Arc<Gate>,
    pub origins: OriginPolicy,
    pub routes: Router,
}

impl RequestHandler for Dispatcher {
    async fn handle(
        &self,
        request: Request<Incoming>,
        connection: &ConnectionInfo,
    ) -> Response<ReceiptBody> {
        // Probes and scrapers read plain text there.
        let is_text_path = matches!(request.uri().path(), "/ready" | "/metrics");
        let mut response = self.dispatch(request, connection).await;
        if !is_text_path && refusal::is_plain_refusal(&response) {
            response = Box::pin(refusal::into_json(response)).await;
        }
        self.mcp.metrics.record_response(response.status());
        response
    }
}

impl Dispatcher {
    async fn dispatch(
        &self,
        request: Request<Incoming>,
        connection: &ConnectionInfo,
    ) -> Response<ReceiptBody> {
        if let Some(rejection) = check_host(&request) {
            return rejection.map(ReceiptBody::from);
        }
        if request.headers().contains_key(header::ORIGIN) {
            // Boxed, because few callers are browsers.
            return Box::pin(self.dispatch_for_page(request, connection)).await;
        }
        self.dispatch_for_caller(request, connection).await
    }

    /// Answers a request of a web page. A preflight needs no token, because a browser sends none with
    /// it.
    async fn dispatch_for_page(
        &self,
        request: Request<Incoming>,
        connection: &ConnectionInfo,
    ) -> Response<ReceiptBody> {
        if let Some(rejection) = self.origins.rejection(request.headers(), request.uri()) {
            return rejection;
        }
        // The layer takes every OPTIONS request for a preflight.
        if request.method() == Method::OPTIONS && !is_preflight(&request) {
            return self.dispatch_for_caller(request, connection).await;
        }
        let answer = async |request| {
            Ok::<_, Infallible>(self.dispatch_for_caller(request, connection).await)
        };
        let answered = self.origins.cors().layer(service_fn(answer)).oneshot(request).await;
        answered.unwrap_or_else(|never| match never {})
    }

    async fn dispatch_for_caller(
        &self,
        mut request: Request<Incoming>,
        connection: &ConnectionInfo,
    ) -> Response<ReceiptBody> {
        if matches!(request.uri().path(), "/mcp" | "/mcp/") {
            return match self.gate.admit(request.headers(), request.uri()).await {
                Ok(principal) => endpoint::handle(&self.mcp, request, connection, principal).await,
                Err(rejection) => rejection.map(ReceiptBody::from),
            };
        }
        request.extensions_mut().insert(connection.clone());
        let result: Result<_, Infallible> = Box::pin(self.routes.clone().oneshot(request)).await;
        result.unwrap_or_else(|never| match never {}).map(ReceiptBody::from)
    }
}
