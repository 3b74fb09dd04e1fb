//! [`BreakerTable`]: the breakers of all targets, and [`TargetPermit`], the permission for one attempt.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::breaker::{Breaker, BreakerAdmission, BreakerOutcome};
use super::target::RouteTarget;
use crate::kernel::clock::{Clock, Timestamp};

/// Pause of a key whose account was refused.
const ACCOUNT_PAUSE: Duration = Duration::from_secs(300);

/// The breakers of a key.
#[derive(Default)]
struct KeyBreakers {
    /// Opens if the account is refused.
    account: Breaker,
    models: HashMap<String, Breaker>,
}

/// The breakers of all targets: one per key, and one per key and model.
///
/// Its size is that of the configuration. A lock is never taken for longer than a decision.
pub struct BreakerTable {
    keys: Mutex<HashMap<(String, String), KeyBreakers>>,
    clock: Arc<dyn Clock>,
}

/// Whether the breakers admit requests, for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetHealth {
    pub target: RouteTarget,
    /// The time before which no request is sent, by [`Clock::steady`]. `None` if requests are sent.
    pub open_until: Option<Timestamp>,
}

impl BreakerTable {
    /// All closed.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { keys: Mutex::default(), clock })
    }

    /// The current time of the breakers.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.steady()
    }

    /// Asks for an attempt.
    ///
    /// # Errors
    /// Returns the time before which no request may be sent to the target.
    pub fn admit(self: &Arc<Self>, target: &RouteTarget) -> Result<TargetPermit, Timestamp> {
        let now = self.now();
        let mut keys = self.keys.lock();
        let key = keys.entry(target.key()).or_default();
        let model = key.models.entry(target.model.clone()).or_default();
        // Both are checked first, because an admission may be the only probe.
        for breaker in [&key.account, &*model] {
            if let BreakerAdmission::Open { until } = breaker.check(now) {
                return Err(until);
            }
        }
        let probes_account = key.account.admit(now) == BreakerAdmission::Probe;
        let probes_model = model.admit(now) == BreakerAdmission::Probe;
        drop(keys);
        let table = Arc::clone(self);
        Ok(TargetPermit { table, target: target.clone(), probes_account, probes_model })
    }

    /// The state of each target that was used, in the order of provider, key and model.
    #[must_use]
    pub fn health(&self) -> Vec<TargetHealth> {
        let now = self.now();
        let open_until = |breaker: &Breaker| match breaker.check(now) {
            BreakerAdmission::Open { until } => Some(until),
            BreakerAdmission::Closed | BreakerAdmission::Probe => None,
        };
        let keys = self.keys.lock();
        let mut all = Vec::new();
        for ((provider, variable), key) in keys.iter() {
            for (model, breaker) in &key.models {
                let (provider, variable, model) =
                    (provider.clone(), variable.clone(), model.clone());
                let open_until = open_until(&key.account).max(open_until(breaker));
                let target = RouteTarget { provider, variable, model };
                all.push(TargetHealth { target, open_until });
            }
        }
        drop(keys);
        all.sort_by(|a, b| a.target.cmp(&b.target));
        all
    }

    fn with_key<T>(
        &self,
        target: &RouteTarget,
        act: impl FnOnce(&mut KeyBreakers, Timestamp) -> T,
    ) -> T {
        let now = self.now();
        act(self.keys.lock().entry(target.key()).or_default(), now)
    }
}

/// The permission for one attempt. Dropping it without an outcome says nothing about the target.
pub struct TargetPermit {
    table: Arc<BreakerTable>,
    target: RouteTarget,
    probes_account: bool,
    probes_model: bool,
}

impl TargetPermit {
    #[must_use]
    pub const fn target(&self) -> &RouteTarget {
        &self.target
    }

    /// The target answers. It may fail later all the same.
    pub fn succeeded(&mut self) {
        self.record(BreakerOutcome::Success, BreakerOutcome::Success);
    }

    /// The target failed, and may have asked for a pause.
    pub fn failed(&mut self, pause: Option<Duration>) {
        self.record(BreakerOutcome::Unknown, BreakerOutcome::Failure { pause });
    }

    /// The account of the key is refused, for all models.
    pub fn account_refused(&mut self) {
        let blocked = BreakerOutcome::Blocked { pause: ACCOUNT_PAUSE };
        self.record(blocked, BreakerOutcome::Unknown);
    }

    /// Records an outcome of the account and one of the model.
    fn record(&mut self, account: BreakerOutcome, model: BreakerOutcome) {
        let probes =
            (std::mem::take(&mut self.probes_account), std::mem::take(&mut self.probes_model));
        self.table.with_key(&self.target, |key, now| {
            key.account.record(now, account, probes.0);
            let breaker = key.models.entry(self.target.model.clone()).or_default();
            breaker.record(now, model, probes.1);
        });
    }
}

impl Drop for TargetPermit {
    fn drop(&mut self) {
        if self.probes_account || self.probes_model {
            self.record(BreakerOutcome::Unknown, BreakerOutcome::Unknown);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::clock::ManualClock;

    fn target(variable: &str, model: &str) -> RouteTarget {
        let (variable, model) = (variable.to_owned(), model.to_owned());
        RouteTarget { provider: "openai".to_owned(), variable, model }
    }

    fn table() -> (Arc<BreakerTable>, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_000_000)));
        (BreakerTable::new(Arc::clone(&clock) as Arc<dyn Clock>), clock)
    }

    #[test]
    fn gateway_breaker_of_a_refused_account_has_all_models_of_its_key() {
        let (table, clock) = table();
        let mut permit = table.admit(&target("A", "small")).expect("closed");
        permit.account_refused();
        for model in ["small", "large"] {
            assert!(table.admit(&target("A", model)).is_err());
            assert!(table.admit(&target("B", model)).is_ok());
        }
        clock.advance(ACCOUNT_PAUSE);
        let mut probe = table.admit(&target("A", "large")).expect("a probe");
        assert!(table.admit(&target("A", "small")).is_err(), "the account has one probe");
        probe.succeeded();
        assert!(table.admit(&target("A", "small")).is_ok());
    }

    #[test]
    fn gateway_breaker_has_the_models_of_a_key_apart() {
        let (table, clock) = table();
        let pause = Duration::from_secs(7);
        table.admit(&target("A", "small")).expect("closed").failed(Some(pause));
        let until = table.now() + pause;
        assert_eq!(table.admit(&target("A", "small")).err(), Some(until));
        assert!(table.admit(&target("A", "large")).is_ok());
        let health = table.health();
        let shown: Vec<_> =
            health.iter().map(|h| (h.target.model.as_str(), h.open_until)).collect();
        assert_eq!(shown, [("large", None), ("small", Some(until))]);
        clock.advance(pause);
        let probe = table.admit(&target("A", "small")).expect("a probe");
        assert!(table.admit(&target("A", "small")).is_err());
        drop(probe);
        assert!(table.admit(&target("A", "small")).is_ok(), "the probe was passed on");
    }
}
