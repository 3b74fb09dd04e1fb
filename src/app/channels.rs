//! Builds the push channels that the configuration names: WhatsApp and the bridge.

use std::sync::Arc;

use thiserror::Error;

use crate::config::channels::{BridgeConfig, WhatsAppConfig};
use crate::connect::delivery::courier::Couriers;
use crate::connect::service::ConnectService;
use crate::kernel::clock::{Clock, seeded_rng};
use crate::kernel::id::IdHasher;
use crate::transport::channels::bridge::{Bridge, BridgeChannels};
use crate::transport::channels::outbound::{HttpClientError, SendPolicy, http_client};
use crate::transport::channels::whatsapp::{WhatsApp, WhatsAppDeps, WhatsAppSettings};
use crate::transport::ops::metrics::Metrics;

/// No request can be sent, most often because the system has no root certificates.
#[derive(Debug, Error)]
#[error("HTTPS requests can't be sent ({0}): install ca-certificates")]
pub struct NoHttpClient(#[from] HttpClientError);

/// The parts of the server that a channel needs.
pub(super) struct ChannelDeps<'a> {
    pub connect: &'a Arc<ConnectService>,
    pub couriers: &'a Arc<Couriers>,
    pub clock: &'a Arc<dyn Clock>,
    pub ids: &'a IdHasher,
    pub metrics: &'a Arc<Metrics>,
    pub send_policy: SendPolicy,
}

impl ChannelDeps<'_> {
    /// Builds the WhatsApp channel. `None` if it is not configured.
    pub fn whatsapp(
        &self,
        config: Option<WhatsAppConfig>,
    ) -> Result<Option<Arc<WhatsApp>>, NoHttpClient> {
        let Some(WhatsAppConfig { token, phone_number_id, verify_token, app_secret, api_base }) =
            config
        else {
            return Ok(None);
        };
        let settings =
            WhatsAppSettings { token, phone_number_id, verify_token, app_secret, api_base };
        let deps = WhatsAppDeps {
            connect: Arc::clone(self.connect),
            couriers: Arc::clone(self.couriers),
            clock: Arc::clone(self.clock),
            ids: self.ids.clone(),
            metrics: Arc::clone(self.metrics),
            http: http_client()?,
            send_policy: self.send_policy,
            rng: seeded_rng(),
        };
        Ok(Some(Arc::new(WhatsApp::new(settings, deps))))
    }

    /// Builds the bridge, if it is configured, and lets it observe the calls.
    pub fn attach_bridge(&self, config: Option<BridgeConfig>) -> Result<(), NoHttpClient> {
        let Some(BridgeConfig { url, secret }) = config else { return Ok(()) };
        let bridge = Bridge {
            http: http_client()?,
            url,
            secret,
            ids: self.ids.clone(),
            metrics: Arc::clone(self.metrics),
            send_policy: self.send_policy,
        };
        let (couriers, clock) = (Arc::clone(self.couriers), Arc::clone(self.clock));
        let channels = BridgeChannels::new(bridge, couriers, clock, seeded_rng());
        self.connect.set_caller_observer(Arc::new(channels));
        Ok(())
    }
}
