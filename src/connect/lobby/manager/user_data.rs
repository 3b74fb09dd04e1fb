//! The data of one user in [`RandomConnectManager`]: its masking, and its deletion.
//!
//! A deletion leaves blocks, because the other user relies on them, and the transcript that the last
//! partner may report with. Moderation deletes its own data.

use super::RandomConnectManager;
use crate::connect::lobby::action::Outcome;
use crate::connect::lobby::person::Person;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;
use crate::mask::Memory;

impl RandomConnectManager {
    /// Turns masking on or off, or toggles it. A change clears the mask memory.
    pub(super) fn set_masking(
        &mut self,
        user: UserId,
        on: Option<bool>,
        now: Timestamp,
    ) -> Outcome {
        let person = self.people.touch(user, now);
        let on = on.unwrap_or(!person.masking);
        if std::mem::replace(&mut person.masking, on) != on
            && let Some(side) = person.chat_side_mut()
        {
            side.mask_memory = Memory::default();
        }
        Outcome::Masking(on)
    }

    /// Ends the chat or search of `user` and replaces their record with a new one.
    pub(super) fn forget(&mut self, user: UserId, now: Timestamp) -> Outcome {
        self.leave(user, now);
        self.transcripts.remove(user);
        self.replays.remove_of(user);
        let person = self.people.touch(user, now);
        let new = Person {
            blocked: std::mem::take(&mut person.blocked),
            // Or else a repeated broadcast would come twice.
            last_broadcast: person.last_broadcast,
            ..Person::new(now)
        };
        let old = std::mem::replace(person, new);
        self.deferred_drops.push(Box::new(old));
        Outcome::Forgotten
    }
}
