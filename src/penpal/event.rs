//! [`Event`]: an inbox event as notifications, tool results and the inbox resource show it.
//!
//! Field names are wire names, and doc comments are the descriptions in the output schemas.

use schemars::JsonSchema;
use serde::Serialize;

use crate::connect::lobby::chat::Chat;
use crate::connect::lobby::inbox::{InboxEvent, Item};
use crate::connect::profile::language::Language;
use crate::connect::reply;
use crate::kernel::id::{IdHasher, RoomId};

/// The partner of a chat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Partner {
    /// An alias valid in this room only; the same partner has a different one in the next room.
    pub user_id: String,
    pub display_name: String,
}

impl Partner {
    /// Returns the partner under an alias that is valid in the room of `chat` only.
    #[must_use]
    pub fn of(chat: &Chat, ids: &IdHasher) -> Self {
        Self {
            user_id: ids.room_alias(chat.room, chat.partner),
            display_name: chat.partner_name.to_string(),
        }
    }
}

/// Why a chat ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EndReason {
    Left,
    Timeout,
}

/// An event. In a notification, `type` is the method and the other fields are the parameters. A
/// redelivered event has the same `message_id`.
#[derive(Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "type")]
pub enum Event {
    #[serde(rename = "chatroom.found")]
    Matched {
        room_id: String,
        message_id: String,
        partner: Partner,
        common_interests: Vec<String>,
        /// The chat rules; sent with the first partner only.
        #[serde(skip_serializing_if = "Option::is_none")]
        notice: Option<String>,
        /// ISO 8601, UTC.
        sent_at: String,
    },
    #[serde(rename = "message.received")]
    Message {
        room_id: String,
        message_id: String,
        message: String,
        /// Milliseconds since the Unix epoch.
        timestamp: u64,
        /// The same time in ISO 8601, UTC.
        sent_at: String,
    },
    #[serde(rename = "partner.typing")]
    Typing { room_id: String, typing: bool },
    /// A system message to both: an icebreaker or a nudge.
    #[serde(rename = "room.notice")]
    RoomNotice {
        room_id: String,
        message_id: String,
        text: String,
        /// ISO 8601, UTC.
        sent_at: String,
    },
    #[serde(rename = "partner.disconnected")]
    Disconnected {
        room_id: String,
        message_id: String,
        reason: EndReason,
        /// ISO 8601, UTC.
        sent_at: String,
    },
    /// A broadcast from the operator.
    #[serde(rename = "operator.notice")]
    OperatorNotice {
        message_id: String,
        message: String,
        /// Milliseconds since the Unix epoch.
        timestamp: u64,
        /// The same time in ISO 8601, UTC.
        sent_at: String,
    },
}

impl Event {
    /// Converts an inbox item.
    #[must_use]
    pub fn from_item(item: &Item, language: Language, ids: &IdHasher) -> Self {
        let message_id = ids.item_id(item.seq);
        let disconnected = |room: &RoomId, reason| Self::Disconnected {
            room_id: room.to_hex(),
            message_id: ids.item_id(item.seq),
            reason,
            sent_at: item.at.to_iso_8601(),
        };
        let sent_at = item.at.to_iso_8601();
        match &item.event {
            InboxEvent::Connected { chat } => Self::Matched {
                room_id: chat.room.to_hex(),
                message_id,
                partner: Partner::of(chat, ids),
                common_interests: chat.common_interests.iter().map(ToString::to_string).collect(),
                notice: chat.is_first_chat.then(|| reply::rules_notice(language)),
                sent_at,
            },
            InboxEvent::Message { room, text, .. } => Self::Message {
                room_id: room.to_hex(),
                message_id,
                message: text.as_str().to_owned(),
                timestamp: item.at.as_millis(),
                sent_at,
            },
            InboxEvent::Icebreaker { room, .. } | InboxEvent::Nudge { room } => Self::RoomNotice {
                room_id: room.to_hex(),
                message_id,
                text: reply::event(language, &item.event),
                sent_at,
            },
            InboxEvent::PartnerLeft { room } => disconnected(room, EndReason::Left),
            InboxEvent::PartnerTimedOut { room } => disconnected(room, EndReason::Timeout),
            InboxEvent::Broadcast(broadcast) => Self::OperatorNotice {
                message_id,
                message: broadcast.as_str().to_owned(),
                timestamp: item.at.as_millis(),
                sent_at,
            },
        }
    }

    /// Returns the method and the parameters of the notification.
    #[must_use]
    pub fn notification(&self) -> (String, serde_json::Value) {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        let method = value.as_object_mut().and_then(|fields| fields.remove("type"));
        let method = method.and_then(|method| method.as_str().map(str::to_owned));
        (method.unwrap_or_default(), value)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::connect::profile::nickname::Nickname;
    use crate::kernel::clock::{Timestamp, seeded_rng};
    use crate::mask::mask;

    #[test]
    fn notification_method_comes_from_the_event_type() {
        let ids = IdHasher::random(&mut seeded_rng());
        let room = RoomId::random(&mut seeded_rng());
        let from = Nickname::parse("Ann").expect("a valid nickname");
        let event = InboxEvent::Message { room, from, text: mask("hi") };
        let item = Item { seq: 7, at: Timestamp::from_millis(1_234), event };
        let (method, params) = Event::from_item(&item, Language::English, &ids).notification();
        assert_eq!(method, "message.received");
        assert_eq!(
            params,
            json!({
                "room_id": room.to_hex(), "message_id": ids.item_id(7), "message": "hi",
                "timestamp": 1_234, "sent_at": "1970-01-01T00:00:01.234Z",
            })
        );
    }
}
