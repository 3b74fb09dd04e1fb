//! The heart of the product: who waits, who talks with whom, and what waits for whom.
//!
//! Plain data behind `&mut self`: no clock, no lock, no runtime. Each method is one step that
//! leaves everything consistent; it returns what is to be said and never sends. Who is paired with
//! whom is decided in `matching.rs`; sweeps over many people live in `sweep.rs`.
//!
//! **Invariant:** a pair is symmetric; nobody is paired and waiting, or paired with themselves.
//! **Invariant:** a message is in the inbox of the partner of the moment it was sent, or its
//! sender was told why not.

pub(crate) mod matching;
mod sweep;
#[cfg(test)]
mod tests;

use std::any::Any;
use std::collections::BTreeMap;
use std::time::Duration;

use rand::Rng;

use self::matching::RecentWaits;
use super::action::{
    Action, ActionResult, Call, Effect, LobbyStats, Outcome, SenderState, UserStatus,
};
use super::chat::{Chat, History, HistoryMessage, MatchPreferences};
use super::inbox::{InboxEvent, Item, Lease, LeaseId};
use super::people::People;
use super::person::{ChatSide, Person, PersonState, QueueEntry};
use super::queue::Queue;
use super::replay::{ReplayCache, ReplayRecord};
use super::transcript::EndedTranscripts;
use crate::connect::profile::nickname::Nickname;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::{IdempotencyKey, RoomId, UserId};
use crate::kernel::shards::ShardedMap;
use crate::mask::{Masked, Memory};

/// The most characters of a message that one inbox item holds. With a nickname and the words
/// around it, an item then always fits into an answer; longer messages become several items.
pub(super) const ITEM_CHARS: usize = 3_900;

/// What is no longer needed and still takes memory.
pub type DeferredDrops = Vec<Box<dyn Any + Send>>;

/// Keeps the waiting queue, the active pairs and each person's inbox.
pub struct RandomConnectManager {
    pub(super) people: People,
    /// The notices that everybody was told of: a person keeps only the number of the last.
    pub(super) notices: Vec<IdempotencyKey>,
    pub(super) queue: Queue,
    pub(super) pairs: usize,
    /// Who is to be looked at, and when, whether they and their partner are silent: one of each chat.
    /// Chats that have ended since are passed over then.
    pub(super) quiet: BTreeMap<(Timestamp, RoomId), UserId>,
    /// Of the chats whose two people both wanted that, and of no others.
    pub(super) histories: ShardedMap<RoomId, History>,
    /// What people's partners wrote last, should one of them be reported.
    pub(super) heard: EndedTranscripts,
    pub(super) waits: RecentWaits,
    /// What others are to be told of since they were last taken.
    effects: Vec<Effect>,
    pub(super) gone: DeferredDrops,
    pub(super) replays: ReplayCache,
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
            people: People::default(),
            notices: Vec::new(),
            queue: Queue::default(),
            pairs: 0,
            quiet: BTreeMap::new(),
            histories: ShardedMap::default(),
            heard: EndedTranscripts::default(),
            waits: RecentWaits::default(),
            effects: Vec::new(),
            gone: DeferredDrops::new(),
            replays: ReplayCache::default(),
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
    pub fn perform(&mut self, call: Call, action: Action, rng: &mut impl Rng) -> ActionResult {
        let Call { who, key, given_name, room, takes_inbox, terms, now } = call;
        let now = self.advance(now);
        let lease_id = self.number();
        if let Some(record) = key.and_then(|key| self.replays.get(key, now)).cloned() {
            let person = self.people.touch(who, now);
            let lease = person.inbox.lease_again(lease_id, &record.items, now);
            let lease = Lease { language: person.language, ..lease };
            return ActionResult { outcome: record.outcome, lease };
        }
        let changed = matches!(&action, Action::Relay { sender, .. }
            if !sender.is_treated_as(&self.sender(who)));
        let person = self.people.touch(who, now);
        if changed {
            return ActionResult { outcome: Outcome::SenderChanged, lease: Lease::default() };
        }
        if given_name.is_some() {
            person.given_name = given_name;
        }
        person.inbox.reclaim(now);
        let lease = if takes_inbox { person.inbox.lease(lease_id, now) } else { Lease::default() };
        let lease = Lease { language: person.language, ..lease };
        let outcome = if let Some(room) = room.filter(|room| person.room() != Some(*room)) {
            Outcome::NotInRoom { ended: person.recent.was_in(room) }
        } else {
            if matches!(action, Action::Meet(_) | Action::Again) {
                self.accept(who, terms, now);
            }
            self.act(who, action, now, rng)
        };
        if let Some(key) = key {
            let record = ReplayRecord { outcome: outcome.clone(), items: lease.items.clone() };
            self.replays.remember(key, record, now);
        }
        ActionResult { outcome, lease }
    }

