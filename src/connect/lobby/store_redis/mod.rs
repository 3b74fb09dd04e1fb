//! [`RedisLobby`]: the lobby on Redis 7 or newer, or Valkey. Any number of instances share it.
//!
//! Each operation is one script and one round trip; `lua/shared/base.lua` lists the keys.
//! [`Keyring`] encrypts what users write, and Redis stores user ids only as keyed hashes. Pairing,
//! leases and all other rules equal those of the manager in memory; a test plays the same steps on
//! both and compares the results. To add an operation, add a script (see `scripts.rs`) and decode
//! its reply.
//!
//! **Invariant:** no decision is made between two round trips; a decision is part of one script.

mod args;
mod codec;
mod departures;
mod operator;
mod places;
mod scripts;
mod values;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rand::rngs::StdRng;
use redis::{Script, Value};
use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_util::task::TaskTracker;

use super::action::{
    Action, ActionResult, Call, LobbyStats, NudgeResult, Outcome, SenderState, SweepResult,
};
use super::broadcast::{Broadcast, BroadcastProgress, Presence};
use super::inbox::{Lease, LeaseId};
use super::signal::{Listener, SignalHub};
use super::{Deduplicator, Directory, Lobby, Mailbox, Upkeep};
use crate::kernel::clock::Timestamp;
use crate::kernel::failure_log::FailureLog;
use crate::kernel::id::{IdHasher, IdempotencyKey, UserId};
pub use crate::kernel::keyring::{Keyring, SealKey};
use crate::kernel::redis::{RedisConnection, Unanswered};
use crate::kernel::store::{StoreError, StoreErrorKind};
use args::{ScriptArgs, flag};
use codec::Codec;
use scripts::SCRIPTS;
use values::{as_bytes, as_list, as_u64, as_user_ids, as_usize};

/// Prefix of all keys of the lobby. The hash tag is that of moderation and rate limits, so that all
/// keys are in one slot of a cluster.
const KEY_PREFIX: &str = "{random-connect}:2";
/// Maximum wait of a call for the active lease of the same user.
const LEASE_WAIT: Duration = Duration::from_millis(250);
/// Poll interval of that wait, because another instance may settle the lease.
const LEASE_POLL_INTERVAL: Duration = Duration::from_millis(20);
/// Maximum number of users of a sweep or a broadcast page, and of chats of a nudge.
const SWEEP_BATCH: usize = 128;
/// Maximum number of pairs of one call of `pair_waiting`.
const MAX_PAIRS_PER_CALL: usize = 16;

/// The lobby in Redis. Cheap to clone.
#[derive(Clone)]
pub struct RedisLobby(Arc<RedisLobbyInner>);

struct RedisLobbyInner {
    connection: RedisConnection,
    codec: Codec,
    failures: FailureLog,
    idle_timeout: Duration,
    listeners: SignalHub,
    /// Wakes the calls that wait for a lease to end.
    lease_settled: Notify,
    settling: TaskTracker,
}

/// The channel of the signals of all instances.
fn signals_channel() -> String {
    format!("{KEY_PREFIX}:signals")
}

impl RedisLobby {
    /// A lobby behind `connection`. `ids` and `keyring` must have the same secrets in all
    /// instances.
    #[must_use]
    pub fn new(
        connection: RedisConnection,
        idle_timeout: Duration,
        keyring: Keyring,
        ids: IdHasher,
        rng: StdRng,
    ) -> Self {
        let listeners = SignalHub::default();
        let signals = listeners.clone();
        // A signal that is sent while the connection is replaced is lost; listeners poll the inbox
        // for that case.
        connection.subscribe(signals_channel(), move |payload| {
            if let Some(effect) = codec::decode_signal(payload) {
                signals.notify(&[effect]);
            }
        });
        Self(Arc::new(RedisLobbyInner {
            connection,
            codec: Codec::new(keyring, ids, rng),
            failures: FailureLog::new("lobby"),
            idle_timeout,
            listeners,
            lease_settled: Notify::new(),
            settling: TaskTracker::new(),
        }))
    }
}

