//! The lobby on Redis (7 or newer, or Valkey): any number of processes share it.
//!
//! Each operation is one script and one round trip (`lua/`; `base.lua` tells the keys). `kernel::seal`
//! encrypts what people write, `codec.rs` puts words into arguments and answers into words. Who
//! somebody is reaches Redis only as a keyed hash. Pairing, leases and all rules are those of the
//! manager in memory; a test plays the same on both.
//!
//! **Invariant:** nothing is decided here between two round trips: what belongs together is in one
//! script.

mod args;
mod codec;
mod operator;
mod scripts;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use rand::rngs::StdRng;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, RedisResult, Script, Value};
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use super::action::{
    Action, ActionResult, Call, LobbyStats, NudgeResult, SenderState, SweepResult,
};
use super::broadcast::{Broadcast, BroadcastProgress, Presence};
use super::inbox::{Lease, LeaseId};
use super::signal::{Listener, SignalHub};
use super::{Lobby, LobbyError};
use crate::kernel::clock::Timestamp;
use crate::kernel::id::{IdHasher, IdempotencyKey, UserId};
pub use crate::kernel::keyring::{Keyring, SealKey};
use args::{ScriptArgs, millis};
use codec::{Codec, as_bytes, as_list, as_u64};
use scripts::SCRIPTS;

/// The hash tag that all keys of the lobby begin with.
const HASH_TAG: &str = "{random-connect}";
/// How long an operation may take; a connection, too. After that the store counts as gone.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(1);
/// How many operations may be under way; further ones wait, at most as long as one may take.
const MAX_IN_FLIGHT: usize = 1_024;
/// How long a call waits for the fate of what is on its way to the same person, and how often it
/// looks: another process may be the one to know.
const LEASE_WAIT: Duration = Duration::from_millis(250);
const LEASE_POLL_INTERVAL: Duration = Duration::from_millis(20);
/// How long to wait before subscribing again.
const RESUBSCRIBE_DELAY: Duration = Duration::from_millis(500);
/// People handled by one sweep, pairs looked at by one nudge, and pairs made by one search among those who wait.
const SWEEP_BATCH: usize = 128;
const MAX_PAIRS_PER_CALL: usize = 16;

/// The lobby kept in Redis. Cheap to clone.
#[derive(Clone)]
pub struct RedisLobby(Arc<RedisLobbyInner>);

struct RedisLobbyInner {
    connection: ConnectionManager,
    codec: Codec,
    idle_timeout: Duration,
    listeners: SignalHub,
    /// Wakes the calls that wait for a lease to end.
    lease_settled: Notify,
    /// Hears what other processes tell.
    subscriber: AbortHandle,
}

impl Drop for RedisLobbyInner {
    fn drop(&mut self) {
        self.subscriber.abort();
    }
}

impl RedisLobby {
    /// A lobby at `url`, which need not be up yet. `ids` and `seal` must have the same secrets in all
    /// processes. Call it within a tokio runtime.
    ///
    /// # Errors
    /// When the address can't be one.
    pub fn new(
        url: &str,
        idle_timeout: Duration,
        seal: Keyring,
        ids: IdHasher,
        rng: StdRng,
    ) -> RedisResult<Self> {
        let client = Client::open(url)?;
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(1)
            .set_max_delay(Duration::from_millis(200))
            .set_connection_timeout(Some(OPERATION_TIMEOUT))
            .set_response_timeout(Some(OPERATION_TIMEOUT))
            .set_concurrency_limit(MAX_IN_FLIGHT);
        let connection = ConnectionManager::new_lazy_with_config(client.clone(), config)?;
        let listeners = SignalHub::default();
        let ears = tokio::spawn(run_subscriber(client, listeners.clone())).abort_handle();
        let codec = Codec::new(seal, ids, rng);
        let settled = Notify::new();
        Ok(Self(Arc::new(RedisLobbyInner {
            connection,
            codec,
            idle_timeout,
            listeners,
            lease_settled: settled,
            subscriber: ears,
        })))
    }
}

