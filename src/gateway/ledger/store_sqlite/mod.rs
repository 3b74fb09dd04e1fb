//! [`SqliteGatewayLedger`]: accounts in an SQLite file. The schema is in `gateway/migrations/sqlite/`.
//!
//! An ordinary reservation and an ordinary settlement are one round trip to the connection each, because a round trip
//! takes longer than its statements: `write.rs`. What these leave out, as new accounts and repeated keys, reads what
//! [`decide`] needs and then writes. No other write comes between, because one connection writes.

mod deductions;
mod start;
mod write;

use std::time::Duration;

use async_trait::async_trait;
use sqlx::{SqliteConnection, query};

use self::deductions::{confirm_deduction, take_deductions};
use self::write::{append_entry, open_account, try_reserve, try_settle, write_hold};
use super::account::LedgerAccount;
use super::deduction::{DueDeduction, DueTotals, ServiceAccount};
use super::entry::{
    CreditChange, CreditOutcome, ENTRY_PAGE_LIMIT, EntryKind, LedgerBalance, LedgerEntry,
};
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
use crate::kernel::sql::sqlite::SqliteDatabase;
use crate::kernel::store::StoreError;

/// Stores the accounts in SQLite.
pub struct SqliteGatewayLedger {
    database: SqliteDatabase,
}

impl SqliteGatewayLedger {
    /// Creates a store in a database that has the tables of
    /// [`MIGRATIONS`](crate::gateway::migrations::MIGRATIONS).
    #[must_use]
    pub const fn new(database: SqliteDatabase) -> Self {
        Self { database }
    }
}

async fn reserve(
    connection: &mut SqliteConnection,
    reservation: Reservation,
) -> Result<ReserveOutcome, sqlx::Error> {
    let account = &reservation.account.as_bytes()[..];
    let due = if reservation.service.is_some() {
        let row = query(sql_deduction::SERVICE_ACCOUNT)
            .bind(account)
            .fetch_optional(&mut *connection)
            .await?;
        sql_deduction::service_account(row.as_ref())?.due
    } else {
        if let Some(outcome) = try_reserve(&mut *connection, &reservation).await? {
            return Ok(outcome);
        }
        MicroCredits::ZERO
    };
    let row = query(sql::READ_KEY)
        .bind(account)
        .bind(&reservation.key.as_bytes()[..])
        .fetch_one(&mut *connection)
        .await?;
    let (account, owner) = (sql::account(&row)?, sql::key_owner(&row)?);
    match decide(&reservation, account, owner, due) {
        ReserveDecision::Answer(outcome) => Ok(outcome),
        ReserveDecision::Place(placed) => {
            write_hold(connection, &reservation, &placed).await?;
            Ok(placed.outcome(&reservation))
        }
    }
}

async fn settle(
    connection: &mut SqliteConnection,
    settlement: Settlement,
) -> Result<SettleOutcome, sqlx::Error> {
    let hold = settlement.hold;
    if let Some(settled) = try_settle(&mut *connection, settlement).await? {
        return Ok(SettleOutcome::Settled(settled));
    }
    let row = query(sql::READ_HOLD).bind(&hold.as_bytes()[..]).fetch_optional(connection).await?;
    match row {
        Some(row) => Ok(SettleOutcome::AlreadySettled(sql::settled(&row)?)),
        None => Ok(SettleOutcome::Unknown),
    }
}

