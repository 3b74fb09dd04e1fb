//! [`PostgresGatewayLedger`]: accounts in PostgreSQL, for several instances. The schema is in
//! `gateway/migrations/postgres/`.
//!
//! An ordinary reservation and an ordinary settlement are one statement each: `statements.rs`. A refusal is one more. What
//! these leave out, as new accounts and expired keys, is a transaction that locks the account and then decides:
//! `locked.rs`.

mod deductions;
mod locked;
mod statements;

use std::time::Duration;

use async_trait::async_trait;
use sqlx::query;

use super::account::LedgerAccount;
use super::deduction::{DueDeduction, DueTotals, ServiceAccount};
use super::entry::{CreditChange, CreditOutcome, ENTRY_PAGE_LIMIT, LedgerBalance, LedgerEntry};
use super::ids::{HoldId, NodeId};
use super::request::{
    KEY_TTL, RecoveredHold, Reservation, ReserveDecision, ReserveOutcome, SettleOutcome,
    Settlement, decide,
};
use super::sql::{self, LedgerRow, UsageBounds, integer};
use super::sql_deduction;
use super::store::{GatewayLedger, LedgerAudit, OpenHoldTotals, PURGE_LIMIT};
use super::usage::{GatewayUsage, UsageFilter, UsagePage, UsagePosition, page_limit};
use crate::gateway::money::MicroCredits;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;
use crate::kernel::sql::columns::millis;
use crate::kernel::sql::postgres::{Isolation, PostgresDatabase};
use crate::kernel::store::{StoreError, StoreErrorKind};

/// Reads all statements of an audit as of one moment.
const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// Number of attempts to settle a hold that appears during the call.
const SETTLE_ATTEMPTS: u32 = 3;

/// Stores the accounts in PostgreSQL.
pub struct PostgresGatewayLedger {
    database: PostgresDatabase,
}

impl PostgresGatewayLedger {
    /// Creates a store in a database that has the tables of
    /// [`MIGRATIONS`](crate::gateway::migrations::MIGRATIONS).
    #[must_use]
    pub const fn new(database: PostgresDatabase) -> Self {
        Self { database }
    }

    /// The refusal of a reservation, or the answer to a repeated one, which is right for the moment of its read. `None` if
    /// it may take a hold.
    async fn answer_unlocked(
        &self,
        reservation: &Reservation,
    ) -> Result<Option<ReserveOutcome>, StoreError> {
        let read = query(sql::READ_KEY)
            .bind(reservation.account.as_bytes().to_vec())
            .bind(reservation.key.as_bytes().to_vec())
            .fetch_one(self.database.pool());
        let row = self.database.in_time(read).await?;
        let (account, owner) = (sql::account(&row)?, sql::key_owner(&row)?);
        Ok(match decide(reservation, account, owner, MicroCredits::ZERO) {
            ReserveDecision::Answer(outcome) => Some(outcome),
            ReserveDecision::Place(_) => None,
        })
    }
}

#[async_trait]
impl GatewayLedger for PostgresGatewayLedger {
    async fn reserve(&self, reservation: Reservation) -> Result<ReserveOutcome, StoreError> {
        let statement = || statements::reserve(&reservation);
        if reservation.service.is_none() {
            if let Some(row) = self.database.fetch_unless_duplicate(statement).await? {
                return Ok(ReserveOutcome::Reserved {
                    amount: row.amount("moved")?,
                    balance: row.amount("balance")?,
                    held: row.amount("held")?,
                    limits: sql::limit_states(&row, &reservation)?,
                });
            }
            if let Some(outcome) = self.answer_unlocked(&reservation).await? {
                return Ok(outcome);
            }
        }
        let decided = self.database.try_write(Isolation::ReadCommitted, |connection| {
            Box::pin(locked::reserve(connection, reservation.clone()))
        });
        Ok(decided.await?.unwrap_or_else(|answer| answer))
    }

