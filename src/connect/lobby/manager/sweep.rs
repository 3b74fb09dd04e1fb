//! What happens to people without a call of theirs: idle ones are evicted, silent pairs are nudged, and
//! waiters whose patience has run out are paired with recent partners.
//!
//! All are functions of `now` that do a bounded amount of work and say whether there is more, so
//! that nobody waits long for the lock around the manager.

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

impl RandomConnectManager {
    /// Forgets up to `limit` people who made no call for the idle time and tells their partners,
    /// and as many calls that are too old to be repeated. Costs as much as it forgets, and a look now and
    /// then at each of the others.
    pub fn sweep(&mut self, now: Timestamp, limit: usize) -> SweepResult {
        let now = self.advance_clock(now);
        let more = self.replays.evict_expired(now, limit);
        let old = self.transcripts.evict_expired(now, limit);
        let (evicted, others) = self.evict_idle(now, limit);
        SweepResult { evicted, more: more || old || others }
    }

    /// Looks at up to `limit` people and forgets those who were idle; says how many, and whether there
    /// may be more.
    fn evict_idle(&mut self, now: Timestamp, limit: usize) -> (usize, bool) {
        let mut evicted = 0;
        for _ in 0..limit {
            let who = match self.people.next_idle(now, self.idle_timeout) {
                None => return (evicted, false),
                Some(IdleCheck::Active) => continue,
                Some(IdleCheck::Idle(who)) => who,
            };
            self.leave_queue(who);
            if let Some(Chat { partner, room, .. }) = self.end_chat(who, now) {
                self.push_event(partner, InboxEvent::PartnerTimedOut { room });
            }
            self.transcripts.remove(who);
            self.deferred_drops
                .extend(self.people.remove(who).map(|person| person as Box<dyn Any + Send>));
            self.evicted += 1;
            evicted += 1;
        }
        (evicted, true)
    }

    /// Nudges up to `limit` pairs of whom neither was heard of for [`QUIET`], each once.
    pub fn nudge_silent(&mut self, now: Timestamp, limit: usize) -> NudgeResult {
        let now = self.advance_clock(now);
        let mut pairs = 0;
        for _ in 0..limit {
            let due = self.nudge_deadlines.first_entry().filter(|entry| entry.key().0 <= now);
            let Some(((_, room), who)) = due.map(BTreeMapEntry::remove_entry) else {
                return NudgeResult { pairs, more: false };
            };
            let pair = self.people.get(&who).filter(|person| person.room() == Some(room));
            let partner = pair.and_then(Person::chat).map(|chat| chat.partner);
            let Some(partner) = partner else { continue };
            let heard = [who, partner].map(|one| self.people.get(&one).map(|one| one.last_seen));
            let last = heard.into_iter().flatten().max().unwrap_or(now);
            if now.since(last) < NUDGE_AFTER {
                self.nudge_deadlines.insert((last + NUDGE_AFTER, room), who);
                continue;
            }
            self.push_event(who, InboxEvent::Nudge { room });
            self.push_event(partner, InboxEvent::Nudge { room });
            pairs += 1;
        }
        NudgeResult { pairs, more: true }
    }

    /// Pairs up to `limit` of the longest waiters whose wishes have relaxed: those who by now take
    /// people without a common interest, or recent partners. Returns how many pairs were made.
    pub fn pair_waiting(&mut self, now: Timestamp, limit: usize, rng: &mut impl Rng) -> usize {
        let now = self.advance_clock(now);
        self.queue.relax(now);
        let relaxed = |who: &_| {
            self.queue_entry(*who)
                .is_some_and(|waiting| now.since(waiting.since) >= INTEREST_ONLY_FOR)
        };
        let waiters: Vec<_> = self.queue.open().take(limit).take_while(relaxed).collect();
        let mut made = 0;
        for who in waiters {
            let Some(pair) = self.match_waiter(who, now, rng) else { continue };
            self.push_event(pair.partner, InboxEvent::Connected { chat: pair.partner_chat });
            self.push_event(who, InboxEvent::Connected { chat: pair.chat });
            made += 1;
        }
        made
    }
}
