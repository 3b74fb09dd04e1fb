//! The heart of the product: who waits, who talks with whom, and what waits for whom.
//!
//! Plain data behind `&mut self`: no clock, no lock, no runtime. Each method is one step that
//! leaves everything consistent; it returns what is to be said and never sends. Sweeps over many
//! people live in `sweep.rs`.
//!
//! **Invariant:** a pair is symmetric; nobody is paired and waiting, or paired with themselves.
//! **Invariant:** a message is in the inbox of the partner of the moment it was sent, or its
//! sender was told why not.

use std::time::Duration;

use hashlink::LinkedHashMap;
use rand::Rng;

use super::action::{Action, Call, LobbyStats, Outcome, Performed, Sender};
use super::inbox::{Item, Lease, LeaseId, News};
use super::nickname::Nickname;
use super::person::{Person, State, Waiting};
use super::queue::Queue;
use super::replay::{Record, Replays};
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;
use crate::mask::{Masked, Memory};

/// The most characters of a message that one inbox item holds. With a nickname and the words
/// around it, an item then always fits into an answer; longer messages become several items.
const ITEM_CHARS: usize = 3_900;

/// Two people who were just paired, and what each is called.
pub(super) struct Pair {
    pub(super) name: Nickname,
    pub(super) partner: UserId,
    pub(super) partner_name: Nickname,
}

/// Keeps the waiting queue, the active pairs and each person's inbox.
pub struct RandomConnectManager {
    /// Ordered by last call, longest silent first, so that a sweep touches only whom it evicts.
    pub(super) people: LinkedHashMap<UserId, Person>,
    pub(super) queue: Queue,
    pub(super) pairs: usize,
    pub(super) replays: Replays,
    relayed: u64,
    masked: u64,
    pub(super) evicted: u64,
    pub(super) idle_timeout: Duration,
    /// The latest time seen: two calls that raced for the lock must not reverse the order.
    latest: Timestamp,
    next_number: u64,
}

impl RandomConnectManager {
    /// An empty lobby in which people who make no call for `idle_timeout` are forgotten.
    #[must_use]
    pub fn new(idle_timeout: Duration) -> Self {
        Self {
            people: LinkedHashMap::new(),
            queue: Queue::default(),
            pairs: 0,
            replays: Replays::default(),
            relayed: 0,
            masked: 0,
            evicted: 0,
            idle_timeout,
            latest: Timestamp::default(),
            next_number: 0,
        }
    }

    /// Carries out one call: hands out the caller's inbox, then does what they ask. A call whose
    /// key was seen within ten minutes is answered again and does nothing.
    pub fn perform(&mut self, call: Call, action: Action, rng: &mut impl Rng) -> Performed {
        let Call { who, key, given_name, now } = call;
        let now = self.advance(now);
        let lease_id = self.number();
        if let Some(record) = key.and_then(|key| self.replays.get(key, now)).cloned() {
            let lease = self.touch(who, now).inbox.lease_again(lease_id, &record.items);
            return Performed { outcome: record.outcome, lease };
        }
        let person = self.touch(who, now);
        if let Action::Relay { sender, .. } = &action
            && *sender != person.sender()
        {
            return Performed { outcome: Outcome::SenderChanged, lease: Lease::default() };
        }
        if given_name.is_some() {
            person.given_name = given_name;
        }
        let lease = person.inbox.lease(lease_id);
        let outcome = self.act(who, action, now, rng);
        if let Some(key) = key {
            let record = Record { outcome: outcome.clone(), items: lease.items.clone() };
            self.replays.remember(key, record, now);
        }
        Performed { outcome, lease }
    }

    /// What a text of this person must go through before it is relayed.
    #[must_use]
    pub fn sender(&self, who: UserId) -> Sender {
        self.people.get(&who).map_or_else(Sender::default, Person::sender)
    }

    /// Whether an answer that carries items of this person is still on its way.
    #[must_use]
    pub fn is_being_answered(&self, who: UserId) -> bool {
        self.people.get(&who).is_some_and(|person| person.inbox.is_on_lease())
    }

    /// Puts back all but the first `shown` items of a lease: the answer had no room for them.
    pub fn keep_back(&mut self, who: UserId, lease: &Lease, shown: usize) {
        if let Some(person) = self.people.get_mut(&who) {
            person.inbox.keep_back(lease, shown);
        }
    }

