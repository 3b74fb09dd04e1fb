//! [`run`]: the work of the gateway without a request: leases, checkpoints, recovery, and deletion.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::connections::GatewayConnections;
use super::core::{GatewayCore, LEASE};
use super::exchange::GatewayExchange;

/// Interval of the checkpoints.
const CHECKPOINT_INTERVAL: Duration = Duration::from_millis(250);

/// Interval of renewing the node's leases, and recovering those of others.
const LEASE_INTERVAL: Duration = Duration::from_secs(10);

/// Interval of showing the state of the breakers in the metrics.
const BREAKER_INTERVAL: Duration = Duration::from_secs(1);

/// Interval of deleting old results and usage.
const PURGE_INTERVAL: Duration = Duration::from_secs(600);

/// Maximum number of holds that one step recovers.
const RECOVERY_LIMIT: usize = 100;

/// Stores checkpoints, shows the state of the breakers, renews leases, recovers the holds of nodes that have ended, deletes
/// what is too old, and exchanges changes with other instances. Never ends.
pub(super) async fn run(core: Arc<GatewayCore>, connections: GatewayConnections) {
    match &core.instances {
        Some(instances) => {
            let exchange = GatewayExchange::new(&core, Arc::clone(instances), connections);
            tokio::join!(keep_accounts(&core), exchange.run());
        }
        None => keep_accounts(&core).await,
    }
}

async fn keep_accounts(core: &GatewayCore) {
    let tick = |period| {
        let mut ticks = interval(period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks
    };
    let mut checkpoints = tick(CHECKPOINT_INTERVAL);
    let (mut leases, mut purges) = (tick(LEASE_INTERVAL), tick(PURGE_INTERVAL));
    let mut breakers = tick(BREAKER_INTERVAL);
    // Each step may fail while the database is away; the next one makes up for it.
    loop {
        tokio::select! {
            _ = checkpoints.tick() => {
                let changed = core.open_holds.changed();
                if !changed.is_empty() {
                    let _ = core.accounts.checkpoint(changed).await;
                }
            }
            _ = breakers.tick() => {
                core.figures.record_breakers(&core.router.breakers().health(), &core.catalog);
            }
            _ = leases.tick() => renew_and_recover(core).await,
            _ = purges.tick() => {
                while matches!(
                    core.accounts.purge(core.clock.now(), core.retention).await,
                    Ok(true)
                ) {}
            }
        }
    }
}

async fn renew_and_recover(core: &GatewayCore) {
    let now = core.clock.now();
    if core.open_holds.count() > 0 {
        let _ = core.accounts.renew(core.node, now + LEASE).await;
    }
    while let Ok(recovered) = core.accounts.recover(now, RECOVERY_LIMIT).await {
        recovered.iter().for_each(|hold| core.figures.record_charge(&hold.settled));
        if !recovered.is_empty() {
            tracing::warn!(holds = recovered.len(), "recovered the holds of a node that has ended");
        }
        if recovered.len() < RECOVERY_LIMIT {
            break;
        }
    }
}
