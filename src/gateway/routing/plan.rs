//! [`RoutePlan`]: the targets of one request, and which of them is next.
//!
//! Pure: `now` is an argument, and the breakers are asked by a function. To drive it, call [`RoutePlan::next`], and
//! after an attempt that failed [`RoutePlan::failed`].

use std::time::Duration;

use super::target::RouteTarget;
use crate::gateway::provider::error::{ProviderError, ProviderErrorClass};
use crate::kernel::clock::Timestamp;

/// The longest pause that a request waits for a target.
const MAX_WAIT: Duration = Duration::from_secs(30);

/// Maximum number of such pauses of a request.
const MAX_WAITS: u32 = 3;

/// Pause after the first answer of a target that has too many requests and names no pause. It doubles each time.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// Pause before the same target is asked again after a fault.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// The state of a target in the plan of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PlannedState {
    Ready,
    /// A fault of the target is answered by one more attempt.
    Retrying,
    Waiting {
        until: Timestamp,
    },
    /// Not to be used again.
    Out,
}

#[derive(Clone, Debug)]
struct PlannedTarget {
    target: RouteTarget,
    state: PlannedState,
    is_retried: bool,
}

/// The next step of a request.
#[derive(Debug, PartialEq, Eq)]
pub enum RouteStep<P> {
    /// Ask the target with this index.
    Attempt { index: usize, permit: P },
    /// Wait, then ask for a step again.
    Wait(Duration),
    /// No target is left. The pause after which another request may succeed, if it is known.
    Exhausted { retry_after: Option<Duration> },
}

/// The targets of one request, best first.
#[derive(Clone, Debug)]
pub struct RoutePlan {
    targets: Vec<PlannedTarget>,
    waits: u32,
}

impl RoutePlan {
    #[must_use]
    pub fn new(targets: Vec<RouteTarget>) -> Self {
        let planned =
            |target| PlannedTarget { target, state: PlannedState::Ready, is_retried: false };
        Self { targets: targets.into_iter().map(planned).collect(), waits: 0 }
    }

    #[must_use]
    pub fn target(&self, index: usize) -> &RouteTarget {
        &self.targets[index].target
    }

    /// Whether a target is another model than the one that the request is for.
    #[must_use]
    pub fn is_substitute(&self, index: usize) -> bool {
        self.target(index).model != self.target(0).model
    }

    /// Leaves out the model of a target, which can't take the request.
    pub fn leave_out(&mut self, index: usize) {
        let model = self.target(index).model.clone();
        let of_model = self.targets.iter_mut().filter(|planned| planned.target.model == model);
        of_model.for_each(|planned| planned.state = PlannedState::Out);
    }

    /// Decides the next step, which must end within `time_left`. `admit` asks the breakers for a permit, or returns
    /// the time before which the target may not be used.
    pub fn next<P>(
        &mut self,
        now: Timestamp,
        time_left: Duration,
        mut admit: impl FnMut(&RouteTarget) -> Result<P, Timestamp>,
    ) -> RouteStep<P> {
        for (index, planned) in self.targets.iter_mut().enumerate() {
            let is_due = match planned.state {
                PlannedState::Ready | PlannedState::Retrying => true,
                PlannedState::Waiting { until } => until <= now,
                PlannedState::Out => false,
            };
            if is_due {
                match admit(&planned.target) {
                    Ok(permit) => return RouteStep::Attempt { index, permit },
                    Err(until) => planned.state = PlannedState::Waiting { until },
                }
            }
        }
        let waiting = self.targets.iter().filter_map(|planned| match planned.state {
            PlannedState::Waiting { until } => Some(until),
            _ => None,
        });
        let retry_after = waiting.min().map(|until| until.since(now));
        match retry_after {
            Some(pause) if pause <= MAX_WAIT && pause < time_left && self.waits < MAX_WAITS => {
                self.waits += 1;
                RouteStep::Wait(pause)
            }
            _ => RouteStep::Exhausted { retry_after },
        }
    }