    async fn settle(&self, settlement: Settlement) -> Result<SettleOutcome, StoreError> {
        for _ in 0..SETTLE_ATTEMPTS {
            let statement = || statements::settle(&settlement);
            if let Some(row) = self.database.fetch_unless_duplicate(statement).await? {
                return Ok(SettleOutcome::Settled(sql::settled(&row)?));
            }
            let read = query(sql::READ_HOLD)
                .bind(statements::hold(settlement.hold))
                .fetch_optional(self.database.pool());
            let Some(row) = self.database.in_time(read).await? else {
                return Ok(SettleOutcome::Unknown);
            };
            if row.number("settled_at")?.is_some() {
                return Ok(SettleOutcome::AlreadySettled(sql::settled(&row)?));
            }
        }
        Err(StoreErrorKind::Timeout.into())
    }

    async fn checkpoint(&self, charges: Vec<(HoldId, MicroCredits)>) -> Result<(), StoreError> {
        let (holds, charges): (Vec<_>, Vec<_>) = charges
            .into_iter()
            .map(|(hold, charge)| {
                (statements::hold(hold), charge.max(MicroCredits::ZERO).as_micros())
            })
            .unzip();
        let statement = || {
            query(
                "UPDATE gateway_requests r SET checkpoint = c.charge \
                 FROM unnest($1::bytea[], $2::bigint[]) AS c (hold, charge) \
                 WHERE r.hold = c.hold AND r.settled_at IS NULL",
            )
            .bind(holds.clone())
            .bind(charges.clone())
        };
        self.database.execute(statement).await?;
        Ok(())
    }

    async fn renew(&self, node: NodeId, lease_until: Timestamp) -> Result<(), StoreError> {
        let statement =
            || query(sql::RENEW).bind(node.as_bytes().to_vec()).bind(millis(lease_until));
        self.database.execute(statement).await?;
        Ok(())
    }

