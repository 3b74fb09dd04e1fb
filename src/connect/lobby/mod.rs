//! The storage traits of the lobby: the queue, chats and inboxes of all users.
//!
//! There is one trait for each role: [`Lobby`] executes actions, [`Mailbox`] delivers inboxes,
//! [`Upkeep`] has the steps without a call, [`Directory`] finds users, and [`Deduplicator`] drops
//! repeated webhook messages. A caller depends only on the roles that it needs.
//!
//! Two backends implement all of them. [`store_memory`] runs the state machine of [`manager`] behind a
//! mutex; [`store_redis`] runs the same rules as Lua scripts. Parsing, masking, moderation and
//! wording must not live in this folder: they are written once, above the traits.
//!
//! To add a backend, write `store_<engine>.rs` against the contract below and the constants in
//! [`rules`]. Then add it to `backends()` in `tests/it/lobby/contract.rs` and construct it in
//! `app/stores.rs`.
//!
//! # Contract
//!
//! A backend guarantees the following. `tests/it/lobby/contract.rs` checks it on every backend, and
//! `tests/it/lobby/differential.rs` compares the backends on random operations.
//!
//! - **Atomicity.** Each method is one atomic step: no other call observes a part of it. If it
//!   returns an error, either the whole step happened or none of it.
//! - **Idempotency.** [`Lobby::perform`] executes a call once per [`Call::idempotency_key`], for
//!   ten minutes. A retry within this time receives the stored outcome and items and executes
//!   nothing. It takes over the lease of those items that are still undelivered, unless a lease
//!   with other items is active. After an error, a retry under the same key executes the call only
//!   if the first attempt did not. [`Outcome::SenderChanged`](action::Outcome::SenderChanged) is
//!   not stored, so that the caller can prepare the text again and retry under the same key.
//! - **Leases.** Items that a method hands out stay leased until [`Mailbox::settle`], and for at
//!   most [`inbox::LEASE_TIME`]. The items of a lost or expired lease return to the inbox in their
//!   old order and are redelivered under the same `seq`. While a lease is active, no other item of
//!   this user is handed out, so that no item overtakes a leased one.
//! - **Order.** Every inbox holds its items in the order of the events, which is the order of
//!   `seq`.
//! - **Signals.** The listeners of a user are notified when an item enters or returns to the
//!   user's inbox, except when a lease expires. A signal may get lost; the inbox is authoritative.
//! - **Time.** Time enters as the argument `now` and may differ slightly between callers. A backend
//!   uses the latest time it has seen, so that its time never runs backwards.
//!
//! Refusals such as a full inbox are variants of [`action::Outcome`]. A method returns
//! [`StoreError`] only if the store itself failed; whether the step took effect is then unknown.

pub mod action;
pub mod broadcast;
pub mod chat;
pub mod inbox;
pub mod manager;
mod people;
pub mod person;
mod queue;
mod replay;
pub mod rules;
pub mod signal;
pub mod steps;
pub mod store_memory;
pub mod store_redis;
mod transcript;

use std::sync::Arc;

use async_trait::async_trait;

use self::action::{Action, ActionResult, Call, LobbyStats, NudgeResult, SenderState, SweepResult};
use self::broadcast::{Broadcast, BroadcastProgress, Presence};
use self::inbox::{Lease, LeaseId};
use self::signal::Listener;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::{IdempotencyKey, UserId};
use crate::kernel::receipt::Receipt;
use crate::kernel::store::StoreError;

/// Executes the actions of users.
///
/// All actions go through one method because three things belong to the same step: executing the
/// action, storing its outcome under the key, and leasing the inbox.
#[async_trait]
pub trait Lobby: Send + Sync {
    /// Executes `action` for a user and leases the user's inbox for the answer.
    ///
    /// If the answer shows the inbox and an earlier answer to this user is still in flight, waits
    /// up to 250 ms for it: if that answer is lost, its items belong in this one.
    async fn perform(&self, call: Call, action: Action) -> Result<ActionResult, StoreError>;

    /// Returns the state that a text of `user` must be prepared for; the default if the user is
    /// unknown.
    ///
    /// An [`Action::Relay`] whose state is outdated is refused with
    /// [`Outcome::SenderChanged`](action::Outcome::SenderChanged).
    async fn sender_state(&self, user: UserId) -> Result<SenderState, StoreError>;
}

/// Delivers the inboxes of users.
#[async_trait]
pub trait Mailbox: Send + Sync {
    /// Leases the pending items of `user` without a call, for a push channel.
    ///
    /// The lease is empty if the user is unknown, has no items or has an active lease.
    async fn collect(&self, user: UserId, now: Timestamp) -> Result<Lease, StoreError>;

    /// Returns all but the first `shown` items of an active lease to the inbox; the others stay
    /// leased.
    async fn put_back(&self, user: UserId, lease: &Lease, shown: usize) -> Result<(), StoreError>;

