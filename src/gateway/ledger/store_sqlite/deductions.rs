//! The statements of SQLite about deductions that write.

use sqlx::{SqliteConnection, query};

use crate::gateway::ledger::account::LedgerAccount;
use crate::gateway::ledger::deduction::DueDeduction;
use crate::gateway::ledger::entry::EntryKind;
use crate::gateway::ledger::ids::HoldId;
use crate::gateway::ledger::request::{PlacedHold, Reservation};
use crate::gateway::ledger::sql::{self, integer};
use crate::gateway::ledger::sql_deduction;
use crate::kernel::clock::Timestamp;
use crate::kernel::sql::columns::millis;

const TAKE: &str = "UPDATE gateway_requests SET deduct_at = $2 WHERE hold IN \
     (SELECT hold FROM gateway_requests WHERE payer IS NOT NULL AND settled_at IS NOT NULL \
     AND deduct_at <= $1 ORDER BY deduct_at, hold LIMIT $3) \
     RETURNING hold, account, charged, payer, settled_at";

/// The statement that ends the deduction is the last one.
const CONFIRM: &str = "UPDATE gateway_accounts AS a SET deducted = a.deducted + r.charged \
     FROM (SELECT account, charged FROM gateway_requests WHERE hold = $1 AND payer IS NOT NULL \
     AND settled_at IS NOT NULL) AS r WHERE a.account = r.account; \
     UPDATE gateway_requests SET payer = NULL WHERE hold = $1 AND payer IS NOT NULL \
     AND settled_at IS NOT NULL RETURNING hold";

const ADOPT: &str = "UPDATE gateway_accounts SET balance = $2, entries = $3 WHERE account = $1";

pub(super) async fn take_deductions(
    connection: &mut SqliteConnection,
    now: Timestamp,
    until: Timestamp,
    limit: usize,
) -> Result<Vec<DueDeduction>, sqlx::Error> {
    let taken = query(TAKE).bind(millis(now)).bind(millis(until)).bind(integer(limit));
    sql_deduction::deductions(&taken.fetch_all(connection).await?)
}

pub(super) async fn confirm_deduction(
    connection: &mut SqliteConnection,
    hold: HoldId,
) -> Result<bool, sqlx::Error> {
    let ended = query(CONFIRM).bind(&hold.as_bytes()[..]).fetch_all(connection).await?;
    Ok(!ended.is_empty())
}

/// Stores the balance of a credit service in an account that exists, before its hold is placed.
pub(super) async fn adopt_balance(
    connection: &mut SqliteConnection,
    reservation: &Reservation,
    placed: &PlacedHold,
) -> Result<(), sqlx::Error> {
    let Some(change) = placed.adopted else { return Ok(()) };
    let LedgerAccount { balance, entries, .. } = placed.account;
    let account = &reservation.account.as_bytes()[..];
    query(ADOPT)
        .bind(account)
        .bind(balance.as_micros())
        .bind(integer(entries))
        .execute(&mut *connection)
        .await?;
    let (kind, none) = (EntryKind::Service, None::<&str>);
    query(sql::INSERT_ENTRY)
        .bind(account)
        .bind(integer(entries))
        .bind(change.as_micros())
        .bind(balance.as_micros())
        .bind(kind.name())
        .bind(kind.contra().name())
        .bind(None::<&[u8]>)
        .bind(none)
        .bind(none)
        .bind(millis(reservation.now))
        .execute(connection)
        .await?;
    Ok(())
}
