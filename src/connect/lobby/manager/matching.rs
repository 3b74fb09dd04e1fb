//! Who is paired with whom: search, eligibility, and what waiting people can expect.

use std::collections::VecDeque;
use std::time::Duration;

use rand::Rng;

use super::RandomConnectManager;
use crate::connect::lobby::action::{MatchConstraints, Outcome, QueuePosition};
use crate::connect::lobby::chat::{Chat, History};
use crate::connect::lobby::inbox::InboxEvent;
use crate::connect::lobby::person::{ChatSide, PersonState, QUIET, QueueEntry};
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
    pub(super) fn accept(&mut self, who: UserId, terms: MatchConstraints, now: Timestamp) {
        let person = self.people.touch(who, now);
        person.avoid.extend(terms.avoid);
        person.informed |= terms.informed;
        person.shunned = terms.shunned;
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
        let waiting = match self.waiting(who) {
            Some(waiting) => QueueEntry { spurned: spurned.or(waiting.spurned), ..waiting },
            None => QueueEntry { ticket: self.number(), since: now, spurned },
        };
        let person = self.people.touch(who, now);
        person.state = PersonState::Waiting(waiting);
        let interests = person.search.interests.clone();
        self.queue.join(waiting.ticket, who, &interests, waiting.since);
        let Some(pair) = self.match_waiter(who, now, rng) else {
            return Outcome::Waiting { place: self.place(waiting), interests, again };
        };
        self.notify(pair.partner, InboxEvent::Connected { chat: pair.partner_chat });
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
        let waiting = self.waiting(who)?;
        let interests = &self.people.get(&who)?.search.interests;
        let eligible = |other: UserId| self.may_pair(who, other, now);
        let partner = self.queue.kindred(interests, eligible).or_else(|| {
            let open = self.queue.is_open(waiting.ticket);
            open.then(|| self.queue.open().find(|other| eligible(*other))).flatten()
        })?;
        let common = interests.common(&self.people.get(&partner)?.search.interests);
        for one in [who, partner] {
            if let Some(waiting) = self.waiting(one) {
                self.waits.add(now.since(waiting.since));
            }
            self.stop_waiting(one);
            self.heard.forget(one);
        }
        let name = self.name_for_chat(who, rng);
        let mut partner_name = self.name_for_chat(partner, rng);
        while partner_name == name && self.people.get(&partner)?.own_name().is_none() {
            partner_name = Nickname::random(rng);
        }
        let room = RoomId::random(rng);
        let [first, partner_first] = [who, partner].map(|one| {
            let person = self.people.get_mut(&one);
            person.is_some_and(|person| !std::mem::replace(&mut person.informed, true))
        });
        let partner_chat = Chat {
            room,
            partner: who,
            partner_name: name.clone(),
            common: common.clone(),
            first: partner_first,
        };
        let chat = Chat { room, partner, partner_name: partner_name.clone(), common, first };
        let keeps = |one| self.people.get(one).is_some_and(|person| person.search.keep_history);
        if keeps(&who) && keeps(&partner) {
            self.histories.insert(room, History::default());
        }
        let chatting =
            |chat: &Chat, name| PersonState::Chatting(Box::new(ChatSide::new(chat.clone(), name)));
        self.people.get_mut(&who)?.state = chatting(&chat, name);
        self.people.get_mut(&partner)?.state = chatting(&partner_chat, partner_name);
        self.pairs += 1;
        self.quiet.insert((now + QUIET, room), who);
        Some(NewPair { chat, partner, partner_chat })
    }

    /// Whether two waiters may be paired now: they are strangers, or one has waited long enough
    /// to take anyone; never two of whom one blocked the other. Whoever left a partner for this search
    /// waits that long themselves first.
    fn may_pair(&self, a: UserId, b: UserId, now: Timestamp) -> bool {
        let (Some(first), Some(second)) = (self.people.get(&a), self.people.get(&b)) else {
            return false;
        };
        let (PersonState::Waiting(x), PersonState::Waiting(y)) = (&first.state, &second.state)
        else {
            return false;
        };
        let spurns = |one: &QueueEntry, other| one.spurned == Some(other) && one.is_patient(now);
        let strangers = !first.recent.contains(b, now) && !second.recent.contains(a, now);
        let apart = first.avoid.contains(&b) || second.avoid.contains(&a);
        // Gently: whom many would rather not have met waits a little longer for anybody else.
        let matched = first.shunned == second.shunned || !x.is_choosy(now) || !y.is_choosy(now);
        a != b
            && !apart
            && matched
            && (strangers || !x.is_patient(now) || !y.is_patient(now))
            && !spurns(x, b)
            && !spurns(y, a)
    }

    fn name_for_chat(&self, who: UserId, rng: &mut impl Rng) -> Nickname {
        let own = self.people.get(&who).and_then(|person| person.own_name().cloned());
        own.unwrap_or_else(|| Nickname::random(rng))
    }

    /// Takes a person out of the queue, and says whether they were in it.
    pub(super) fn stop_waiting(&mut self, who: UserId) -> bool {
        let Some(waiting) = self.waiting(who) else { return false };
        if let Some(person) = self.people.get_mut(&who) {
            self.queue.leave(waiting.ticket, &person.search.interests);
            person.state = PersonState::Idle;
        }
        true
    }

    pub(super) fn place(&self, waiting: QueueEntry) -> QueuePosition {
        QueuePosition { position: self.queue.place(waiting.ticket), estimate: self.waits.usual() }
    }
}

/// How long the last people waited who were paired.
#[derive(Debug, Default)]
pub(crate) struct RecentWaits(VecDeque<Duration>);

impl RecentWaits {
    /// So many tell what is usual now; few enough to follow the hour of the day.
    pub(crate) const KEPT: usize = 50;

    fn add(&mut self, wait: Duration) {
        // Who finds somebody waiting does not wait: what they tell is nothing for who has to.
        if wait.is_zero() {
            return;
        }
        if self.0.len() == Self::KEPT {
            self.0.pop_front();
        }
        self.0.push_back(wait);
    }

    /// The median.
    fn usual(&self) -> Option<Duration> {
        let mut sorted: Vec<_> = self.0.iter().copied().collect();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_estimate_is_the_median_of_those_who_had_to_wait() {
        let mut waits = RecentWaits::default();
        assert_eq!(waits.usual(), None);
        [0, 5, 0, 90, 20, 0].into_iter().for_each(|s| waits.add(Duration::from_secs(s)));
        assert_eq!(waits.usual(), Some(Duration::from_secs(20)));
        (0..50).for_each(|_| waits.add(Duration::from_secs(3)));
        assert_eq!(waits.usual(), Some(Duration::from_secs(3)), "what was long ago is forgotten");
    }
}
