//! Builds the push channels that the configuration names: WhatsApp and the bridge.

use std::sync::Arc;

use thiserror::Error;

use crate::config::Config;
use crate::config::channels::{BridgeConfig, WhatsAppConfig};
use crate::connect::service::ConnectService;
use crate::delivery::courier::Couriers;
use crate::kernel::clock::{Clock, seeded_rng};
use crate::kernel::id::IdHasher;
use crate::transport::channels::bridge::{Bridge, BridgeChannels};
use crate::transport::channels::outbound::{HttpClientError, OutboundClient, SendPolicy};
use crate::transport::channels::whatsapp::{WhatsApp, WhatsAppDeps, WhatsAppSettings};
use crate::transport::ops::metrics::Metrics;

/// No request can be sent, most often because the system has no root certificates.
#[derive(Debug, Error)]
#[error("HTTPS requests can't be sent ({0}): install ca-certificates")]
pub struct NoHttpClient(#[from] HttpClientError);

/// Creates the client of the channels. `None` if no channel is configured, so that a server without one
/// needs no root certificates.
pub(super) fn outbound_client(config: &Config) -> Result<Option<OutboundClient>, NoHttpClient> {
    let is_needed = config.whatsapp.is_some() || config.bridge.is_some();
    let client = is_needed.then(|| OutboundClient::new(config.https_proxy.as_ref()));
    Ok(client.transpose()?)
}

/// The parts of the server that a channel needs.
pub(super) struct ChannelDeps<'a> {
    pub connect: &'a Arc<ConnectService>,
    pub couriers: &'a Arc<Couriers>,
    pub clock: &'a Arc<dyn Clock>,
    pub ids: &'a IdHasher,
    pub metrics: &'a Arc<Metrics>,
    pub http: Option<OutboundClient>,
    pub send_policy: SendPolicy,
}

impl ChannelDeps<'_> {
    /// Builds the WhatsApp channel. `None` if it is not configured.
    pub fn whatsapp(&self, config: Option<WhatsAppConfig>) -> Option<Arc<WhatsApp>> {
        let (config, http) = config.zip(self.http.clone())?;
        let WhatsAppConfig { token, phone_number_id, verify_token, app_secret, api_base } = config;
        let settings =
            WhatsAppSettings { token, phone_number_id, verify_token, app_secret, api_base };
        let deps = WhatsAppDeps {
            connect: Arc::clone(self.connect),
            couriers: Arc::clone(self.couriers),
            clock: Arc::clone(self.clock),
            ids: self.ids.clone(),
            metrics: Arc::clone(self.metrics),
            http,
            send_policy: self.send_policy,
            rng: seeded_rng(),
        };
        Some(Arc::new(WhatsApp::new(settings, deps)))
    }

    /// Builds the bridge, if it is configured, and lets it observe the calls.
    pub fn attach_bridge(&self, config: Option<BridgeConfig>) {
        let Some((BridgeConfig { url, secret }, http)) = config.zip(self.http.clone()) else {
            return;
        };
        let bridge = Bridge {
            http,
            url,
            secret,
            ids: self.ids.clone(),
            metrics: Arc::clone(self.metrics),
            send_policy: self.send_policy,
        };
        let (couriers, clock) = (Arc::clone(self.couriers), Arc::clone(self.clock));
        let channels = BridgeChannels::new(bridge, couriers, clock, seeded_rng());
        self.connect.set_caller_observer(Arc::new(channels));
    }
}