/// Passes on what any process tells, for as long as it is wanted. What is told while the connection
/// is lost is not heard; whoever listens looks into the inbox now and then.
async fn run_subscriber(client: Client, listeners: SignalHub) {
    loop {
        if let Ok(Ok(mut ears)) = timeout(OPERATION_TIMEOUT, client.get_async_pubsub()).await
            && ears.subscribe(format!("{HASH_TAG}:wake")).await.is_ok()
        {
            let mut words = ears.into_on_message();
            while let Some(message) = words.next().await {
                if let Some(effect) = codec::decode_signal(message.get_payload_bytes()) {
                    listeners.notify(&[effect]);
                }
            }
        }
        sleep(RESUBSCRIBE_DELAY).await;
    }
}

impl RedisLobbyInner {
    async fn eval(&self, script: &Script, arguments: &ScriptArgs) -> Result<Value, LobbyError> {
        let mut invocation = script.key(HASH_TAG);
        for argument in &arguments.0 {
            invocation.arg(argument.as_slice());
        }
        let mut connection = self.connection.clone();
        let run = timeout(2 * OPERATION_TIMEOUT, invocation.invoke_async(&mut connection));
        match run.await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => {
                // Its text may quote what was sent.
                tracing::warn!(kind = ?error.kind(), "Redis command failed");
                Err(LobbyError)
            }
            Err(_) => Err(LobbyError),
        }
    }

    /// One try; nothing if something is on its way to the person and that is to be waited for.
    async fn try_perform(
        &self,
        call: &Call,
        action: &Action,
        waits: bool,
    ) -> Result<Option<ActionResult>, LobbyError> {
        let arguments = self.call_args(call, action, waits).ok_or(LobbyError)?;
        let script = match action {
            Action::Relay { .. } => &SCRIPTS.relay,
            _ => &SCRIPTS.act,
        };
        let answer = self.eval(script, &arguments).await?;
        let Some([outcome, id, items, language]) = as_list(&answer) else { return Err(LobbyError) };
        if as_list(outcome).and_then(|parts| as_bytes(parts.first()?)) == Some(b"busy") {
            return Ok(None);
        }
        let read = || {
            let lease = self.codec.decode_lease(id, items, language)?;
            Some(ActionResult { outcome: self.codec.decode_outcome(outcome)?, lease })
        };
        read().map(Some).ok_or(LobbyError)
    }

    async fn settle(&self, who: UserId, lease: LeaseId, fate: String) -> Result<(), LobbyError> {
        let arguments = ScriptArgs::default().arg(who.to_hex()).arg(lease.to_string()).arg(fate);
        self.eval(&SCRIPTS.settle, &arguments).await.map(drop)
    }
}

#[async_trait]
impl Lobby for RedisLobby {
    async fn perform(&self, call: Call, action: Action) -> Result<ActionResult, LobbyError> {
        let mut wait = pin!(sleep(LEASE_WAIT));
        loop {
            // Made before the look at the lease, so that no wake-up falls in between.
            let settled = self.0.lease_settled.notified();
            let waits = !wait.is_elapsed();
            if let Some(performed) = self.0.try_perform(&call, &action, waits).await? {
                return Ok(performed);
            }
            tokio::select! {
                () = settled => {}
                () = sleep(LEASE_POLL_INTERVAL) => {}
                () = &mut wait => {}
            }
        }
    }

    async fn sender_state(&self, who: UserId) -> Result<SenderState, LobbyError> {
        let arguments = ScriptArgs::default().arg(who.to_hex());
        let answer = self.0.eval(&SCRIPTS.sender_state, &arguments).await?;
        self.0.codec.decode_sender_state(&answer).ok_or(LobbyError)
    }

    async fn collect(&self, who: UserId, now: Timestamp) -> Result<Lease, LobbyError> {
        let arguments = ScriptArgs::default().arg(millis(now)).arg(who.to_hex());
        let answer = self.0.eval(&SCRIPTS.collect, &arguments).await?;
        let Some([id, items, language]) = as_list(&answer) else { return Err(LobbyError) };
        self.0.codec.decode_lease(id, items, language).ok_or(LobbyError)
    }

    fn listen(&self, who: UserId) -> Listener {
        self.0.listeners.listen(who)
    }

    async fn put_back(&self, who: UserId, lease: &Lease, shown: usize) -> Result<(), LobbyError> {
        match lease.id {
            Some(id) => self.0.settle(who, id, shown.to_string()).await,
            None => Ok(()),
        }
    }

