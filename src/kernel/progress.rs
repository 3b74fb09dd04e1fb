//! [`CallProgress`]: progress notifications of a call, for callers that asked for them.

use std::time::Duration;

use rmcp::handler::server::common::FromContextPart;
use rmcp::handler::server::tool::ToolCallContext;
use rmcp::model::{ProgressNotificationParam, ProgressToken};
use rmcp::{ErrorData, Peer, RoleServer};
use tokio::time::timeout;

/// Time limit for a client to accept a notification.
const NOTIFY_TIMEOUT: Duration = Duration::from_millis(500);

/// Notifies the caller of a tool. Without a progress token in the call, it sends nothing.
pub struct CallProgress(Option<(ProgressToken, Peer<RoleServer>)>);

impl CallProgress {
    /// Reports `done` of `total`. `done` must grow from call to call.
    pub async fn report(&self, done: f64, total: f64) {
        let Some((token, peer)) = &self.0 else { return };
        let progress = ProgressNotificationParam::new(token.clone(), done).with_total(total);
        // Best effort, because the result of the call does not depend on it.
        let _ = timeout(NOTIFY_TIMEOUT, peer.notify_progress(progress)).await;
    }
}

impl<S> FromContextPart<ToolCallContext<'_, S>> for CallProgress {
    fn from_context_part(context: &mut ToolCallContext<S>) -> Result<Self, ErrorData> {
        let context = &context.request_context;
        let token = context.meta.get_progress_token();
        Ok(Self(token.map(|token| (token, context.peer.clone()))))
    }
}
