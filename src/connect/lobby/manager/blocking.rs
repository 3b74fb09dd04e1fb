//! Blocks, and the transcript of the partner that a report shows.

use super::RandomConnectManager;
use crate::connect::lobby::action::{LastPartner, Outcome};
use crate::connect::lobby::chat::Chat;
use crate::connect::lobby::inbox::InboxEvent;
use crate::connect::lobby::person::Person;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;
use crate::mask::Masked;

impl RandomConnectManager {
    /// Whom somebody talks with, or talked with last.
    pub(super) fn last_partner(
        &self,
        who: UserId,
        quoted: bool,
        now: Timestamp,
    ) -> Option<LastPartner> {
        let partner = match self.chat(who) {
            Some(chat) => chat.partner,
            None => self.people.get(&who)?.recent_partners.last_partner(now)?,
        };
        let said = if quoted { self.transcript_for(who) } else { Vec::new() };
        Some(LastPartner { partner, transcript: said })
    }

    /// What was written to somebody in the chat they are in, or in their last.
    fn transcript_for(&self, who: UserId) -> Vec<Masked> {
        let Some(chat) = self.chat(who) else { return self.transcripts.get(who) };
        let partner = self.people.get(&chat.partner).and_then(Person::chat_side);
        partner.map(|talk| talk.transcript.to_vec()).unwrap_or_default()
    }

    /// Never lets two people meet again, and ends their chat if they are in one.
    pub(super) fn block(
        &mut self,
        who: UserId,
        whom: Option<UserId>,
        reported: bool,
        now: Timestamp,
    ) -> Outcome {
        let whom = whom.or_else(|| Some(self.last_partner(who, false, now)?.partner));
        let Some(whom) = whom else { return Outcome::NoBlockTarget };
        self.people.touch(who, now).blocked.insert(whom);
        let ended = self.chat(who).is_some_and(|chat| chat.partner == whom);
        if ended && let Some(Chat { partner, room, .. }) = self.end_chat(who, now) {
            self.push_event(partner, InboxEvent::PartnerLeft { room });
        }
        Outcome::Blocked { chat_ended: ended, reported }
    }
}
