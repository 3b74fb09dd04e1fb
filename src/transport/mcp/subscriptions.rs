//! Subscriptions to resources: of one request in protocol 2026-07-28 ([`notify_until_rejected`]), and of a live
//! session in the versions before it ([`SessionSubscriptions`]).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rmcp::model::ResourceUpdatedNotificationParam;
use rmcp::service::SubscriptionContext;
use rmcp::{ErrorData, Peer, RoleServer};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use super::toolsets::Toolsets;
use crate::kernel::principal::Principal;
use crate::kernel::toolset::ResourceWatch;

/// Time limit for a client to accept a resource update.
const NOTIFY_TIMEOUT: Duration = Duration::from_millis(500);
/// Maximum number of resources that one client may subscribe to.
pub(super) const MAX_SUBSCRIPTIONS: usize = 32;

/// Notifies a client of each update of the resources that `context` accepted, until it rejects one.
/// A client that does not accept an update counts as disconnected.
pub(super) async fn notify_until_rejected(
    toolsets: &Toolsets,
    principal: &Principal,
    context: &SubscriptionContext,
) {
    let mut watches = JoinSet::new();
    for uri in context.accepted().resource_subscriptions.iter().flatten() {
        let Some(watch) = toolsets.watch(principal, uri) else { continue };
        let (sink, uri) = (context.sink().clone(), uri.clone());
        watches.spawn(notify_updates(watch, move || {
            let (sink, uri) = (sink.clone(), uri.clone());
            async move { sink.notify_resource_updated(uri).await.is_ok() }
        }));
    }
    if watches.join_next().await.is_none() {
        std::future::pending::<()>().await;
    }
}

/// Calls `notify` after each change, until it returns that the client has not accepted the update.
async fn notify_updates<F: Future<Output = bool>>(
    mut watch: Box<dyn ResourceWatch>,
    notify: impl Fn() -> F,
) {
    loop {
        watch.changed().await;
        if !matches!(timeout(NOTIFY_TIMEOUT, notify()).await, Ok(true)) {
            return;
        }
    }
}

/// The resources that the client of one live session is subscribed to. They end with the session.
#[derive(Clone, Default)]
pub(super) struct SessionSubscriptions(Arc<Mutex<HashMap<String, AbortOnDropHandle<()>>>>);

impl SessionSubscriptions {
    /// Starts to notify `peer` of the updates that `watch` reports. A second subscription to a resource replaces the first.
    ///
    /// # Errors
    /// Returns the error to answer with if the client is at its limit.
    pub fn subscribe(
        &self,
        watch: Box<dyn ResourceWatch>,
        peer: Peer<RoleServer>,
        uri: String,
    ) -> Result<(), ErrorData> {
        let mut subscriptions = self.0.lock();
        if subscriptions.len() >= MAX_SUBSCRIPTIONS && !subscriptions.contains_key(&uri) {
            let message = format!("At most {MAX_SUBSCRIPTIONS} resources can be subscribed to.");
            return Err(ErrorData::invalid_request(message, None));
        }
        let updated = ResourceUpdatedNotificationParam::new(uri.as_str());
        let notifying = tokio::spawn(notify_updates(watch, move || {
            let (peer, updated) = (peer.clone(), updated.clone());
            async move { peer.notify_resource_updated(updated).await.is_ok() }
        }));
        subscriptions.insert(uri, AbortOnDropHandle::new(notifying));
        Ok(())
    }

    /// Ends a subscription. Without one, nothing happens.
    pub fn unsubscribe(&self, uri: &str) {
        self.0.lock().remove(uri);
    }
}