impl RedisLobbyInner {
    async fn eval(
        &self,
        script: &Script,
        args: &ScriptArgs,
        unanswered: Unanswered,
    ) -> Result<Value, StoreError> {
        let mut invocation = script.key(KEY_PREFIX);
        for arg in &args.0 {
            invocation.arg(arg.as_slice());
        }
        self.connection.invoke(&self.failures, &invocation, unanswered).await
    }

    /// The time argument of a script: empty, so that Redis's clock decides, except in tests.
    fn test_now(&self, now: Timestamp) -> String {
        self.connection.test_now(now).map(|now| now.as_millis().to_string()).unwrap_or_default()
    }

    /// The error for a reply that `script` should not have returned.
    fn undecodable(&self, script: &str) -> StoreError {
        self.failures.record(StoreErrorKind::Decode, script)
    }

    /// The error for arguments that can't be sealed.
    fn unsealable(&self) -> StoreError {
        self.failures.record(StoreErrorKind::Encode, "")
    }

    /// Runs an action. `None` if `wait_for_lease` is set and another lease of the user is active.
    async fn try_perform(
        &self,
        call: &Call,
        action: &Action,
        wait_for_lease: bool,
    ) -> Result<Option<ActionResult>, StoreError> {
        let args = self.codec.call_args(call, action, wait_for_lease, self.test_now(call.now));
        let args = args.ok_or_else(|| self.unsealable())?;
        let script = match action {
            Action::Relay { .. } => &SCRIPTS.relay,
            _ => &SCRIPTS.act,
        };
        // A second execution under the same key returns the outcome of the first.
        let unanswered = match call.idempotency_key {
            Some(_) => Unanswered::Repeat,
            None => Unanswered::Fail,
        };
        let reply = self.eval(script, &args, unanswered).await?;
        let Some([outcome, lease_id, items, language]) = as_list(&reply) else {
            return Err(self.undecodable("perform"));
        };
        if as_list(outcome).and_then(|fields| as_bytes(fields.first()?)) == Some(b"lease_busy") {
            return Ok(None);
        }
        let decode = || {
            let lease = self.codec.decode_lease(call.user, lease_id, items, language)?;
            Some(ActionResult { outcome: self.codec.decode_outcome(call.user, outcome)?, lease })
        };
        decode().map(Some).ok_or_else(|| self.undecodable("perform"))
    }
}

impl RedisLobby {
    /// The relay of a text that names no chat, for the sender's chat, because a text is sealed for its
    /// recipient. `None` unless the script rejected `action` for that reason.
    async fn with_chat(
        &self,
        call: &Call,
        action: &Action,
        result: &ActionResult,
    ) -> Result<Option<Action>, StoreError> {
        let Action::Relay { text, sender, memory } = action else { return Ok(None) };
        if result.outcome != Outcome::SenderChanged || sender.chat.is_some() {
            return Ok(None);
        }
        let current = self.sender_state(call.user).await?;
        let is_current = current.chat.is_some() && sender.same_treatment_as(&current);
        Ok(is_current.then(|| Action::Relay {
            text: text.clone(),
            sender: SenderState { chat: current.chat, ..sender.clone() },
            memory: memory.clone(),
        }))
    }
}

#[async_trait]
impl Lobby for RedisLobby {
    async fn perform(&self, call: Call, mut action: Action) -> Result<ActionResult, StoreError> {
        let mut lease_wait = pin!(sleep(LEASE_WAIT));
        loop {
            // Registered before the script checks the lease, so that no notification is missed.
            let settled = self.0.lease_settled.notified();
            let wait_for_lease = !lease_wait.is_elapsed();
            if let Some(result) = self.0.try_perform(&call, &action, wait_for_lease).await? {
                match self.with_chat(&call, &action, &result).await? {
                    Some(relay) => action = relay,
                    None => return Ok(result),
                }
                continue;
            }
            tokio::select! {
                () = settled => {}
                () = sleep(LEASE_POLL_INTERVAL) => {}
                () = &mut lease_wait => {}
            }
        }
    }

