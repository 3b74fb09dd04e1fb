//! [`PushEvent`]: an event of any toolset, as channels deliver it.

use std::any::Any;

use serde_json::{Value, json};

use crate::kernel::clock::Timestamp;
use crate::kernel::id::{IdHasher, RoomId};

/// An event that a user is notified of.
///
/// The event knows its user's language, because its toolset does. A channel that shows more than this trait
/// has may downcast to the event of a toolset below it.
pub trait PushEvent: Any + Send + Sync {
    /// Identifies the event among those of all toolsets. A redelivered event has the same id.
    fn id(&self, ids: &IdHasher) -> String;

    /// The kind of the event for programs, such as `message.received`.
    fn kind(&self) -> &'static str;

    fn at(&self) -> Timestamp;

    /// The room that the event belongs to, if any.
    fn room(&self) -> Option<RoomId> {
        None
    }

    /// The text that the user reads.
    fn text(&self) -> String;

    /// The method and the parameters of the notification to a live session.
    fn notification(&self, ids: &IdHasher) -> (String, Value) {
        let mut params = json!({
            "message_id": self.id(ids),
            "text": self.text(),
            "sent_at": self.at().to_iso_8601(),
        });
        if let Some(room) = self.room() {
            params["room_id"] = room.to_hex().into();
        }
        (self.kind().to_owned(), params)
    }
}

/// Events in the order of their delivery.
pub type PushEvents = [Box<dyn PushEvent>];
