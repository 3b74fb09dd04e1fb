//! [`ModeratedAction`] and [`ModeratedOutcome`]: what a user can ask for with moderation around the
//! lobby, and the results. Data only: rules are in [`moderation`](crate::moderation).

use std::time::Duration;

use crate::connect::lobby::action::{Action, Outcome};
use crate::connect::lobby::inbox::Lease;
use crate::moderation::evidence::ReportReason;
use crate::rate_limit::gcra::RateLimited;

/// A request of a user.
#[derive(Clone, Debug)]
pub enum ModeratedAction {
    /// An action of the lobby, which is executed if the user may.
    Lobby(Action),
    /// Never match the user again with the current partner, or else the last one if they are
    /// recent. With a reason, also report them.
    Block { reason: Option<ReportReason> },
    /// Rate the chat with the current partner, or else the last one if they are recent.
    Rate { good: bool },
    /// Accept the chat rules.
    Agree,
}

impl From<Action> for ModeratedAction {
    fn from(action: Action) -> Self {
        Self::Lobby(action)
    }
}

/// The result of a [`ModeratedAction`]. A refusal is an outcome too; it changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModeratedOutcome {
    /// The lobby performed the action.
    Lobby(Outcome),
    /// The user has repeated the action too often and must wait.
    RateLimited(RateLimited),
    /// The user may not search for a partner.
    Suspended {
        /// `None` until an operator reviews the suspension.
        remaining: Option<Duration>,
    },
    /// The user must accept the chat rules first.
    MustAgree,
    Agreed,
    Blocked {
        /// Whether the block ended a chat.
        chat_ended: bool,
        reported: bool,
        /// The part that the moderation store could not save.
        unsaved: Option<UnsavedPart>,
    },
    NoBlockTarget,
    Rated,
    NoRateTarget,
}

/// The part of a block or report that the moderation store could not save.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnsavedPart {
    /// The block applies, and may not outlive this process.
    Block,
    /// The block is saved, and there is no report.
    Report,
}

impl From<Outcome> for ModeratedOutcome {
    fn from(outcome: Outcome) -> Self {
        Self::Lobby(outcome)
    }
}

/// An outcome and the inbox items that the answer may show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModeratedResult {
    pub outcome: ModeratedOutcome,
    pub lease: Lease,
}