    async fn recover(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<RecoveredHold>, StoreError> {
        let read = query(sql::EXPIRED)
            .bind(millis(now))
            .bind(integer(limit))
            .fetch_all(self.database.pool());
        let mut recovered = Vec::new();
        for row in self.database.in_time(read).await? {
            let (hold, account) = (sql::hold(&row)?, sql::user(&row)?);
            let total_ms = integer(now.since(row.time("started_at")?).as_millis()).unsigned_abs();
            let provider = row.text("provider")?.unwrap_or_default();
            let settlement = Settlement {
                hold,
                charge: MicroCredits::ZERO,
                usage: GatewayUsage::recovered(provider, total_ms),
                reserved_tokens: None,
                result: None,
                releases_key: true,
                now,
            };
            let statement = || statements::recover(&settlement);
            if let Some(row) = self.database.fetch_unless_duplicate(statement).await? {
                recovered.push(RecoveredHold { hold, account, settled: sql::settled(&row)? });
            }
        }
        Ok(recovered)
    }

    async fn credit(&self, change: CreditChange) -> Result<CreditOutcome, StoreError> {
        let decided = self.database.try_write(Isolation::ReadCommitted, |connection| {
            Box::pin(locked::credit(connection, change.clone()))
        });
        Ok(decided.await?.unwrap_or_else(|answer| answer))
    }

    async fn balance(
        &self,
        account: UserId,
        start_credits: MicroCredits,
    ) -> Result<LedgerBalance, StoreError> {
        let read = query(sql::READ_ACCOUNT)
            .bind(account.as_bytes().to_vec())
            .fetch_optional(self.database.pool());
        let LedgerAccount { balance, held, .. } = match self.database.in_time(read).await? {
            Some(row) => sql::account(&row)?.unwrap_or_default(),
            None => LedgerAccount::opened(start_credits),
        };
        Ok(LedgerBalance { balance, held })
    }

    async fn entries(
        &self,
        account: UserId,
        before: Option<u64>,
    ) -> Result<Vec<LedgerEntry>, StoreError> {
        let read = query(sql::READ_ENTRIES)
            .bind(account.as_bytes().to_vec())
            .bind(before.map_or(i64::MAX, integer))
            .bind(integer(ENTRY_PAGE_LIMIT))
            .fetch_all(self.database.pool());
        let rows = self.database.in_time(read).await?;
        Ok(rows.iter().map(sql::entry).collect::<Result<_, _>>()?)
    }

    async fn usage(
        &self,
        filter: UsageFilter,
        after: Option<UsagePosition>,
        limit: usize,
    ) -> Result<UsagePage, StoreError> {
        let limit = page_limit(limit);
        let bounds = UsageBounds::new(&filter, after, limit + 1);
        let mut read = query(sql::usage_statement(&filter))
            .bind(bounds.from)
            .bind(bounds.to)
            .bind(bounds.after_at)
            .bind(bounds.after_hold)
            .bind(bounds.limit);
        if let Some(account) = filter.account {
            read = read.bind(account.as_bytes().to_vec());
        }
        let rows = self.database.in_time(read.fetch_all(self.database.pool())).await?;
        let rows = rows.iter().map(sql::usage_row).collect::<Result<_, _>>()?;
        Ok(UsagePage::of(rows, limit))
    }

    async fn service_account(&self, account: UserId) -> Result<ServiceAccount, StoreError> {
        let read = query(sql_deduction::SERVICE_ACCOUNT)
            .bind(account.as_bytes().to_vec())
            .fetch_optional(self.database.pool());
        let row = self.database.in_time(read).await?;
        Ok(sql_deduction::service_account(row.as_ref())?)
    }

    async fn take_deductions(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<DueDeduction>, StoreError> {
        let taken = self.database.write(Isolation::ReadCommitted, |connection| {
            Box::pin(deductions::take(connection, now, until, limit))
        });
        taken.await
    }

    async fn confirm_deduction(&self, hold: HoldId) -> Result<bool, StoreError> {
        Ok(self.database.execute(|| deductions::confirm(hold)).await? > 0)
    }

    async fn postpone_deduction(&self, hold: HoldId, until: Timestamp) -> Result<(), StoreError> {
        let statement =
            || query(sql_deduction::POSTPONE).bind(statements::hold(hold)).bind(millis(until));
        self.database.execute(statement).await?;
        Ok(())
    }

    async fn due_deductions(&self) -> Result<DueTotals, StoreError> {
        let read = query(sql_deduction::DUE_TOTALS).fetch_one(self.database.pool());
        Ok(sql_deduction::due_totals(&self.database.in_time(read).await?)?)
    }

    async fn open_holds(&self) -> Result<OpenHoldTotals, StoreError> {
        let read = query(sql::OPEN_HOLDS).fetch_one(self.database.pool());
        Ok(sql::open_holds(&self.database.in_time(read).await?)?)
    }

    async fn audit(&self) -> Result<LedgerAudit, StoreError> {
        let audit = async {
            let mut snapshot = self.database.pool().begin_with(SNAPSHOT).await?;
            let accounts = query(sql::AUDIT_ACCOUNTS).fetch_one(&mut *snapshot).await?;
            let contra = query(sql::AUDIT_CONTRA).fetch_all(&mut *snapshot).await?;
            let charges = query(sql::AUDIT_CHARGES).fetch_one(&mut *snapshot).await?;
            sql::audit(&accounts, &contra, &charges)
        };
        self.database.in_time(audit).await
    }

    async fn purge(&self, now: Timestamp, retention: Duration) -> Result<bool, StoreError> {
        let until = |age: Duration| millis(now) - integer(age.as_millis());
        let purge = async |purge: &'static str, until: i64| {
            let statement = || query(purge).bind(until).bind(integer(PURGE_LIMIT));
            self.database.execute(statement).await
        };
        let results = purge(sql::PURGE_RESULTS, until(KEY_TTL)).await?;
        let requests = purge(sql::PURGE_REQUESTS, until(retention.max(KEY_TTL))).await?;
        let nodes = || query(sql::PURGE_NODES).bind(until(KEY_TTL));
        self.database.execute(nodes).await?;
        let most = results.max(requests);
        Ok(integer(most) == integer(PURGE_LIMIT))
    }
}
