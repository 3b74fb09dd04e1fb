//! [`RandomConnectManager`]: the state machine of the lobby, which holds the queue, the pairs and
//! the inboxes.
//!
//! Plain data behind `&mut self`, without clock, lock or runtime. Each method is one step that
//! leaves the state consistent. It returns an [`Outcome`] and collects [`Effect`]s; it never sends.
//! `matching.rs` pairs users, `blocking.rs` separates them, `user_data.rs` sets and deletes the data
//! of one user, `sweep.rs` has the steps without a call, and `operator.rs` those of an operator.
//!
//! To add an action, handle it in `RandomConnectManager::execute`; its rule goes into the file of
//! its topic.
//!
//! **Invariant:** a pair is symmetric; no user is paired and waiting, or paired with themselves.
//! **Invariant:** a message is in the inbox of the partner of the moment it was sent, or its sender
//! receives the reason why not.

mod blocking;
mod clock;
mod departures;
mod matching;
mod operator;
mod sweep;
#[cfg(test)]
mod tests;
mod user_data;

use std::any::Any;
use std::collections::BTreeMap;
use std::time::Duration;

use rand::Rng;

use super::action::{
    Action, ActionResult, Call, ChatWriters, Effect, LobbyStats, Outcome, SenderState, UserStatus,
};
use super::chat::{Chat, History, HistoryMessage};
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

/// Removed values whose drop is deferred until the lock is released.
pub type DeferredDrops = Vec<Box<dyn Any + Send>>;

/// The queue, the pairs and the inboxes of all known users.
pub struct RandomConnectManager {
    people: People,
    /// The keys of all broadcasts. A user's record stores only the number of the last one.
    broadcasts: Vec<IdempotencyKey>,
    queue: Queue,
    pair_count: usize,
    /// One user of each chat, by the time to check whether the pair is silent. Entries of ended
    /// chats are skipped then.
    nudge_deadlines: BTreeMap<(Timestamp, RoomId), UserId>,
    /// The histories of the chats whose users both opted in.
    histories: ShardedMap<RoomId, History>,
    transcripts: EndedTranscripts,
    recent_waits: RecentWaits,
    effects: Vec<Effect>,
    deferred_drops: DeferredDrops,
    replays: ReplayCache,
    /// When the connections of users ended who may have none left.
    departures: BTreeMap<UserId, Timestamp>,
    relayed: u64,
    masked: u64,
    evicted: u64,
    idle_timeout: Duration,
    /// The latest time seen, so that two calls that race for the lock do not reverse the order.
    latest_now: Timestamp,
    /// Date minus time, in milliseconds: events are dated, all else is measured by the time.
    date_offset_ms: i64,
    next_seq: u64,
}

