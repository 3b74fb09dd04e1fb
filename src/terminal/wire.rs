//! Results of the penpal tools and events of their notifications: the fields that this client shows.

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

/// The status, and the room if the user is in a chat.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct WireQueueStatus {
    pub status: WireStatus,
    pub room_id: Option<String>,
    pub partner: Option<WirePartner>,
}

/// The result of `rejoin`.
#[derive(Debug, Deserialize)]
pub struct WireRejoinResult {
    #[serde(flatten)]
    pub queue_status: WireQueueStatus,
    pub missed: Vec<WireEvent>,
}

/// The result of `say`.
#[derive(Debug, Deserialize)]
pub struct WireSayResult {
    pub told: Option<String>,
    pub sent: Option<WireSendResult>,
    #[serde(flatten)]
    pub queue_status: WireQueueStatus,
}

/// A relayed message.
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

/// An event that the server pushes.
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
        /// The chat rules; sent with the first partner only.
        #[serde(default)]
        notice: Option<String>,
    },
    #[serde(rename = "message.received")]
    Message { room_id: String, message_id: String, message: String },
    /// A system message to both: an icebreaker or a nudge.
    #[serde(rename = "room.notice")]
    RoomNotice { room_id: String, message_id: String, text: String },
    /// A broadcast from the operator.
    #[serde(rename = "operator.notice")]
    OperatorNotice { message_id: String, message: String },
    #[serde(rename = "partner.disconnected")]
    Disconnected { room_id: String, message_id: String, reason: WireEndReason },
    /// An event that is not shown, such as typing.
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
    /// Parses a notification. `None` if it is not an event of a chat.
    #[must_use]
    pub fn parse(method: &str, params: Option<serde_json::Value>) -> Option<Self> {
        let mut value = params.unwrap_or_else(|| serde_json::json!({}));
        value.as_object_mut()?.insert("type".to_owned(), method.into());
        serde_json::from_value(value).ok()
    }

    /// Returns the id that identifies a repeat, and the room.
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
        let message = WireEvent::parse("message.received", Some(params)).expect("an event");
        assert_eq!(message.dedupe_key(), Some(("7", "r")));
        let typing = json!({ "room_id": "r", "typing": true });
        assert_eq!(WireEvent::parse("partner.typing", Some(typing)), Some(WireEvent::Other));
        assert_eq!(WireEvent::parse("message.received", Some(json!([1]))), None);
        assert_eq!(WireEvent::parse("message.received", None), None);
    }
}