    async fn sender_state(&self, user: UserId) -> Result<SenderState, StoreError> {
        let args = ScriptArgs::default().arg(user.to_hex());
        let reply = self.0.eval(&SCRIPTS.sender_state, &args, Unanswered::Repeat).await?;
        let state = self.0.codec.decode_sender_state(&reply, user);
        state.ok_or_else(|| self.0.undecodable("sender_state"))
    }
}

#[async_trait]
impl Mailbox for RedisLobby {
    async fn collect(&self, user: UserId, now: Timestamp) -> Result<Lease, StoreError> {
        let args = ScriptArgs::default().arg(self.0.test_now(now)).arg(user.to_hex());
        let reply = self.0.eval(&SCRIPTS.collect, &args, Unanswered::Fail).await?;
        let lease = match as_list(&reply) {
            Some([lease_id, items, language]) => {
                self.0.codec.decode_lease(user, lease_id, items, language)
            }
            _ => None,
        };
        lease.ok_or_else(|| self.0.undecodable("collect"))
    }

    async fn put_back(&self, user: UserId, lease: &Lease, shown: usize) -> Result<(), StoreError> {
        let Some(lease_id) = lease.id else { return Ok(()) };
        let args = ScriptArgs::default()
            .arg(user.to_hex())
            .arg(lease_id.to_string())
            .arg(shown.to_string());
        self.0.eval(&SCRIPTS.put_back, &args, Unanswered::Repeat).await.map(drop)
    }

    fn settle(&self, user: UserId, lease: LeaseId, delivered: bool) {
        let lobby = Arc::clone(&self.0);
        self.0.settling.spawn(async move {
            let args = ScriptArgs::default()
                .arg(user.to_hex())
                .arg(lease.to_string())
                .arg(flag(delivered));
            // After a failure the lease expires, and its items are redelivered.
            let _ = lobby.eval(&SCRIPTS.settle, &args, Unanswered::Repeat).await;
            lobby.lease_settled.notify_waiters();
        });
    }

    async fn settled(&self) {
        // A closed tracker still tracks new tasks; it only can become complete.
        self.0.settling.close();
        self.0.settling.wait().await;
    }

    fn listen(&self, user: UserId) -> Listener {
        self.0.listeners.listen(user)
    }
}

#[async_trait]
impl Upkeep for RedisLobby {
    async fn sweep(&self, now: Timestamp) -> Result<SweepResult, StoreError> {
        let args = ScriptArgs::default()
            .arg(self.0.test_now(now))
            .arg(self.0.idle_timeout.as_millis().to_string())
            .arg(SWEEP_BATCH.to_string());
        let reply = self.0.eval(&SCRIPTS.sweep, &args, Unanswered::Fail).await?;
        let evicted = as_user_ids(&reply).ok_or_else(|| self.0.undecodable("sweep"))?;
        Ok(SweepResult { more: evicted.len() == SWEEP_BATCH, evicted })
    }

    async fn pair_waiting(&self, now: Timestamp) -> Result<usize, StoreError> {
        let mut total = 0;
        loop {
            let mut args = ScriptArgs::default().arg(self.0.test_now(now));
            for _ in 0..MAX_PAIRS_PER_CALL {
                args = args.args(self.0.codec.pair_args().ok_or_else(|| self.0.unsealable())?);
            }
            let reply = self.0.eval(&SCRIPTS.pair_waiting, &args, Unanswered::Fail).await?;
            let paired = as_usize(&reply).ok_or_else(|| self.0.undecodable("pair_waiting"))?;
            total += paired;
            // There may be more pairs while a call pairs at least half of the users that it checks.
            if paired < MAX_PAIRS_PER_CALL / 2 {
                return Ok(total);
            }
        }
    }