    /// Ends a lease: removes its items if `delivered`, or else returns them to the inbox. A lease
    /// that is no longer active is ignored.
    ///
    /// Does not block. A backend that needs I/O spawns a task; if that fails, the lease expires and
    /// its items are redelivered.
    fn settle(&self, user: UserId, lease: LeaseId, delivered: bool);

    /// Waits until the tasks of [`Mailbox::settle`] have ended. Without it, the leases of a process that
    /// exits delay their users' next events until they expire.
    async fn settled(&self) {}

    /// Subscribes to the signals of `user`, known or unknown, until the listener is dropped.
    fn listen(&self, user: UserId) -> Listener;
}

/// Returns the receipt of an answer that shows the items of `lease`: it settles the lease.
#[must_use]
pub fn lease_receipt(mailbox: &Arc<dyn Mailbox>, user: UserId, lease: &Lease) -> Receipt {
    let Some(id) = lease.id else { return Receipt::none() };
    let mailbox = Arc::clone(mailbox);
    Receipt::new(move |delivered| {
        if !delivered {
            tracing::debug!(%user, "delivery failed, items returned to the inbox");
        }
        mailbox.settle(user, id, delivered);
    })
}

/// The steps without a call, which a timer repeats.
#[async_trait]
pub trait Upkeep: Send + Sync {
    /// Evicts some of the users who made no call for the idle timeout, notifies their partners, and
    /// drops some of the expired records. A bounded step: repeat it while [`SweepResult::more`].
    async fn sweep(&self, now: Timestamp) -> Result<SweepResult, StoreError>;

    /// Pairs waiting users whose constraints have relaxed, by [`rules::INTEREST_ONLY_FOR`] and
    /// [`rules::AVOID_RECENT_FOR`]. Returns the number of new pairs.
    async fn pair_waiting(&self, now: Timestamp) -> Result<usize, StoreError>;

    /// Nudges some of the pairs that were silent for [`rules::NUDGE_AFTER`], each pair once. A
    /// bounded step: repeat it while [`NudgeResult::more`].
    async fn nudge_silent(&self, now: Timestamp) -> Result<NudgeResult, StoreError>;

    /// Records that a connection of `user` ended. Any later call of the user takes it back.
    async fn note_departure(&self, user: UserId, now: Timestamp) -> Result<(), StoreError>;

    /// Ends the searches of users who departed [`rules::QUEUE_GRACE`] ago, and the chats of those who
    /// departed [`rules::CHAT_GRACE`] ago, and notifies their partners. Returns their number.
    ///
    /// A user with a [`Listener`] has another connection or waits for events, on this instance: the
    /// departure is taken back. Each instance repeats this step more often than the grace.
    async fn end_departed(&self, now: Timestamp) -> Result<usize, StoreError>;
}

/// Finds users and counts them, for operators and limits.
#[async_trait]
pub trait Directory: Send + Sync {
    /// Returns the known users whose id begins with the hex digits `prefix`, in the order of their
    /// ids; at most [`broadcast::MAX_FIND_RESULTS`].
    async fn find_by_prefix(&self, prefix: &str) -> Result<Vec<UserId>, StoreError>;

    /// Returns the lobby status of `user`; `None` if the user is unknown. Does not create the user.
    async fn presence(&self, user: UserId) -> Result<Option<Presence>, StoreError>;

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
    ) -> Result<BroadcastProgress, StoreError>;

    /// Checks that the store accepts writes and, with several instances, signals.
    async fn check(&self) -> Result<(), StoreError>;

    /// Returns the figures for metrics and the dashboard.
    async fn stats(&self, now: Timestamp) -> Result<LobbyStats, StoreError>;
}

/// Recognizes messages that a caller repeats for days, longer than an idempotency key is stored.
#[async_trait]
pub trait Deduplicator: Send + Sync {
    /// Returns `true` for the first claim of `message` within [`rules::CLAIM_TTL`], across all
    /// instances.
    async fn claim_delivery(
        &self,
        message: IdempotencyKey,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
}

/// A backend in all its roles. Cheap to clone.
#[derive(Clone)]
pub struct LobbyBackend {
    pub lobby: Arc<dyn Lobby>,
    pub mailbox: Arc<dyn Mailbox>,
    pub upkeep: Arc<dyn Upkeep>,
    pub directory: Arc<dyn Directory>,
    pub deduplicator: Arc<dyn Deduplicator>,
}

impl LobbyBackend {
    #[must_use]
    pub fn new(
        backend: Arc<impl Lobby + Mailbox + Upkeep + Directory + Deduplicator + 'static>,
    ) -> Self {
        Self {
            lobby: Arc::clone(&backend) as _,
            mailbox: Arc::clone(&backend) as _,
            upkeep: Arc::clone(&backend) as _,
            directory: Arc::clone(&backend) as _,
            deduplicator: backend,
        }
    }
}
