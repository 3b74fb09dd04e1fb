//! [`MemoryModerationStore`]: moderation data in this process's memory. A restart loses it.
//!
//! `operator.rs` has the part that only operators use.

mod operator;

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use parking_lot::{Mutex, MutexGuard};
use tokio::task::yield_now;

use super::dates::correct;
use super::history::UserHistory;
use super::rating::{RATING_TTL, Rating};
use super::report::{EVIDENCE_TTL, Report};
use super::store::{AuditEntry, Ban, ModerationRecord, ModerationStore, NoticeState, RECORD_TTL};
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;
use crate::kernel::shards::Shards;
use crate::kernel::store::StoreError;

/// Stores moderation data in one set of tables per shard of users.
///
/// Each shard is behind its own lock, which is held for microseconds. No lock is taken while
/// another is held.
#[derive(Default)]
pub struct MemoryModerationStore {
    tables: Shards<Mutex<ShardTables>>,
    audit_log: Mutex<Vec<AuditEntry>>,
}

#[derive(Default)]
struct ShardTables {
    blocked: HashMap<UserId, HashSet<UserId>>,
    /// By the reported user.
    reports: HashMap<UserId, Vec<Report>>,
    bans: HashMap<UserId, Ban>,
    pardoned: HashMap<UserId, Timestamp>,
    /// Only while the lobby knows the user.
    notices: HashMap<UserId, NoticeState>,
    /// By the rated user, then by the rater.
    ratings: HashMap<UserId, HashMap<UserId, Rating>>,
    histories: HashMap<UserId, StoredHistory>,
}

#[derive(Default)]
struct StoredHistory {
    first_chat_at: Option<Timestamp>,
    chats: u32,
    reports: u32,
    /// Users with a dismissed report by this user.
    dismissed: HashSet<UserId>,
    changed_at: Timestamp,
}

impl MemoryModerationStore {
    /// Locks the tables of this user's shard.
    fn shard(&self, user: UserId) -> MutexGuard<'_, ShardTables> {
        self.tables.shard_for(user).lock()
    }

    /// Locks one shard after the other.
    fn shards(&self) -> impl Iterator<Item = MutexGuard<'_, ShardTables>> {
        self.tables.iter().map(Mutex::lock)
    }
}

impl ShardTables {
    fn history(&self, user: UserId) -> UserHistory {
        self.histories.get(&user).map_or_else(UserHistory::default, |stored| UserHistory {
            first_chat_at: stored.first_chat_at,
            chats: stored.chats,
            reports: stored.reports,
            dismissed: u32::try_from(stored.dismissed.len()).unwrap_or(u32::MAX),
        })
    }

    fn history_mut(&mut self, user: UserId, now: Timestamp) -> &mut StoredHistory {
        let history = self.histories.entry(user).or_default();
        history.changed_at = history.changed_at.max(now);
        history
    }

    fn correct_dates(&mut self, now: Timestamp) {
        for report in self.reports.values_mut().flatten() {
            correct(&mut report.at, now);
            if let Some(decision) = &mut report.decision {
                correct(&mut decision.at, now);
            }
        }
        self.bans.values_mut().for_each(|ban| ban.correct(now));
        for history in self.histories.values_mut() {
            history.first_chat_at.iter_mut().for_each(|at| correct(at, now));
            correct(&mut history.changed_at, now);
        }
        let pardons = self.pardoned.values_mut();
        let ratings = self.ratings.values_mut().flat_map(HashMap::values_mut);
        let ratings = ratings.map(|rating| &mut rating.at);
        pardons.chain(ratings).for_each(|at| correct(at, now));
    }