    /// What a text of this person must go through before it is relayed.
    #[must_use]
    pub fn sender(&self, who: UserId) -> SenderState {
        let Some(person) = self.people.get(&who) else { return SenderState::default() };
        let Person { masking, language, .. } = *person;
        let Some(talk) = person.talk() else {
            return SenderState { masking, language, ..SenderState::default() };
        };
        let partner = self.people.get(&talk.chat.partner).and_then(Person::talk);
        let trusted = talk.is_familiar() && partner.is_some_and(ChatSide::is_familiar);
        SenderState { masking, memory: talk.memory.clone(), trusted, language }
    }

    /// Hands out what waits for a person without a call of theirs.
    pub fn collect(&mut self, who: UserId, now: Timestamp) -> Lease {
        let (now, id) = (self.advance(now), self.number());
        let Some(person) = self.people.get_mut(&who) else { return Lease::default() };
        person.inbox.reclaim(now);
        Lease { language: person.language, ..person.inbox.lease(id, now) }
    }

    /// What others are to be told of since this was last asked.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// What is no longer needed since this was last asked. To be freed where nobody waits: now and then
    /// the allocator gives pages back to the system, which takes milliseconds.
    pub fn take_gone(&mut self) -> DeferredDrops {
        std::mem::take(&mut self.gone)
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
            self.effects.push(Effect::News(who));
        }
    }

    /// Ends a lease: delivered items are gone, others wait again.
    pub fn settle(&mut self, who: UserId, lease: LeaseId, delivered: bool) {
        if let Some(person) = self.people.get_mut(&who) {
            person.inbox.settle(lease, delivered);
            // What came in the meantime could not be collected.
            if person.inbox.has_waiting() {
                self.effects.push(Effect::News(who));
            }
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
            instances: 1,
        }
    }

    fn act(&mut self, who: UserId, action: Action, now: Timestamp, rng: &mut impl Rng) -> Outcome {
        match action {
            Action::Meet(search) => self.meet(who, search, now, rng),
            Action::Again => self.again(who, now, rng),
            Action::Leave => self.leave(who, now),
            Action::Relay { text, sender, memory } => {
                let person = self.people.touch(who, now);
                person.language = person.language.or(sender.language);
                self.relay(who, text, memory, now)
            }
            Action::ToggleMasking => {
                let person = self.people.touch(who, now);
                person.masking = !person.masking;
                if let Some(talk) = person.talk_mut() {
                    talk.memory = Memory::default();
                }
                Outcome::Masking(person.masking)
            }
            Action::Who => Outcome::Partner(self.partner_name(who)),
            Action::Rename(name) => {
                self.people.touch(who, now).chosen_name = Some(name.clone());
                Outcome::Renamed(name)
            }
            Action::Type(typing) => self.type_(who, typing),
            Action::History(limit) => {
                let room = self.people.get(&who).and_then(Person::room);
                let kept = room.and_then(|room| self.histories.get(&room));
                Outcome::History(kept.map(|kept| kept.last(limit)))
            }
            Action::Encounter { quoted } => Outcome::Encounter(self.encounter(who, quoted, now)),
            Action::Block { whom, grounds } => self.block(who, whom, grounds.is_some(), now),
            Action::Icebreaker(number) => self.break_ice(who, number),
            Action::Speak(language) => {
                self.people.touch(who, now).language = Some(language);
                Outcome::Speaks(language)
            }
            // What others keep is theirs to answer; here nobody is rated and nothing agreed to.
            Action::Rate { .. } => Outcome::NobodyToRate,
            Action::Agree => Outcome::Agreed,
            Action::Look => Outcome::Standing(self.standing(who)),
            Action::Read => Outcome::Read,
        }
    }

    fn meet(
        &mut self,
        who: UserId,
        search: MatchPreferences,
        now: Timestamp,
        rng: &mut impl Rng,
    ) -> Outcome {
        if let Some(chat) = self.chat(who) {
            return Outcome::AlreadyChatting(chat.clone());
        }
        // Whoever asks with other wishes than before keeps their place.
        let before = self.waiting(who);
        self.stop_waiting(who);
        let person = self.people.touch(who, now);
        person.search = search;
        if let Some(waiting) = before {
            person.state = PersonState::Waiting(waiting);
        }
        self.search(who, None, false, now, rng)
    }

    fn again(&mut self, who: UserId, now: Timestamp, rng: &mut impl Rng) -> Outcome {
        if let Some(Chat { partner, room, .. }) = self.end_chat(who, now) {
            self.notify(partner, InboxEvent::PartnerLeft { room });
        }
        let spurned = self.people.get(&who).and_then(|person| person.recent.last(now));
        self.search(who, spurned, true, now, rng)
    }

    fn leave(&mut self, who: UserId, now: Timestamp) -> Outcome {
        if let Some(Chat { partner, room, .. }) = self.end_chat(who, now) {
            self.notify(partner, InboxEvent::PartnerLeft { room });
            return Outcome::ChatEnded;
        }
        if self.stop_waiting(who) { Outcome::LeftQueue } else { Outcome::NothingToLeave }
    }

    fn relay(&mut self, who: UserId, text: Masked, memory: Memory, now: Timestamp) -> Outcome {
        let Some(ChatSide { chat: Chat { partner, room, .. }, name, .. }) =
            self.people.get(&who).and_then(Person::talk)
        else {
            return Outcome::NobodyToSendTo { waiting: self.waiting(who).is_some() };
        };
        let (partner, room, name) = (*partner, *room, name.clone());
        let pieces = text.clone().pieces(ITEM_CHARS);
        if !self.people.get(&partner).is_some_and(|person| person.inbox.has_room_for(pieces.len()))
        {
            return Outcome::PartnerInboxFull;
        }
        if let Some(talk) = self.people.get_mut(&who).and_then(Person::talk_mut) {
            talk.sent(text.clone(), memory);
        }
        self.relayed += 1;
        self.masked += u64::from(text.hidden());
        let number = self.next_number + 1;
        for text in pieces {
            self.notify(partner, InboxEvent::Message { room, from: name.clone(), text });
        }
        if let Some(history) = self.histories.get_mut(&room) {
            let (from, text) = (name.clone(), text.clone());
            history.add(HistoryMessage { number, at: now, sender: who, from, text });
        }
        Outcome::Sent { to: partner, number, from: name, text }
    }

    fn type_(&mut self, who: UserId, typing: bool) -> Outcome {
        let Some(Chat { partner, room, .. }) = self.chat(who).cloned() else {
            return Outcome::NobodyToSendTo { waiting: self.waiting(who).is_some() };
        };
        self.effects.push(Effect::Typing { to: partner, room, typing });
        Outcome::Typing
    }

    fn break_ice(&mut self, who: UserId, number: u8) -> Outcome {
        let Some(Chat { partner, room, .. }) = self.chat(who).cloned() else {
            return Outcome::NobodyToSendTo { waiting: self.waiting(who).is_some() };
        };
        if !self.people.get(&partner).is_some_and(|person| person.inbox.has_room_for(1)) {
            return Outcome::PartnerInboxFull;
        }
        self.notify(partner, InboxEvent::Icebreaker { room, number });
        Outcome::Icebreaker(number)
    }

    fn standing(&self, who: UserId) -> UserStatus {
        match self.people.get(&who).map(|person| &person.state) {
            Some(PersonState::Chatting(talk)) => UserStatus::Chatting(talk.chat.clone()),
            Some(PersonState::Waiting(waiting)) => UserStatus::Waiting(self.place(*waiting)),
            Some(PersonState::Idle) | None => UserStatus::Idle,
        }
    }

    /// Ends a person's chat for both sides and returns it as they saw it.
    pub(super) fn end_chat(&mut self, who: UserId, now: Timestamp) -> Option<Chat> {
        let chat = self.chat(who)?.clone();
        for (one, other) in [(who, chat.partner), (chat.partner, who)] {
            let Some(person) = self.people.get_mut(&one) else { continue };
            if let PersonState::Chatting(mut talk) = std::mem::take(&mut person.state) {
                self.heard.keep(other, std::mem::take(&mut talk.said), now);
                self.gone.push(talk);
            }
            person.recent.add(other, chat.room, now);
        }
        self.histories.remove(&chat.room);
        self.pairs -= 1;
        Some(chat)
    }

    pub(super) fn notify(&mut self, who: UserId, news: InboxEvent) {
        let number = self.number();
        if let Some(person) = self.people.get_mut(&who) {
            person.inbox.push(Item { number, at: self.latest, news });
            self.effects.push(Effect::News(who));
        }
    }

    pub(super) fn waiting(&self, who: UserId) -> Option<QueueEntry> {
        match self.people.get(&who)?.state {
            PersonState::Waiting(waiting) => Some(waiting),
            _ => None,
        }
    }

    pub(super) fn chat(&self, who: UserId) -> Option<&Chat> {
        self.people.get(&who)?.chat()
    }

    fn partner_name(&self, who: UserId) -> Option<Nickname> {
        self.chat(who).map(|chat| chat.partner_name.clone())
    }

    pub(super) fn advance(&mut self, now: Timestamp) -> Timestamp {
        self.latest = self.latest.max(now);
        self.latest
    }

    pub(super) const fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }
}