async fn recover(
    connection: &mut SqliteConnection,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<RecoveredHold>, sqlx::Error> {
    let expired = query(sql::EXPIRED)
        .bind(millis(now))
        .bind(integer(limit))
        .fetch_all(&mut *connection)
        .await?;
    let mut recovered = Vec::new();
    for row in expired {
        let (hold, account) = (sql::hold(&row)?, sql::user(&row)?);
        let total_ms = integer(now.since(row.time("started_at")?).as_millis()).unsigned_abs();
        let settlement = Settlement {
            hold,
            charge: row.amount("checkpoint")?,
            usage: GatewayUsage::recovered(row.text("provider")?.unwrap_or_default(), total_ms),
            reserved_tokens: None,
            result: None,
            releases_key: true,
            now,
        };
        if let SettleOutcome::Settled(settled) = settle(&mut *connection, settlement).await? {
            recovered.push(RecoveredHold { hold, account, settled });
        }
    }
    Ok(recovered)
}

async fn credit(
    connection: &mut SqliteConnection,
    change: CreditChange,
) -> Result<CreditOutcome, sqlx::Error> {
    let row = query(sql::READ_ACCOUNT)
        .bind(&change.account.as_bytes()[..])
        .fetch_optional(&mut *connection)
        .await?;
    let existing = row.as_ref().map(sql::account).transpose()?.flatten();
    let mut account = existing.unwrap_or_else(|| LedgerAccount::opened(change.start_credits));
    let made = query(sql::READ_ENTRY_KEY)
        .bind(&change.account.as_bytes()[..])
        .bind(&change.key.as_bytes()[..])
        .fetch_optional(&mut *connection)
        .await?;
    if let Some(made) = made {
        let is_same =
            change.has_made(made.amount("amount")?, made.named("kind", EntryKind::from_name)?);
        let LedgerAccount { balance, held, .. } = account;
        return Ok(if is_same {
            CreditOutcome::Changed { balance, held }
        } else {
            CreditOutcome::KeyReused
        });
    }
    if let Err(refusal) = account.change(change.amount) {
        return Ok(refusal.outcome(account));
    }
    if existing.is_none() {
        open_account(&mut *connection, change.account, change.start_credits, change.now).await?;
    }
    append_entry(connection, account, &change).await?;
    let LedgerAccount { balance, held, .. } = account;
    Ok(CreditOutcome::Changed { balance, held })
}

#[async_trait]
impl GatewayLedger for SqliteGatewayLedger {
    async fn reserve(&self, reservation: Reservation) -> Result<ReserveOutcome, StoreError> {
        self.database.write(|connection| Box::pin(reserve(connection, reservation))).await
    }

    async fn settle(&self, settlement: Settlement) -> Result<SettleOutcome, StoreError> {
        self.database.write(|connection| Box::pin(settle(connection, settlement))).await
    }

    async fn checkpoint(&self, charges: Vec<(HoldId, MicroCredits)>) -> Result<(), StoreError> {
        let write = self.database.write(|connection| {
            Box::pin(async move {
                for (hold, charge) in charges {
                    query(
                        "UPDATE gateway_requests SET checkpoint = $2 \
                         WHERE hold = $1 AND settled_at IS NULL",
                    )
                    .bind(&hold.as_bytes()[..])
                    .bind(charge.as_micros())
                    .execute(&mut *connection)
                    .await?;
                }
                Ok(())
            })
        });
        write.await
    }

    async fn renew(&self, node: NodeId, lease_until: Timestamp) -> Result<(), StoreError> {
        let write = self.database.write(move |connection| {
            Box::pin(async move {
                let renew = query(sql::RENEW).bind(&node.as_bytes()[..]).bind(millis(lease_until));
                renew.execute(connection).await.map(drop)
            })
        });
        write.await
    }

    async fn recover(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<RecoveredHold>, StoreError> {
        self.database.write(move |connection| Box::pin(recover(connection, now, limit))).await
    }

    async fn credit(&self, change: CreditChange) -> Result<CreditOutcome, StoreError> {
        self.database.write(|connection| Box::pin(credit(connection, change))).await
    }

    async fn balance(
        &self,
        account: UserId,
        start_credits: MicroCredits,
    ) -> Result<LedgerBalance, StoreError> {
        let row = query(sql::READ_ACCOUNT)
            .bind(&account.as_bytes()[..])
            .fetch_optional(self.database.readers())
            .await?;
        let LedgerAccount { balance, held, .. } = match row {
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
        let rows = query(sql::READ_ENTRIES)
            .bind(&account.as_bytes()[..])
            .bind(before.map_or(i64::MAX, integer))
            .bind(integer(ENTRY_PAGE_LIMIT))
            .fetch_all(self.database.readers())
            .await?;
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
        let rows = read.fetch_all(self.database.readers()).await?;
        let rows = rows.iter().map(sql::usage_row).collect::<Result<_, _>>()?;
        Ok(UsagePage::of(rows, limit))
    }

    async fn service_account(&self, account: UserId) -> Result<ServiceAccount, StoreError> {
        let row = query(sql_deduction::SERVICE_ACCOUNT)
            .bind(&account.as_bytes()[..])
            .fetch_optional(self.database.readers())
            .await?;
        Ok(sql_deduction::service_account(row.as_ref())?)
    }

    async fn take_deductions(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<DueDeduction>, StoreError> {
        let take = self
            .database
            .write(move |connection| Box::pin(take_deductions(connection, now, until, limit)));
        take.await
    }

    async fn confirm_deduction(&self, hold: HoldId) -> Result<bool, StoreError> {
        self.database.write(move |connection| Box::pin(confirm_deduction(connection, hold))).await
    }

    async fn postpone_deduction(&self, hold: HoldId, until: Timestamp) -> Result<(), StoreError> {
        let write = self.database.write(move |connection| {
            Box::pin(async move {
                let postpone = query(sql_deduction::POSTPONE).bind(&hold.as_bytes()[..]);
                postpone.bind(millis(until)).execute(connection).await.map(drop)
            })
        });
        write.await
    }

    async fn due_deductions(&self) -> Result<DueTotals, StoreError> {
        let row = query(sql_deduction::DUE_TOTALS).fetch_one(self.database.readers()).await?;
        Ok(sql_deduction::due_totals(&row)?)
    }

    async fn open_holds(&self) -> Result<OpenHoldTotals, StoreError> {
        let row = query(sql::OPEN_HOLDS).fetch_one(self.database.readers()).await?;
        Ok(sql::open_holds(&row)?)
    }

    async fn audit(&self) -> Result<LedgerAudit, StoreError> {
        // The transaction reads one state.
        let mut snapshot = self.database.readers().begin().await?;
        let accounts = query(sql::AUDIT_ACCOUNTS).fetch_one(&mut *snapshot).await?;
        let contra = query(sql::AUDIT_CONTRA).fetch_all(&mut *snapshot).await?;
        let charges = query(sql::AUDIT_CHARGES).fetch_one(&mut *snapshot).await?;
        Ok(sql::audit(&accounts, &contra, &charges)?)
    }

    async fn purge(&self, now: Timestamp, retention: Duration) -> Result<bool, StoreError> {
        let purges = [(sql::PURGE_RESULTS, KEY_TTL), (sql::PURGE_REQUESTS, retention.max(KEY_TTL))];
        let write = self.database.write(move |connection| {
            Box::pin(async move {
                let mut has_more = false;
                for (purge, age) in purges {
                    let purged = query(purge)
                        .bind(millis(now) - integer(age.as_millis()))
                        .bind(integer(PURGE_LIMIT))
                        .execute(&mut *connection)
                        .await?;
                    has_more |= integer(purged.rows_affected()) == integer(PURGE_LIMIT);
                }
                let until = millis(now) - integer(KEY_TTL.as_millis());
                query(sql::PURGE_NODES).bind(until).execute(connection).await?;
                Ok(has_more)
            })
        });
        write.await
    }
}
