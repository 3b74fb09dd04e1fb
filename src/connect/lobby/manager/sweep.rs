//! Steps of [`RandomConnectManager`] without a call: eviction of idle users, nudges of silent
//! pairs, and matches of waiting users whose constraints have relaxed.
//!
//! Each step is a function of `now`, does a bounded amount of work and returns whether more
//! remains, so that calls do not wait long for the lock around the manager. The intervals are in
//! [`run_reaper`](crate::connect::reaper::run_reaper).

use std::any::Any;
use std::collections::btree_map::OccupiedEntry as BTreeMapEntry;

use rand::Rng;

use super::RandomConnectManager;
use crate::connect::lobby::action::{NudgeResult, SweepResult};
use crate::connect::lobby::chat::Chat;
use crate::connect::lobby::inbox::InboxEvent;
use crate::connect::lobby::people::IdleCheck;
use crate::connect::lobby::person::Person;
use crate::connect::lobby::rules::{INTEREST_ONLY_FOR, NUDGE_AFTER};
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;

impl RandomConnectManager {
    /// Evicts up to `limit` users who made no call for the idle timeout and notifies their
    /// partners. Drops up to `limit` expired replay records and as many expired transcripts.
    ///
    /// The cost is that of the evictions, plus one check of every other user per idle timeout.
    pub fn sweep(&mut self, now: Timestamp, limit: usize) -> SweepResult {
        let now = self.advance_clock(now);
        let more_replays = self.replays.evict_expired(now, limit);
        let more_transcripts = self.transcripts.evict_expired(now, limit);
        let (evicted, more_users) = self.evict_idle(now, limit);
        SweepResult { evicted, more: more_replays || more_transcripts || more_users }
    }

    /// Checks up to `limit` users and evicts the idle ones. Returns the evicted users, and
    /// whether there may be more.
    fn evict_idle(&mut self, now: Timestamp, limit: usize) -> (Vec<UserId>, bool) {
        let mut evicted = Vec::new();
        for _ in 0..limit {
            let user = match self.people.next_idle(now, self.idle_timeout) {
                None => return (evicted, false),
                Some(IdleCheck::Active) => continue,
                Some(IdleCheck::Idle(user)) => user,
            };
            self.leave_queue(user);
            if let Some(Chat { partner, room, .. }) = self.end_chat(user, now) {
                self.push_event(partner, InboxEvent::PartnerTimedOut { room });
            }
            self.transcripts.remove(user);
            self.deferred_drops
                .extend(self.people.remove(user).map(|person| person as Box<dyn Any + Send>));
            self.evicted += 1;
            evicted.push(user);
        }
        (evicted, true)
    }

    /// Nudges up to `limit` pairs without a call of either user for [`NUDGE_AFTER`], each pair
    /// once.
    pub fn nudge_silent(&mut self, now: Timestamp, limit: usize) -> NudgeResult {
        let now = self.advance_clock(now);
        let mut pairs = 0;
        for _ in 0..limit {
            let due = self.nudge_deadlines.first_entry().filter(|entry| entry.key().0 <= now);
            let Some(((_, room), user)) = due.map(BTreeMapEntry::remove_entry) else {
                return NudgeResult { pairs, more: false };
            };
            let person = self.people.get(&user).filter(|person| person.room() == Some(room));
            let partner = person.and_then(Person::chat).map(|chat| chat.partner);
            let Some(partner) = partner else { continue };
            let last_calls =
                [user, partner].map(|user| self.people.get(&user).map(|person| person.last_seen));
            let last_call = last_calls.into_iter().flatten().max().unwrap_or(now);
            if now.since(last_call) < NUDGE_AFTER {
                self.nudge_deadlines.insert((last_call + NUDGE_AFTER, room), user);
                continue;
            }
            self.push_event(user, InboxEvent::Nudge { room });
            self.push_event(partner, InboxEvent::Nudge { room });
            pairs += 1;
        }
        NudgeResult { pairs, more: true }
    }

    /// Pairs up to `limit` of the longest waiters whose constraints have relaxed: they now accept
    /// users without a common interest, or recent partners. Returns the number of new pairs.
    pub fn pair_waiting(&mut self, now: Timestamp, limit: usize, rng: &mut impl Rng) -> usize {
        let now = self.advance_clock(now);
        self.queue.relax(now);
        let has_relaxed = |user: &_| {
            self.queue_entry(*user).is_some_and(|entry| now.since(entry.since) >= INTEREST_ONLY_FOR)
        };
        let waiters: Vec<_> = self.queue.open().take(limit).take_while(has_relaxed).collect();
        let mut pairs = 0;
        for user in waiters {
            let Some(pair) = self.match_waiter(user, now, rng) else { continue };
            self.push_event(pair.partner, InboxEvent::Connected { chat: pair.partner_chat });
            self.push_event(user, InboxEvent::Connected { chat: pair.chat });
            pairs += 1;
        }
        pairs
    }
}
