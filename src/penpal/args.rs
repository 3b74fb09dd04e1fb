//! What the tools are asked: shapes as JSON, which is also their schema.

use schemars::JsonSchema;
use serde::Deserialize;

#[derive(Deserialize, JsonSchema)]
pub struct EnterQueueArgs {
    /// Who enters, as an earlier enter_queue returned it. Left out, one is made that nobody can
    /// guess: keep it secret, and pass it to all other calls.
    pub user_id: Option<String>,
    /// What the partner sees, at most 32 characters. Left out, a random name is made.
    pub display_name: Option<String>,
    /// Up to five. People who share one are preferred for half a minute.
    #[serde(default)]
    pub interests: Vec<String>,
    /// Lets get_history return this chat's messages, if the partner chooses it too.
    #[serde(default)]
    pub keep_history: bool,
    /// Whether news may come as notifications, where the session is live. Pass false if you only
    /// see answers, and call wait_for_message.
    #[serde(default = "default_true")]
    pub push: bool,
}

const fn default_true() -> bool {
    true
}

#[derive(Deserialize, JsonSchema)]
pub struct SendMessageArgs {
    pub room_id: String,
    /// At most 4,096 characters. Phone numbers and the like are hidden from the partner.
    pub message: String,
    pub user_id: String,
}

#[derive(Deserialize, JsonSchema)]
pub struct SayArgs {
    /// Who says it: an id that nobody can guess, the same for all calls of that person.
    pub user_id: String,
    /// A command such as #meet, or text for the partner, at most 4,096 characters.
    pub message: String,
    /// A message that is said again within ten minutes under the same id is not carried out again.
    pub message_id: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
pub struct WaitForMessageArgs {
    /// Left out, a partner is waited for as well.
    pub room_id: Option<String>,
    pub user_id: String,
    /// From 0 to 60.
    #[serde(default = "default_timeout")]
    pub timeout_seconds: f64,
}

const fn default_timeout() -> f64 {
    30.0
}

#[derive(Deserialize, JsonSchema)]
pub struct LeaveChatArgs {
    pub room_id: String,
    pub user_id: String,
}

#[derive(Deserialize, JsonSchema)]
pub struct SetTypingArgs {
    pub room_id: String,
    pub user_id: String,
    pub typing: bool,
}

#[derive(Deserialize, JsonSchema)]
pub struct GetHistoryArgs {
    pub room_id: String,
    pub user_id: String,
    /// How many of the last messages, at most 200.
    #[serde(default = "default_history_limit")]
    pub limit: usize,
}

const fn default_history_limit() -> usize {
    50
}

#[derive(Deserialize, JsonSchema)]
pub struct RejoinArgs {
    pub user_id: String,
}

#[derive(Deserialize, JsonSchema)]
pub struct BlockArgs {
    pub user_id: String,
    /// Left out, the partner of now, or for twenty minutes the one of the last chat.
    pub room_id: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
pub struct ReportArgs {
    pub user_id: String,
    /// spam, abuse, minor, scam, other, or a reason of one's own of at most 300 characters.
    pub reason: String,
    /// Left out, the partner of now, or for twenty minutes the one of the last chat.
    pub room_id: Option<String>,
}
