//! [`LedgerState`]: the state machine of the accounts in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::gateway::ledger::account::LedgerAccount;
use crate::gateway::ledger::entry::{
    CreditChange, CreditOutcome, ENTRY_PAGE_LIMIT, EntryKind, LedgerEntry,
};
use crate::gateway::ledger::ids::{HoldId, NodeId, RequestKey};
use crate::gateway::ledger::request::{
    AnsweredRequest, KEY_TTL, KeyOwner, PlacedHold, RecoveredHold, Reservation, ReserveDecision,
    ReserveOutcome, SettleOutcome, SettledRequest, Settlement, decide,
};
use crate::gateway::ledger::store::{OpenHoldTotals, PURGE_LIMIT};
use crate::gateway::ledger::usage::{
    GatewayUsage, GatewayUsageRow, UsageFilter, UsageOrder, UsagePosition,
};
use crate::gateway::money::MicroCredits;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;
use crate::kernel::store::{StoreError, StoreErrorKind};

/// A request from its reservation until it is deleted.
pub(super) struct StoredRequest {
    pub(super) reservation: Reservation,
    pub(super) amount: MicroCredits,
    checkpoint: MicroCredits,
    /// `None` while the hold is open.
    pub(super) ended: Option<GatewayUsageRow>,
    result: Option<Vec<u8>>,
    has_key: bool,
    /// `None` if there is nothing to deduct.
    pub(super) payer: Option<Vec<u8>>,
    /// Not before this time.
    pub(super) deduct_at: Timestamp,
}

pub(super) struct StoredEntry {
    pub(super) entry: LedgerEntry,
    key: Option<RequestKey>,
}

/// All that is stored.
#[derive(Default)]
pub(super) struct LedgerState {
    pub(super) accounts: BTreeMap<UserId, LedgerAccount>,
    pub(super) entries: BTreeMap<UserId, Vec<StoredEntry>>,
    pub(super) requests: BTreeMap<HoldId, StoredRequest>,
    keys: BTreeMap<(UserId, RequestKey), HoldId>,
    pub(super) open: BTreeSet<HoldId>,
    ended: BTreeSet<(Timestamp, HoldId)>,
    /// The ends of the leases.
    nodes: BTreeMap<NodeId, Timestamp>,
}

impl LedgerState {
    pub(super) fn reserve(
        &mut self,
        reservation: Reservation,
    ) -> Result<ReserveOutcome, StoreError> {
        let account = self.accounts.get(&reservation.account).copied();
        let owner = self
            .keys
            .get(&(reservation.account, reservation.key))
            .and_then(|hold| self.requests.get(hold))
            .map(StoredRequest::key_owner);
        let placed = match decide(&reservation, account, owner, self.due(reservation.account)) {
            ReserveDecision::Answer(outcome) => return Ok(outcome),
            ReserveDecision::Place(placed) => placed,
        };
        if self.requests.contains_key(&reservation.hold) {
            return Err(StoreErrorKind::Script.into());
        }
        let outcome = placed.outcome(&reservation);
        self.place(reservation, &placed);
        Ok(outcome)
    }

    fn place(&mut self, reservation: Reservation, placed: &PlacedHold) {
        if placed.opened {
            self.open_account(reservation.account, reservation.start_credits, reservation.now);
        }
        if let Some(old) = placed.loses_key {
            self.release_key(old);
        }
        self.accounts.insert(reservation.account, placed.account);
        if let Some(change) = placed.adopted {
            self.append(reservation.account, change, EntryKind::Service, reservation.now, |_| {});
        }
        self.keys.insert((reservation.account, reservation.key), reservation.hold);
        self.open.insert(reservation.hold);
        let request = StoredRequest {
            amount: placed.amount,
            checkpoint: MicroCredits::ZERO,
            ended: None,
            result: None,
            has_key: true,
            payer: reservation.service.as_ref().map(|credit| credit.payer.clone()),
            deduct_at: Timestamp::from_millis(0),
            reservation,
        };
        self.requests.insert(request.reservation.hold, request);
    }

    /// Creates an account, with the entry of its first credit.
    fn open_account(&mut self, account: UserId, start_credits: MicroCredits, now: Timestamp) {
        let opened = LedgerAccount::opened(start_credits);
        self.accounts.insert(account, opened);
        if opened.entries > 0 {
            self.append(account, opened.balance, EntryKind::Start, now, |_| {});
        }
    }

