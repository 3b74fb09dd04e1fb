//! What the tools answer: shapes as JSON, which is also their schema.

use schemars::JsonSchema;
use serde::Serialize;

use super::event::{Event, Partner};

/// How somebody stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MatchStatus {
    Idle,
    Waiting,
    Matched,
}

/// What `enter_queue` and `rejoin` tell.
#[derive(Serialize, JsonSchema)]
pub struct QueueStatus {
    /// Names the caller in all other calls. Whoever knows it can act as them.
    pub user_id: String,
    pub status: MatchStatus,
    /// The next in line has 1.
    pub position: Option<usize>,
    /// How long people waited lately; null while that is not known.
    pub estimated_wait_seconds: Option<u64>,
    pub room_id: Option<String>,
    pub partner: Option<Partner>,
    /// What both like.
    pub common_interests: Vec<String>,
}

/// What `rejoin` tells.
#[derive(Serialize, JsonSchema)]
pub struct RejoinResult {
    #[serde(flatten)]
    pub queue_status: QueueStatus,
    /// What happened since, oldest first.
    pub missed: Vec<Event>,
}

/// What `send_message` tells.
#[derive(Serialize, JsonSchema)]
pub struct SendResult {
    pub delivered: DeliveryMode,
    pub message_id: String,
}

/// What `say` tells.
#[derive(Serialize, JsonSchema)]
pub struct SayResult {
    /// What there is to tell of it; null when a message was passed on as it is.
    pub told: Option<String>,
    /// The message that was passed on; null when none was.
    pub sent: Option<SayDelivery>,
    #[serde(flatten)]
    pub queue_status: QueueStatus,
}

/// A message that was passed on.
#[derive(Serialize, JsonSchema)]
pub struct SayDelivery {
    #[serde(flatten)]
    pub sent: SendResult,
    /// How many phone numbers and the like were hidden in it.
    pub hidden: u32,
}

/// What `block` and `report` tell.
#[derive(Serialize, JsonSchema)]
pub struct BlockResult {
    /// Whether a chat ended with it.
    pub chat_ended: bool,
    pub reported: bool,
}

/// How a message went on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryMode {
    /// The partner is connected and gets it now.
    Pushed,
    /// The partner gets it with their next call.
    Queued,
}

/// What `wait_for_message` tells.
#[derive(Serialize, JsonSchema)]
pub struct WaitResult {
    /// What happened, oldest first; empty when nothing did within the time.
    pub events: Vec<Event>,
}

/// A message that was kept.
#[derive(Serialize, JsonSchema)]
pub struct HistoryEntry {
    pub message_id: String,
    /// Whether the caller wrote it.
    pub own: bool,
    pub message: String,
    /// Milliseconds since the Unix epoch.
    pub timestamp: u64,
}

/// What `get_history` tells.
#[derive(Serialize, JsonSchema)]
pub struct HistoryResult {
    /// Oldest first.
    pub messages: Vec<HistoryEntry>,
}
