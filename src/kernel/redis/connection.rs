//! [`RedisConnection`]: the connection of all stores on Redis, which follows the server's name.
//!
//! It is opened on first use and replaced as soon as it is known to be broken: the client reads it
//! while idle, a task checks it every [`CHECK_INTERVAL`], and a server that refuses commands, as a
//! former primary does, is left at once. Each new connection resolves the name again. Concurrent
//! callers share one attempt to connect.
//!
//! Scripts, keys and the meaning of errors for a store do not belong here.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared as SharedFuture};
use parking_lot::Mutex;
use redis::aio::MultiplexedConnection;
use redis::{FromRedisValue, Pipeline, PushInfo, PushKind, RedisResult, ScriptInvocation, Value};
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use super::endpoint::{Endpoint, Link};
use super::failure::{Failure, Progress};
use super::time::ServerTime;
use crate::kernel::clock::{Stopwatch, Timestamp};
use crate::kernel::failure_log::FailureLog;
use crate::kernel::secrets::SecretFingerprints;
use crate::kernel::store::{StoreError, StoreErrorKind};

/// Time limit of an operation with all that it waits for.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(2);
/// Time between two checks of the connection and of the server's name.
const CHECK_INTERVAL: Duration = Duration::from_secs(2);
/// Delay before the check connects again after a failure.
const RECONNECT_DELAY: Duration = Duration::from_millis(500);
/// TTL of the key that a check of writes stores.
const CHECK_TTL: Duration = Duration::from_secs(60);

/// The treatment of a command whose connection broke before the answer. It may have taken effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// It fails, because a second execution would change more than the first.
    Fail,
    /// It is sent once more: it only reads, or a second execution changes nothing.
    Repeat,
}

/// Options of a [`RedisConnection`].
#[derive(Default)]
pub struct RedisOptions {
    /// The secrets of this instance. Each new connection is refused if others use other ones.
    pub secrets: Option<SecretFingerprints>,
    /// Whether scripts take the time of the caller instead of Redis's clock, for tests that play it.
    pub uses_callers_time: bool,
}

/// A connection to Redis. Cheap to clone.
#[derive(Clone)]
pub struct RedisConnection(Arc<Handle>);

/// Ends the checks when the last clone is dropped.
struct Handle {
    shared: Arc<Shared>,
    checks: AbortHandle,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.checks.abort();
    }
}

struct Shared {
    endpoint: Endpoint,
    state: Mutex<State>,
    subscription: OnceLock<ChannelSubscription>,
    /// Wakes the checks: the connection broke or is new, or there is a subscription.
    changed: Notify,
    failures: FailureLog,
    time: ServerTime,
    /// Whether scripts take the time of the caller, for tests that play it.
    uses_callers_time: bool,
}

/// A channel, and the function that receives the payload of its messages.
struct ChannelSubscription {
    channel: String,
    handler: Handler,
}

type Handler = Box<dyn Fn(&[u8]) + Send + Sync>;

type Attempt = SharedFuture<BoxFuture<'static, Result<Arc<Link>, Failure>>>;

enum State {
    Closed,
    Connecting(Attempt),
    Open(Arc<Link>),
}

impl RedisConnection {
    /// Creates a connection to the Redis at `url`, which need not be up yet.
    ///
    /// # Errors
    /// Returns an error if `url` is malformed.
    ///
    /// # Panics
    /// Panics outside a tokio runtime.
    pub fn open(url: &str) -> RedisResult<Self> {
        Self::open_with(url, RedisOptions::default())
    }

    /// Creates a connection whose scripts take the time of the caller instead of Redis's clock, for
    /// tests that play it.
    ///
    /// # Errors
    /// See [`Self::open`].
    pub fn open_with_callers_time(url: &str) -> RedisResult<Self> {
        Self::open_with(url, RedisOptions { uses_callers_time: true, ..Default::default() })
    }

    /// Creates a connection with these options.
    ///
    /// # Errors
    /// See [`Self::open`].
    pub fn open_with(url: &str, options: RedisOptions) -> RedisResult<Self> {
        let RedisOptions { secrets, uses_callers_time } = options;
        let shared = Arc::new(Shared {
            endpoint: Endpoint::new(url, secrets)?,
            state: Mutex::new(State::Closed),
            subscription: OnceLock::new(),
            changed: Notify::new(),
            failures: FailureLog::new("redis"),
            time: ServerTime::new(),
            uses_callers_time,
        });
        let checks = tokio::spawn(run_checks(Arc::clone(&shared))).abort_handle();
        Ok(Self(Arc::new(Handle { shared, checks })))
    }

