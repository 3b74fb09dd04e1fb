//! The statements of SQLite that write. A text with several statements is one round trip; a parameter has one number
//! in all of them.

use sqlx::{SqliteConnection, query};

use crate::gateway::ledger::account::LedgerAccount;
use crate::gateway::ledger::entry::{CreditChange, EntryKind};
use crate::gateway::ledger::request::{PlacedHold, Reservation, SettledRequest, Settlement};
use crate::gateway::ledger::sql::{self, insert_request, integer};
use crate::gateway::money::MicroCredits;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;
use crate::kernel::sql::columns::millis;

const PLACE_HOLD: &str =
    concat!("UPDATE gateway_accounts SET held = $11 WHERE account = $2; ", insert_request!());

const SETTLE: &str = "UPDATE gateway_requests SET charged = $3, uncollected = $4, settled_at = $5, \
     provider = $6, response_model = $7, input_tokens = $8, cache_read_tokens = $9, \
     cache_write_tokens = $10, long_cache_write_tokens = $11, output_tokens = $12, \
     reasoning_tokens = $13, source = $14, status = $15, finish = $16, first_token_ms = $17, \
     total_ms = $18, attempts = $19, \
     request_key = CASE WHEN $20 THEN NULL ELSE request_key END WHERE hold = $1; \
     UPDATE gateway_accounts SET balance = $21, held = $22, entries = $23 WHERE account = $2; \
     INSERT INTO gateway_entries (account, number, amount, balance, kind, contra, hold, at) \
     SELECT $2, $23, -$3, $21, 'charge', 'revenue', $1, $5 WHERE $3 > 0; \
     INSERT INTO gateway_results (hold, body, settled_at) SELECT $1, $24, $5 \
     WHERE $24 IS NOT NULL";

const RELEASE_KEY: &str = "UPDATE gateway_requests SET request_key = NULL WHERE hold = $1; \
     DELETE FROM gateway_results WHERE hold = $1";

/// Creates an account, with the entry of its first credit.
pub(super) async fn open_account(
    connection: &mut SqliteConnection,
    account: UserId,
    start_credits: MicroCredits,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let opened = LedgerAccount::opened(start_credits);
    query(sql::INSERT_ACCOUNT)
        .bind(&account.as_bytes()[..])
        .bind(opened.balance.as_micros())
        .bind(integer(opened.entries))
        .execute(&mut *connection)
        .await?;
    if opened.entries == 0 {
        return Ok(());
    }
    let (kind, none) = (EntryKind::Start, None::<&str>);
    query(sql::INSERT_ENTRY)
        .bind(&account.as_bytes()[..])
        .bind(integer(opened.entries))
        .bind(opened.balance.as_micros())
        .bind(opened.balance.as_micros())
        .bind(kind.name())
        .bind(kind.contra().name())
        .bind(None::<&[u8]>)
        .bind(none)
        .bind(none)
        .bind(millis(now))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn write_hold(
    connection: &mut SqliteConnection,
    reservation: &Reservation,
    placed: &PlacedHold,
) -> Result<(), sqlx::Error> {
    if placed.opened {
        let Reservation { account, start_credits, now, .. } = *reservation;
        open_account(&mut *connection, account, start_credits, now).await?;
    }
    if let Some(old) = placed.loses_key {
        query(RELEASE_KEY).bind(&old.as_bytes()[..]).execute(&mut *connection).await?;
    }
    query(PLACE_HOLD)
        .bind(&reservation.hold.as_bytes()[..])
        .bind(&reservation.account.as_bytes()[..])
        .bind(&reservation.key.as_bytes()[..])
        .bind(&reservation.body_hash[..])
        .bind(placed.amount.as_micros())
        .bind(&reservation.node.as_bytes()[..])
        .bind(millis(reservation.lease_until))
        .bind(millis(reservation.now))
        .bind(&reservation.provider)
        .bind(&reservation.model)
        .bind(placed.account.held.as_micros())
        .execute(connection)
        .await?;
    Ok(())
}

/// Ends a hold of `account`, which already has its new amounts.
pub(super) async fn write_settlement(
    connection: &mut SqliteConnection,
    account: UserId,
    amounts: LedgerAccount,
    settled: &SettledRequest,
    settlement: Settlement,
) -> Result<(), sqlx::Error> {
    let Settlement { hold, usage, result, releases_key, now, .. } = settlement;
    let releases_key = releases_key && settled.charged == MicroCredits::ZERO;
    let tokens = usage.tokens;
    query(SETTLE)
        .bind(&hold.as_bytes()[..])
        .bind(&account.as_bytes()[..])
        .bind(settled.charged.as_micros())
        .bind(settled.uncollected.as_micros())
        .bind(millis(now))
        .bind(usage.provider)
        .bind(usage.response_model)
        .bind(tokens.input_tokens.map(integer))
        .bind(tokens.cache_read_tokens.map(integer))
        .bind(tokens.cache_write_tokens.map(integer))
        .bind(tokens.long_cache_write_tokens.map(integer))
        .bind(tokens.output_tokens.map(integer))
        .bind(tokens.reasoning_tokens.map(integer))
        .bind(usage.source.name())
        .bind(usage.status.name())
        .bind(usage.finish)
        .bind(usage.first_token_ms.map(integer))
        .bind(integer(usage.total_ms))
        .bind(integer(usage.attempts))
        .bind(releases_key)
        .bind(amounts.balance.as_micros())
        .bind(amounts.held.as_micros())
        .bind(integer(amounts.entries))
        .bind(result.filter(|_| !releases_key))
        .execute(connection)
        .await?;
    Ok(())
}

/// Stores a change of credit in an account, which already has its new amounts.
pub(super) async fn append_entry(
    connection: &mut SqliteConnection,
    account: LedgerAccount,
    change: &CreditChange,
) -> Result<(), sqlx::Error> {
    query(sql::UPDATE_ACCOUNT)
        .bind(&change.account.as_bytes()[..])
        .bind(account.balance.as_micros())
        .bind(account.held.as_micros())
        .bind(integer(account.entries))
        .execute(&mut *connection)
        .await?;
    let kind = EntryKind::from(change.kind);
    query(sql::INSERT_ENTRY)
        .bind(&change.account.as_bytes()[..])
        .bind(integer(account.entries))
        .bind(change.amount.as_micros())
        .bind(account.balance.as_micros())
        .bind(kind.name())
        .bind(kind.contra().name())
        .bind(&change.key.as_bytes()[..])
        .bind(&change.reason)
        .bind(&change.operator)
        .bind(millis(change.now))
        .execute(connection)
        .await?;
    Ok(())
}
