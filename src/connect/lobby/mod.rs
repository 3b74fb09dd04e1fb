//! The storage seam: where the lobby is kept.

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

/// The store itself failed; whether the action was carried out is not known. Nobody's text, name
/// or id is in it.
#[derive(Debug, Error)]
#[error("the lobby's store is unavailable")]
pub struct LobbyError;

/// A lobby kept somewhere.
///
/// The contract, for whoever writes a backend:
/// - Each method is one atomic step: no other call sees it half done, and either all of it
///   happened or, on an error, none or all.
/// - `perform` is idempotent per [`Call::key`]: a second call with the same key within ten minutes
///   gets the outcome and the items of the first and changes nothing. This, and handing out the
///   inbox, is why all actions go through one method: they belong to the same step.
/// - Items handed out are on lease until `settle`, for at most [`self::inbox::LEASE_TIME`]. Lost
///   ones come back in their old order. Nothing is handed out while anything is on lease, so that
///   nothing is overtaken.
/// - Whoever listens for a person hears when something comes into their inbox, or back into it. A
///   word may get lost; the inbox is the truth.
/// - Everybody's items are in the order in which they came about.
/// - Time comes in with the call and may differ by a little between callers, but a backend never
///   lets it run backwards.
#[async_trait]
pub trait Lobby: Send + Sync {
    /// Carries out an action for a person and hands out their inbox. Waits a moment while the
    /// answer to an earlier call of theirs is on its way: if it is lost, its items belong in here.
    async fn perform(&self, call: Call, action: Action) -> Result<ActionResult, LobbyError>;

    /// What a text of this person must go through. An [`Action::Relay`] prepared with it is
    /// refused as `SenderChanged` if it does not hold any more.
    async fn sender_state(&self, who: UserId) -> Result<SenderState, LobbyError>;

    /// Hands out what waits for a person without a call of theirs, for a channel that reaches them
    /// at once.
    async fn collect(&self, who: UserId, now: Timestamp) -> Result<Lease, LobbyError>;

    /// Listens for a person's news.
    fn listen(&self, who: UserId) -> Listener;

    /// Puts back all but the first `shown` items of a lease.
    async fn put_back(&self, who: UserId, lease: &Lease, shown: usize) -> Result<(), LobbyError>;

    /// Ends a lease: its items are gone when `delivered`, wait again when not. Returns at once; a
    /// backend that needs longer does the work in a task of its own.
    fn settle(&self, who: UserId, lease: LeaseId, delivered: bool);

    /// Whether this is asked of a message for the first time in [`rules::CLAIM_TTL`]: for callers that
    /// send a message again for days.
    async fn claim_delivery(
        &self,
        message: IdempotencyKey,
        now: Timestamp,
    ) -> Result<bool, LobbyError>;

    /// Forgets some of the people who were idle for too long, telling their partners, and some of
    /// the calls that are too old to be repeated. A bounded step: call it until there is no more.
    async fn sweep(&self, now: Timestamp) -> Result<SweepResult, LobbyError>;

    /// Pairs waiters whose wishes have relaxed: see `person.rs` for the times. Returns the number of pairs made.
    async fn pair_waiting(&self, now: Timestamp) -> Result<usize, LobbyError>;

    /// Nudges some of the pairs of whom neither was heard of for a while, each once: see `person.rs` for
    /// the time. A bounded step: call it until there is no more.
    async fn nudge_silent(&self, now: Timestamp) -> Result<NudgeResult, LobbyError>;
    /// Those known whose code begins so, in the order of their codes; at most
    /// [`self::broadcast::FOUND`].
    async fn find_by_prefix(&self, prefix: &str) -> Result<Vec<UserId>, LobbyError>;

    /// How somebody stands; nothing where they are not known. Asking makes nobody known.
    async fn presence(&self, who: UserId) -> Result<Option<Presence>, LobbyError>;

    /// Tells some of those known behind `after`, in the order of their codes. Who was told of the same
    /// last, or whose inbox is full, is passed over. A bounded step: call it with the last of each until
    /// there is none.
    async fn broadcast(
        &self,
        announcement: &Broadcast,
        after: Option<UserId>,
        now: Timestamp,
    ) -> Result<BroadcastProgress, LobbyError>;

    async fn stats(&self, now: Timestamp) -> Result<LobbyStats, LobbyError>;
}