    fn settle(&self, who: UserId, lease: LeaseId, delivered: bool) {
        let lobby = Arc::clone(&self.0);
        let fate = if delivered { "delivered" } else { "lost" };
        tokio::spawn(async move {
            // If it fails the lease ends by itself, and the items come again.
            let _ = lobby.settle(who, lease, fate.to_owned()).await;
            lobby.lease_settled.notify_waiters();
        });
    }

    async fn claim_delivery(
        &self,
        message: IdempotencyKey,
        _now: Timestamp,
    ) -> Result<bool, LobbyError> {
        let arguments = ScriptArgs::default().arg(message.to_hex());
        let answer = self.0.eval(&SCRIPTS.claim_delivery, &arguments).await?;
        as_u64(&answer).map(|first| first == 1).ok_or(LobbyError)
    }

    async fn sweep(&self, now: Timestamp) -> Result<SweepResult, LobbyError> {
        let idle = self.0.idle_timeout.as_millis().to_string();
        let arguments =
            ScriptArgs::default().arg(millis(now)).arg(idle).arg(SWEEP_BATCH.to_string());
        let answer = self.0.eval(&SCRIPTS.sweep, &arguments).await?;
        let evicted = as_u64(&answer).and_then(|n| usize::try_from(n).ok()).ok_or(LobbyError)?;
        Ok(SweepResult { evicted, more: evicted == SWEEP_BATCH })
    }

    async fn pair_waiting(&self, now: Timestamp) -> Result<usize, LobbyError> {
        let mut made = 0;
        loop {
            let mut arguments = ScriptArgs::default().arg(millis(now));
            for _ in 0..MAX_PAIRS_PER_CALL {
                arguments = arguments.args(self.0.pair_args().ok_or(LobbyError)?);
            }
            let answer = self.0.eval(&SCRIPTS.pair_waiting, &arguments).await?;
            let pairs = as_u64(&answer).and_then(|n| usize::try_from(n).ok()).ok_or(LobbyError)?;
            made += pairs;
            // As long as half of those looked at were paired there may be more.
            if pairs < MAX_PAIRS_PER_CALL / 2 {
                return Ok(made);
            }
        }
    }

    async fn nudge_silent(&self, now: Timestamp) -> Result<NudgeResult, LobbyError> {
        let arguments = ScriptArgs::default().arg(millis(now)).arg(SWEEP_BATCH.to_string());
        let answer = self.0.eval(&SCRIPTS.nudge_silent, &arguments).await?;
        let Some([pairs, more]) = as_list(&answer) else { return Err(LobbyError) };
        let pairs = as_u64(pairs).and_then(|n| usize::try_from(n).ok()).ok_or(LobbyError)?;
        Ok(NudgeResult { pairs, more: as_u64(more) == Some(1) })
    }

    async fn find_by_prefix(&self, prefix: &str) -> Result<Vec<UserId>, LobbyError> {
        self.0.find_by_prefix(prefix).await
    }

    async fn presence(&self, who: UserId) -> Result<Option<Presence>, LobbyError> {
        self.0.presence(who).await
    }

    async fn broadcast(
        &self,
        announcement: &Broadcast,
        after: Option<UserId>,
        now: Timestamp,
    ) -> Result<BroadcastProgress, LobbyError> {
        self.0.broadcast(announcement, after, now).await
    }

    async fn stats(&self, now: Timestamp) -> Result<LobbyStats, LobbyError> {
        let answer = self.0.eval(&SCRIPTS.stats, &ScriptArgs::default()).await?;
        read_stats(&answer, now).ok_or(LobbyError)
    }
}

fn read_stats(answer: &Value, now: Timestamp) -> Option<LobbyStats> {
    let [people, waiting, since, pairs, relayed, masked, evicted, instances] = as_list(answer)?
    else {
        return None;
    };
    let count = |value| as_u64(value).and_then(|n| usize::try_from(n).ok());
    let longest = as_u64(since).map(|since| now.since(Timestamp::from_millis(since)).as_secs());
    Some(LobbyStats {
        people: count(people)?,
        waiting: count(waiting)?,
        pairs: count(pairs)?,
        longest_wait_secs: longest.unwrap_or(0),
        relayed: as_u64(relayed)?,
        masked: as_u64(masked)?,
        evicted: as_u64(evicted)?,
        // Whoever asks is one also while it has not begun to listen.
        instances: count(instances)?.max(1),
    })
}