    /// Connects, if Redis can be reached, and returns the name of the secret that differs from that
    /// of the other instances.
    pub async fn differing_secret(&self) -> Option<String> {
        let link = timeout(OPERATION_TIMEOUT, self.0.shared.link()).await.ok()?;
        link.err().filter(|failure| failure.kind == StoreErrorKind::Secrets).map(|f| f.detail)
    }

    /// Returns Redis's clock; `None` until Redis was reached for the first time.
    #[must_use]
    pub fn time(&self) -> Option<Timestamp> {
        self.0.shared.time.now()
    }

    /// Returns the machine's clock minus Redis's, in milliseconds.
    #[must_use]
    pub fn clock_skew_ms(&self) -> i64 {
        self.0.shared.time.skew_ms()
    }

    /// Returns the time that a script has to use; `None` for Redis's clock.
    #[must_use]
    pub fn test_now(&self, now: Timestamp) -> Option<Timestamp> {
        self.0.shared.uses_callers_time.then_some(now)
    }

    /// Passes each message of `channel` to `handler`, which must not block. Messages sent while the
    /// connection is replaced are lost. A connection has one subscription; later ones are ignored.
    pub fn subscribe(&self, channel: String, handler: impl Fn(&[u8]) + Send + Sync + 'static) {
        let subscription = ChannelSubscription { channel, handler: Box::new(handler) };
        if self.0.shared.subscription.set(subscription).is_ok() {
            self.0.shared.changed.notify_one();
        }
    }

    /// Runs a script, and loads it first if Redis does not have it.
    ///
    /// # Errors
    /// Returns [`StoreError`] if Redis can't be reached, refuses the script or does not answer.
    pub async fn invoke<T: FromRedisValue + Send>(
        &self,
        failures: &FailureLog,
        script: &ScriptInvocation<'_>,
        unanswered: Unanswered,
    ) -> Result<T, StoreError> {
        let operation = |mut connection| async move { script.invoke_async(&mut connection).await };
        self.run(failures, unanswered, operation).await
    }

    /// Executes all commands in one transaction and one round trip.
    ///
    /// # Errors
    /// See [`Self::invoke`].
    pub async fn query<T: FromRedisValue + Send>(
        &self,
        failures: &FailureLog,
        commands: &mut Pipeline,
        unanswered: Unanswered,
    ) -> Result<T, StoreError> {
        let commands: &Pipeline = commands.atomic();
        let operation = |mut connection| async move { commands.query_async(&mut connection).await };
        self.run(failures, unanswered, operation).await
    }

    /// Checks that writes work: stores a key with a TTL, and publishes an empty message to
    /// `channel`. Fails on a replica, without enough replicas, without the rights, and if memory
    /// or disk are full.
    ///
    /// # Errors
    /// See [`Self::invoke`].
    pub async fn check_writes(
        &self,
        failures: &FailureLog,
        key: &str,
        channel: Option<&str>,
    ) -> Result<(), StoreError> {
        // No transaction: before version 7.2, Redis puts the message into the middle of its reply,
        // because this connection is subscribed.
        let operation = |mut connection| async move {
            let mut set = redis::cmd("SET");
            set.arg(key).arg(1).arg("EX").arg(CHECK_TTL.as_secs());
            set.exec_async(&mut connection).await?;
            match channel {
                Some(channel) => {
                    redis::cmd("PUBLISH").arg(channel).arg("").exec_async(&mut connection).await
                }
                None => Ok(()),
            }
        };
        self.run(failures, Unanswered::Repeat, operation).await
    }

    async fn run<T, F: Future<Output = RedisResult<T>> + Send>(
        &self,
        failures: &FailureLog,
        unanswered: Unanswered,
        operation: impl Fn(MultiplexedConnection) -> F,
    ) -> Result<T, StoreError> {
        let shared = &self.0.shared;
        let result = timeout(OPERATION_TIMEOUT, shared.run(unanswered, operation)).await;
        let failure = match result {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(failure)) => failure,
            Err(_) => Failure {
                kind: StoreErrorKind::Timeout,
                progress: Progress::Unanswered,
                detail: "operation timed out".to_owned(),
            },
        };
        Err(failures.record(failure.kind, &failure.detail))
    }
}

