//! [`SharedTimer`]: one runtime timer per connection for all of its deadlines.
//!
//! Deadlines of requests almost never fire, so the timer is reset when it fires and hardly ever
//! before. The runtime stores all timers behind one lock. Two timers per request, each created and
//! cancelled, would make the threads contend for it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};
use hyper_util::rt::TokioTimer;
use parking_lot::Mutex;
use tokio::time;

/// The timer of a connection, created by the first poll of a [`Deadline`]. Clones share it.
///
/// All deadlines of a timer must belong to one task, and that task must poll each of them whenever
/// it wakes, because the timer stores a single waker.
#[derive(Clone, Default)]
pub struct SharedTimer(Arc<Mutex<Option<Pin<Box<time::Sleep>>>>>);

impl SharedTimer {
    /// A deadline `duration` from now.
    pub fn deadline_after(&self, duration: Duration) -> Deadline {
        self.deadline_at(self.now() + duration)
    }

    fn deadline_at(&self, deadline: Instant) -> Deadline {
        Deadline { timer: self.clone(), deadline: deadline.into() }
    }
}

/// The time of the runtime, which tests can pause.
pub fn now() -> Instant {
    TokioTimer::new().now()
}

/// A future that completes at its deadline.
pub struct Deadline {
    timer: SharedTimer,
    deadline: time::Instant,
}

impl Future for Deadline {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut timer = self.timer.0.lock();
        let timer = timer.get_or_insert_with(|| Box::pin(time::sleep_until(self.deadline)));
        if timer.deadline() > self.deadline {
            timer.as_mut().reset(self.deadline);
        }
        while timer.as_mut().poll(cx).is_ready() {
            if timer.deadline() >= self.deadline {
                return Poll::Ready(());
            }
            // The timer fired for an earlier deadline that no longer matters.
            timer.as_mut().reset(self.deadline);
        }
        Poll::Pending
    }
}

impl Sleep for Deadline {}

impl Timer for SharedTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        Box::pin(self.deadline_after(duration))
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(self.deadline_at(deadline))
    }

    fn now(&self) -> Instant {
        now()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::poll;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// The seconds until a deadline of `seconds` from now completes.
    async fn elapsed(timer: &SharedTimer, seconds: u32) -> u64 {
        let before = timer.now();
        timer.deadline_after(SECOND * seconds).await;
        (timer.now() - before).as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn timer_fires_on_time_after_any_earlier_deadline() {
        for before in [10, 20, 30] {
            let timer = SharedTimer::default();
            assert!(poll!(timer.deadline_after(SECOND * before)).is_pending());
            assert_eq!(elapsed(&timer, 20).await, 20);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn timer_handles_consecutive_deadlines() {
        let timer = SharedTimer::default();
        for seconds in [3, 1, 2, 2, 0] {
            assert_eq!(elapsed(&timer, seconds).await, u64::from(seconds));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn timer_handles_concurrent_deadlines() {
        let timer = SharedTimer::default();
        let both = async { tokio::join!(elapsed(&timer, 2), elapsed(&timer, 1)) };
        assert_eq!(both.await, (2, 1));
    }
}
