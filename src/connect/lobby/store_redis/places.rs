//! The places of sealed texts; see [`Place`].

use crate::kernel::id::{RoomId, UserId};
use crate::kernel::keyring::Place;

/// The owner of a nickname: the user who chose it or whose caller did, or the room of a random one.
#[derive(Clone, Copy)]
pub(super) enum NameOwner {
    User(UserId),
    Room(RoomId),
}

impl NameOwner {
    pub(super) fn place(self) -> Place {
        match self {
            Self::User(user) => Place::new("user name").user(user),
            Self::Room(room) => Place::new("room name").room(room),
        }
    }
}

/// The place of a text in an inbox, a transcript, a history and a replay: the reader is its sender or
/// its recipient, and never takes that from the store.
pub(super) fn text_place(room: RoomId, sender: UserId, recipient: UserId) -> Place {
    Place::new("text").room(room).user(sender).user(recipient)
}

pub(super) fn interest_place(user: UserId) -> Place {
    Place::new("interest").user(user)
}

pub(super) fn memory_place(user: UserId) -> Place {
    Place::new("mask memory").user(user)
}
