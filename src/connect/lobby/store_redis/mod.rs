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
use codec::{Codec, bytes, int, list};
use scripts::SCRIPTS;

/// The hash tag that all keys of the lobby begin with.
const TAG: &str = "{random-connect}";
/// How long an operation may take; a connection, too. After that the store counts as gone.
const OPERATION: Duration = Duration::from_secs(1);
/// How many operations may be under way; further ones wait, at most as long as one may take.
const CONCURRENCY: usize = 1_024;
/// How long a call waits for the fate of what is on its way to the same person, and how often it
/// looks: another process may be the one to know.
const ANSWER_WAIT: Duration = Duration::from_millis(250);
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// How long to wait before subscribing again.
const RESUBSCRIBE: Duration = Duration::from_millis(500);
/// People handled by one sweep, pairs looked at by one nudge, and pairs made by one search among those who wait.
const BATCH: usize = 128;
const PAIRS: usize = 16;

/// The lobby kept in Redis. Cheap to clone.
#[derive(Clone)]
pub struct RedisLobby(Arc<RedisLobbyInner>);

struct RedisLobbyInner {
    connection: ConnectionManager,
    codec: Codec,
    idle_timeout: Duration,
    listeners: SignalHub,
    /// Wakes the calls that wait for a lease to end.
    settled: Notify,
    /// Hears what other processes tell.
    ears: AbortHandle,
}

impl Drop for RedisLobbyInner {
    fn drop(&mut self) {
        self.ears.abort();
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
            .set_connection_timeout(Some(OPERATION))
            .set_response_timeout(Some(OPERATION))
            .set_concurrency_limit(CONCURRENCY);
        let connection = ConnectionManager::new_lazy_with_config(client.clone(), config)?;
        let listeners = SignalHub::default();
        let ears = tokio::spawn(hear(client, listeners.clone())).abort_handle();
        let codec = Codec::new(seal, ids, rng);
        let settled = Notify::new();
        Ok(Self(Arc::new(RedisLobbyInner {
            connection,
            codec,
            idle_timeout,
            listeners,
            settled,
            ears,
        })))
    }
}

/// Passes on what any process tells, for as long as it is wanted. What is told while the connection
/// is lost is not heard; whoever listens looks into the inbox now and then.
async fn hear(client: Client, listeners: SignalHub) {
    loop {
        if let Ok(Ok(mut ears)) = timeout(OPERATION, client.get_async_pubsub()).await
            && ears.subscribe(format!("{TAG}:wake")).await.is_ok()
        {
            let mut words = ears.into_on_message();
            while let Some(message) = words.next().await {
                if let Some(effect) = codec::word(message.get_payload_bytes()) {
                    listeners.tell(&[effect]);
                }
            }
        }
        sleep(RESUBSCRIBE).await;
    }
}

impl RedisLobbyInner {
    async fn run(&self, script: &Script, arguments: &ScriptArgs) -> Result<Value, LobbyError> {
        let mut invocation = script.key(TAG);
        for argument in &arguments.0 {
            invocation.arg(argument.as_slice());
        }
        let mut connection = self.connection.clone();
        let run = timeout(2 * OPERATION, invocation.invoke_async(&mut connection));
        match run.await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => {
                // Its text may quote what was sent.
                tracing::warn!(kind = ?error.kind(), "the store failed");
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
        let arguments = self.arguments(call, action, waits).ok_or(LobbyError)?;
        let script = match action {
            Action::Relay { .. } => &SCRIPTS.relay,
            _ => &SCRIPTS.act,
        };
        let answer = self.run(script, &arguments).await?;
        let Some([outcome, id, items, language]) = list(&answer) else { return Err(LobbyError) };
        if list(outcome).and_then(|parts| bytes(parts.first()?)) == Some(b"busy") {
            return Ok(None);
        }
        let read = || {
            let lease = self.codec.read_lease(id, items, language)?;
            Some(ActionResult { outcome: self.codec.read_outcome(outcome)?, lease })
        };
        read().map(Some).ok_or(LobbyError)
    }

    async fn settle(&self, who: UserId, lease: LeaseId, fate: String) -> Result<(), LobbyError> {
        let arguments = ScriptArgs::default().with(who.code()).with(lease.to_string()).with(fate);
        self.run(&SCRIPTS.settle, &arguments).await.map(drop)
    }
}

#[async_trait]
impl Lobby for RedisLobby {
    async fn perform(&self, call: Call, action: Action) -> Result<ActionResult, LobbyError> {
        let mut wait = pin!(sleep(ANSWER_WAIT));
        loop {
            // Made before the look at the lease, so that no wake-up falls in between.
            let settled = self.0.settled.notified();
            let waits = !wait.is_elapsed();
            if let Some(performed) = self.0.try_perform(&call, &action, waits).await? {
                return Ok(performed);
            }
            tokio::select! {
                () = settled => {}
                () = sleep(LOOK_AGAIN) => {}
                () = &mut wait => {}
            }
        }
    }

