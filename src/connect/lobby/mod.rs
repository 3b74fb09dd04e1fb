//! [`Lobby`]: the queue, chats and inboxes of all users behind one atomic interface.
//!
//! Two backends implement it. [`store_memory`] runs the state machine of [`manager`] behind a
//! mutex; [`store_redis`] runs the same rules as Lua scripts. Parsing, masking, moderation and
//! wording must not live in this folder: they are written once, above the interface.
//!
//! To add a backend, write `store_<engine>.rs` against the contract of [`Lobby`] and the constants
//! in [`rules`]. Then add it to `backends()` in `tests/it/lobby/contract.rs` and construct it in
//! `app/stores.rs`.

pub mod action;
pub mod broadcast;
pub mod chat;
pub mod inbox;
pub mod manager;
mod people;
pub mod person;
mod queue;
pub(crate) mod reaper;
mod replay;
pub mod rules;
pub mod signal;
pub mod store_memory;
pub mod store_redis;
mod transcript;

use async_trait::async_trait;
use thiserror::Error;

use self::action::{Action, ActionResult, Call, LobbyStats, NudgeResult, SenderState, SweepResult};
use self::broadcast::{Broadcast, BroadcastProgress, Presence};
use self::inbox::{Lease, LeaseId};
use self::signal::Listener;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::{IdempotencyKey, UserId};

/// The store itself failed. Whether the operation took effect is unknown.
///
/// The error contains no text, name or id of a user.
#[derive(Debug, Error)]
#[error("the lobby's store is unavailable")]
pub struct LobbyError;

/// The storage interface of the lobby.
///
/// Refusals such as a full inbox are variants of [`action::Outcome`]. A method returns
/// [`LobbyError`] only if the store itself failed.
///
/// # Contract
///
/// A backend guarantees the following. `tests/it/lobby/contract.rs` checks it on every backend, and
/// `tests/it/lobby/differential.rs` compares the backends on random operations.
///
/// - **Atomicity.** Each method is one atomic step: no other call observes a part of it. If it
///   returns an error, either the whole step happened or none of it.
/// - **Idempotency.** [`perform`](Self::perform) executes a call once per
///   [`Call::idempotency_key`], for ten minutes. A retry within this time receives the stored
///   outcome and items and executes nothing. It takes over the lease of those items that are still
///   undelivered, unless a lease with other items is active. After an error, a retry under the
///   same key executes the call only if the first attempt did not.
///   [`Outcome::SenderChanged`](action::Outcome::SenderChanged) is not stored, so that the caller
///   can prepare the text again and retry under the same key.
/// - **Leases.** Items that a method hands out stay leased until [`settle`](Self::settle), and for
///   at most [`inbox::LEASE_TIME`]. The items of a lost or expired lease return to the inbox in
///   their old order and are redelivered under the same `seq`. While a lease is active, no other
///   item of this user is handed out, so that no item overtakes a leased one.
/// - **Order.** Every inbox holds its items in the order of the events, which is the order of
///   `seq`.
/// - **Signals.** The listeners of a user are notified when an item enters or returns to the user's
///   inbox, except when a lease expires. A signal may get lost; the inbox is authoritative.
/// - **Time.** Time enters as the argument `now` and may differ slightly between callers. A backend
///   uses the latest time it has seen, so that its time never runs backwards.
///
/// All actions go through one method because three things belong to the same step: executing the
/// action, storing its outcome under the key, and leasing the inbox.
#[async_trait]
pub trait Lobby: Send + Sync {
    /// Executes `action` for a user and leases the user's inbox for the answer.
    ///
    /// If the answer shows the inbox and an earlier answer to this user is still in flight, waits
    /// up to 250 ms for it: if that answer is lost, its items belong in this one.
    async fn perform(&self, call: Call, action: Action) -> Result<ActionResult, LobbyError>;

    /// Returns the state that a text of `user` must be prepared for; the default if the user is
    /// unknown.
    ///
    /// An [`Action::Relay`] whose state is outdated is refused with
    /// [`Outcome::SenderChanged`](action::Outcome::SenderChanged).
    async fn sender_state(&self, user: UserId) -> Result<SenderState, LobbyError>;

    /// Leases the pending items of `user` without a call, for a push channel.
    ///
    /// The lease is empty if the user is unknown, has no items or has an active lease.
    async fn collect(&self, user: UserId, now: Timestamp) -> Result<Lease, LobbyError>;

    /// Subscribes to the signals of `user`, known or unknown, until the listener is dropped.
    fn listen(&self, user: UserId) -> Listener;

    /// Returns all but the first `shown` items of an active lease to the inbox; the others stay
    /// leased.
    async fn put_back(&self, user: UserId, lease: &Lease, shown: usize) -> Result<(), LobbyError>;

    /// Ends a lease: removes its items if `delivered`, or else returns them to the inbox. A lease
    /// that is no longer active is ignored.
    ///
    /// Does not block. A backend that needs I/O spawns a task; if that fails, the lease expires and
    /// its items are redelivered.
    fn settle(&self, user: UserId, lease: LeaseId, delivered: bool);

    /// Returns `true` for the first claim of `message` within [`rules::CLAIM_TTL`], across all
    /// instances.
    ///
    /// For callers that retry a message for days, longer than an idempotency key is stored.
    async fn claim_delivery(
        &self,
        message: IdempotencyKey,
        now: Timestamp,
    ) -> Result<bool, LobbyError>;

    /// Evicts some of the users who made no call for the idle timeout, notifies their partners, and
    /// drops some of the expired records. A bounded step: repeat it while [`SweepResult::more`].
    async fn sweep(&self, now: Timestamp) -> Result<SweepResult, LobbyError>;

    /// Pairs waiting users whose constraints have relaxed, by [`rules::INTEREST_ONLY_FOR`] and
    /// [`rules::AVOID_RECENT_FOR`]. Returns the number of new pairs.
    async fn pair_waiting(&self, now: Timestamp) -> Result<usize, LobbyError>;

    /// Nudges some of the pairs that were silent for [`rules::NUDGE_AFTER`], each pair once. A
    /// bounded step: repeat it while [`NudgeResult::more`].
    async fn nudge_silent(&self, now: Timestamp) -> Result<NudgeResult, LobbyError>;

    /// Returns the known users whose id begins with the hex digits `prefix`, in the order of their
    /// ids; at most [`broadcast::MAX_FIND_RESULTS`].
    async fn find_by_prefix(&self, prefix: &str) -> Result<Vec<UserId>, LobbyError>;

    /// Returns the lobby status of `user`; `None` if the user is unknown. Does not create the user.
    async fn presence(&self, user: UserId) -> Result<Option<Presence>, LobbyError>;

    /// Puts a broadcast into the inboxes of some known users, in the order of their ids, starting
    /// after the id `after`.
    ///
    /// Skips a user whose last broadcast was this one, or whose inbox is full. A bounded step:
    /// repeat it with the returned cursor until that is `None`.
    async fn broadcast(
        &self,
        broadcast: &Broadcast,
        after: Option<UserId>,
        now: Timestamp,
    ) -> Result<BroadcastProgress, LobbyError>;

    /// Returns the figures for metrics and the dashboard.
    async fn stats(&self, now: Timestamp) -> Result<LobbyStats, LobbyError>;
}
