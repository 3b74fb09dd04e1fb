//! The data types of `ConnectService`: [`HandleMessageParams`], [`PushInput`], their results, and
//! [`Stats`].
//!
//! The fields of [`HandleMessageParams`] and [`Stats`] are wire names, and their doc comments are
//! the descriptions in the tools' schemas. Logic does not belong here.

use rmcp::ErrorData;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use super::reply::compose::MAX_MESSAGE_CHARS;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;
use crate::kernel::receipt::Receipt;
use crate::kernel::store::StoreError;
use crate::kernel::wiped::Wiped;

/// Maximum length of a `puch_user_id` or a `message_id`, in characters.
pub const MAX_ID_CHARS: usize = 256;

/// Maximum length of the reason of a report, in characters.
pub const MAX_REASON_CHARS: usize = 300;

/// The arguments of `handle_message`. Unknown arguments are ignored.
#[derive(Deserialize, JsonSchema)]
pub struct HandleMessageParams {
    /// The user's message exactly as they typed it, at most 4,096 characters.
    #[schemars(length(max = MAX_MESSAGE_CHARS))]
    pub message: Wiped,
    /// The id of the Puch user who wrote the message, at most 256 characters. Outside Puch: an unguessable id of the user, the same in all calls.
    #[schemars(length(max = MAX_ID_CHARS))]
    pub puch_user_id: Wiped,
    /// The user's nickname, if known.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub user_nickname: Option<Value>,
    /// Idempotency key: repeating a call with the same `message_id` within ten minutes returns the first answer and has no further effect.
    #[serde(default)]
    #[schemars(with = "Option<String>", length(max = MAX_ID_CHARS))]
    pub message_id: Option<Value>,
}

/// The answer to a call of `handle_message`.
pub struct Reply {
    pub text: String,
    /// Confirm it once the answer is delivered; dropped, it returns the items to the inbox.
    pub receipt: Receipt,
}

/// A message from a user whose inbox is delivered over a push channel.
#[derive(Clone, Copy)]
pub struct PushInput<'a> {
    pub user: UserId,
    /// Unique among the user's messages. A repeat within ten minutes has no further effect.
    pub message_id: &'a str,
    /// The nickname that the transport has for the user, if any.
    pub name: Option<&'a str>,
    /// The time when the user sent it, by the messenger's clock; `None` if unknown.
    pub sent_at: Option<Timestamp>,
    /// The keyed hash of the user's network; `None` if unknown.
    pub network: Option<UserId>,
    pub content: PushContent<'a>,
}

/// The content of a [`PushInput`].
#[derive(Clone, Copy)]
pub enum PushContent<'a> {
    Text(&'a str),
    NotRelayed(NotRelayed),
}

/// Content that is not relayed. The reply informs the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotRelayed {
    /// A picture, a voice message or anything else that is not text.
    Media,
    /// The change of an earlier message.
    Edit,
    /// The deletion of an earlier message.
    Deletion,
    /// A reaction to an earlier message.
    Reaction,
}

/// The result of a [`PushInput`].
pub struct PushReply {
    /// The reply to show to the user. `None` if the text was relayed unchanged.
    pub reply: Option<String>,
    /// `None` if no message was relayed.
    pub relayed: Option<RelayedMessage>,
    /// Whether the input had no effect because it arrived too late.
    pub is_late: bool,
}

/// A message that is in the partner's inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelayedMessage {
    pub to: UserId,
    pub seq: u64,
    /// Number of contact details masked in the text.
    pub masked_count: u32,
}

/// The reason that a call was not executed. Nothing changed.
#[derive(Debug, Error)]
pub enum HandleError {
    #[error("The puch_user_id is empty: pass the id of the user who wrote the message.")]
    EmptyUserId,
    #[error("The {0} must be at most {MAX_ID_CHARS} characters.")]
    IdTooLong(&'static str),
    #[error("The message must be at most {MAX_MESSAGE_CHARS} characters. Please split it.")]
    MessageTooLong,
    #[error("Random Connect can't be reached right now. Please try again shortly.")]
    Unavailable(#[from] StoreError),
}

impl From<HandleError> for ErrorData {
    fn from(error: HandleError) -> Self {
        let message = error.to_string();
        match error {
            HandleError::Unavailable(_) => Self::internal_error(message, None),
            HandleError::EmptyUserId | HandleError::IdTooLong(_) | HandleError::MessageTooLong => {
                Self::invalid_params(message, None)
            }
        }
    }
}

/// The structured result of `get_stats`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Stats {
    pub status: &'static str,
    pub version: &'static str,
    pub uptime_seconds: u64,
    /// Users active within the idle timeout.
    pub active_users: usize,
    pub waiting_users: usize,
    pub active_pairs: usize,
    /// Messages relayed since the server started.
    pub messages_relayed: u64,
    /// Seconds that the longest-waiting user has waited; 0 if no user waits.
    pub longest_wait_seconds: u64,
}
