//! [`HttpState`]: the data that [`routes`](super::routes) works with.
//!
//! The handlers of MCP and of the pages use only [`McpState`] and [`Pages`], so that their folders
//! need not import this file.

use std::sync::Arc;
use std::time::Duration;

use super::channels::whatsapp::WhatsApp;
use super::mcp::state::McpState;
use super::ops::drain::Drain;
use super::ops::metrics::Metrics;
use super::pages::Pages;
use crate::connect::moderated::refusals::RefusalCounts;
use crate::connect::service::ConnectService;
use crate::delivery::courier::Couriers;
use crate::kernel::health::StoreHealth;
use crate::kernel::session::SessionLimit;

/// State of the HTTP routes.
pub struct HttpState {
    pub connect: Arc<ConnectService>,
    /// The stores that `/ready` and `/health` check.
    pub stores: Arc<StoreHealth>,
    pub couriers: Arc<Couriers>,
    pub session_limit: SessionLimit,
    pub drain: Drain,
    pub metrics: Arc<Metrics>,
    pub refusals: Arc<RefusalCounts>,
    /// Time to send a whole body to a webhook.
    pub body_timeout: Duration,
    /// `None` if WhatsApp is not configured.
    pub whatsapp: Option<Arc<WhatsApp>>,
    pub mcp: Arc<McpState>,
    pub pages: Arc<Pages>,
}
