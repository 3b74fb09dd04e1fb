//! Results of the tools, such as [`QueueStatus`] and [`SayResult`].
//!
//! Field names are wire names, and doc comments are the descriptions in the output schemas.

use schemars::JsonSchema;
use serde::Serialize;

use super::event::{Event, Partner};

/// The user's current status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MatchStatus {
    Idle,
    Waiting,
    Matched,
}

/// Result of `enter_queue`, and part of the results of `rejoin` and `say`.
#[derive(Serialize, JsonSchema)]
pub struct QueueStatus {
    /// Pass it to all other calls. Anyone who knows it can act as this user.
    pub user_id: String,
    pub status: MatchStatus,
    /// 1 is next in line.
    pub position: Option<usize>,
    /// Median of recent waits; null if unknown.
    pub estimated_wait_seconds: Option<u64>,
    pub room_id: Option<String>,
    pub partner: Option<Partner>,
    /// Interests that both users share.
    pub common_interests: Vec<String>,
}

/// Result of `rejoin`.
#[derive(Serialize, JsonSchema)]
pub struct RejoinResult {
    #[serde(flatten)]
    pub queue_status: QueueStatus,
    /// Events since the last answer, oldest first.
    pub missed: Vec<Event>,
}

/// Result of `send_message`.
#[derive(Serialize, JsonSchema)]
pub struct SendResult {
    pub delivered: DeliveryMode,
    pub message_id: String,
}

/// Result of `say`.
#[derive(Serialize, JsonSchema)]
pub struct SayResult {
    /// The reply to show; null if the message was relayed unchanged.
    #[serde(rename = "told")]
    pub reply: Option<String>,
    /// The relayed message; null if none was sent.
    pub sent: Option<SayDelivery>,
    #[serde(flatten)]
    pub queue_status: QueueStatus,
}

/// A relayed message.
#[derive(Serialize, JsonSchema)]
pub struct SayDelivery {
    #[serde(flatten)]
    pub sent: SendResult,
    /// Number of phone numbers and other contact details hidden in it.
    pub hidden: u32,
}

/// Result of `block` and `report`.
#[derive(Serialize, JsonSchema)]
pub struct BlockResult {
    /// Whether this ended a chat.
    pub chat_ended: bool,
    pub reported: bool,
    /// False if the block or the report may not last because of a storage problem: call again
    /// later.
    pub saved: bool,
}

/// How the message is delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryMode {
    /// Pushed to the partner's live connection.
    Pushed,
    /// Waits for the partner's next call.
    Queued,
}

/// Result of `wait_for_message`.
#[derive(Serialize, JsonSchema)]
pub struct WaitResult {
    /// Events, oldest first; empty on timeout.
    pub events: Vec<Event>,
}

/// Result of `leave_chat` and `set_typing`.
#[derive(Serialize, JsonSchema)]
pub struct Ack {
    pub ok: bool,
}

/// A stored message.
#[derive(Serialize, JsonSchema)]
pub struct HistoryEntry {
    pub message_id: String,
    /// Whether the caller wrote it.
    pub own: bool,
    pub message: String,
    /// Milliseconds since the Unix epoch.
    pub timestamp: u64,
    /// The same time in ISO 8601, UTC.
    pub sent_at: String,
}

/// Result of `get_history`.
#[derive(Serialize, JsonSchema)]
pub struct HistoryResult {
    /// Oldest first.
    pub messages: Vec<HistoryEntry>,
}
