//! The heart of the product: who waits, who talks with whom, and what waits for whom.
//!
//! Plain data behind `&mut self`: no clock, no lock, no runtime. Each method is one step that
//! leaves everything consistent; it returns what is to be said and never sends. Who is paired with
//! whom is decided in `matching.rs`; sweeps over many people live in `sweep.rs`.
//!
//! **Invariant:** a pair is symmetric; nobody is paired and waiting, or paired with themselves.
//! **Invariant:** a message is in the inbox of the partner of the moment it was sent, or its
//! sender was told why not.

mod blocking;
mod matching;
mod operator;
mod sweep;
#[cfg(test)]
mod tests;

use std::any::Any;
use std::collections::BTreeMap;
use std::time::Duration;

use rand::Rng;

use super::action::{
    Action, ActionResult, Call, Effect, LobbyStats, Outcome, SenderState, UserStatus,
};
use super::chat::{Chat, History, HistoryMessage, MatchPreferences};
use super::inbox::{InboxEvent, Item, Lease, LeaseId, MAX_ITEM_CHARS};
use super::people::People;
use super::person::{ChatSide, Person, PersonState, QueueEntry};
use super::queue::{Queue, RecentWaits};
use super::replay::{ReplayCache, ReplayRecord};
use super::transcript::EndedTranscripts;
use crate::connect::profile::nickname::Nickname;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::{IdempotencyKey, RoomId, UserId};
use crate::kernel::shards::ShardedMap;
use crate::mask::{Masked, Memory};

/// What is no longer needed and still takes memory.
pub type DeferredDrops = Vec<Box<dyn Any + Send>>;

/// Keeps the waiting queue, the active pairs and each person's inbox.
pub struct RandomConnectManager {
    pub(super) people: People,
    /// The notices that everybody was told of: a person keeps only the number of the last.
    pub(super) broadcasts: Vec<IdempotencyKey>,
    pub(super) queue: Queue,
    pub(super) pair_count: usize,
    /// Who is to be looked at, and when, whether they and their partner are silent: one of each chat.
    /// Chats that have ended since are passed over then.
    pub(super) nudge_deadlines: BTreeMap<(Timestamp, RoomId), UserId>,
    /// Of the chats whose two people both wanted that, and of no others.
    pub(super) histories: ShardedMap<RoomId, History>,
    /// What people's partners wrote last, should one of them be reported.
    pub(super) transcripts: EndedTranscripts,
    pub(super) recent_waits: RecentWaits,
    /// What others are to be told of since they were last taken.
    effects: Vec<Effect>,
    pub(super) deferred_drops: DeferredDrops,
    pub(super) replays: ReplayCache,
    relayed: u64,
    masked: u64,
    pub(super) evicted: u64,
    pub(super) idle_timeout: Duration,
    /// The latest time seen: two calls that raced for the lock must not reverse the order.
    latest_now: Timestamp,
    next_seq: u64,
}

impl RandomConnectManager {
    /// An empty lobby in which people who make no call for `idle_timeout` are forgotten.
    #[must_use]
    pub fn new(idle_timeout: Duration) -> Self {
        Self {
            people: People::default(),
            broadcasts: Vec::new(),
            queue: Queue::default(),
            pair_count: 0,
            nudge_deadlines: BTreeMap::new(),
            histories: ShardedMap::default(),
            transcripts: EndedTranscripts::default(),
            recent_waits: RecentWaits::default(),
            effects: Vec::new(),
            deferred_drops: DeferredDrops::new(),
            replays: ReplayCache::default(),
            relayed: 0,
            masked: 0,
            evicted: 0,
            idle_timeout,
            latest_now: Timestamp::default(),
            next_seq: 0,
        }
    }

    /// Carries out one call: hands out the caller's inbox, then does what they ask. A call whose
    /// key was seen within ten minutes is answered again and does nothing.
    pub fn perform(&mut self, call: Call, action: Action, rng: &mut impl Rng) -> ActionResult {
        let Call {
            user: who,
            idempotency_key: key,
            caller_nickname: given_name,
            room,
            include_inbox: takes_inbox,
            constraints: terms,
            now,
        } = call;
        let now = self.advance_clock(now);
        let lease_id = self.next_seq();
        if let Some(record) = key.and_then(|key| self.replays.get(key, now)).cloned() {
            let person = self.people.touch(who, now);
            let lease = person.inbox.renew_lease(lease_id, &record.items, now);
            let lease = Lease { language: person.language, ..lease };
            return ActionResult { outcome: record.outcome, lease };
        }
        let changed = matches!(&action, Action::Relay { sender, .. }
            if !sender.same_treatment_as(&self.sender_state(who)));
        let person = self.people.touch(who, now);
        if changed {
            return ActionResult { outcome: Outcome::SenderChanged, lease: Lease::default() };
        }
        if given_name.is_some() {
            person.caller_nickname = given_name;
        }
        person.inbox.reclaim(now);
        let lease = if takes_inbox { person.inbox.lease(lease_id, now) } else { Lease::default() };
        let lease = Lease { language: person.language, ..lease };
        let outcome = if let Some(room) = room.filter(|room| person.room() != Some(*room)) {
            Outcome::NotInRoom { ended: person.recent_partners.includes_room(room) }
        } else {
            if matches!(action, Action::Meet(_) | Action::Again) {
                self.apply_constraints(who, terms, now);
            }
            self.execute(who, action, now, rng)
        };
        if let Some(key) = key {
            let record = ReplayRecord { outcome: outcome.clone(), items: lease.items.clone() };
            self.replays.insert(key, record, now);
        }
        ActionResult { outcome, lease }
    }