    fn purge(&mut self, now: Timestamp) {
        self.histories.retain(|_, history| now.since(history.changed_at) < RECORD_TTL);
        self.ratings.retain(|_, ratings| {
            ratings.retain(|_, rating| now.since(rating.at) < RATING_TTL);
            !ratings.is_empty()
        });
        self.reports.retain(|_, reports| {
            reports.retain(|report| now.since(report.at) < RECORD_TTL);
            for report in reports.iter_mut() {
                report.evidence.take_if(|_| now.since(report.at) >= EVIDENCE_TTL);
            }
            !reports.is_empty()
        });
    }
}

#[async_trait]
impl ModerationStore for MemoryModerationStore {
    async fn block(&self, user: UserId, target: UserId, _now: Timestamp) -> Result<(), StoreError> {
        // A concurrent call reads one of the two shards, so it is equivalent to one before or
        // after.
        self.shard(user).blocked.entry(user).or_default().insert(target);
        self.shard(target).blocked.entry(target).or_default().insert(user);
        Ok(())
    }

    async fn record(&self, user: UserId) -> Result<ModerationRecord, StoreError> {
        let tables = self.shard(user);
        let reports = tables.reports.get(&user).into_iter().flatten();
        let ratings = tables.ratings.get(&user).into_iter().flatten();
        Ok(ModerationRecord {
            blocked: tables.blocked.get(&user).cloned().unwrap_or_default(),
            reports: reports.map(|report| Report { evidence: None, ..report.clone() }).collect(),
            ban: tables.bans.get(&user).cloned(),
            pardoned_at: tables.pardoned.get(&user).copied(),
            notice: tables.notices.get(&user).copied(),
            ratings: ratings.map(|(_, rating)| *rating).collect(),
            history: tables.history(user),
        })
    }

    async fn count_chat(
        &self,
        user: UserId,
        partner: UserId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for user in [user, partner] {
            let mut tables = self.shard(user);
            let history = tables.history_mut(user, now);
            history.first_chat_at.get_or_insert(now);
            history.chats = history.chats.saturating_add(1);
        }
        Ok(())
    }

    async fn report(&self, report: Report) -> Result<bool, StoreError> {
        let Report { reporter, reported, at, .. } = report;
        {
            let mut tables = self.shard(reported);
            let reports = tables.reports.entry(reported).or_default();
            if reports.iter().any(|existing| existing.reporter == reporter) {
                return Ok(false);
            }
            reports.push(report);
        }
        let mut tables = self.shard(reporter);
        let history = tables.history_mut(reporter, at);
        history.reports = history.reports.saturating_add(1);
        Ok(true)
    }

    async fn record_notice(
        &self,
        user: UserId,
        notice: NoticeState,
        _now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tables = self.shard(user);
        let stored = tables.notices.entry(user).or_insert(notice);
        *stored = notice.max(*stored);
        Ok(())
    }

    async fn rate(&self, rater: UserId, rated: UserId, rating: Rating) -> Result<(), StoreError> {
        self.shard(rated).ratings.entry(rated).or_default().insert(rater, rating);
        Ok(())
    }

    async fn forget(&self, user: UserId) -> Result<(), StoreError> {
        {
            let mut tables = self.shard(user);
            tables.notices.remove(&user);
            tables.ratings.remove(&user);
            if let Some(history) = tables.histories.get_mut(&user) {
                (history.first_chat_at, history.chats) = (None, 0);
            }
        }
        for mut tables in self.shards() {
            tables.ratings.retain(|_, ratings| {
                ratings.remove(&user);
                !ratings.is_empty()
            });
        }
        Ok(())
    }

    fn on_eviction(&self, users: &[UserId]) {
        for user in users {
            self.shard(*user).notices.remove(user);
        }
    }

    async fn check(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn correct_dates(&self, now: Timestamp) -> Result<(), StoreError> {
        for tables in self.tables.iter() {
            tables.lock().correct_dates(now);
            yield_now().await;
        }
        Ok(())
    }

    async fn purge(&self, now: Timestamp) -> Result<(), StoreError> {
        for tables in self.tables.iter() {
            tables.lock().purge(now);
            yield_now().await;
        }
        Ok(())
    }
}
