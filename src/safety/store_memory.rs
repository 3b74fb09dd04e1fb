//! The ledger in this process's memory: gone with it.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use parking_lot::Mutex;

use super::ledger::{EVIDENCE_FOR, Entry, Ledger, LedgerError, REMEMBERED_FOR, Report, Verdict};
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
            ..Entry::default()
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

    async fn purge(&self, now: Timestamp) -> Result<(), LedgerError> {
        self.0.lock().reports.retain(|_, reports| {
            reports.retain(|report| now.since(report.at) < REMEMBERED_FOR);
            for report in reports.iter_mut() {
                report.evidence.take_if(|_| now.since(report.at) >= EVIDENCE_FOR);
            }
            !reports.is_empty()
        });
        Ok(())
    }
}
