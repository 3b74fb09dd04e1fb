//! Searches of [`RandomConnectManager`]: a user is paired with the longest waiter who is eligible.
//!
//! The order of waiting is in [`Queue`](crate::connect::lobby::queue::Queue). The times after which
//! a rule relaxes are in [`rules`](crate::connect::lobby::rules). To add a rule of eligibility,
//! extend `can_pair` here and in `store_redis/lua/shared/matching.lua`.

use rand::Rng;

use super::RandomConnectManager;
use crate::connect::lobby::action::{MatchConstraints, Outcome, QueuePosition, WaitCause};
use crate::connect::lobby::chat::{Chat, History, MatchPreferences};
use crate::connect::lobby::inbox::InboxEvent;
use crate::connect::lobby::person::{ChatSide, PersonState, QueueEntry};
use crate::connect::lobby::rules::NUDGE_AFTER;
use crate::connect::profile::nickname::Nickname;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::{RoomId, UserId};

/// Two users who have just been paired, each with their view of the chat.
pub(super) struct NewPair {
    pub(super) chat: Chat,
    pub(super) partner: UserId,
    pub(super) partner_chat: Chat,
}

impl RandomConnectManager {
    /// Stores the constraints that moderation adds to a search.
    pub(super) fn apply_constraints(
        &mut self,
        user: UserId,
        constraints: MatchConstraints,
        now: Timestamp,
    ) {
        let person = self.people.touch(user, now);
        person.blocked.extend(constraints.blocked);
        person.notice_seen |= constraints.notice_seen;
        person.poorly_rated = constraints.poorly_rated;
    }

    pub(super) fn meet(
        &mut self,
        user: UserId,
        preferences: MatchPreferences,
        now: Timestamp,
        rng: &mut impl Rng,
    ) -> Outcome {
        if let Some(chat) = self.chat(user) {
            return Outcome::AlreadyChatting(chat.clone());
        }
        // A waiting user who changes their preferences keeps their position.
        let entry = self.queue_entry(user);
        self.leave_queue(user);
        let person = self.people.touch(user, now);
        person.preferences = preferences;
        if let Some(entry) = entry {
            person.state = PersonState::Waiting(entry);
        }
        self.search(user, None, false, now, rng)
    }

    pub(super) fn again(&mut self, user: UserId, now: Timestamp, rng: &mut impl Rng) -> Outcome {
        if let Some(Chat { partner, room, .. }) = self.end_chat(user, now) {
            self.push_event(partner, InboxEvent::PartnerLeft { room });
        }
        let skip_partner =
            self.people.get(&user).and_then(|person| person.recent_partners.last_partner(now));
        self.search(user, skip_partner.map(|(partner, _)| partner), true, now, rng)
    }

    /// Pairs `user` with the longest eligible waiter, or adds them to the queue. A user who is
    /// already waiting keeps their position.
    fn search(
        &mut self,
        user: UserId,
        skip_partner: Option<UserId>,
        again: bool,
        now: Timestamp,
        rng: &mut impl Rng,
    ) -> Outcome {
        let entry = match self.queue_entry(user) {
            Some(entry) => {
                QueueEntry { skip_partner: skip_partner.or(entry.skip_partner), ..entry }
            }
            None => QueueEntry { ticket: self.next_seq(), since: now, skip_partner },
        };
        let person = self.people.touch(user, now);
        person.state = PersonState::Waiting(entry);
        let interests = person.preferences.interests.clone();
        self.queue.join(entry.ticket, user, &interests, entry.since);
        let Some(pair) = self.match_waiter(user, now, rng) else {
            let (place, cause) = (self.queue_position(entry), self.wait_cause(entry));
            return Outcome::Waiting { place, interests, cause, again };
        };
        self.push_event(pair.partner, InboxEvent::Connected { chat: pair.partner_chat });
        Outcome::Connected { chat: pair.chat, again }
    }

