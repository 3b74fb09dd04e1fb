//! Limits of time that are hardly ever reached, for next to nothing: a connection has one timer, which is
//! set anew when it goes off and hardly ever before.
//!
//! The runtime keeps all timers behind one lock. Set and taken back for each request, twice, they
//! have the threads wait for one another.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};
use hyper_util::rt::TokioTimer;
use parking_lot::Mutex;
use tokio::time;

/// The timer of a connection, made when somebody first waits. Clones share it; all who wait on it must be
/// of one task, and be asked whenever that is woken.
#[derive(Clone, Default)]
pub struct SharedTimer(Arc<Mutex<Option<Pin<Box<time::Sleep>>>>>);

impl SharedTimer {
    /// Waits for so long from now on.
    pub fn deadline_after(&self, duration: Duration) -> Deadline {
        self.deadline_at(self.now() + duration)
    }

    fn deadline_at(&self, deadline: Instant) -> Deadline {
        Deadline { alarm: self.clone(), deadline: deadline.into() }
    }
}

/// Is over at its deadline.
pub struct Deadline {
    alarm: SharedTimer,
    deadline: time::Instant,
}

impl Future for Deadline {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut timer = self.alarm.0.lock();
        let timer = timer.get_or_insert_with(|| Box::pin(time::sleep_until(self.deadline)));
        if timer.deadline() > self.deadline {
            timer.as_mut().reset(self.deadline);
        }
        while timer.as_mut().poll(cx).is_ready() {
            if timer.deadline() >= self.deadline {
                return Poll::Ready(());
            }
            // It was set for something that is over.
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
        TokioTimer::new().now()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::poll;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// When somebody who waits from now on for `seconds` is told, in seconds from now.
    async fn told(alarm: &SharedTimer, seconds: u32) -> u64 {
        let before = alarm.now();
        alarm.deadline_after(SECOND * seconds).await;
        (alarm.now() - before).as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn timer_fires_on_time_after_any_earlier_deadline() {
        for before in [10, 20, 30] {
            let alarm = SharedTimer::default();
            assert!(poll!(alarm.deadline_after(SECOND * before)).is_pending());
            assert_eq!(told(&alarm, 20).await, 20);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn timer_handles_consecutive_deadlines() {
        let alarm = SharedTimer::default();
        for seconds in [3, 1, 2, 2, 0] {
            assert_eq!(told(&alarm, seconds).await, u64::from(seconds));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn timer_handles_concurrent_deadlines() {
        let alarm = SharedTimer::default();
        let both = async { tokio::join!(told(&alarm, 2), told(&alarm, 1)) };
        assert_eq!(both.await, (2, 1));
    }
}
