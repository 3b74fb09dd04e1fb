//! The statements about deductions that are the same on both engines, and their rows.

use sqlx::Error;

use super::deduction::{DueDeduction, DueTotals, ServiceAccount};
use super::sql::{self, LedgerRow};
use crate::kernel::sql::columns::timestamp;

/// The amounts of the account `$1`. No row if it does not exist.
pub(super) const SERVICE_ACCOUNT: &str = "SELECT a.held, a.deducted, \
     CAST(coalesce((SELECT sum(r.charged) FROM gateway_requests r WHERE r.account = $1 \
     AND r.payer IS NOT NULL AND r.settled_at IS NOT NULL), 0) AS BIGINT) AS due \
     FROM gateway_accounts a WHERE a.account = $1";

/// Stores that a credit service pays for the hold `$1`.
pub(super) const SET_PAYER: &str = "UPDATE gateway_requests SET payer = $2 WHERE hold = $1";

pub(super) const POSTPONE: &str = "UPDATE gateway_requests SET deduct_at = $2 WHERE hold = $1";

pub(super) const DUE_TOTALS: &str = "SELECT count(*) AS count, \
     CAST(coalesce(sum(charged), 0) AS BIGINT) AS amount, min(settled_at) AS oldest \
     FROM gateway_requests WHERE payer IS NOT NULL AND settled_at IS NOT NULL AND charged > 0";

pub(super) fn service_account(row: Option<&impl LedgerRow>) -> Result<ServiceAccount, Error> {
    let Some(row) = row else { return Ok(ServiceAccount::default()) };
    Ok(ServiceAccount {
        held: row.amount("held")?,
        due: row.amount("due")?,
        deducted: row.amount("deducted")?,
    })
}

/// The deductions of rows, in the order of their holds.
pub(super) fn deductions<R: LedgerRow>(rows: &[R]) -> Result<Vec<DueDeduction>, Error> {
    let deduction = |row: &R| {
        Ok::<_, Error>(DueDeduction {
            hold: sql::hold(row)?,
            account: sql::user(row)?,
            amount: row.amount("charged")?,
            payer: row.bytes("payer")?.unwrap_or_default(),
            since: row.time("settled_at")?,
        })
    };
    let mut deductions = rows.iter().map(deduction).collect::<Result<Vec<_>, _>>()?;
    deductions.sort_unstable_by_key(|deduction| deduction.hold);
    Ok(deductions)
}

pub(super) fn due_totals(row: &impl LedgerRow) -> Result<DueTotals, Error> {
    Ok(DueTotals {
        count: row.value("count")?.unsigned_abs(),
        amount: row.amount("amount")?,
        oldest: row.number("oldest")?.map(timestamp),
    })
}