    async fn sender(&self, who: UserId) -> Result<SenderState, LobbyError> {
        let arguments = ScriptArgs::default().with(who.code());
        let answer = self.0.run(&SCRIPTS.sender, &arguments).await?;
        self.0.codec.read_sender(&answer).ok_or(LobbyError)
    }

    async fn collect(&self, who: UserId, now: Timestamp) -> Result<Lease, LobbyError> {
        let arguments = ScriptArgs::default().with(millis(now)).with(who.code());
        let answer = self.0.run(&SCRIPTS.collect, &arguments).await?;
        let Some([id, items, language]) = list(&answer) else { return Err(LobbyError) };
        self.0.codec.read_lease(id, items, language).ok_or(LobbyError)
    }

    fn listen(&self, who: UserId) -> Listener {
        self.0.listeners.listen(who)
    }

    async fn keep_back(&self, who: UserId, lease: &Lease, shown: usize) -> Result<(), LobbyError> {
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
            lobby.settled.notify_waiters();
        });
    }

    async fn first(&self, message: IdempotencyKey, _now: Timestamp) -> Result<bool, LobbyError> {
        let arguments = ScriptArgs::default().with(message.code());
        let answer = self.0.run(&SCRIPTS.first, &arguments).await?;
        int(&answer).map(|first| first == 1).ok_or(LobbyError)
    }

    async fn sweep(&self, now: Timestamp) -> Result<SweepResult, LobbyError> {
        let idle = self.0.idle_timeout.as_millis().to_string();
        let arguments = ScriptArgs::default().with(millis(now)).with(idle).with(BATCH.to_string());
        let answer = self.0.run(&SCRIPTS.sweep, &arguments).await?;
        let evicted = int(&answer).and_then(|n| usize::try_from(n).ok()).ok_or(LobbyError)?;
        Ok(SweepResult { evicted, more: evicted == BATCH })
    }

    async fn pair_waiting(&self, now: Timestamp) -> Result<usize, LobbyError> {
        let mut made = 0;
        loop {
            let mut arguments = ScriptArgs::default().with(millis(now));
            for _ in 0..PAIRS {
                arguments = arguments.and(self.0.for_a_pair().ok_or(LobbyError)?);
            }
            let answer = self.0.run(&SCRIPTS.pair_waiting, &arguments).await?;
            let pairs = int(&answer).and_then(|n| usize::try_from(n).ok()).ok_or(LobbyError)?;
            made += pairs;
            // As long as half of those looked at were paired there may be more.
            if pairs < PAIRS / 2 {
                return Ok(made);
            }
        }
    }

    async fn nudge_silent(&self, now: Timestamp) -> Result<NudgeResult, LobbyError> {
        let arguments = ScriptArgs::default().with(millis(now)).with(BATCH.to_string());
        let answer = self.0.run(&SCRIPTS.nudge_silent, &arguments).await?;
        let Some([pairs, more]) = list(&answer) else { return Err(LobbyError) };
        let pairs = int(pairs).and_then(|n| usize::try_from(n).ok()).ok_or(LobbyError)?;
        Ok(NudgeResult { pairs, more: int(more) == Some(1) })
    }

    async fn find(&self, prefix: &str) -> Result<Vec<UserId>, LobbyError> {
        self.0.find(prefix).await
    }

    async fn presence(&self, who: UserId) -> Result<Option<Presence>, LobbyError> {
        self.0.presence(who).await
    }

    async fn announce(
        &self,
        announcement: &Broadcast,
        after: Option<UserId>,
        now: Timestamp,
    ) -> Result<BroadcastProgress, LobbyError> {
        self.0.announce(announcement, after, now).await
    }

    async fn stats(&self, now: Timestamp) -> Result<LobbyStats, LobbyError> {
        let answer = self.0.run(&SCRIPTS.stats, &ScriptArgs::default()).await?;
        read_stats(&answer, now).ok_or(LobbyError)
    }
}

fn read_stats(answer: &Value, now: Timestamp) -> Option<LobbyStats> {
    let [people, waiting, since, pairs, relayed, masked, evicted, instances] = list(answer)? else {
        return None;
    };
    let count = |value| int(value).and_then(|n| usize::try_from(n).ok());
    let longest = int(since).map(|since| now.since(Timestamp::from_millis(since)).as_secs());
    Some(LobbyStats {
        people: count(people)?,
        waiting: count(waiting)?,
        pairs: count(pairs)?,
        longest_wait_secs: longest.unwrap_or(0),
        relayed: int(relayed)?,
        masked: int(masked)?,
        evicted: int(evicted)?,
        // Whoever asks is one also while it has not begun to listen.
        instances: count(instances)?.max(1),
    })
}
