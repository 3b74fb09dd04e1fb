//! [`MemoryGatewayLedger`]: accounts in memory, for a server without a database. The tests compare the databases with
//! it. `state.rs` has the state machine.

mod audit;
mod deductions;
mod state;

use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;

use self::state::LedgerState;
use super::account::LedgerAccount;
use super::deduction::{DueDeduction, DueTotals, ServiceAccount};
use super::entry::{CreditChange, CreditOutcome, LedgerBalance, LedgerEntry};
use super::ids::{HoldId, NodeId};
use super::request::{RecoveredHold, Reservation, ReserveOutcome, SettleOutcome, Settlement};
use super::store::{GatewayLedger, LedgerAudit, OpenHoldTotals};
use super::usage::{UsageFilter, UsagePage, UsagePosition, page_limit};
use crate::gateway::money::MicroCredits;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;
use crate::kernel::store::StoreError;

/// Stores the accounts in memory.
#[derive(Default)]
pub struct MemoryGatewayLedger(Mutex<LedgerState>);

#[async_trait]
impl GatewayLedger for MemoryGatewayLedger {
    async fn reserve(&self, reservation: Reservation) -> Result<ReserveOutcome, StoreError> {
        self.0.lock().reserve(reservation)
    }

    async fn settle(&self, settlement: Settlement) -> Result<SettleOutcome, StoreError> {
        Ok(self.0.lock().settle(settlement))
    }

    async fn checkpoint(&self, charges: Vec<(HoldId, MicroCredits)>) -> Result<(), StoreError> {
        self.0.lock().checkpoint(charges);
        Ok(())
    }

    async fn renew(&self, node: NodeId, lease_until: Timestamp) -> Result<(), StoreError> {
        self.0.lock().renew(node, lease_until);
        Ok(())
    }

    async fn recover(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<RecoveredHold>, StoreError> {
        Ok(self.0.lock().recover(now, limit))
    }

    async fn credit(&self, change: CreditChange) -> Result<CreditOutcome, StoreError> {
        Ok(self.0.lock().credit(change))
    }

    async fn balance(
        &self,
        account: UserId,
        start_credits: MicroCredits,
    ) -> Result<LedgerBalance, StoreError> {
        let known = self.0.lock().account(account);
        let LedgerAccount { balance, held, .. } =
            known.unwrap_or_else(|| LedgerAccount::opened(start_credits));
        Ok(LedgerBalance { balance, held })
    }

    async fn entries(
        &self,
        account: UserId,
        before: Option<u64>,
    ) -> Result<Vec<LedgerEntry>, StoreError> {
        Ok(self.0.lock().entries(account, before))
    }

    async fn usage(
        &self,
        filter: UsageFilter,
        after: Option<UsagePosition>,
        limit: usize,
    ) -> Result<UsagePage, StoreError> {
        let limit = page_limit(limit);
        Ok(UsagePage::of(self.0.lock().usage(filter, after, limit + 1), limit))
    }

    async fn service_account(&self, account: UserId) -> Result<ServiceAccount, StoreError> {
        Ok(self.0.lock().service_account(account))
    }

    async fn take_deductions(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<DueDeduction>, StoreError> {
        Ok(self.0.lock().take_deductions(now, until, limit))
    }

    async fn confirm_deduction(&self, hold: HoldId) -> Result<bool, StoreError> {
        Ok(self.0.lock().confirm_deduction(hold))
    }

    async fn postpone_deduction(&self, hold: HoldId, until: Timestamp) -> Result<(), StoreError> {
        self.0.lock().postpone_deduction(hold, until);
        Ok(())
    }

    async fn due_deductions(&self) -> Result<DueTotals, StoreError> {
        Ok(self.0.lock().due_deductions())
    }

    async fn open_holds(&self) -> Result<OpenHoldTotals, StoreError> {
        Ok(self.0.lock().open_holds())
    }

    async fn audit(&self) -> Result<LedgerAudit, StoreError> {
        Ok(self.0.lock().audit())
    }

    async fn purge(&self, now: Timestamp, retention: Duration) -> Result<bool, StoreError> {
        Ok(self.0.lock().purge(now, retention))
    }
}
