//! The deductions of the accounts in memory.

use std::collections::BTreeMap;

use super::state::{LedgerState, StoredRequest};
use crate::gateway::ledger::deduction::{DueDeduction, DueTotals, ServiceAccount};
use crate::gateway::ledger::ids::HoldId;
use crate::gateway::ledger::usage::GatewayUsageRow;
use crate::gateway::money::MicroCredits;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;

/// The charge of a request, if it is to be deducted.
fn due(request: &StoredRequest) -> Option<(&GatewayUsageRow, &Vec<u8>)> {
    request.ended.as_ref().zip(request.payer.as_ref())
}

impl LedgerState {
    fn all_due(&self) -> impl Iterator<Item = &GatewayUsageRow> {
        self.requests.values().filter_map(due).map(|(row, _)| row)
    }

    /// The charges of an account that a credit service has not deducted.
    pub(super) fn due(&self, account: UserId) -> MicroCredits {
        let of_account = self.all_due().filter(|row| row.account == account);
        of_account.fold(MicroCredits::ZERO, |sum, row| sum.plus(row.charged))
    }

    pub(super) fn service_account(&self, account: UserId) -> ServiceAccount {
        let Some(amounts) = self.accounts.get(&account) else { return ServiceAccount::default() };
        let (held, deducted) = (amounts.held, amounts.deducted);
        ServiceAccount { held, due: self.due(account), deducted }
    }

    pub(super) fn take_deductions(
        &mut self,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Vec<DueDeduction> {
        let mut first = BTreeMap::new();
        for (hold, request) in &self.requests {
            if let Some((row, payer)) = due(request).filter(|_| request.deduct_at <= now) {
                let deduction = DueDeduction {
                    hold: *hold,
                    account: row.account,
                    amount: row.charged,
                    payer: payer.clone(),
                    since: row.at,
                };
                first.insert((request.deduct_at, *hold), deduction);
            }
        }
        let mut taken: Vec<_> = first.into_values().take(limit).collect();
        taken.sort_unstable_by_key(|deduction| deduction.hold);
        taken.iter().for_each(|deduction| self.postpone_deduction(deduction.hold, until));
        taken
    }

    pub(super) fn confirm_deduction(&mut self, hold: HoldId) -> bool {
        let Some(request) = self.requests.get_mut(&hold) else { return false };
        let Some((account, charged)) = due(request).map(|(row, _)| (row.account, row.charged))
        else {
            return false;
        };
        request.payer = None;
        let amounts = self.accounts.entry(account).or_default();
        amounts.deducted = amounts.deducted.plus(charged);
        true
    }

    pub(super) fn postpone_deduction(&mut self, hold: HoldId, until: Timestamp) {
        self.requests.entry(hold).and_modify(|request| request.deduct_at = until);
    }

    pub(super) fn due_deductions(&self) -> DueTotals {
        let mut totals = DueTotals::default();
        for row in self.all_due().filter(|row| row.charged > MicroCredits::ZERO) {
            totals.count += 1;
            totals.amount = totals.amount.plus(row.charged);
            totals.oldest = Some(totals.oldest.map_or(row.at, |oldest| oldest.min(row.at)));
        }
        totals
    }
}