impl Shared {
    async fn run<T, F: Future<Output = RedisResult<T>>>(
        self: &Arc<Self>,
        unanswered: Unanswered,
        operation: impl Fn(MultiplexedConnection) -> F,
    ) -> Result<T, Failure> {
        let mut is_repeated = false;
        loop {
            let link = match self.link().await {
                Ok(link) => link,
                // Nothing was sent. The failed attempt may have begun long before this call.
                Err(_) => self.link().await?,
            };
            let failure = match operation(link.connection.clone()).await {
                Ok(value) => return Ok(value),
                Err(error) => Failure::from(error),
            };
            if failure.progress != Progress::Answered {
                self.discard(&link);
            }
            let may_repeat = match failure.progress {
                Progress::Answered => false,
                Progress::Refused => true,
                Progress::Unanswered => unanswered == Unanswered::Repeat,
            };
            if is_repeated || !may_repeat {
                return Err(failure);
            }
            is_repeated = true;
        }
    }

    /// Returns the open connection, or opens one. Concurrent callers share the attempt.
    async fn link(self: &Arc<Self>) -> Result<Arc<Link>, Failure> {
        let attempt = match &mut *self.state.lock() {
            State::Open(link) if link.is_alive() => return Ok(Arc::clone(link)),
            State::Connecting(attempt) => attempt.clone(),
            state => {
                // A task, so that an attempt ends although its caller has given up.
                let task = tokio::spawn(connect_and_store(Arc::clone(self)));
                let attempt =
                    task.map(|result| result.unwrap_or_else(|_| Err(Failure::not_connected())));
                let attempt = attempt.boxed().shared();
                *state = State::Connecting(attempt.clone());
                attempt
            }
        };
        attempt.await
    }

    /// Makes the next command open a new connection, unless that has already happened. Commands in
    /// flight keep the old one until they end.
    fn discard(&self, link: &Arc<Link>) {
        let mut state = self.state.lock();
        if matches!(&*state, State::Open(open) if Arc::ptr_eq(open, link)) {
            *state = State::Closed;
            drop(state);
            self.changed.notify_one();
        }
    }

    /// Opens the connection if necessary, sends a command, compares the address with those that the
    /// name has now, and subscribes.
    async fn check(self: &Arc<Self>) -> Result<(), Failure> {
        let link = self.link().await?;
        let mut connection = link.connection.clone();
        let asked = Stopwatch::start();
        match redis::cmd("TIME").query_async(&mut connection).await {
            Ok(time) => self.time.record(time, asked),
            Err(error) => {
                let failure = Failure::from(error);
                if failure.progress != Progress::Answered {
                    self.discard(&link);
                }
                return Err(failure);
            }
        }
        if self.endpoint.has_moved(&link).await {
            tracing::info!("the name of the Redis server has another address now");
            self.discard(&link);
            return Ok(());
        }
        if let Some(subscription) = self.subscription.get()
            && !link.subscribed.load(Ordering::Acquire)
        {
            connection.subscribe(&subscription.channel).await?;
            link.subscribed.store(true, Ordering::Release);
        }
        Ok(())
    }
}

async fn connect_and_store(shared: Arc<Shared>) -> Result<Arc<Link>, Failure> {
    let weak = Arc::downgrade(&shared);
    let link = shared.endpoint.connect(|alive| push_handler(weak.clone(), alive)).await;
    let link = link.map(Arc::new);
    *shared.state.lock() =
        link.as_ref().map_or(State::Closed, |link| State::Open(Arc::clone(link)));
    if link.is_ok() {
        shared.changed.notify_one();
    }
    link
}

/// Checks the connection until it is aborted: regularly, and whenever it changed.
async fn run_checks(shared: Arc<Shared>) {
    loop {
        let checked = shared.check().await;
        if let Err(failure) = &checked {
            // The stores log an outage. Only the checks notice that a right to subscribe is missing.
            if failure.progress == Progress::Answered {
                let _ = shared.failures.record(failure.kind, &failure.detail);
            }
            sleep(RECONNECT_DELAY).await;
            continue;
        }
        // The connection also tells when it breaks.
        let _ = timeout(CHECK_INTERVAL, shared.changed.notified()).await;
    }
}

/// Receives what the server sends on its own, and the client's report of a closed connection.
fn push_handler(
    shared: Weak<Shared>,
    alive: Arc<AtomicBool>,
) -> impl Fn(PushInfo) -> Result<(), ()> + Send + Sync + 'static {
    move |push| {
        let Some(shared) = shared.upgrade() else { return Ok(()) };
        match push.kind {
            PushKind::Disconnection => {
                alive.store(false, Ordering::Release);
                shared.changed.notify_one();
            }
            PushKind::Message => {
                if let (Some(subscription), Some(Value::BulkString(payload))) =
                    (shared.subscription.get(), push.data.last())
                {
                    (subscription.handler)(payload);
                }
            }
            _ => {}
        }
        Ok(())
    }
}
