//! Operations of PostgreSQL in a transaction that locks the account first, so that the rules decide by its present
//! state.

use sqlx::{PgConnection, query};

use crate::gateway::ledger::account::LedgerAccount;
use crate::gateway::ledger::entry::{CreditChange, CreditOutcome, EntryKind};
use crate::gateway::ledger::request::{
    PlacedHold, Reservation, ReserveDecision, ReserveOutcome, decide,
};
use crate::gateway::ledger::sql::{self, LedgerRow, account_columns, integer};
use crate::gateway::ledger::sql_deduction;
use crate::gateway::money::MicroCredits;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;
use crate::kernel::sql::columns::millis;

/// Waits for the other operations on an account.
const LOCK_ACCOUNT: &str = concat!(
    "SELECT ",
    account_columns!(),
    " FROM gateway_accounts a WHERE account = $1 FOR UPDATE"
);

/// Locks an account until the end of the transaction, and creates it if necessary. Returns `None` if it is new.
async fn lock_account(
    connection: &mut PgConnection,
    account: UserId,
    start_credits: MicroCredits,
) -> Result<Option<LedgerAccount>, sqlx::Error> {
    let opened = LedgerAccount::opened(start_credits);
    let inserted = query(sql::INSERT_ACCOUNT)
        .bind(&account.as_bytes()[..])
        .bind(opened.balance.as_micros())
        .bind(integer(opened.entries))
        .execute(&mut *connection)
        .await?;
    if inserted.rows_affected() > 0 {
        return Ok(None);
    }
    let row = query(LOCK_ACCOUNT).bind(&account.as_bytes()[..]).fetch_one(connection).await?;
    sql::account(&row)
}

/// Appends an entry that is no charge. The account has its new amounts already.
async fn append_entry(
    connection: &mut PgConnection,
    account: UserId,
    amounts: LedgerAccount,
    kind: EntryKind,
    amount: MicroCredits,
    change: (Option<&CreditChange>, Timestamp),
) -> Result<(), sqlx::Error> {
    let (change, at) = change;
    query(sql::INSERT_ENTRY)
        .bind(&account.as_bytes()[..])
        .bind(integer(amounts.entries))
        .bind(amount.as_micros())
        .bind(amounts.balance.as_micros())
        .bind(kind.name())
        .bind(kind.contra().name())
        .bind(change.map(|change| change.key.as_bytes().to_vec()))
        .bind(change.and_then(|change| change.reason.clone()))
        .bind(change.and_then(|change| change.operator.clone()))
        .bind(millis(at))
        .execute(connection)
        .await?;
    Ok(())
}

/// Stores the entry of a new account's first credit.
async fn append_start(
    connection: &mut PgConnection,
    account: UserId,
    start_credits: MicroCredits,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let opened = LedgerAccount::opened(start_credits);
    if opened.entries == 0 {
        return Ok(());
    }
    let (kind, amount) = (EntryKind::Start, opened.balance);
    append_entry(connection, account, opened, kind, amount, (None, now)).await
}

async fn update_account(
    connection: &mut PgConnection,
    account: UserId,
    amounts: LedgerAccount,
) -> Result<(), sqlx::Error> {
    query(sql::UPDATE_ACCOUNT)
        .bind(&account.as_bytes()[..])
        .bind(amounts.balance.as_micros())
        .bind(amounts.held.as_micros())
        .bind(integer(amounts.entries))
        .bind(integer(amounts.used.open_holds))
        .bind(amounts.used.requests_free_at)
        .bind(amounts.used.tokens_free_at)
        .execute(connection)
        .await?;
    Ok(())
}

