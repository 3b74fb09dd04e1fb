//! [`GatewayHandler`]: answers the gateway's own port, which serves its WebSocket at `/`.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::http::{Response, header};
use axum::routing::{any, get};
use hyper::Request;
use hyper::body::Incoming;
use tower::ServiceExt;

use super::state::GatewayState;
use super::{health, socket, stats_route};
use crate::transport::http::connection::ConnectionInfo;
use crate::transport::http::host::check_host;
use crate::transport::http::origin::OriginPolicy;
use crate::transport::http::receipts::ReceiptBody;
use crate::transport::http::refusal;
use crate::transport::http::server::RequestHandler;

/// Answers the requests of the gateway's own port.
pub struct GatewayHandler {
    routes: Router,
    origins: OriginPolicy,
}

impl GatewayHandler {
    #[must_use]
    pub fn new(state: Arc<GatewayState>, origins: OriginPolicy) -> Self {
        let routes = Router::new()
            .merge(stats_route("/stats", &state))
            .route("/", any(socket::connect))
            .route("/health", get(health::health))
            .fallback(refusal::not_found)
            .with_state(state);
        Self { routes, origins }
    }
}

impl RequestHandler for GatewayHandler {
    async fn handle(
        &self,
        mut request: Request<Incoming>,
        connection: &ConnectionInfo,
    ) -> Response<ReceiptBody> {
        let mut rejection = check_host(&request).map(|rejection| rejection.map(ReceiptBody::from));
        if rejection.is_none() && request.headers().contains_key(header::ORIGIN) {
            rejection = self.origins.rejection(request.headers(), request.uri());
        }
        let response = if let Some(rejection) = rejection {
            rejection
        } else {
            request.extensions_mut().insert(connection.clone());
            let result: Result<_, Infallible> = self.routes.clone().oneshot(request).await;
            result.unwrap_or_else(|never| match never {}).map(ReceiptBody::from)
        };
        if refusal::is_plain_refusal(&response) {
            return refusal::into_json(response).await;
        }
        response
    }
}
