//! [`BreakerTable`]: the breakers of all targets, and [`TargetPermit`], the permission for one attempt.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::breaker::{Breaker, BreakerAdmission, BreakerOutcome};
use super::change::{BreakerChange, BreakerName};
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
    breakers: Mutex<AllBreakers>,
    clock: Arc<dyn Clock>,
}

#[derive(Default)]
struct AllBreakers {
    keys: HashMap<(String, String), KeyBreakers>,
    /// Breakers that have changed that the other instances have not learned.
    changed: HashSet<BreakerName>,
}

impl AllBreakers {
    fn key(&mut self, target: &RouteTarget) -> &mut KeyBreakers {
        self.keys.entry(target.key()).or_default()
    }

    fn breaker(&mut self, name: &BreakerName) -> &mut Breaker {
        let key = self.keys.entry((name.provider.clone(), name.variable.clone())).or_default();
        match &name.model {
            Some(model) => key.models.entry(model.clone()).or_default(),
            None => &mut key.account,
        }
    }

    /// Records an outcome, and whether the other instances have to learn it.
    fn record(
        &mut self,
        name: BreakerName,
        now: Timestamp,
        outcome: BreakerOutcome,
        is_probe: bool,
    ) {
        let breaker = self.breaker(&name);
        let before = breaker.open_until();
        breaker.record(now, outcome, is_probe);
        let after = breaker.open_until();
        let has_opened = after > before && after.is_some_and(|until| until > now);
        let has_closed = before.is_some() && after.is_none();
        if has_opened || has_closed {
            self.changed.insert(name);
        }
    }
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
        Arc::new(Self { breakers: Mutex::default(), clock })
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
        let mut breakers = self.breakers.lock();
        let key = breakers.key(target);
        let model = key.models.entry(target.model.clone()).or_default();
        // Both are checked first, because an admission may be the only probe.
        for breaker in [&key.account, &*model] {
            if let BreakerAdmission::Open { until } = breaker.check(now) {
                return Err(until);
            }
        }
        let probes_account = key.account.admit(now) == BreakerAdmission::Probe;
        let probes_model = model.admit(now) == BreakerAdmission::Probe;
        drop(breakers);
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
        let breakers = self.breakers.lock();
        let mut all = Vec::new();
        for ((provider, variable), key) in &breakers.keys {
            for (model, breaker) in &key.models {
                let (provider, variable, model) =
                    (provider.clone(), variable.clone(), model.clone());
                let open_until = open_until(&key.account).max(open_until(breaker));
                let target = RouteTarget { provider, variable, model };
                all.push(TargetHealth { target, open_until });
            }
        }
        drop(breakers);
        all.sort_by(|a, b| a.target.cmp(&b.target));
        all
    }

    /// The changes since the last call, for the other instances. [`Self::unsent`] takes back what they did not get.
    #[must_use]
    pub fn take_changes(&self) -> Vec<BreakerChange> {
        let (now, date) = (self.now(), self.clock.now());
        let mut breakers = self.breakers.lock();
        let changed = std::mem::take(&mut breakers.changed);
        let change = |breaker: BreakerName| {
            let open_until = breakers.breaker(&breaker).open_until();
            let open_until = open_until.map(|until| date + until.since(now));
            BreakerChange { breaker, open_until }
        };
        changed.into_iter().map(change).collect()
    }

    /// Takes back changes that could not be sent.
    pub fn unsent(&self, changes: Vec<BreakerChange>) {
        self.breakers.lock().changed.extend(changes.into_iter().map(|change| change.breaker));
    }

    /// Takes a change that another instance has found. One that this instance has found meanwhile holds instead.
    pub fn receive(&self, change: &BreakerChange) {
        let (now, date) = (self.now(), self.clock.now());
        let mut breakers = self.breakers.lock();
        if breakers.changed.contains(&change.breaker) {
            return;
        }
        let breaker = breakers.breaker(&change.breaker);
        match change.open_until {
            Some(until) => breaker.open_at_least(now, now + until.since(date)),
            None => breaker.close(),
        }
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
        let now = self.table.now();
        let name = |model| {
            let (provider, variable) = self.target.key();
            BreakerName { provider, variable, model }
        };
        let mut breakers = self.table.breakers.lock();
        breakers.record(name(None), now, account, probes.0);
        breakers.record(name(Some(self.target.model.clone())), now, model, probes.1);
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

    #[test]
    fn gateway_breaker_changes_reach_another_instance() {
        let (first, clock) = table();
        let second = BreakerTable::new(Arc::clone(&clock) as Arc<dyn Clock>);
        let pass_on = || {
            let changes = first.take_changes();
            changes.iter().for_each(|change| second.receive(change));
            changes.len()
        };
        let small = target("A", "small");
        first.admit(&small).expect("closed").failed(None);
        assert_eq!(pass_on(), 0, "one failure opens nothing");
        let pause = Duration::from_secs(7);
        first.admit(&small).expect("closed").failed(Some(pause));
        assert_eq!(pass_on(), 1);
        assert_eq!(second.admit(&small).err(), Some(second.now() + pause));
        assert!(second.admit(&target("A", "large")).is_ok());
        assert!(second.take_changes().is_empty(), "a change is not sent back");
        first.admit(&target("A", "large")).expect("closed").account_refused();
        assert_eq!(pass_on(), 1);
        assert!(second.admit(&target("A", "large")).is_err());
        clock.advance(ACCOUNT_PAUSE);
        let mut probe = first.admit(&small).expect("a probe");
        assert_eq!(pass_on(), 0, "a probe has no outcome yet");
        probe.succeeded();
        assert_eq!(pass_on(), 2);
        for _ in 0..2 {
            assert!(second.admit(&small).is_ok(), "no probe is needed");
        }
    }

    #[test]
    fn gateway_breaker_change_that_was_not_sent_is_sent_later_and_wins() {
        let (table, _) = table();
        table.admit(&target("A", "small")).expect("closed").failed(Some(Duration::from_secs(9)));
        let changes = table.take_changes();
        table.unsent(changes.clone());
        table.receive(&BreakerChange { open_until: None, ..changes[0].clone() });
        assert!(table.admit(&target("A", "small")).is_err());
        assert_eq!(table.take_changes(), changes);
    }
}
