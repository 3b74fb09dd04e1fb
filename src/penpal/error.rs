//! [`PenPalError`]: the reasons that a use case of the toolset is refused.
//!
//! Agents read these messages, so each says how to correct the call.

use thiserror::Error;

use crate::connect::dto::{MAX_ID_CHARS, MAX_REASON_CHARS};
use crate::connect::lobby::action::Outcome;
use crate::connect::moderated::action::ModeratedOutcome;
use crate::connect::profile::language::Language;
use crate::connect::profile::nickname::NicknameError;
use crate::connect::reply;
use crate::connect::reply::compose::MAX_MESSAGE_CHARS;
use crate::guard;
use crate::kernel::store::StoreError;

/// The reason that a call was not executed. Nothing changed.
#[derive(Debug, Error)]
pub enum PenPalError {
    #[error("The user_id is empty: pass the one that enter_queue returned.")]
    EmptyUserId,
    #[error("The user_id must be at most {MAX_ID_CHARS} characters.")]
    UserIdTooLong,
    #[error("The message_id must be at most {MAX_ID_CHARS} characters.")]
    MessageIdTooLong,
    #[error("The display_name can't be used: {0}.")]
    InvalidDisplayName(NicknameError),
    #[error("One of the interests can't be used: {0}.")]
    InvalidInterest(NicknameError),
    #[error("The room_id is not one of yours: pass the room_id returned with your partner.")]
    UnknownRoom,
    #[error("The chat in this room has ended. Call enter_queue to meet someone else.")]
    ChatEnded,
    #[error("You are not in a chat. Call enter_queue to meet someone.")]
    NotChatting,
    #[error("The message is empty.")]
    EmptyMessage,
    #[error("The message must be at most {MAX_MESSAGE_CHARS} characters. Please split it.")]
    MessageTooLong,
    #[error("The message was not sent: {0}")]
    ContentRejected(guard::ContentRejected),
    #[error("The message was not sent: your partner has too many unread messages.")]
    InboxFull,
    #[error("{0}")]
    NotPermitted(String),
    #[error("The reason is empty: pass spam, abuse, minor, scam, other, or a few words.")]
    EmptyReason,
    #[error("The reason must be at most {MAX_REASON_CHARS} characters.")]
    ReasonTooLong,
    #[error(
        "There is no one to block or report: you haven't chatted with anyone in the last 20 minutes."
    )]
    NoTarget,
    #[error("The timeout_seconds must not be negative.")]
    InvalidTimeout,
    #[error("The call was cancelled.")]
    Cancelled,
    #[error(
        "The user_id is missing: pass the one that enter_queue returned. It may be left out only in a live session that entered the queue for one user."
    )]
    MissingUserId,
    #[error("No history for this chat: both sides must pass keep_history to enter_queue.")]
    NoHistory,
    #[error("Random Connect can't be reached right now. Please try again shortly.")]
    Unavailable(#[from] StoreError),
}

/// Converts the outcome of an action that needs a chat, but did not find one, to an error.
pub(super) fn not_chatting(outcome: &ModeratedOutcome) -> PenPalError {
    match outcome {
        ModeratedOutcome::Lobby(Outcome::NotInRoom { ended: true }) => PenPalError::ChatEnded,
        ModeratedOutcome::Lobby(Outcome::NotInRoom { ended: false }) => PenPalError::UnknownRoom,
        ModeratedOutcome::Suspended { .. }
        | ModeratedOutcome::RateLimited(_)
        | ModeratedOutcome::MustAgree => {
            PenPalError::NotPermitted(reply::moderated_outcome(Language::English, outcome))
        }
        _ => PenPalError::NotChatting,
    }
}