    /// Pairs a waiting user with the longest eligible waiter who shares an interest, or else with
    /// the longest eligible waiter if both accept anyone, or else with the only other waiter if one
    /// of them accepts anyone. The caller notifies the two users.
    pub(super) fn match_waiter(
        &mut self,
        user: UserId,
        now: Timestamp,
        rng: &mut impl Rng,
    ) -> Option<NewPair> {
        self.queue.relax(now);
        let entry = self.queue_entry(user)?;
        let interests = &self.people.get(&user)?.preferences.interests;
        let eligible = |partner: UserId| self.can_pair(user, partner, now);
        let partner = self.queue.oldest_sharing_interest(interests, eligible).or_else(|| {
            if self.queue.is_open(entry.ticket)
                && let Some(partner) = self.queue.open().find(|partner| eligible(*partner))
            {
                return Some(partner);
            }
            self.only_other_waiter(user).filter(|partner| eligible(*partner))
        })?;
        let common_interests =
            interests.intersection(&self.people.get(&partner)?.preferences.interests);
        for user in [user, partner] {
            if let Some(entry) = self.queue_entry(user) {
                self.recent_waits.add(now.since(entry.since));
            }
            self.leave_queue(user);
            self.transcripts.remove(user);
        }
        let name = self.chat_nickname(user, rng);
        let mut partner_name = self.chat_nickname(partner, rng);
        while partner_name == name && self.people.get(&partner)?.effective_nickname().is_none() {
            partner_name = Nickname::random(rng);
        }
        let room = RoomId::random(rng);
        let [is_first, partner_is_first] = [user, partner].map(|user| {
            let person = self.people.get_mut(&user);
            person.is_some_and(|person| !std::mem::replace(&mut person.notice_seen, true))
        });
        let partner_chat = Chat {
            room,
            partner: user,
            partner_name: name.clone(),
            common_interests: common_interests.clone(),
            is_first_chat: partner_is_first,
        };
        let chat = Chat {
            room,
            partner,
            partner_name: partner_name.clone(),
            common_interests,
            is_first_chat: is_first,
        };
        let keeps_history =
            |user| self.people.get(user).is_some_and(|person| person.preferences.keep_history);
        if keeps_history(&user) && keeps_history(&partner) {
            self.histories.insert(room, History::default());
        }
        let chatting = |chat: &Chat, own_name| {
            PersonState::Chatting(Box::new(ChatSide::new(chat.clone(), own_name, now)))
        };
        self.people.get_mut(&user)?.state = chatting(&chat, name);
        self.people.get_mut(&partner)?.state = chatting(&partner_chat, partner_name);
        self.pair_count += 1;
        self.nudge_deadlines.insert((now + NUDGE_AFTER, room), user);
        Some(NewPair { chat, partner, partner_chat })
    }

    /// Returns why a waiting user was not matched.
    fn wait_cause(&self, entry: QueueEntry) -> WaitCause {
        match (self.queue.len(), self.pair_count) {
            (..=1, 0) => WaitCause::Alone,
            (..=1, _) => WaitCause::AllChatting,
            _ if self.queue.is_open(entry.ticket) && self.queue.open().nth(1).is_none() => {
                WaitCause::AllSelective
            }
            _ => WaitCause::NotEligible,
        }
    }

    /// Returns the other waiting user if exactly two wait, one of them accepts anyone, and there is
    /// no chat: until a new user comes, no one could share an interest anyway.
    fn only_other_waiter(&self, user: UserId) -> Option<UserId> {
        let is_alone = self.queue.len() == 2 && self.pair_count == 0;
        let has_open = self.queue.open().next().is_some();
        self.queue.iter().find(|waiter| is_alone && has_open && *waiter != user)
    }

    /// Returns `true` if two waiting users may be paired now.
    ///
    /// - Two users are never paired if one has blocked the other.
    /// - Recent partners are paired once one of them has waited
    ///   [`AVOID_RECENT_FOR`](crate::connect::lobby::rules::AVOID_RECENT_FOR).
    /// - A user who left a partner for this search is paired with that partner only after their own
    ///   wait of that time.
    /// - Users who are not equally rated are paired once one of them has waited
    ///   [`INTEREST_ONLY_FOR`](crate::connect::lobby::rules::INTEREST_ONLY_FOR).
    fn can_pair(&self, a: UserId, b: UserId, now: Timestamp) -> bool {
        let (Some(person_a), Some(person_b)) = (self.people.get(&a), self.people.get(&b)) else {
            return false;
        };
        let (PersonState::Waiting(entry_a), PersonState::Waiting(entry_b)) =
            (&person_a.state, &person_b.state)
        else {
            return false;
        };
        let skips = |entry: &QueueEntry, partner| {
            entry.skip_partner == Some(partner) && entry.avoids_recent(now)
        };
        let strangers = !person_a.recent_partners.contains(b, now)
            && !person_b.recent_partners.contains(a, now);
        let blocked = person_a.blocked.contains(&b) || person_b.blocked.contains(&a);
        // Deliberately mild: a poorly rated user only waits a little longer.
        let ratings_match = person_a.poorly_rated == person_b.poorly_rated
            || !entry_a.is_selective(now)
            || !entry_b.is_selective(now);
        a != b
            && !blocked
            && ratings_match
            && (strangers || !entry_a.avoids_recent(now) || !entry_b.avoids_recent(now))
            && !skips(entry_a, b)
            && !skips(entry_b, a)
    }

    /// Returns the name of `user` for a new chat, a random one if they have none.
    fn chat_nickname(&self, user: UserId, rng: &mut impl Rng) -> Nickname {
        let nickname =
            self.people.get(&user).and_then(|person| person.effective_nickname().cloned());
        nickname.unwrap_or_else(|| Nickname::random(rng))
    }

    /// Removes `user` from the queue. Returns `true` if they were in it.
    pub(super) fn leave_queue(&mut self, user: UserId) -> bool {
        let Some(entry) = self.queue_entry(user) else { return false };
        if let Some(person) = self.people.get_mut(&user) {
            self.queue.leave(entry.ticket, &person.preferences.interests);
            person.state = PersonState::Idle;
        }
        true
    }

    pub(super) fn queue_position(&self, entry: QueueEntry) -> QueuePosition {
        QueuePosition {
            position: self.queue.position(entry.ticket),
            estimated_wait: self.recent_waits.median(),
        }
    }
}