    /// Appends an entry to those of an account, which already has its new balance.
    fn append(
        &mut self,
        account: UserId,
        amount: MicroCredits,
        kind: EntryKind,
        at: Timestamp,
        complete: impl FnOnce(&mut StoredEntry),
    ) {
        let LedgerAccount { balance, entries, .. } = self.accounts[&account];
        let entry = LedgerEntry {
            number: entries,
            amount,
            balance,
            kind,
            hold: None,
            reason: None,
            operator: None,
            at,
        };
        let mut stored = StoredEntry { entry, key: None };
        complete(&mut stored);
        self.entries.entry(account).or_default().push(stored);
    }

    fn release_key(&mut self, hold: HoldId) {
        let Some(request) = self.requests.get_mut(&hold) else { return };
        request.result = None;
        if std::mem::take(&mut request.has_key) {
            self.keys.remove(&(request.reservation.account, request.reservation.key));
        }
    }

    pub(super) fn settle(&mut self, settlement: Settlement) -> SettleOutcome {
        let Some(request) = self.requests.get_mut(&settlement.hold) else {
            return SettleOutcome::Unknown;
        };
        let account = request.reservation.account;
        let amounts = self.accounts.entry(account).or_default();
        if let Some(row) = &request.ended {
            return SettleOutcome::AlreadySettled(settled(row, *amounts));
        }
        let charged = amounts.settle(request.amount, settlement.charge);
        amounts.used.open_holds -= 1;
        amounts.used.tokens_free_at += settlement.tokens_correction();
        let row = GatewayUsageRow {
            account,
            hold: settlement.hold,
            model: request.reservation.model.clone(),
            usage: settlement.usage,
            charged,
            uncollected: settlement.charge.max(charged).minus(charged),
            at: settlement.now,
        };
        let outcome = SettleOutcome::Settled(settled(&row, *amounts));
        request.ended = Some(row);
        request.result = settlement.result;
        self.open.remove(&settlement.hold);
        self.ended.insert((settlement.now, settlement.hold));
        if charged > MicroCredits::ZERO {
            let amount = MicroCredits::ZERO.minus(charged);
            self.append(account, amount, EntryKind::Charge, settlement.now, |stored| {
                stored.entry.hold = Some(settlement.hold);
            });
        } else if settlement.releases_key {
            self.release_key(settlement.hold);
        }
        outcome
    }

    pub(super) fn recover(&mut self, now: Timestamp, limit: usize) -> Vec<RecoveredHold> {
        let is_expired = |hold: &&HoldId| {
            let Reservation { node, lease_until, .. } = self.requests[*hold].reservation;
            lease_until <= now && self.nodes.get(&node).is_none_or(|until| *until <= now)
        };
        let expired: Vec<_> = self.open.iter().filter(is_expired).take(limit).copied().collect();
        let recover = |hold| {
            let request = &self.requests[&hold];
            let total_ms = millis(now.since(request.reservation.now));
            let account = request.reservation.account;
            let outcome = self.settle(Settlement {
                hold,
                charge: request.checkpoint,
                usage: GatewayUsage::recovered(request.reservation.provider.clone(), total_ms),
                reserved_tokens: None,
                result: None,
                releases_key: true,
                now,
            });
            match outcome {
                SettleOutcome::Settled(settled) => Some(RecoveredHold { hold, account, settled }),
                SettleOutcome::AlreadySettled(_) | SettleOutcome::Unknown => None,
            }
        };
        expired.into_iter().filter_map(recover).collect()
    }

    pub(super) fn credit(&mut self, change: CreditChange) -> CreditOutcome {
        let existing = self.accounts.get(&change.account).copied();
        let mut account = existing.unwrap_or_else(|| LedgerAccount::opened(change.start_credits));
        let LedgerAccount { balance, held, .. } = account;
        let made = self.entries.get(&change.account).into_iter().flatten();
        if let Some(made) = made.into_iter().find(|made| made.key == Some(change.key)) {
            return if change.has_made(made.entry.amount, made.entry.kind) {
                CreditOutcome::Changed { balance, held }
            } else {
                CreditOutcome::KeyReused
            };
        }
        if let Err(refusal) = account.change(change.amount) {
            return refusal.outcome(account);
        }
        if existing.is_none() {
            self.open_account(change.account, change.start_credits, change.now);
        }
        self.accounts.insert(change.account, account);
        self.append(change.account, change.amount, change.kind.into(), change.now, |stored| {
            stored.key = Some(change.key);
            stored.entry.reason = change.reason;
            stored.entry.operator = change.operator;
        });
        CreditOutcome::Changed { balance: account.balance, held }
    }

