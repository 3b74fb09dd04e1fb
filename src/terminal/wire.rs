//! What the pen pals' tools answer and what their notifications hold, as far as it is shown here.

use serde::Deserialize;

/// The user's current status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WireStatus {
    #[default]
    Idle,
    Waiting,
    Matched,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct WirePartner {
    pub display_name: String,
}

/// How somebody stands, and with whom.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct WireQueueStatus {
    pub status: WireStatus,
    pub room_id: Option<String>,
    pub partner: Option<WirePartner>,
}

/// What `rejoin` answers.
#[derive(Debug, Deserialize)]
pub struct WireRejoinResult {
    #[serde(flatten)]
    pub queue_status: WireQueueStatus,
    pub missed: Vec<WireEvent>,
}

/// What `say` answers.
#[derive(Debug, Deserialize)]
pub struct WireSayResult {
    pub told: Option<String>,
    pub sent: Option<WireSendResult>,
    #[serde(flatten)]
    pub queue_status: WireQueueStatus,
}

/// A message that was passed on.
#[derive(Debug, Deserialize)]
pub struct WireSendResult {
    pub delivered: WireDeliveryMode,
    /// Number of phone numbers and other contact details hidden in it.
    pub hidden: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WireDeliveryMode {
    Pushed,
    Queued,
}

/// What somebody is told without asking.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "type")]
pub enum WireEvent {
    #[serde(rename = "chatroom.found")]
    Matched {
        room_id: String,
        message_id: String,
        partner: WirePartner,
        #[serde(default)]
        common_interests: Vec<String>,
        /// How people treat each other here, with one's first partner.
        #[serde(default)]
        notice: Option<String>,
    },
    #[serde(rename = "message.received")]
    Message { room_id: String, message_id: String, message: String },
    /// Said to both: a question to begin with, or that it is quiet.
    #[serde(rename = "room.notice")]
    RoomNotice { room_id: String, message_id: String, text: String },
    /// Said to everybody by whoever runs the server.
    #[serde(rename = "operator.notice")]
    OperatorNotice { message_id: String, message: String },
    #[serde(rename = "partner.disconnected")]
    Disconnected { room_id: String, message_id: String, reason: WireEndReason },
    /// What is not shown here, such as signs of typing.
    #[serde(other)]
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WireEndReason {
    Left,
    Timeout,
}

impl WireEvent {
    /// What a notification of this method says.
    #[must_use]
    pub fn parse(method: &str, params: Option<serde_json::Value>) -> Option<Self> {
        let mut value = params.unwrap_or_else(|| serde_json::json!({}));
        value.as_object_mut()?.insert("type".to_owned(), method.into());
        serde_json::from_value(value).ok()
    }

    /// What tells a repeat, and the room it belongs to.
    #[must_use]
    pub fn dedupe_key(&self) -> Option<(&str, &str)> {
        match self {
            Self::Matched { message_id, room_id, .. }
            | Self::Message { message_id, room_id, .. }
            | Self::RoomNotice { message_id, room_id, .. }
            | Self::Disconnected { message_id, room_id, .. } => Some((message_id, room_id)),
            Self::OperatorNotice { message_id, .. } => Some((message_id, "")),
            Self::Other => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn terminal_unknown_notification_is_ignored() {
        let params = json!({ "room_id": "r", "message_id": "7", "message": "hi", "timestamp": 1 });
        let message = WireEvent::parse("message.received", Some(params)).expect("news");
        assert_eq!(message.dedupe_key(), Some(("7", "r")));
        let typing = json!({ "room_id": "r", "typing": true });
        assert_eq!(WireEvent::parse("partner.typing", Some(typing)), Some(WireEvent::Other));
        assert_eq!(WireEvent::parse("message.received", Some(json!([1]))), None);
        assert_eq!(WireEvent::parse("message.received", None), None);
    }
}
