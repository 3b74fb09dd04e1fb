//! The ledger in this process's memory: gone with it.

use std::collections::{BTreeSet, HashMap, HashSet};

use async_trait::async_trait;
use parking_lot::{Mutex, MutexGuard};
use tokio::task::yield_now;

use super::rating::{COUNTS_FOR, Rating};
use super::store::{
    AuditEntry, EVIDENCE_FOR, LIST, ModerationRecord, ModerationStore, NoticeState, REMEMBERED_FOR,
    Report, Verdict,
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
    apart: HashMap<UserId, HashSet<UserId>>,
    /// By the person they are about.
    reports: HashMap<UserId, Vec<Report>>,
    banned: HashMap<UserId, Timestamp>,
    pardoned: HashMap<UserId, Timestamp>,
    consents: HashMap<UserId, (NoticeState, Timestamp)>,
    ratings: HashMap<UserId, HashMap<UserId, Rating>>,
}

impl MemoryModerationStore {
    /// What is known of whoever is on this person's shard.
    fn of(&self, who: UserId) -> MutexGuard<'_, ShardTables> {
        self.people.of(who).lock()
    }

    fn all(&self) -> impl Iterator<Item = MutexGuard<'_, ShardTables>> {
        self.people.iter().map(Mutex::lock)
    }
}

impl ShardTables {
    fn purge(&mut self, now: Timestamp) {
        self.consents.retain(|_, (_, at)| now.since(*at) < REMEMBERED_FOR);
        self.ratings.retain(|_, ratings| {
            ratings.retain(|_, rating| now.since(rating.at) < COUNTS_FOR);
            !ratings.is_empty()
        });
        self.reports.retain(|_, reports| {
            reports.retain(|report| now.since(report.at) < REMEMBERED_FOR);
            for report in reports.iter_mut() {
                report.evidence.take_if(|_| now.since(report.at) >= EVIDENCE_FOR);
            }
            !reports.is_empty()
        });
    }
}

#[async_trait]
impl ModerationStore for MemoryModerationStore {
    async fn block(&self, who: UserId, whom: UserId, _now: Timestamp) -> Result<(), StoreError> {
        // A call that comes in between looks at one of the two, and is as good as one before or after this.
        self.of(who).apart.entry(who).or_default().insert(whom);
        self.of(whom).apart.entry(whom).or_default().insert(who);
        Ok(())
    }

    async fn entry(&self, who: UserId) -> Result<ModerationRecord, StoreError> {
        let tables = self.of(who);
        let reports = tables.reports.get(&who).into_iter().flatten();
        Ok(ModerationRecord {
            apart: tables.apart.get(&who).cloned().unwrap_or_default(),
            reports: reports.map(|report| Report { evidence: None, ..report.clone() }).collect(),
            banned: tables.banned.get(&who).copied(),
            pardoned: tables.pardoned.get(&who).copied(),
            consent: tables.consents.get(&who).map(|(consent, _)| *consent),
            ratings: tables.ratings.get(&who).into_iter().flatten().map(|(_, one)| *one).collect(),
        })
    }

    async fn report(&self, report: Report) -> Result<bool, StoreError> {
        let mut tables = self.of(report.person);
        let reports = tables.reports.entry(report.person).or_default();
        let new = reports.iter().all(|known| known.reporter != report.reporter);
        if new {
            reports.push(report);
        }
        Ok(new)
    }

    async fn dismissed(&self, reporter: UserId) -> Result<usize, StoreError> {
        let dismissed = |report: &&Report| {
            report.reporter == reporter && report.verdict == Some(Verdict::Dismissed)
        };
        let of = |tables: &ShardTables| tables.reports.values().flatten().filter(dismissed).count();
        Ok(self.all().map(|tables| of(&tables)).sum())
    }

    async fn open(&self) -> Result<Vec<Report>, StoreError> {
        let mut open = Vec::new();
        for tables in self.all() {
            let reports = tables.reports.values().flatten();
            open.extend(reports.filter(|report| report.verdict.is_none()).cloned());
        }
        open.sort_unstable_by_key(|report| (report.at, report.person, report.reporter));
        open.truncate(LIST);
        Ok(open)
    }

    async fn resolve(
        &self,
        person: UserId,
        reporter: UserId,
        verdict: Verdict,
    ) -> Result<bool, StoreError> {
        let mut tables = self.of(person);
        let mut reports = tables.reports.get_mut(&person).into_iter().flatten();
        let report = reports.find(|report| report.reporter == reporter);
        Ok(report.map(|report| report.verdict = Some(verdict)).is_some())
    }

    async fn ban(&self, who: UserId, now: Timestamp) -> Result<(), StoreError> {
        self.of(who).banned.insert(who, now);
        Ok(())
    }

    async fn unban(&self, who: UserId, now: Timestamp) -> Result<(), StoreError> {
        let mut tables = self.of(who);
        tables.banned.remove(&who);
        tables.pardoned.insert(who, now);
        Ok(())
    }

    async fn find(&self, prefix: &str) -> Result<Vec<UserId>, StoreError> {
        let mut found = BTreeSet::new();
        for tables in self.all() {
            let ShardTables { apart, reports, banned, .. } = &*tables;
            let known = apart.keys().chain(reports.keys()).chain(banned.keys());
            found.extend(known.filter(|who| who.code().starts_with(prefix)).copied());
        }
        Ok(found.into_iter().take(LIST).collect())
    }

    async fn inform(
        &self,
        who: UserId,
        consent: NoticeState,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tables = self.of(who);
        let before = tables.consents.get(&who).map(|(before, _)| *before);
        tables.consents.insert(who, (before.map_or(consent, |before| before.max(consent)), now));
        Ok(())
    }

    async fn rate(&self, rater: UserId, person: UserId, rating: Rating) -> Result<(), StoreError> {
        self.of(person).ratings.entry(person).or_default().insert(rater, rating);
        Ok(())
    }

    async fn log(&self, note: AuditEntry) -> Result<(), StoreError> {
        self.log.lock().push(note);
        Ok(())
    }

    async fn logged(&self) -> Result<Vec<AuditEntry>, StoreError> {
        let log = self.log.lock();
        Ok(log[log.len().saturating_sub(LIST)..].to_vec())
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
