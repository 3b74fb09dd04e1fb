//! What people's partners wrote last, kept so that a report can show it: while the chat lasts, and a
//! little longer, since people report also whoever has just left.

use std::collections::{HashMap, VecDeque};

use super::action::{Encounter, Outcome};
use super::chat::Chat;
use super::inbox::News;
use super::manager::RandomConnectManager;
use super::person::RECENT_FOR;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;
use crate::mask::Masked;

/// So many messages are kept.
pub(super) const QUOTED: usize = 10;

/// The last messages that each person got in their last chat.
#[derive(Debug, Default)]
pub(super) struct Heard {
    said: HashMap<UserId, Said>,
    /// Whose chats ended, and when, oldest first.
    ended: VecDeque<(Timestamp, UserId)>,
}

#[derive(Debug, Default)]
struct Said {
    texts: VecDeque<Masked>,
    /// When the chat ended.
    ended: Option<Timestamp>,
}

impl Heard {
    /// A new chat of `who` begins: nothing is kept of the one before.
    pub(super) fn begin(&mut self, who: UserId) {
        self.said.remove(&who);
    }

    /// Something was written to `who`.
    pub(super) fn add(&mut self, who: UserId, text: Masked) {
        let texts = &mut self.said.entry(who).or_default().texts;
        if texts.len() == QUOTED {
            texts.pop_front();
        }
        texts.push_back(text);
    }

    /// The chat of `who` is over.
    pub(super) fn end(&mut self, who: UserId, now: Timestamp) {
        if let Some(said) = self.said.get_mut(&who) {
            said.ended = Some(now);
            self.ended.push_back((now, who));
        }
    }

    /// Nothing is kept for `who` any more.
    pub(super) fn forget(&mut self, who: UserId) {
        self.said.remove(&who);
    }

    /// Forgets up to `limit` chats that ended long ago, and says whether there are more.
    pub(super) fn forget_old(&mut self, now: Timestamp, limit: usize) -> bool {
        for _ in 0..limit {
            let old = self.ended.front().filter(|(ended, _)| now.since(*ended) >= RECENT_FOR);
            let Some((ended, who)) = old.copied() else { return false };
            self.ended.pop_front();
            // Another chat may have begun since, or ended.
            if self.said.get(&who).is_some_and(|said| said.ended == Some(ended)) {
                self.said.remove(&who);
            }
        }
        true
    }

    fn to(&self, who: UserId) -> Vec<Masked> {
        self.said.get(&who).into_iter().flat_map(|said| &said.texts).cloned().collect()
    }
}

impl RandomConnectManager {
    /// Whom somebody talks with, or talked with last.
    pub(super) fn encounter(&self, who: UserId, quoted: bool, now: Timestamp) -> Option<Encounter> {
        let partner = match self.chat(who) {
            Some(chat) => chat.partner,
            None => self.people.get(&who)?.recent.last(now)?,
        };
        let said = if quoted { self.heard.to(who) } else { Vec::new() };
        Some(Encounter { partner, said })
    }

    /// Never lets two people meet again, and ends their chat if they are in one.
    pub(super) fn block(
        &mut self,
        who: UserId,
        whom: Option<UserId>,
        reported: bool,
        now: Timestamp,
    ) -> Outcome {
        let whom = whom.or_else(|| Some(self.encounter(who, false, now)?.partner));
        let Some(whom) = whom else { return Outcome::NobodyToBlock };
        self.touch(who, now).avoid.insert(whom);
        let ended = self.chat(who).is_some_and(|chat| chat.partner == whom);
        if ended && let Some(Chat { partner, room, .. }) = self.end_chat(who, now) {
            self.notify(partner, News::PartnerLeft { room });
        }
        Outcome::Blocked { ended, reported }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ten_are_kept_until_a_while_after_the_chat() {
        let (ann, now) = (UserId::from_bytes([1; 16]), Timestamp::default());
        let mut heard = Heard::default();
        (0..12).for_each(|n| heard.add(ann, Masked::waived(&n.to_string())));
        let kept: Vec<_> = heard.to(ann).iter().map(|text| text.as_str().to_owned()).collect();
        assert_eq!(kept, (2..12).map(|n| n.to_string()).collect::<Vec<_>>());
        heard.end(ann, now);
        heard.forget_old(now, 9);
        assert_eq!(heard.to(ann).len(), QUOTED);
        heard.forget_old(now + RECENT_FOR, 9);
        assert!(heard.said.is_empty() && heard.ended.is_empty());
    }

    #[test]
    fn a_new_chat_leaves_nothing_of_the_one_before_and_is_not_cut_short_by_its_end() {
        let (ann, now) = (UserId::from_bytes([1; 16]), Timestamp::default());
        let mut heard = Heard::default();
        heard.add(ann, Masked::waived("one"));
        heard.end(ann, now);
        heard.begin(ann);
        assert!(heard.to(ann).is_empty());
        heard.add(ann, Masked::waived("two"));
        heard.forget_old(now + RECENT_FOR, 9);
        assert_eq!(heard.to(ann), [Masked::waived("two")]);
    }
}
