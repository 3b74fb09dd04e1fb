//! The ledger in this process's memory: gone with it.

use std::collections::{BTreeSet, HashMap, HashSet};

use async_trait::async_trait;
use parking_lot::{Mutex, MutexGuard};
use tokio::task::yield_now;

use super::rating::{RATING_TTL, Rating};
use super::store::{
    AuditEntry, EVIDENCE_TTL, LIST_LIMIT, ModerationRecord, ModerationStore, NoticeState,
    RECORD_TTL, Report, Verdict,
};
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;
use crate::kernel::shards::Shards;
use crate::kernel::store::StoreError;

/// Plain tables, of the people of each shard behind a lock of its own, held for microseconds. None is taken
/// while another is held.
#[derive(Default)]
pub struct MemoryModerationStore {
    people: Shards<Mutex<ShardTables>>,
    log: Mutex<Vec<AuditEntry>>,
}

#[derive(Default)]
struct ShardTables {
    blocked: HashMap<UserId, HashSet<UserId>>,
    /// By the person they are about.
    reports: HashMap<UserId, Vec<Report>>,
    banned: HashMap<UserId, Timestamp>,
    pardoned: HashMap<UserId, Timestamp>,
    notices: HashMap<UserId, (NoticeState, Timestamp)>,
    ratings: HashMap<UserId, HashMap<UserId, Rating>>,
}

impl MemoryModerationStore {
    /// What is known of whoever is on this person's shard.
    fn shard(&self, who: UserId) -> MutexGuard<'_, ShardTables> {
        self.people.shard_for(who).lock()
    }

    fn shards(&self) -> impl Iterator<Item = MutexGuard<'_, ShardTables>> {
        self.people.iter().map(Mutex::lock)
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
    async fn block(&self, who: UserId, whom: UserId, _now: Timestamp) -> Result<(), StoreError> {
        // A call that comes in between looks at one of the two, and is as good as one before or after this.
        self.shard(who).blocked.entry(who).or_default().insert(whom);
        self.shard(whom).blocked.entry(whom).or_default().insert(who);
        Ok(())
    }

    async fn record(&self, who: UserId) -> Result<ModerationRecord, StoreError> {
        let tables = self.shard(who);
        let reports = tables.reports.get(&who).into_iter().flatten();
        Ok(ModerationRecord {
            blocked: tables.blocked.get(&who).cloned().unwrap_or_default(),
            reports: reports.map(|report| Report { evidence: None, ..report.clone() }).collect(),
            banned_at: tables.banned.get(&who).copied(),
            pardoned_at: tables.pardoned.get(&who).copied(),
            notice: tables.notices.get(&who).map(|(consent, _)| *consent),
            ratings: tables.ratings.get(&who).into_iter().flatten().map(|(_, one)| *one).collect(),
        })
    }

    async fn report(&self, report: Report) -> Result<bool, StoreError> {
        let mut tables = self.shard(report.reported);
        let reports = tables.reports.entry(report.reported).or_default();
        let new = reports.iter().all(|known| known.reporter != report.reporter);
        if new {
            reports.push(report);
        }
        Ok(new)
    }

    async fn dismissed_count(&self, reporter: UserId) -> Result<usize, StoreError> {
        let dismissed = |report: &&Report| {
            report.reporter == reporter && report.verdict == Some(Verdict::Dismissed)
        };
        let of = |tables: &ShardTables| tables.reports.values().flatten().filter(dismissed).count();
        Ok(self.shards().map(|tables| of(&tables)).sum())
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
        person: UserId,
        reporter: UserId,
        verdict: Verdict,
    ) -> Result<bool, StoreError> {
        let mut tables = self.shard(person);
        let mut reports = tables.reports.get_mut(&person).into_iter().flatten();
        let report = reports.find(|report| report.reporter == reporter);
        Ok(report.map(|report| report.verdict = Some(verdict)).is_some())
    }

    async fn ban(&self, who: UserId, now: Timestamp) -> Result<(), StoreError> {
        self.shard(who).banned.insert(who, now);
        Ok(())
    }

    async fn unban(&self, who: UserId, now: Timestamp) -> Result<(), StoreError> {
        let mut tables = self.shard(who);
        tables.banned.remove(&who);
        tables.pardoned.insert(who, now);
        Ok(())
    }

    async fn find_by_prefix(&self, prefix: &str) -> Result<Vec<UserId>, StoreError> {
        let mut found = BTreeSet::new();
        for tables in self.shards() {
            let ShardTables { blocked: apart, reports, banned, .. } = &*tables;
            let known = apart.keys().chain(reports.keys()).chain(banned.keys());
            found.extend(known.filter(|who| who.to_hex().starts_with(prefix)).copied());
        }
        Ok(found.into_iter().take(LIST_LIMIT).collect())
    }

    async fn record_notice(
        &self,
        who: UserId,
        consent: NoticeState,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tables = self.shard(who);
        let before = tables.notices.get(&who).map(|(before, _)| *before);
        tables.notices.insert(who, (before.map_or(consent, |before| before.max(consent)), now));
        Ok(())
    }

    async fn rate(&self, rater: UserId, person: UserId, rating: Rating) -> Result<(), StoreError> {
        self.shard(person).ratings.entry(person).or_default().insert(rater, rating);
        Ok(())
    }

    async fn append_audit(&self, note: AuditEntry) -> Result<(), StoreError> {
        self.log.lock().push(note);
        Ok(())
    }

    async fn audit_log(&self) -> Result<Vec<AuditEntry>, StoreError> {
        let log = self.log.lock();
        Ok(log[log.len().saturating_sub(LIST_LIMIT)..].to_vec())
    }

    async fn check(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn purge(&self, now: Timestamp) -> Result<(), StoreError> {
        for tables in self.people.iter() {
            tables.lock().purge(now);
            yield_now().await;
        }
        Ok(())
    }
}