    /// Takes the failure of an attempt without any content. Returns the pause before the same target is asked again,
    /// if it is. A refusal of the request ends the plan, unless it is that of a substitute, which is left out alone.
    pub fn failed(
        &mut self,
        index: usize,
        error: &ProviderError,
        now: Timestamp,
    ) -> Option<Duration> {
        if matches!(error.class, ProviderErrorClass::Caller(_)) {
            if self.is_substitute(index) {
                self.leave_out(index);
            } else {
                self.targets.iter_mut().for_each(|planned| planned.state = PlannedState::Out);
            }
            return None;
        }
        let backoff = FIRST_WAIT * 2_u32.saturating_pow(self.waits);
        let planned = &mut self.targets[index];
        planned.state = match error.class {
            ProviderErrorClass::Throttled => {
                PlannedState::Waiting { until: now + error.retry_after.unwrap_or(backoff) }
            }
            ProviderErrorClass::Transient
            | ProviderErrorClass::NoAnswer
            | ProviderErrorClass::Truncated
                if !planned.is_retried =>
            {
                planned.is_retried = true;
                match error.retry_after {
                    Some(pause) => PlannedState::Waiting { until: now + pause },
                    None => PlannedState::Retrying,
                }
            }
            ProviderErrorClass::Transient
            | ProviderErrorClass::NoAnswer
            | ProviderErrorClass::Truncated
            | ProviderErrorClass::TimeLimit
            | ProviderErrorClass::UnknownModel
            | ProviderErrorClass::Account
            | ProviderErrorClass::Caller(_) => PlannedState::Out,
        };
        (planned.state == PlannedState::Retrying).then_some(RETRY_PAUSE)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::gateway::provider::error::ProviderRefusal;

    const TIME_LIMIT: Duration = Duration::from_secs(600);

    fn errors() -> impl Strategy<Value = ProviderError> {
        let class = prop_oneof![
            Just(ProviderErrorClass::Caller(ProviderRefusal::Invalid)),
            Just(ProviderErrorClass::UnknownModel),
            Just(ProviderErrorClass::Account),
            Just(ProviderErrorClass::Throttled),
            Just(ProviderErrorClass::Throttled),
            Just(ProviderErrorClass::Transient),
            Just(ProviderErrorClass::Transient),
            Just(ProviderErrorClass::NoAnswer),
            Just(ProviderErrorClass::Truncated),
            Just(ProviderErrorClass::TimeLimit),
        ];
        let pause = proptest::option::of((1..300_u64).prop_map(Duration::from_secs));
        (class, pause).prop_map(|(class, retry_after)| ProviderError {
            retry_after,
            ..ProviderError::new(class, "")
        })
    }

    proptest! {
        #[test]
        fn gateway_route_plan_ends_after_a_bounded_number_of_attempts(
            count in 0..6_usize,
            errors in proptest::collection::vec(errors(), 64),
            blocked in proptest::collection::vec(proptest::option::weighted(0.2, 0..40_u64), 256),
        ) {
            let target = |n: usize| RouteTarget {
                provider: "p".to_owned(),
                variable: n.to_string(),
                model: "m".to_owned(),
            };
            let mut plan = RoutePlan::new((0..count).map(target).collect());
            let (mut errors, mut blocked) = (errors.into_iter(), blocked.into_iter());
            let start = Timestamp::from_millis(1_000_000);
            let (mut now, mut attempts, mut waits) = (start, vec![0_u32; count], 0);
            let mut is_refused = false;
            loop {
                let left = TIME_LIMIT.saturating_sub(now.since(start));
                let step = plan.next(now, left, |_| match blocked.next().flatten() {
                    Some(seconds) => Err(now + Duration::from_secs(seconds)),
                    None => Ok(()),
                });
                match step {
                    RouteStep::Attempt { index, permit: () } => {
                        prop_assert!(!is_refused, "an attempt after a refusal");
                        attempts[index] += 1;
                        let error = errors.next().expect("a bounded number of attempts");
                        is_refused = matches!(error.class, ProviderErrorClass::Caller(_));
                        if let Some(pause) = plan.failed(index, &error, now) {
                            now = now + pause;
                        }
                    }
                    RouteStep::Wait(pause) => {
                        prop_assert!(pause <= MAX_WAIT && pause < left);
                        waits += 1;
                        now = now + pause;
                    }
                    RouteStep::Exhausted { retry_after } => {
                        prop_assert!(!is_refused || retry_after.is_none());
                        break;
                    }
                }
            }
            prop_assert!(waits <= MAX_WAITS);
            prop_assert!(attempts.iter().all(|n| *n <= 2 + MAX_WAITS), "{attempts:?}");
        }
    }
}
