//! Names the operator of a request by the fingerprint of their token, for the audit log.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use rmcp::ErrorData;
use rmcp::handler::server::common::FromContextPart;
use rmcp::handler::server::tool::ToolCallContext;

use super::api::AdminApi;
use crate::moderation::admin::Operator;
use crate::transport::http::auth::bearer;

/// Attaches the [`Operator`] to a request that the gate has admitted.
pub(super) async fn attach_operator(
    State(admin): State<Arc<AdminApi>>,
    mut request: Request,
    next: Next,
) -> Response {
    let fingerprint = admin.ids.token_fingerprint(bearer(request.headers()));
    request.extensions_mut().insert(Operator(fingerprint));
    next.run(request).await
}

/// The operator of a tool call.
pub(super) struct CallingOperator(pub Operator);

impl<S> FromContextPart<ToolCallContext<'_, S>> for CallingOperator {
    fn from_context_part(context: &mut ToolCallContext<S>) -> Result<Self, ErrorData> {
        let parts = context.request_context.extensions.get::<http::request::Parts>();
        let operator = parts.and_then(|parts| parts.extensions.get::<Operator>()).cloned();
        let missing = || ErrorData::internal_error("The request names no operator.", None);
        operator.map(Self).ok_or_else(missing)
    }
}
