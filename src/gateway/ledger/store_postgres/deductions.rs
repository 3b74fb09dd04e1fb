//! The statements of PostgreSQL about deductions.

use sqlx::{PgConnection, query};

use super::statements::{self, LedgerStatement};
use crate::gateway::ledger::deduction::DueDeduction;
use crate::gateway::ledger::ids::HoldId;
use crate::gateway::ledger::sql::integer;
use crate::gateway::ledger::sql_deduction;
use crate::kernel::clock::Timestamp;
use crate::kernel::sql::columns::millis;

/// Leaves out those that another instance is taking or ending.
const TAKE: &str = "WITH due AS MATERIALIZED ( \
     SELECT hold FROM gateway_requests WHERE payer IS NOT NULL AND settled_at IS NOT NULL \
     AND deduct_at <= $1 ORDER BY deduct_at, hold LIMIT $3 FOR UPDATE SKIP LOCKED \
     ) UPDATE gateway_requests r SET deduct_at = $2 FROM due WHERE r.hold = due.hold \
     RETURNING r.hold, r.account, r.charged, r.payer, r.settled_at";

/// Affects no row if there is nothing to deduct.
const CONFIRM: &str = "WITH ended AS ( \
     UPDATE gateway_requests SET payer = NULL WHERE hold = $1 AND payer IS NOT NULL \
     AND settled_at IS NOT NULL RETURNING account, charged \
     ) UPDATE gateway_accounts a SET deducted = a.deducted + ended.charged \
     FROM ended WHERE a.account = ended.account";

pub(super) async fn take(
    connection: &mut PgConnection,
    now: Timestamp,
    until: Timestamp,
    limit: usize,
) -> Result<Vec<DueDeduction>, sqlx::Error> {
    let taken = query(TAKE).bind(millis(now)).bind(millis(until)).bind(integer(limit));
    sql_deduction::deductions(&taken.fetch_all(connection).await?)
}

pub(super) fn confirm(hold: HoldId) -> LedgerStatement {
    query(CONFIRM).bind(statements::hold(hold))
}
