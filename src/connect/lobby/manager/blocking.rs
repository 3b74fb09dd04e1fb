//! Blocks of [`RandomConnectManager`], and the partner and transcript that a block or report means.
//!
//! The lobby stores no reports; moderation does.

use super::RandomConnectManager;
use crate::connect::lobby::action::{LastPartner, Outcome};
use crate::connect::lobby::chat::Chat;
use crate::connect::lobby::inbox::InboxEvent;
use crate::connect::lobby::person::Person;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;
use crate::mask::Masked;

impl RandomConnectManager {
    /// Returns the current partner, or else the last one if they are recent.
    pub(super) fn last_partner(
        &self,
        user: UserId,
        with_transcript: bool,
        now: Timestamp,
    ) -> Option<LastPartner> {
        let partner = match self.chat(user) {
            Some(chat) => chat.partner,
            None => self.people.get(&user)?.recent_partners.last_partner(now)?,
        };
        let transcript = if with_transcript { self.transcript_for(user) } else { Vec::new() };
        Some(LastPartner { partner, transcript })
    }

    /// Returns the messages that `user` received in the current chat, or else in the last one.
    fn transcript_for(&self, user: UserId) -> Vec<Masked> {
        let Some(chat) = self.chat(user) else { return self.transcripts.get(user) };
        let partner_side = self.people.get(&chat.partner).and_then(Person::chat_side);
        partner_side.map(|side| side.transcript.to_vec()).unwrap_or_default()
    }

    /// Blocks `target`: the two users are never matched again, and their chat ends if they are in
    /// one.
    pub(super) fn block(&mut self, user: UserId, target: UserId, now: Timestamp) -> Outcome {
        self.people.touch(user, now).blocked.insert(target);
        let chat_ended = self.chat(user).is_some_and(|chat| chat.partner == target);
        if chat_ended && let Some(Chat { partner, room, .. }) = self.end_chat(user, now) {
            self.push_event(partner, InboxEvent::PartnerLeft { room });
        }
        Outcome::Blocked { chat_ended }
    }
}