    /// Ends a lease: delivered items are gone, others wait again.
    pub fn settle(&mut self, who: UserId, lease: LeaseId, delivered: bool) {
        if let Some(person) = self.people.get_mut(&who) {
            person.inbox.settle(lease, delivered);
        }
    }

    #[must_use]
    pub fn stats(&self, now: Timestamp) -> LobbyStats {
        let longest = self.queue.iter().next().and_then(|head| self.waiting(head));
        LobbyStats {
            people: self.people.len(),
            waiting: self.queue.len(),
            pairs: self.pairs,
            longest_wait_secs: longest.map_or(0, |waiting| now.since(waiting.since).as_secs()),
            relayed: self.relayed,
            masked: self.masked,
            evicted: self.evicted,
        }
    }

    fn act(&mut self, who: UserId, action: Action, now: Timestamp, rng: &mut impl Rng) -> Outcome {
        match action {
            Action::Meet => self.meet(who, now, rng),
            Action::Again => self.again(who, now, rng),
            Action::Leave => self.leave(who, now),
            Action::Relay { text, memory, .. } => self.relay(who, text, memory),
            Action::ToggleMasking => {
                let person = self.touch(who, now);
                person.masking = !person.masking;
                person.memory = Memory::default();
                Outcome::Masking(person.masking)
            }
            Action::Who => Outcome::Partner(self.partner_name(who)),
            Action::Rename(name) => {
                self.touch(who, now).chosen_name = Some(name.clone());
                Outcome::Renamed(name)
            }
            Action::Read => Outcome::Read,
        }
    }

    fn meet(&mut self, who: UserId, now: Timestamp, rng: &mut impl Rng) -> Outcome {
        if self.partner(who).is_some() {
            return Outcome::AlreadyChatting;
        }
        self.search(who, None, false, now, rng)
    }

    fn again(&mut self, who: UserId, now: Timestamp, rng: &mut impl Rng) -> Outcome {
        if let Some(partner) = self.end_chat(who, now) {
            self.notify(partner, News::PartnerLeft);
        }
        let spurned = self.people.get(&who).and_then(|person| person.recent.last(now));
        self.search(who, spurned, true, now, rng)
    }

    fn leave(&mut self, who: UserId, now: Timestamp) -> Outcome {
        if let Some(partner) = self.end_chat(who, now) {
            self.notify(partner, News::PartnerLeft);
            return Outcome::ChatEnded;
        }
        if self.stop_waiting(who) { Outcome::LeftQueue } else { Outcome::NothingToLeave }
    }

    fn relay(&mut self, who: UserId, text: Masked, memory: Memory) -> Outcome {
        let Some(State::Chatting { partner, name }) =
            self.people.get(&who).map(|person| person.state.clone())
        else {
            return Outcome::NobodyToSendTo { waiting: self.waiting(who).is_some() };
        };
        let pieces = text.clone().pieces(ITEM_CHARS);
        if !self.people.get(&partner).is_some_and(|person| person.inbox.has_room_for(pieces.len()))
        {
            return Outcome::PartnerInboxFull;
        }
        if let Some(person) = self.people.get_mut(&who) {
            person.memory = memory;
        }
        self.relayed += 1;
        self.masked += u64::from(text.hidden());
        for text in pieces {
            self.notify(partner, News::Message { from: name.clone(), text });
        }
        Outcome::Sent { from: name, text }
    }

    /// Pairs a person with the longest eligible waiter, or puts them in the queue. Somebody who
    /// waits already keeps their place.
    fn search(
        &mut self,
        who: UserId,
        spurned: Option<UserId>,
        again: bool,
        now: Timestamp,
        rng: &mut impl Rng,
    ) -> Outcome {
        let waiting = match self.waiting(who) {
            Some(waiting) => Waiting { spurned: spurned.or(waiting.spurned), ..waiting },
            None => Waiting { ticket: self.number(), since: now, spurned },
        };
        self.queue.join(waiting.ticket, who);
        self.touch(who, now).state = State::Waiting(waiting);
        let Some(pair) = self.match_waiter(who, now, rng) else {
            return Outcome::Waiting { place: self.queue.place(waiting.ticket), again };
        };
        self.notify(pair.partner, News::Connected { partner: pair.name });
        Outcome::Connected { partner: pair.partner_name, again }
    }

