//! The comparison of all amounts in memory.

use std::collections::BTreeMap;

use super::state::LedgerState;
use crate::gateway::ledger::entry::CONTRA_ACCOUNTS;
use crate::gateway::ledger::ids::HoldId;
use crate::gateway::ledger::store::LedgerAudit;
use crate::gateway::money::MicroCredits;
use crate::kernel::id::UserId;

impl LedgerState {
    pub(super) fn audit(&self) -> LedgerAudit {
        let mut audit = LedgerAudit::default();
        let mut held: BTreeMap<UserId, (MicroCredits, u64)> = BTreeMap::new();
        for request in self.open.iter().map(|hold| &self.requests[hold]) {
            let (held, count) = held.entry(request.reservation.account).or_default();
            *held = held.plus(request.amount);
            *count += 1;
        }
        for (id, account) in &self.accounts {
            let entries = self.entries.get(id).into_iter().flatten();
            let sum = sum(entries.map(|stored| stored.entry.amount));
            let open = held.get(id).copied().unwrap_or_default();
            let is_right =
                sum == account.balance && open == (account.held, account.used.open_holds);
            audit.accounts += 1;
            audit.wrong_accounts += u64::from(!is_right);
            audit.balances = audit.balances.plus(account.balance);
            audit.held = audit.held.plus(account.held);
        }
        let entries: Vec<_> = self.entries.values().flatten().map(|stored| &stored.entry).collect();
        for contra in CONTRA_ACCOUNTS {
            let mut named = entries.iter().filter(|entry| entry.kind.contra() == contra).peekable();
            if named.peek().is_some() {
                let total = sum(named.map(|entry| entry.amount));
                audit.contra.push((contra, MicroCredits::ZERO.minus(total)));
            }
        }
        let mut charges: BTreeMap<HoldId, u64> = BTreeMap::new();
        for hold in entries.iter().filter_map(|entry| entry.hold) {
            *charges.entry(hold).or_default() += 1;
        }
        let repeated = charges.values().filter(|count| **count > 1).count();
        audit.repeated_charges = u64::try_from(repeated).unwrap_or(u64::MAX);
        audit
    }
}

fn sum(amounts: impl Iterator<Item = MicroCredits>) -> MicroCredits {
    amounts.fold(MicroCredits::ZERO, MicroCredits::plus)
}
