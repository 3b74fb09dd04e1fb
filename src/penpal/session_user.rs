//! [`SessionUser`]: the user of a live session, so that calls may omit `user_id`.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::kernel::id::UserId;

/// The user that entered the queue in a live session. Stored in the session and dropped with it. Clones
/// share the same state.
#[derive(Clone, Default)]
pub struct SessionUser(Arc<Mutex<EnteredUsers>>);

#[derive(Clone, Copy, Default)]
enum EnteredUsers {
    #[default]
    None,
    One(UserId),
    /// The session belongs to a connector of several users, so none can be meant.
    Several,
}

impl SessionUser {
    /// Records that `user` entered the queue or rejoined in this session.
    pub fn enter(&self, user: UserId) {
        let mut entered = self.0.lock();
        *entered = match *entered {
            EnteredUsers::None => EnteredUsers::One(user),
            EnteredUsers::One(first) if first == user => EnteredUsers::One(user),
            EnteredUsers::One(_) | EnteredUsers::Several => EnteredUsers::Several,
        };
    }

    /// Returns the only user of this session. `None` if there is none, or several.
    #[must_use]
    pub fn only(&self) -> Option<UserId> {
        match *self.0.lock() {
            EnteredUsers::One(user) => Some(user),
            EnteredUsers::None | EnteredUsers::Several => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_user_is_known_while_it_is_the_only_one() {
        let [ann, ben] = [1, 2].map(|id| UserId::from_bytes([id; 16]));
        let session = SessionUser::default();
        assert_eq!(session.only(), None);
        session.enter(ann);
        session.enter(ann);
        assert_eq!(session.only(), Some(ann));
        session.enter(ben);
        session.enter(ann);
        assert_eq!(session.only(), None);
    }
}