    /// What a text of this person must go through before it is relayed.
    #[must_use]
    pub fn sender_state(&self, who: UserId) -> SenderState {
        let Some(person) = self.people.get(&who) else { return SenderState::default() };
        let Person { masking, language, .. } = *person;
        let Some(talk) = person.chat_side() else {
            return SenderState { masking, language, ..SenderState::default() };
        };
        let partner = self.people.get(&talk.chat.partner).and_then(Person::chat_side);
        let trusted = talk.is_trusted() && partner.is_some_and(ChatSide::is_trusted);
        SenderState { masking, memory: talk.mask_memory.clone(), trusted, language }
    }

    /// Hands out what waits for a person without a call of theirs.
    pub fn collect(&mut self, who: UserId, now: Timestamp) -> Lease {
        let (now, id) = (self.advance_clock(now), self.next_seq());
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
    pub fn take_deferred_drops(&mut self) -> DeferredDrops {
        std::mem::take(&mut self.deferred_drops)
    }

    /// Whether an answer that carries items of this person is still on its way.
    #[must_use]
    pub fn has_active_lease(&self, who: UserId) -> bool {
        self.people.get(&who).is_some_and(|person| person.inbox.is_leased())
    }

    /// Puts back all but the first `shown` items of a lease: the answer had no room for them.
    pub fn put_back(&mut self, who: UserId, lease: &Lease, shown: usize) {
        if let Some(person) = self.people.get_mut(&who) {
            person.inbox.put_back(lease, shown);
            self.effects.push(Effect::InboxChanged(who));
        }
    }

    /// Ends a lease: delivered items are gone, others wait again.
    pub fn settle(&mut self, who: UserId, lease: LeaseId, delivered: bool) {
        if let Some(person) = self.people.get_mut(&who) {
            person.inbox.settle(lease, delivered);
            // What came in the meantime could not be collected.
            if person.inbox.has_pending() {
                self.effects.push(Effect::InboxChanged(who));
            }
        }
    }

    #[must_use]
    pub fn stats(&self, now: Timestamp) -> LobbyStats {
        let longest = self.queue.iter().next().and_then(|head| self.queue_entry(head));
        LobbyStats {
            people: self.people.len(),
            waiting: self.queue.len(),
            pairs: self.pair_count,
            longest_wait_secs: longest.map_or(0, |waiting| now.since(waiting.since).as_secs()),
            relayed: self.relayed,
            masked: self.masked,
            evicted: self.evicted,
            instances: 1,
        }
    }

    fn execute(
        &mut self,
        who: UserId,
        action: Action,
        now: Timestamp,
        rng: &mut impl Rng,
    ) -> Outcome {
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
                if let Some(talk) = person.chat_side_mut() {
                    talk.mask_memory = Memory::default();
                }
                Outcome::Masking(person.masking)
            }
            Action::Who => Outcome::PartnerName(self.partner_name(who)),
            Action::SetNickname(name) => {
                self.people.touch(who, now).nickname = Some(name.clone());
                Outcome::NicknameSet(name)
            }
            Action::SetTyping(typing) => self.set_typing(who, typing),
            Action::ReadHistory(limit) => {
                let room = self.people.get(&who).and_then(Person::room);
                let kept = room.and_then(|room| self.histories.get(&room));
                Outcome::History(kept.map(|kept| kept.last(limit)))
            }
            Action::LookUpLastPartner { with_transcript: quoted } => {
                Outcome::LastPartner(self.last_partner(who, quoted, now))
            }
            Action::Block { target: whom, reason: grounds } => {
                self.block(who, whom, grounds.is_some(), now)
            }
            Action::Icebreaker(number) => self.icebreaker(who, number),
            Action::SetLanguage(language) => {
                self.people.touch(who, now).language = Some(language);
                Outcome::LanguageSet(language)
            }
            // What others keep is theirs to answer; here nobody is rated and nothing agreed to.
            Action::Rate { .. } => Outcome::NoRateTarget,
            Action::Agree => Outcome::Agreed,
            Action::GetStatus => Outcome::Status(self.status(who)),
            Action::ReadInbox => Outcome::InboxRead,
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
        let before = self.queue_entry(who);
        self.leave_queue(who);
        let person = self.people.touch(who, now);
        person.preferences = search;
        if let Some(waiting) = before {
            person.state = PersonState::Waiting(waiting);
        }
        self.search(who, None, false, now, rng)
    }

