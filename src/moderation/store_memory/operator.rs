//! The operator's part of [`MemoryModerationStore`].

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::{MemoryModerationStore, ShardTables};
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;
use crate::kernel::store::StoreError;
use crate::moderation::report::{Decision, Report, ReportKey, Verdict};
use crate::moderation::store::{
    AuditEntry, Ban, LIST_LIMIT, OperatorStore, Resolution, SCAN_LIMIT,
};

#[async_trait]
impl OperatorStore for MemoryModerationStore {
    async fn open_reports(&self, skip: usize) -> Result<Vec<Report>, StoreError> {
        let mut open = Vec::new();
        for tables in self.shards() {
            let reports = tables.reports.values().flatten();
            let reports = reports.filter(|report| report.decision.is_none());
            open.extend(reports.map(|report| Report { evidence: None, ..report.clone() }));
        }
        open.sort_unstable_by_key(|report| (report.at, report.key()));
        Ok(open.into_iter().skip(skip).take(SCAN_LIMIT).collect())
    }

    async fn evidence(&self, reports: &[ReportKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let evidence = |key: &ReportKey| {
            let tables = self.shard(key.reported);
            let report = tables.reports.get(&key.reported)?.iter().find(|r| r.key() == *key)?;
            report.evidence.clone()
        };
        Ok(reports.iter().map(evidence).collect())
    }

    async fn resolve(
        &self,
        report: ReportKey,
        decision: Decision,
    ) -> Result<Resolution, StoreError> {
        let ReportKey { reported, reporter } = report;
        let Decision { verdict, at, .. } = decision;
        {
            let mut tables = self.shard(reported);
            let mut reports = tables.reports.get_mut(&reported).into_iter().flatten();
            let Some(report) = reports.find(|report| report.reporter == reporter) else {
                return Ok(Resolution::NotFound);
            };
            if let Some(existing) = &report.decision {
                return Ok(Resolution::AlreadyDecided(existing.clone()));
            }
            report.decision = Some(decision);
        }
        if verdict == Verdict::Dismissed {
            self.shard(reporter).history_mut(reporter, at).dismissed.insert(reported);
        }
        Ok(Resolution::Resolved)
    }

    async fn ban(&self, user: UserId, ban: Ban) -> Result<(), StoreError> {
        self.shard(user).bans.insert(user, ban);
        Ok(())
    }

    async fn unban(&self, user: UserId, now: Timestamp) -> Result<(), StoreError> {
        let mut tables = self.shard(user);
        tables.bans.remove(&user);
        tables.pardoned.insert(user, now);
        Ok(())
    }

    async fn accused_users(&self, after: Option<UserId>) -> Result<Vec<UserId>, StoreError> {
        let mut accused = BTreeSet::new();
        for tables in self.shards() {
            let users = tables.bans.keys().chain(tables.reports.keys()).copied();
            accused.extend(users.filter(|user| Some(*user) > after));
        }
        Ok(accused.into_iter().take(SCAN_LIMIT).collect())
    }

    async fn find_by_prefix(&self, prefix: &str) -> Result<Vec<UserId>, StoreError> {
        let mut matches = BTreeSet::new();
        for tables in self.shards() {
            let ShardTables { blocked, reports, bans, .. } = &*tables;
            let users = blocked.keys().chain(reports.keys()).chain(bans.keys());
            matches.extend(users.filter(|user| user.to_hex().starts_with(prefix)).copied());
        }
        Ok(matches.into_iter().take(LIST_LIMIT).collect())
    }

    async fn append_audit(&self, entry: AuditEntry) -> Result<(), StoreError> {
        self.audit_log.lock().push(entry);
        Ok(())
    }

    async fn audit_log(&self) -> Result<Vec<AuditEntry>, StoreError> {
        let log = self.audit_log.lock();
        Ok(log[log.len().saturating_sub(LIST_LIMIT)..].to_vec())
    }
}
