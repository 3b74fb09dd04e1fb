//! Arguments of the tools, such as [`EnterQueueArgs`] and [`SayArgs`].
//!
//! Field names are wire names, and doc comments are the descriptions in the input schemas.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::connect::dto::{MAX_ID_CHARS, MAX_REASON_CHARS};
use crate::connect::reply::compose::MAX_MESSAGE_CHARS;
use crate::kernel::wiped::Wiped;

/// Maximum time that a caller waits for events, in seconds. Less than the 60 seconds after which the TypeScript
/// SDK gives up a request.
pub const MAX_WAIT_SECS: f64 = 50.0;

#[derive(Deserialize, JsonSchema)]
pub struct EnterQueueArgs {
    /// Your user id from an earlier enter_queue. If omitted, a new unguessable id is created: keep it secret, and pass it to all other calls.
    #[schemars(length(max = MAX_ID_CHARS))]
    pub user_id: Option<Wiped>,
    /// The name shown to the partner, at most 32 characters. If omitted, a random name is used.
    pub display_name: Option<Wiped>,
    /// Up to five. People who share one are preferred for the first 30 seconds.
    #[serde(default)]
    pub interests: Vec<Wiped>,
    /// Enables get_history for this chat if the partner sets it too.
    #[serde(default)]
    pub keep_history: bool,
    /// Whether to push events as notifications on a live session. Pass false if you only
    /// see answers, and call wait_for_message.
    #[serde(default = "default_true")]
    pub push: bool,
}

const fn default_true() -> bool {
    true
}

#[derive(Deserialize, JsonSchema)]
pub struct SendMessageArgs {
    #[schemars(length(max = MAX_ID_CHARS))]
    pub room_id: String,
    /// At most 4,096 characters. Phone numbers and other contact details are hidden from the partner.
    #[schemars(length(max = MAX_MESSAGE_CHARS))]
    pub message: Wiped,
    /// Your user id. May be omitted in a live session that entered the queue.
    #[schemars(length(max = MAX_ID_CHARS))]
    pub user_id: Option<Wiped>,
}

#[derive(Deserialize, JsonSchema)]
pub struct SayArgs {
    /// The person's unguessable id, the same in all of their calls.
    #[schemars(length(max = MAX_ID_CHARS))]
    pub user_id: Wiped,
    /// A command such as #meet, or text for the partner, at most 4,096 characters.
    #[schemars(length(max = MAX_MESSAGE_CHARS))]
    pub message: Wiped,
    /// Idempotency key: a repeat with the same id within ten minutes is not run again.
    #[schemars(length(max = MAX_ID_CHARS))]
    pub message_id: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
pub struct WaitForMessageArgs {
    /// If omitted, also waits for a match.
    #[schemars(length(max = MAX_ID_CHARS))]
    pub room_id: Option<String>,
    /// Your user id. May be omitted in a live session that entered the queue.
    #[schemars(length(max = MAX_ID_CHARS))]
    pub user_id: Option<Wiped>,
    /// At most 50; a larger value counts as 50.
    #[serde(default = "default_timeout")]
    pub timeout_seconds: f64,
}

const fn default_timeout() -> f64 {
    30.0
}

#[derive(Deserialize, JsonSchema)]
pub struct LeaveChatArgs {
    #[schemars(length(max = MAX_ID_CHARS))]
    pub room_id: String,
    /// Your user id. May be omitted in a live session that entered the queue.
    #[schemars(length(max = MAX_ID_CHARS))]
    pub user_id: Option<Wiped>,
}

#[derive(Deserialize, JsonSchema)]
pub struct SetTypingArgs {
    #[schemars(length(max = MAX_ID_CHARS))]
    pub room_id: String,
    /// Your user id. May be omitted in a live session that entered the queue.
    #[schemars(length(max = MAX_ID_CHARS))]
    pub user_id: Option<Wiped>,
    pub typing: bool,
}

#[derive(Deserialize, JsonSchema)]
pub struct GetHistoryArgs {
    #[schemars(length(max = MAX_ID_CHARS))]
    pub room_id: String,
    #[schemars(length(max = MAX_ID_CHARS))]
    pub user_id: Wiped,
    /// Number of latest messages to return, at most 200.
    #[serde(default = "default_history_limit")]
    pub limit: usize,
}

const fn default_history_limit() -> usize {
    50
}

#[derive(Deserialize, JsonSchema)]
pub struct RejoinArgs {
    #[schemars(length(max = MAX_ID_CHARS))]
    pub user_id: Wiped,
}

#[derive(Deserialize, JsonSchema)]
pub struct BlockArgs {
    #[schemars(length(max = MAX_ID_CHARS))]
    pub user_id: Wiped,
    /// If omitted, the current partner, or the last one for up to twenty minutes.
    #[schemars(length(max = MAX_ID_CHARS))]
    pub room_id: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
pub struct ReportArgs {
    #[schemars(length(max = MAX_ID_CHARS))]
    pub user_id: Wiped,
    /// spam, abuse, minor, scam, other, or your own reason of at most 300 characters.
    #[schemars(length(max = MAX_REASON_CHARS))]
    pub reason: Wiped,
    /// If omitted, the current partner, or the last one for up to twenty minutes.
    #[schemars(length(max = MAX_ID_CHARS))]
    pub room_id: Option<String>,
}
