//! The ledger in this process's memory: gone with it.

use std::collections::{BTreeSet, HashMap, HashSet};

use async_trait::async_trait;
use parking_lot::Mutex;

use super::ledger::{
    Consent, EVIDENCE_FOR, Entry, LIST, Ledger, LedgerError, Note, REMEMBERED_FOR, Report, Verdict,
};
use super::rating::{COUNTS_FOR, Rating};
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;

/// Plain tables behind one lock, held for microseconds.
#[derive(Default)]
pub struct MemoryLedger(Mutex<Tables>);

#[derive(Default)]
struct Tables {
    apart: HashMap<UserId, HashSet<UserId>>,
    /// By the person they are about.
    reports: HashMap<UserId, Vec<Report>>,
    banned: HashMap<UserId, Timestamp>,
    pardoned: HashMap<UserId, Timestamp>,
    consents: HashMap<UserId, (Consent, Timestamp)>,
    ratings: HashMap<UserId, HashMap<UserId, Rating>>,
    log: Vec<Note>,
}

#[async_trait]
impl Ledger for MemoryLedger {
    async fn block(&self, who: UserId, whom: UserId, _now: Timestamp) -> Result<(), LedgerError> {
        let apart = &mut self.0.lock().apart;
        apart.entry(who).or_default().insert(whom);
        apart.entry(whom).or_default().insert(who);
        Ok(())
    }

    async fn entry(&self, who: UserId) -> Result<Entry, LedgerError> {
        let tables = self.0.lock();
        let reports = tables.reports.get(&who).into_iter().flatten();
        Ok(Entry {
            apart: tables.apart.get(&who).cloned().unwrap_or_default(),
            reports: reports.map(|report| Report { evidence: None, ..report.clone() }).collect(),
            banned: tables.banned.get(&who).copied(),
            pardoned: tables.pardoned.get(&who).copied(),
            consent: tables.consents.get(&who).map(|(consent, _)| *consent),
            ratings: tables.ratings.get(&who).into_iter().flatten().map(|(_, one)| *one).collect(),
        })
    }

    async fn report(&self, report: Report) -> Result<bool, LedgerError> {
        let reports = &mut self.0.lock().reports;
        let reports = reports.entry(report.person).or_default();
        let new = reports.iter().all(|known| known.reporter != report.reporter);
        if new {
            reports.push(report);
        }
        Ok(new)
    }

    async fn dismissed(&self, reporter: UserId) -> Result<usize, LedgerError> {
        let reports = &self.0.lock().reports;
        let dismissed = |report: &&Report| {
            report.reporter == reporter && report.verdict == Some(Verdict::Dismissed)
        };
        Ok(reports.values().flatten().filter(dismissed).count())
    }

    async fn open(&self) -> Result<Vec<Report>, LedgerError> {
        let tables = self.0.lock();
        let mut open: Vec<_> = tables.reports.values().flatten().cloned().collect();
        open.retain(|report| report.verdict.is_none());
        open.sort_unstable_by_key(|report| (report.at, report.person, report.reporter));
        open.truncate(LIST);
        Ok(open)
    }

    async fn resolve(
        &self,
        person: UserId,
        reporter: UserId,
        verdict: Verdict,
    ) -> Result<bool, LedgerError> {
        let mut tables = self.0.lock();
        let mut reports = tables.reports.get_mut(&person).into_iter().flatten();
        let report = reports.find(|report| report.reporter == reporter);
        Ok(report.map(|report| report.verdict = Some(verdict)).is_some())
    }

    async fn ban(&self, who: UserId, now: Timestamp) -> Result<(), LedgerError> {
        self.0.lock().banned.insert(who, now);
        Ok(())
    }

    async fn unban(&self, who: UserId, now: Timestamp) -> Result<(), LedgerError> {
        let mut tables = self.0.lock();
        tables.banned.remove(&who);
        tables.pardoned.insert(who, now);
        Ok(())
    }

    async fn find(&self, prefix: &str) -> Result<Vec<UserId>, LedgerError> {
        let tables = self.0.lock();
        let known = tables.apart.keys().chain(tables.reports.keys()).chain(tables.banned.keys());
        let found: BTreeSet<_> = known.filter(|who| who.code().starts_with(prefix)).collect();
        Ok(found.into_iter().take(LIST).copied().collect())
    }

    async fn inform(
        &self,
        who: UserId,
        consent: Consent,
        now: Timestamp,
    ) -> Result<(), LedgerError> {
        let consents = &mut self.0.lock().consents;
        let before = consents.get(&who).map(|(before, _)| *before);
        consents.insert(who, (before.map_or(consent, |before| before.max(consent)), now));
        Ok(())
    }

    async fn rate(&self, rater: UserId, person: UserId, rating: Rating) -> Result<(), LedgerError> {
        self.0.lock().ratings.entry(person).or_default().insert(rater, rating);
        Ok(())
    }

    async fn log(&self, note: Note) -> Result<(), LedgerError> {
        self.0.lock().log.push(note);
        Ok(())
    }

    async fn logged(&self) -> Result<Vec<Note>, LedgerError> {
        let log = &self.0.lock().log;
        Ok(log[log.len().saturating_sub(LIST)..].to_vec())
    }

    async fn check(&self) -> Result<(), LedgerError> {
        Ok(())
    }

    async fn purge(&self, now: Timestamp) -> Result<(), LedgerError> {
        let tables = &mut *self.0.lock();
        tables.consents.retain(|_, (_, at)| now.since(*at) < REMEMBERED_FOR);
        tables.ratings.retain(|_, ratings| {
            ratings.retain(|_, rating| now.since(rating.at) < COUNTS_FOR);
            !ratings.is_empty()
        });
        tables.reports.retain(|_, reports| {
            reports.retain(|report| now.since(report.at) < REMEMBERED_FOR);
            for report in reports.iter_mut() {
                report.evidence.take_if(|_| now.since(report.at) >= EVIDENCE_FOR);
            }
            !reports.is_empty()
        });
        Ok(())
    }
}
