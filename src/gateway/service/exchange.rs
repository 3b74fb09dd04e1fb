//! [`GatewayExchange`]: shares open sockets and failing providers with the other instances.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::connections::GatewayConnections;
use super::core::{GatewayCore, LEASE};
use crate::gateway::instances::store::InstanceExchange;
use crate::gateway::routing::change::BreakerName;

/// Interval of the exchange. A provider that fails is asked for at most this long by the other instances.
const EXCHANGE_INTERVAL: Duration = Duration::from_secs(1);

/// Interval of renewing the leases of sockets.
const RENEW_INTERVAL: Duration = Duration::from_secs(20);

/// Shares what this instance knows.
pub(super) struct GatewayExchange<'a> {
    core: &'a GatewayCore,
    instances: Arc<dyn InstanceExchange>,
    connections: GatewayConnections,
    /// The version of the last change of each breaker that was received.
    received: HashMap<BreakerName, u64>,
}

impl<'a> GatewayExchange<'a> {
    pub fn new(
        core: &'a GatewayCore,
        instances: Arc<dyn InstanceExchange>,
        connections: GatewayConnections,
    ) -> Self {
        Self { core, instances, connections, received: HashMap::new() }
    }

    /// Never ends. Each step may fail while the database is away; the next one makes up for it.
    pub async fn run(mut self) {
        let tick = |period| {
            let mut ticks = interval(period);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks
        };
        let (mut exchanges, mut renewals) = (tick(EXCHANGE_INTERVAL), tick(RENEW_INTERVAL));
        loop {
            tokio::select! {
                _ = exchanges.tick() => self.exchange().await,
                _ = renewals.tick() => {
                    let shared = self.connections.shared();
                    if !shared.is_empty() {
                        let lease_until = self.core.clock.now() + LEASE;
                        let _ = self.instances.renew_sockets(shared, lease_until).await;
                    }
                }
                () = self.connections.closed() => {
                    // If it fails, the leases end by themselves.
                    let _ = self.instances.close_sockets(self.connections.take_closed()).await;
                }
            }
        }
    }

    async fn exchange(&mut self) {
        let breakers = self.core.router.breakers();
        let changed = breakers.take_changes();
        if !changed.is_empty()
            && self.instances.store_changes(self.core.node, changed.clone()).await.is_err()
        {
            breakers.unsent(changed);
        }
        for stored in self.instances.changes(self.core.node).await.unwrap_or_default() {
            let known = self.received.entry(stored.change.breaker.clone()).or_default();
            if *known < stored.version {
                *known = stored.version;
                breakers.receive(&stored.change);
            }
        }
    }
}