    async fn nudge_silent(&self, now: Timestamp) -> Result<NudgeResult, StoreError> {
        let args = ScriptArgs::default().arg(self.0.test_now(now)).arg(SWEEP_BATCH.to_string());
        let reply = self.0.eval(&SCRIPTS.nudge_silent, &args, Unanswered::Fail).await?;
        let decode = || {
            let [pairs, more] = as_list(&reply)? else { return None };
            Some(NudgeResult { pairs: as_usize(pairs)?, more: as_u64(more) == Some(1) })
        };
        decode().ok_or_else(|| self.0.undecodable("nudge_silent"))
    }

    async fn note_departure(&self, user: UserId, now: Timestamp) -> Result<(), StoreError> {
        let args = ScriptArgs::default().arg(self.0.test_now(now)).arg(user.to_hex());
        self.0.eval(&SCRIPTS.note_departure, &args, Unanswered::Repeat).await.map(drop)
    }

    async fn end_departed(&self, now: Timestamp) -> Result<usize, StoreError> {
        self.0.end_departed(now).await
    }
}

#[async_trait]
impl Directory for RedisLobby {
    async fn find_by_prefix(&self, prefix: &str) -> Result<Vec<UserId>, StoreError> {
        self.0.find_by_prefix(prefix).await
    }

    async fn presence(&self, user: UserId) -> Result<Option<Presence>, StoreError> {
        self.0.presence(user).await
    }

    async fn broadcast(
        &self,
        broadcast: &Broadcast,
        after: Option<UserId>,
        now: Timestamp,
    ) -> Result<BroadcastProgress, StoreError> {
        self.0.broadcast(broadcast, after, now).await
    }

    async fn check(&self) -> Result<(), StoreError> {
        let (key, channel) = (format!("{KEY_PREFIX}:check"), signals_channel());
        self.0.connection.check_writes(&self.0.failures, &key, Some(&channel)).await
    }

    async fn stats(&self, now: Timestamp) -> Result<LobbyStats, StoreError> {
        let args = ScriptArgs::default().arg(self.0.test_now(now));
        let reply = self.0.eval(&SCRIPTS.stats, &args, Unanswered::Repeat).await?;
        decode_stats(&reply).ok_or_else(|| self.0.undecodable("stats"))
    }
}

#[async_trait]
impl Deduplicator for RedisLobby {
    async fn claim_delivery(
        &self,
        message: IdempotencyKey,
        _now: Timestamp,
    ) -> Result<bool, StoreError> {
        // Tells a repetition of this claim from the claim of another delivery.
        let claimant = self.0.codec.random_room_id().to_hex();
        let args = ScriptArgs::default().arg(message.to_hex()).arg(claimant);
        let reply = self.0.eval(&SCRIPTS.claim_delivery, &args, Unanswered::Repeat).await?;
        as_u64(&reply)
            .map(|claimed| claimed == 1)
            .ok_or_else(|| self.0.undecodable("claim_delivery"))
    }
}

fn decode_stats(reply: &Value) -> Option<LobbyStats> {
    let [people, waiting, longest_wait_ms, pairs, relayed, masked, evicted, instances] =
        as_list(reply)?
    else {
        return None;
    };
    Some(LobbyStats {
        people: as_usize(people)?,
        waiting: as_usize(waiting)?,
        pairs: as_usize(pairs)?,
        longest_wait_secs: as_u64(longest_wait_ms)? / 1_000,
        relayed: as_u64(relayed)?,
        masked: as_u64(masked)?,
        evicted: as_u64(evicted)?,
        // At least this instance, which may not have subscribed yet.
        instances: as_usize(instances)?.max(1),
    })
}