    fn again(&mut self, who: UserId, now: Timestamp, rng: &mut impl Rng) -> Outcome {
        if let Some(Chat { partner, room, .. }) = self.end_chat(who, now) {
            self.push_event(partner, InboxEvent::PartnerLeft { room });
        }
        let spurned =
            self.people.get(&who).and_then(|person| person.recent_partners.last_partner(now));
        self.search(who, spurned, true, now, rng)
    }

    fn leave(&mut self, who: UserId, now: Timestamp) -> Outcome {
        if let Some(Chat { partner, room, .. }) = self.end_chat(who, now) {
            self.push_event(partner, InboxEvent::PartnerLeft { room });
            return Outcome::ChatEnded;
        }
        if self.leave_queue(who) { Outcome::LeftQueue } else { Outcome::NothingToLeave }
    }

    fn relay(&mut self, who: UserId, text: Masked, memory: Memory, now: Timestamp) -> Outcome {
        let Some(ChatSide { chat: Chat { partner, room, .. }, own_name: name, .. }) =
            self.people.get(&who).and_then(Person::chat_side)
        else {
            return Outcome::NoPartner { waiting: self.queue_entry(who).is_some() };
        };
        let (partner, room, name) = (*partner, *room, name.clone());
        let pieces = text.clone().split_at(MAX_ITEM_CHARS);
        if !self.people.get(&partner).is_some_and(|person| person.inbox.has_room_for(pieces.len()))
        {
            return Outcome::PartnerInboxFull;
        }
        if let Some(talk) = self.people.get_mut(&who).and_then(Person::chat_side_mut) {
            talk.record_sent(text.clone(), memory);
        }
        self.relayed += 1;
        self.masked += u64::from(text.hidden());
        let number = self.next_seq + 1;
        for text in pieces {
            self.push_event(partner, InboxEvent::Message { room, from: name.clone(), text });
        }
        if let Some(history) = self.histories.get_mut(&room) {
            let (from, text) = (name.clone(), text.clone());
            history.push(HistoryMessage {
                seq: number,
                at: now,
                sender: who,
                sender_name: from,
                text,
            });
        }
        Outcome::Sent { to: partner, seq: number, from: name, text }
    }

    fn set_typing(&mut self, who: UserId, typing: bool) -> Outcome {
        let Some(Chat { partner, room, .. }) = self.chat(who).cloned() else {
            return Outcome::NoPartner { waiting: self.queue_entry(who).is_some() };
        };
        self.effects.push(Effect::Typing { to: partner, room, typing });
        Outcome::TypingSet
    }

    fn icebreaker(&mut self, who: UserId, number: u8) -> Outcome {
        let Some(Chat { partner, room, .. }) = self.chat(who).cloned() else {
            return Outcome::NoPartner { waiting: self.queue_entry(who).is_some() };
        };
        if !self.people.get(&partner).is_some_and(|person| person.inbox.has_room_for(1)) {
            return Outcome::PartnerInboxFull;
        }
        self.push_event(partner, InboxEvent::Icebreaker { room, question: number });
        Outcome::Icebreaker(number)
    }

    fn status(&self, who: UserId) -> UserStatus {
        match self.people.get(&who).map(|person| &person.state) {
            Some(PersonState::Chatting(talk)) => UserStatus::Chatting(talk.chat.clone()),
            Some(PersonState::Waiting(waiting)) => {
                UserStatus::Waiting(self.queue_position(*waiting))
            }
            Some(PersonState::Idle) | None => UserStatus::Idle,
        }
    }

    /// Ends a person's chat for both sides and returns it as they saw it.
    pub(super) fn end_chat(&mut self, who: UserId, now: Timestamp) -> Option<Chat> {
        let chat = self.chat(who)?.clone();
        for (one, other) in [(who, chat.partner), (chat.partner, who)] {
            let Some(person) = self.people.get_mut(&one) else { continue };
            if let PersonState::Chatting(mut talk) = std::mem::take(&mut person.state) {
                self.transcripts.insert(other, std::mem::take(&mut talk.transcript), now);
                self.deferred_drops.push(talk);
            }
            person.recent_partners.add(other, chat.room, now);
        }
        self.histories.remove(&chat.room);
        self.pair_count -= 1;
        Some(chat)
    }

    pub(super) fn push_event(&mut self, who: UserId, news: InboxEvent) {
        let number = self.next_seq();
        if let Some(person) = self.people.get_mut(&who) {
            person.inbox.push(Item { seq: number, at: self.latest_now, event: news });
            self.effects.push(Effect::InboxChanged(who));
        }
    }

    pub(super) fn queue_entry(&self, who: UserId) -> Option<QueueEntry> {
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

    pub(super) fn advance_clock(&mut self, now: Timestamp) -> Timestamp {
        self.latest_now = self.latest_now.max(now);
        self.latest_now
    }

    pub(super) const fn next_seq(&mut self) -> u64 {
        self.next_seq += 1;
        self.next_seq
    }
}