/// Decides about a reservation. An answer that changes nothing is `Err`.
pub(super) async fn reserve(
    connection: &mut PgConnection,
    reservation: Reservation,
) -> Result<Result<ReserveOutcome, ReserveOutcome>, sqlx::Error> {
    let Reservation { account, start_credits, .. } = reservation;
    let amounts = lock_account(&mut *connection, account, start_credits).await?;
    let row = query(sql::READ_KEY)
        .bind(&account.as_bytes()[..])
        .bind(&reservation.key.as_bytes()[..])
        .fetch_one(&mut *connection)
        .await?;
    // Deductions and settlements change the account, which is locked.
    let due = if reservation.service.is_some() {
        let row = query(sql_deduction::SERVICE_ACCOUNT)
            .bind(&account.as_bytes()[..])
            .fetch_optional(&mut *connection)
            .await?;
        sql_deduction::service_account(row.as_ref())?.due
    } else {
        MicroCredits::ZERO
    };
    match decide(&reservation, amounts, sql::key_owner(&row)?, due) {
        ReserveDecision::Answer(outcome) => Ok(Err(outcome)),
        ReserveDecision::Place(placed) => {
            let outcome = placed.outcome(&reservation);
            write_hold(connection, reservation, &placed).await?;
            Ok(Ok(outcome))
        }
    }
}

/// Places a hold in an account that is locked.
async fn write_hold(
    connection: &mut PgConnection,
    reservation: Reservation,
    placed: &PlacedHold,
) -> Result<(), sqlx::Error> {
    let Reservation { account, start_credits, now, .. } = reservation;
    if placed.opened {
        append_start(&mut *connection, account, start_credits, now).await?;
    }
    if let Some(old) = placed.loses_key {
        for statement in [
            "UPDATE gateway_requests SET request_key = NULL WHERE hold = $1",
            "DELETE FROM gateway_results WHERE hold = $1",
        ] {
            query(statement).bind(&old.as_bytes()[..]).execute(&mut *connection).await?;
        }
    }
    update_account(&mut *connection, account, placed.account).await?;
    if let Some(change) = placed.adopted {
        let kind = EntryKind::Service;
        let amounts = placed.account;
        append_entry(&mut *connection, account, amounts, kind, change, (None, now)).await?;
    }
    query(sql::INSERT_REQUEST)
        .bind(&reservation.hold.as_bytes()[..])
        .bind(&account.as_bytes()[..])
        .bind(&reservation.key.as_bytes()[..])
        .bind(&reservation.body_hash[..])
        .bind(placed.amount.as_micros())
        .bind(&reservation.node.as_bytes()[..])
        .bind(millis(reservation.lease_until))
        .bind(millis(now))
        .bind(reservation.provider)
        .bind(reservation.model)
        .execute(&mut *connection)
        .await?;
    if let Some(credit) = reservation.service {
        query(sql_deduction::SET_PAYER)
            .bind(&reservation.hold.as_bytes()[..])
            .bind(credit.payer)
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// Changes a credit. An answer that changes nothing is `Err`.
pub(super) async fn credit(
    connection: &mut PgConnection,
    change: CreditChange,
) -> Result<Result<CreditOutcome, CreditOutcome>, sqlx::Error> {
    let CreditChange { account, start_credits, now, .. } = change;
    let existing = lock_account(&mut *connection, account, start_credits).await?;
    let mut amounts = existing.unwrap_or_else(|| LedgerAccount::opened(start_credits));
    let made = query(sql::READ_ENTRY_KEY)
        .bind(&account.as_bytes()[..])
        .bind(&change.key.as_bytes()[..])
        .fetch_optional(&mut *connection)
        .await?;
    if let Some(made) = made {
        let is_same =
            change.has_made(made.amount("amount")?, made.named("kind", EntryKind::from_name)?);
        let LedgerAccount { balance, held, .. } = amounts;
        return Ok(Err(if is_same {
            CreditOutcome::Changed { balance, held }
        } else {
            CreditOutcome::KeyReused
        }));
    }
    if let Err(refusal) = amounts.change(change.amount) {
        return Ok(Err(refusal.outcome(amounts)));
    }
    if existing.is_none() {
        append_start(&mut *connection, account, start_credits, now).await?;
    }
    update_account(&mut *connection, account, amounts).await?;
    let kind = change.kind.into();
    append_entry(connection, account, amounts, kind, change.amount, (Some(&change), now)).await?;
    let LedgerAccount { balance, held, .. } = amounts;
    Ok(Ok(CreditOutcome::Changed { balance, held }))
}