    /// Pairs somebody who waits with the longest eligible other waiter. Nobody is told yet.
    pub(super) fn match_waiter(
        &mut self,
        who: UserId,
        now: Timestamp,
        rng: &mut impl Rng,
    ) -> Option<Pair> {
        self.waiting(who)?;
        let partner = self.queue.iter().find(|other| self.may_pair(who, *other, now))?;
        self.stop_waiting(who);
        self.stop_waiting(partner);
        let name = self.name_for_chat(who, rng);
        let mut partner_name = self.name_for_chat(partner, rng);
        while partner_name == name && self.people.get(&partner)?.own_name().is_none() {
            partner_name = Nickname::random(rng);
        }
        self.people.get_mut(&who)?.state = State::Chatting { partner, name: name.clone() };
        self.people.get_mut(&partner)?.state =
            State::Chatting { partner: who, name: partner_name.clone() };
        self.pairs += 1;
        Some(Pair { name, partner, partner_name })
    }

    /// Whether two waiters may be paired now: they are strangers, or one has waited long enough
    /// to take anyone. Whoever left a partner for this search waits that long themselves first.
    fn may_pair(&self, a: UserId, b: UserId, now: Timestamp) -> bool {
        let (Some(first), Some(second)) = (self.people.get(&a), self.people.get(&b)) else {
            return false;
        };
        let (State::Waiting(x), State::Waiting(y)) = (&first.state, &second.state) else {
            return false;
        };
        let spurns = |one: &Waiting, other| one.spurned == Some(other) && one.is_patient(now);
        let strangers = !first.recent.contains(b, now) && !second.recent.contains(a, now);
        a != b
            && (strangers || !x.is_patient(now) || !y.is_patient(now))
            && !spurns(x, b)
            && !spurns(y, a)
    }

    fn name_for_chat(&self, who: UserId, rng: &mut impl Rng) -> Nickname {
        let own = self.people.get(&who).and_then(|person| person.own_name().cloned());
        own.unwrap_or_else(|| Nickname::random(rng))
    }

    /// Ends a person's chat for both sides and says who the partner was.
    pub(super) fn end_chat(&mut self, who: UserId, now: Timestamp) -> Option<UserId> {
        let partner = self.partner(who)?;
        for (one, other) in [(who, partner), (partner, who)] {
            if let Some(person) = self.people.get_mut(&one) {
                person.state = State::Idle;
                person.memory = Memory::default();
                person.recent.add(other, now);
            }
        }
        self.pairs -= 1;
        Some(partner)
    }

    /// Takes a person out of the queue, and says whether they were in it.
    pub(super) fn stop_waiting(&mut self, who: UserId) -> bool {
        let Some(waiting) = self.waiting(who) else { return false };
        self.queue.leave(waiting.ticket);
        if let Some(person) = self.people.get_mut(&who) {
            person.state = State::Idle;
        }
        true
    }

    pub(super) fn notify(&mut self, who: UserId, news: News) {
        let number = self.number();
        if let Some(person) = self.people.get_mut(&who) {
            person.inbox.push(Item { number, news });
        }
    }

    pub(super) fn waiting(&self, who: UserId) -> Option<Waiting> {
        match self.people.get(&who)?.state {
            State::Waiting(waiting) => Some(waiting),
            _ => None,
        }
    }

    fn partner(&self, who: UserId) -> Option<UserId> {
        match self.people.get(&who)?.state {
            State::Chatting { partner, .. } => Some(partner),
            _ => None,
        }
    }

    /// The name of a person's partner in their chat.
    fn partner_name(&self, who: UserId) -> Option<Nickname> {
        match &self.people.get(&self.partner(who)?)?.state {
            State::Chatting { name, .. } => Some(name.clone()),
            _ => None,
        }
    }

    /// A person who makes a call: known from now on, and the last to be evicted.
    fn touch(&mut self, who: UserId, now: Timestamp) -> &mut Person {
        // An entry that is there already moves to the back.
        let person = self.people.entry(who).or_insert_with(|| Person::new(now));
        person.last_seen = now;
        person
    }

    pub(super) fn advance(&mut self, now: Timestamp) -> Timestamp {
        self.latest = self.latest.max(now);
        self.latest
    }

    const fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }
}

impl Person {
    fn sender(&self) -> Sender {
        Sender { masking: self.masking, memory: self.memory.clone() }
    }
}
