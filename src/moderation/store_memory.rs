//! [`MemoryModerationStore`]: moderation data in this process's memory. A restart loses it.

use std::collections::{BTreeSet, HashMap, HashSet};

use async_trait::async_trait;
use parking_lot::{Mutex, MutexGuard};
use tokio::task::yield_now;

use super::rating::{RATING_TTL, Rating};
use super::report::{EVIDENCE_TTL, Report, Verdict};
use super::store::{
    AuditEntry, LIST_LIMIT, ModerationRecord, ModerationStore, NoticeState, RECORD_TTL,
};
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
    banned: HashMap<UserId, Timestamp>,
    pardoned: HashMap<UserId, Timestamp>,
    notices: HashMap<UserId, (NoticeState, Timestamp)>,
    /// By the rated user, then by the rater.
    ratings: HashMap<UserId, HashMap<UserId, Rating>>,
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
    fn purge(&mut self, now: Timestamp) {
        self.notices.retain(|_, (_, at)| now.since(*at) < RECORD_TTL);
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
            banned_at: tables.banned.get(&user).copied(),
            pardoned_at: tables.pardoned.get(&user).copied(),
            notice: tables.notices.get(&user).map(|(notice, _)| *notice),
            ratings: ratings.map(|(_, rating)| *rating).collect(),
        })
    }

    async fn report(&self, report: Report) -> Result<bool, StoreError> {
        let mut tables = self.shard(report.reported);
        let reports = tables.reports.entry(report.reported).or_default();
        let is_new = reports.iter().all(|existing| existing.reporter != report.reporter);
        if is_new {
            reports.push(report);
        }
        Ok(is_new)
    }

    async fn dismissed_count(&self, reporter: UserId) -> Result<usize, StoreError> {
        let dismissed = |report: &&Report| {
            report.reporter == reporter && report.verdict == Some(Verdict::Dismissed)
        };
        let count =
            |tables: &ShardTables| tables.reports.values().flatten().filter(dismissed).count();
        Ok(self.shards().map(|tables| count(&tables)).sum())
    }

    async fn open_reports(&self) -> Result<Vec<Report>, StoreError> {
        let mut open = Vec::new();
        for tables in self.shards() {
            let reports = tables.reports.values().flatten();
            open.extend(reports.filter(|report| report.verdict.is_none()).cloned());
        }
        open.sort_unstable_by_key(|report| (report.at, report.reported, report.reporter));
        open.truncate(LIST_LIMIT);
        Ok(open)
    }

    async fn resolve(
        &self,
        reported: UserId,
        reporter: UserId,
        verdict: Verdict,
    ) -> Result<bool, StoreError> {
        let mut tables = self.shard(reported);
        let mut reports = tables.reports.get_mut(&reported).into_iter().flatten();
        let report = reports.find(|report| report.reporter == reporter);
        Ok(report.map(|report| report.verdict = Some(verdict)).is_some())
    }

    async fn ban(&self, user: UserId, now: Timestamp) -> Result<(), StoreError> {
        self.shard(user).banned.insert(user, now);
        Ok(())
    }

    async fn unban(&self, user: UserId, now: Timestamp) -> Result<(), StoreError> {
        let mut tables = self.shard(user);
        tables.banned.remove(&user);
        tables.pardoned.insert(user, now);
        Ok(())
    }

    async fn find_by_prefix(&self, prefix: &str) -> Result<Vec<UserId>, StoreError> {
        let mut matches = BTreeSet::new();
        for tables in self.shards() {
            let ShardTables { blocked, reports, banned, .. } = &*tables;
            let users = blocked.keys().chain(reports.keys()).chain(banned.keys());
            matches.extend(users.filter(|user| user.to_hex().starts_with(prefix)).copied());
        }
        Ok(matches.into_iter().take(LIST_LIMIT).collect())
    }

    async fn record_notice(
        &self,
        user: UserId,
        notice: NoticeState,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tables = self.shard(user);
        let existing = tables.notices.get(&user).map(|(existing, _)| *existing);
        let notice = existing.map_or(notice, |existing| existing.max(notice));
        tables.notices.insert(user, (notice, now));
        Ok(())
    }

    async fn rate(&self, rater: UserId, rated: UserId, rating: Rating) -> Result<(), StoreError> {
        self.shard(rated).ratings.entry(rated).or_default().insert(rater, rating);
        Ok(())
    }

    async fn append_audit(&self, entry: AuditEntry) -> Result<(), StoreError> {
        self.audit_log.lock().push(entry);
        Ok(())
    }

    async fn audit_log(&self) -> Result<Vec<AuditEntry>, StoreError> {
        let log = self.audit_log.lock();
        Ok(log[log.len().saturating_sub(LIST_LIMIT)..].to_vec())
    }

    async fn check(&self) -> Result<(), StoreError> {
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
