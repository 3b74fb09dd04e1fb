//! Who is paired with whom: search, eligibility, and what waiting people can expect.

use rand::Rng;

use super::RandomConnectManager;
use crate::connect::lobby::action::{MatchConstraints, Outcome, QueuePosition};
use crate::connect::lobby::chat::{Chat, History};
use crate::connect::lobby::inbox::InboxEvent;
use crate::connect::lobby::person::{ChatSide, PersonState, QueueEntry};
use crate::connect::lobby::rules::NUDGE_AFTER;
use crate::connect::profile::nickname::Nickname;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::{RoomId, UserId};

/// Two people who were just paired, each with the chat as they see it.
pub(super) struct NewPair {
    pub(super) chat: Chat,
    pub(super) partner: UserId,
    pub(super) partner_chat: Chat,
}

impl RandomConnectManager {
    /// Takes over what is known of somebody who looks for a partner.
    pub(super) fn apply_constraints(
        &mut self,
        who: UserId,
        terms: MatchConstraints,
        now: Timestamp,
    ) {
        let person = self.people.touch(who, now);
        person.blocked.extend(terms.blocked);
        person.notice_seen |= terms.notice_seen;
        person.poorly_rated = terms.poorly_rated;
    }

    /// Pairs a person with the longest eligible waiter, or puts them in the queue. Somebody who
    /// waits already keeps their place.
    pub(super) fn search(
        &mut self,
        who: UserId,
        spurned: Option<UserId>,
        again: bool,
        now: Timestamp,
        rng: &mut impl Rng,
    ) -> Outcome {
        let waiting = match self.queue_entry(who) {
            Some(waiting) => {
                QueueEntry { skip_partner: spurned.or(waiting.skip_partner), ..waiting }
            }
            None => QueueEntry { ticket: self.next_seq(), since: now, skip_partner: spurned },
        };
        let person = self.people.touch(who, now);
        person.state = PersonState::Waiting(waiting);
        let interests = person.preferences.interests.clone();
        self.queue.join(waiting.ticket, who, &interests, waiting.since);
        let Some(pair) = self.match_waiter(who, now, rng) else {
            return Outcome::Waiting { place: self.queue_position(waiting), interests, again };
        };
        self.push_event(pair.partner, InboxEvent::Connected { chat: pair.partner_chat });
        Outcome::Connected { chat: pair.chat, again }
    }

    /// Pairs somebody who waits with the longest waiting other who shares an interest, or else with
    /// the longest waiting other, where both take anyone. Nobody is told yet.
    pub(super) fn match_waiter(
        &mut self,
        who: UserId,
        now: Timestamp,
        rng: &mut impl Rng,
    ) -> Option<NewPair> {
        self.queue.relax(now);
        let waiting = self.queue_entry(who)?;
        let interests = &self.people.get(&who)?.preferences.interests;
        let eligible = |other: UserId| self.can_pair(who, other, now);
        let partner = self.queue.oldest_sharing_interest(interests, eligible).or_else(|| {
            let open = self.queue.is_open(waiting.ticket);
            open.then(|| self.queue.open().find(|other| eligible(*other))).flatten()
        })?;
        let common = interests.intersection(&self.people.get(&partner)?.preferences.interests);
        for one in [who, partner] {
            if let Some(waiting) = self.queue_entry(one) {
                self.recent_waits.add(now.since(waiting.since));
            }
            self.leave_queue(one);
            self.transcripts.remove(one);
        }
        let name = self.chat_nickname(who, rng);
        let mut partner_name = self.chat_nickname(partner, rng);
        while partner_name == name && self.people.get(&partner)?.effective_nickname().is_none() {
            partner_name = Nickname::random(rng);
        }
        let room = RoomId::random(rng);
        let [first, partner_first] = [who, partner].map(|one| {
            let person = self.people.get_mut(&one);
            person.is_some_and(|person| !std::mem::replace(&mut person.notice_seen, true))
        });
        let partner_chat = Chat {
            room,
            partner: who,
            partner_name: name.clone(),
            common_interests: common.clone(),
            is_first_chat: partner_first,
        };
        let chat = Chat {
            room,
            partner,
            partner_name: partner_name.clone(),
            common_interests: common,
            is_first_chat: first,
        };
        let keeps =
            |one| self.people.get(one).is_some_and(|person| person.preferences.keep_history);
        if keeps(&who) && keeps(&partner) {
            self.histories.insert(room, History::default());
        }
        let chatting =
            |chat: &Chat, name| PersonState::Chatting(Box::new(ChatSide::new(chat.clone(), name)));
        self.people.get_mut(&who)?.state = chatting(&chat, name);
        self.people.get_mut(&partner)?.state = chatting(&partner_chat, partner_name);
        self.pair_count += 1;
        self.nudge_deadlines.insert((now + NUDGE_AFTER, room), who);
        Some(NewPair { chat, partner, partner_chat })
    }

    /// Whether two waiters may be paired now: they are strangers, or one has waited long enough
    /// to take anyone; never two of whom one blocked the other. Whoever left a partner for this search
    /// waits that long themselves first.
    fn can_pair(&self, a: UserId, b: UserId, now: Timestamp) -> bool {
        let (Some(first), Some(second)) = (self.people.get(&a), self.people.get(&b)) else {
            return false;
        };
        let (PersonState::Waiting(x), PersonState::Waiting(y)) = (&first.state, &second.state)
        else {
            return false;
        };
        let spurns =
            |one: &QueueEntry, other| one.skip_partner == Some(other) && one.avoids_recent(now);
        let strangers =
            !first.recent_partners.contains(b, now) && !second.recent_partners.contains(a, now);
        let apart = first.blocked.contains(&b) || second.blocked.contains(&a);
        // Gently: whom many would rather not have met waits a little longer for anybody else.
        let matched = first.poorly_rated == second.poorly_rated
            || !x.is_selective(now)
            || !y.is_selective(now);
        a != b
            && !apart
            && matched
            && (strangers || !x.avoids_recent(now) || !y.avoids_recent(now))
            && !spurns(x, b)
            && !spurns(y, a)
    }

    fn chat_nickname(&self, who: UserId, rng: &mut impl Rng) -> Nickname {
        let own = self.people.get(&who).and_then(|person| person.effective_nickname().cloned());
        own.unwrap_or_else(|| Nickname::random(rng))
    }

    /// Takes a person out of the queue, and says whether they were in it.
    pub(super) fn leave_queue(&mut self, who: UserId) -> bool {
        let Some(waiting) = self.queue_entry(who) else { return false };
        if let Some(person) = self.people.get_mut(&who) {
            self.queue.leave(waiting.ticket, &person.preferences.interests);
            person.state = PersonState::Idle;
        }
        true
    }

    pub(super) fn queue_position(&self, waiting: QueueEntry) -> QueuePosition {
        QueuePosition {
            position: self.queue.position(waiting.ticket),
            estimated_wait: self.recent_waits.median(),
        }
    }
}