    pub(super) fn usage(
        &self,
        filter: UsageFilter,
        after: Option<UsagePosition>,
        limit: usize,
    ) -> Vec<GatewayUsageRow> {
        let row = |(at, hold): &(Timestamp, HoldId)| {
            let position = UsagePosition { at: *at, hold: *hold };
            let is_after = match (after, filter.order) {
                (None, _) => true,
                (Some(after), UsageOrder::OldestFirst) => position > after,
                (Some(after), UsageOrder::NewestFirst) => position < after,
            };
            let is_between =
                filter.from.is_none_or(|from| *at >= from) && filter.to.is_none_or(|to| *at < to);
            let row = self.requests.get(hold)?.ended.as_ref()?;
            let is_chosen = filter.account.is_none_or(|account| row.account == account);
            (is_after && is_between && is_chosen).then(|| row.clone())
        };
        match filter.order {
            UsageOrder::OldestFirst => self.ended.iter().filter_map(row).take(limit).collect(),
            UsageOrder::NewestFirst => {
                self.ended.iter().rev().filter_map(row).take(limit).collect()
            }
        }
    }

    pub(super) fn checkpoint(&mut self, charges: Vec<(HoldId, MicroCredits)>) {
        for (hold, charge) in charges {
            if let Some(request) = self.requests.get_mut(&hold) {
                request.checkpoint = charge;
            }
        }
    }

    pub(super) fn renew(&mut self, node: NodeId, lease_until: Timestamp) {
        let until = self.nodes.entry(node).or_insert(lease_until);
        *until = lease_until.max(*until);
    }

    pub(super) fn account(&self, account: UserId) -> Option<LedgerAccount> {
        self.accounts.get(&account).copied()
    }

    pub(super) fn entries(&self, account: UserId, before: Option<u64>) -> Vec<LedgerEntry> {
        let entries = self.entries.get(&account).into_iter().flatten().rev();
        let is_before = |entry: &LedgerEntry| before.is_none_or(|before| entry.number < before);
        let entries = entries.map(|stored| stored.entry.clone()).filter(is_before);
        entries.take(ENTRY_PAGE_LIMIT).collect()
    }

    pub(super) fn open_holds(&self) -> OpenHoldTotals {
        let mut totals = OpenHoldTotals::default();
        for request in self.open.iter().map(|hold| &self.requests[hold]) {
            let at = request.reservation.now;
            totals.count += 1;
            totals.amount = totals.amount.plus(request.amount);
            totals.oldest = Some(totals.oldest.map_or(at, |oldest| oldest.min(at)));
        }
        totals
    }

    pub(super) fn purge(&mut self, now: Timestamp, retention: Duration) -> bool {
        let over = |age: Duration, has: &dyn Fn(&StoredRequest) -> bool| -> Vec<_> {
            let ended = self.ended.iter().take_while(|(at, _)| now >= *at + age);
            let chosen = ended.filter(|(_, hold)| has(&self.requests[hold]));
            chosen.take(PURGE_LIMIT).copied().collect()
        };
        let results = over(KEY_TTL, &|request| request.result.is_some());
        let requests = over(retention.max(KEY_TTL), &|request| request.payer.is_none());
        for (_, hold) in &results {
            self.requests.entry(*hold).and_modify(|request| request.result = None);
        }
        for ended in &requests {
            self.release_key(ended.1);
            self.ended.remove(ended);
            self.requests.remove(&ended.1);
        }
        self.nodes.retain(|_, until| now < *until + KEY_TTL);
        results.len() == PURGE_LIMIT || requests.len() == PURGE_LIMIT
    }
}

impl StoredRequest {
    fn key_owner(&self) -> KeyOwner {
        let answered = |usage: &GatewayUsageRow| AnsweredRequest {
            usage: usage.clone(),
            result: self.result.clone(),
        };
        KeyOwner {
            hold: self.reservation.hold,
            body_hash: self.reservation.body_hash,
            amount: self.amount,
            answered: self.ended.as_ref().map(answered),
        }
    }
}

fn settled(row: &GatewayUsageRow, account: LedgerAccount) -> SettledRequest {
    SettledRequest {
        status: row.usage.status,
        charged: row.charged,
        uncollected: row.uncollected,
        balance: account.balance,
        held: account.held,
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