impl RandomConnectManager {
    /// Creates an empty lobby that evicts users who make no call for `idle_timeout`.
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
            departures: BTreeMap::new(),
            relayed: 0,
            masked: 0,
            evicted: 0,
            idle_timeout,
            latest_now: Timestamp::default(),
            date_offset_ms: 0,
            next_seq: 0,
        }
    }

    /// Executes one call: leases the user's inbox, then executes the action. A call whose key was
    /// seen within the last ten minutes receives the stored answer instead.
    pub fn perform(&mut self, call: Call, action: Action, rng: &mut impl Rng) -> ActionResult {
        let Call {
            user,
            idempotency_key,
            caller_nickname,
            room,
            written_by,
            include_inbox,
            typed_text: _,
            network: _,
            constraints,
            now,
        } = call;
        let now = self.advance_clock(now);
        let written_by = written_by.map(|date| self.time(date));
        let lease_id = self.next_seq();
        if let Some(record) = idempotency_key.and_then(|key| self.replays.get(key, now)).cloned() {
            let person = self.people.touch(user, now);
            let lease = person.inbox.renew_lease(lease_id, record.items(), now);
            let lease = Lease { language: person.language, ..lease };
            return ActionResult { outcome: record.outcome, lease };
        }
        let sender_changed = matches!(&action, Action::Relay { sender, .. }
            if !sender.same_treatment_as(&self.sender_state(user)));
        let person = self.people.touch(user, now);
        if sender_changed {
            return ActionResult { outcome: Outcome::SenderChanged, lease: Lease::default() };
        }
        if caller_nickname.is_some() {
            person.caller_nickname = caller_nickname;
        }
        person.inbox.reclaim(now);
        let lease =
            if include_inbox { person.inbox.lease(lease_id, now) } else { Lease::default() };
        let lease = Lease { language: person.language, ..lease };
        let outcome = if let Some(room) = room.filter(|room| person.room() != Some(*room)) {
            Outcome::NotInRoom { ended: person.recent_partners.includes_room(room) }
        } else if written_by.is_some_and(|time| person.began_after(time, &action)) {
            Outcome::WrittenBefore
        } else {
            if matches!(action, Action::Meet(_) | Action::Again) {
                self.apply_constraints(user, constraints, now);
            }
            self.execute(user, action, now, rng)
        };
        if let Some(key) = idempotency_key {
            let record = ReplayRecord::new(outcome.clone(), lease.items.clone());
            self.replays.insert(user, key, record, now);
        }
        ActionResult { outcome, lease }
    }

    /// Returns the state that a text of `user` must be prepared for before it is relayed.
    #[must_use]
    pub fn sender_state(&self, user: UserId) -> SenderState {
        let Some(person) = self.people.get(&user) else { return SenderState::default() };
        let Person { masking, language, .. } = *person;
        let Some(side) = person.chat_side() else {
            return SenderState { masking, language, ..SenderState::default() };
        };
        let partner_side = self.people.get(&side.chat.partner).and_then(Person::chat_side);
        let trusted = side.is_trusted() && partner_side.is_some_and(ChatSide::is_trusted);
        let (memory, own_name) = (side.mask_memory.clone(), Some(side.own_name.clone()));
        let chat = Some((side.chat.room, side.chat.partner));
        SenderState { masking, memory, chat, own_name, trusted, language }
    }

    /// Leases the pending items of `user` without a call.
    pub fn collect(&mut self, user: UserId, now: Timestamp) -> Lease {
        let (now, id) = (self.advance_clock(now), self.next_seq());
        let Some(person) = self.people.get_mut(&user) else { return Lease::default() };
        person.inbox.reclaim(now);
        Lease { language: person.language, ..person.inbox.lease(id, now) }
    }

    /// Returns the effects since this was last called.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// Returns the values removed since this was last called. Drop them without holding the lock,
    /// because the allocator sometimes returns pages to the system, which takes milliseconds.
    pub fn take_deferred_drops(&mut self) -> DeferredDrops {
        std::mem::take(&mut self.deferred_drops)
    }

    /// Returns `true` while an answer with items of `user` is in flight.
    #[must_use]
    pub fn has_active_lease(&self, user: UserId) -> bool {
        self.people.get(&user).is_some_and(|person| person.inbox.is_leased())
    }

    /// Returns all but the first `shown` items of a lease to the inbox, because they did not fit
    /// into the answer.
    pub fn put_back(&mut self, user: UserId, lease: &Lease, shown: usize) {
        if let Some(person) = self.people.get_mut(&user) {
            person.inbox.put_back(lease, shown);
            self.effects.push(Effect::InboxChanged(user));
        }
    }

    /// Ends a lease: removes its items if `delivered`, or else returns them to the inbox.
    pub fn settle(&mut self, user: UserId, lease: LeaseId, delivered: bool) {
        if let Some(person) = self.people.get_mut(&user) {
            person.inbox.settle(lease, delivered);
            // Items that arrived during the lease could not be collected.
            if person.inbox.has_pending() {
                self.effects.push(Effect::InboxChanged(user));
            }
        }
    }

    #[must_use]
    pub fn stats(&self, now: Timestamp) -> LobbyStats {
        let longest = self.queue.iter().next().and_then(|user| self.queue_entry(user));
        LobbyStats {
            people: self.people.len(),
            waiting: self.queue.len(),
            pairs: self.pair_count,
            longest_wait_secs: longest.map_or(0, |entry| now.since(entry.since).as_secs()),
            relayed: self.relayed,
            masked: self.masked,
            evicted: self.evicted,
            instances: 1,
        }
    }

    fn execute(
        &mut self,
        user: UserId,
        action: Action,
        now: Timestamp,
        rng: &mut impl Rng,
    ) -> Outcome {
        match action {
            Action::Meet(preferences) => self.meet(user, preferences, now, rng),
            Action::Again => self.again(user, now, rng),
            Action::Leave => self.leave(user, now),
            Action::Forget => self.forget(user, now),
            Action::Relay { text, sender, memory } => {
                let person = self.people.touch(user, now);
                person.language = person.language.or(sender.language);
                self.relay(user, text, memory, now)
            }
            Action::SetMasking(on) => self.set_masking(user, on, now),
            Action::Who => Outcome::PartnerName(self.partner_name(user)),
            Action::SetNickname(name) => {
                self.people.touch(user, now).nickname = Some(name.clone());
                Outcome::NicknameSet(name)
            }
            Action::SetTyping(typing) => self.set_typing(user, typing),
            Action::ReadHistory(limit) => {
                let room = self.people.get(&user).and_then(Person::room);
                let history = room.and_then(|room| self.histories.get(&room));
                Outcome::History(history.map(|history| history.last(limit)))
            }
            Action::LookUpLastPartner { with_transcript } => {
                Outcome::LastPartner(self.last_partner(user, with_transcript, now))
            }
            Action::Block(target) => self.block(user, target, now),
            Action::Icebreaker(question) => self.icebreaker(user, question),
            Action::SetLanguage(language) => {
                self.people.touch(user, now).language = Some(language);
                Outcome::LanguageSet(language)
            }
            Action::GetStatus => Outcome::Status(self.status(user)),
            Action::ReadInbox => Outcome::InboxRead,
        }
    }

    fn leave(&mut self, user: UserId, now: Timestamp) -> Outcome {
        if let Some(Chat { partner, room, .. }) = self.end_chat(user, now) {
            self.push_event(partner, InboxEvent::PartnerLeft { room });
            return Outcome::ChatEnded;
        }
        if self.leave_queue(user) { Outcome::LeftQueue } else { Outcome::NothingToLeave }
    }

    fn relay(&mut self, user: UserId, text: Masked, memory: Memory, now: Timestamp) -> Outcome {
        let Some(ChatSide { chat: Chat { partner, room, .. }, own_name: name, .. }) =
            self.people.get(&user).and_then(Person::chat_side)
        else {
            return Outcome::NoPartner { waiting: self.queue_entry(user).is_some() };
        };
        let (partner, room, name) = (*partner, *room, name.clone());
        let pieces = text.clone().split_at(MAX_ITEM_CHARS);
        if !self.people.get(&partner).is_some_and(|person| person.inbox.has_room_for(pieces.len()))
        {
            return Outcome::PartnerInboxFull;
        }
        let ChatWriters { user: wrote_before, partner: partner_wrote } = self.chat_writers(user);
        if let Some(side) = self.people.get_mut(&user).and_then(Person::chat_side_mut) {
            side.record_sent(text.clone(), memory);
        }
        self.relayed += 1;
        self.masked += u64::from(text.hidden());
        let seq = self.next_seq + 1;
        for text in pieces {
            self.push_event(partner, InboxEvent::Message { room, from: name.clone(), text });
        }
        let at = self.date(now);
        if let Some(history) = self.histories.get_mut(&room) {
            let (sender_name, text) = (name.clone(), text.clone());
            history.push(HistoryMessage { seq, at, sender: user, sender_name, text });
        }
        let completes_exchange = partner_wrote && !wrote_before;
        Outcome::Sent { to: partner, seq, from: name, text, completes_exchange }
    }

    fn set_typing(&mut self, user: UserId, typing: bool) -> Outcome {
        let Some(Chat { partner, room, .. }) = self.chat(user).cloned() else {
            return Outcome::NoPartner { waiting: self.queue_entry(user).is_some() };
        };
        self.effects.push(Effect::Typing { to: partner, room, typing });
        Outcome::TypingSet
    }

    fn icebreaker(&mut self, user: UserId, question: u8) -> Outcome {
        let Some(Chat { partner, room, .. }) = self.chat(user).cloned() else {
            return Outcome::NoPartner { waiting: self.queue_entry(user).is_some() };
        };
        if !self.people.get(&partner).is_some_and(|person| person.inbox.has_room_for(1)) {
            return Outcome::PartnerInboxFull;
        }
        self.push_event(partner, InboxEvent::Icebreaker { room, question });
        Outcome::Icebreaker(question)
    }

    fn status(&self, user: UserId) -> UserStatus {
        match self.people.get(&user).map(|person| &person.state) {
            Some(PersonState::Chatting(side)) => UserStatus::Chatting(side.chat.clone()),
            Some(PersonState::Waiting(entry)) => UserStatus::Waiting(self.queue_position(*entry)),
            Some(PersonState::Idle) | None => UserStatus::Idle,
        }
    }

    /// Ends the chat of `user` for both sides and returns the user's view of it; `None` if there
    /// was no chat.
    fn end_chat(&mut self, user: UserId, now: Timestamp) -> Option<Chat> {
        let chat = self.chat(user)?.clone();
        let writers = [self.chat_writers(user), self.chat_writers(chat.partner)];
        for ((user, partner), wrote) in
            [(user, chat.partner), (chat.partner, user)].into_iter().zip(writers)
        {
            let Some(person) = self.people.get_mut(&user) else { continue };
            if let PersonState::Chatting(mut side) = std::mem::take(&mut person.state) {
                self.transcripts.insert(partner, std::mem::take(&mut side.transcript), now);
                self.deferred_drops.push(side);
            }
            person.recent_partners.add(partner, chat.room, wrote, now);
        }
        self.histories.remove(&chat.room);
        self.pair_count -= 1;
        Some(chat)
    }

    /// Adds an event to the inbox of `user`. An unknown user is skipped.
    fn push_event(&mut self, user: UserId, event: InboxEvent) {
        let (seq, at) = (self.next_seq(), self.date(self.latest_now));
        if let Some(person) = self.people.get_mut(&user) {
            person.inbox.push(Item { seq, at, event });
            self.effects.push(Effect::InboxChanged(user));
        }
    }

    /// Returns the queue entry of `user`; `None` if the user is not waiting.
    fn queue_entry(&self, user: UserId) -> Option<QueueEntry> {
        match self.people.get(&user)?.state {
            PersonState::Waiting(entry) => Some(entry),
            _ => None,
        }
    }

    fn chat(&self, user: UserId) -> Option<&Chat> {
        self.people.get(&user)?.chat()
    }

    fn partner_name(&self, user: UserId) -> Option<Nickname> {
        self.chat(user).map(|chat| chat.partner_name.clone())
    }

    const fn next_seq(&mut self) -> u64 {
        self.next_seq += 1;
        self.next_seq
    }
}
