//! Blocks of [`RandomConnectManager`], and the partner and transcript that a block or report means.
//!
//! The lobby stores no reports; moderation does.

use super::RandomConnectManager;
use crate::connect::lobby::action::{ChatWriters, LastPartner, Outcome};
use crate::connect::lobby::chat::Chat;
use crate::connect::lobby::inbox::InboxEvent;
use crate::connect::lobby::person::{ChatSide, Person};
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
        let (partner, wrote) = match self.chat(user) {
            Some(chat) => (chat.partner, self.chat_writers(user)),
            None => self.people.get(&user)?.recent_partners.last_partner(now)?,
        };
        let transcript = if with_transcript { self.transcript_for(user) } else { Vec::new() };
        Some(LastPartner { partner, wrote, transcript })
    }

    /// Returns who has sent a message in the current chat of `user`.
    pub(super) fn chat_writers(&self, user: UserId) -> ChatWriters {
        let side = |user| self.people.get(&user).and_then(Person::chat_side);
        let wrote = |side: &ChatSide| side.sent_count > 0;
        side(user).map_or_else(ChatWriters::default, |own| ChatWriters {
            user: wrote(own),
            partner: side(own.chat.partner).is_some_and(wrote),
        })
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
