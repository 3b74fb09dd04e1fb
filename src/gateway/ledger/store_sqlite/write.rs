//! The statements of SQLite that write. A text with several statements is one round trip; a parameter has one number
//! in all of them.

use sqlx::{SqliteConnection, query};

use super::deductions::adopt_balance;
use crate::gateway::ledger::account::LedgerAccount;
use crate::gateway::ledger::entry::{CreditChange, EntryKind};
use crate::gateway::ledger::request::{
    PlacedHold, Reservation, ReserveOutcome, SettledRequest, Settlement,
};
use crate::gateway::ledger::sql::{self, LedgerRow, insert_request, integer};
use crate::gateway::ledger::sql_deduction;
use crate::gateway::money::MicroCredits;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;
use crate::kernel::sql::columns::millis;

/// Places a hold in an account that exists, has enough and is within its limits, with a new key. Otherwise returns no row and changes
/// nothing: the UPDATE then has changed no row.
const RESERVE: &str = "UPDATE gateway_accounts SET held = held + min($5, balance - held), \
     moved = min($5, balance - held), open_holds = open_holds + 1, \
     requests_free_at = max(requests_free_at, $12) + $13, \
     tokens_free_at = max(tokens_free_at, $12) + $14 \
     WHERE account = $2 AND balance - held >= $11 AND requests_free_at <= $15 \
     AND tokens_free_at <= $16 AND open_holds < $17 AND NOT EXISTS \
     (SELECT 1 FROM gateway_requests WHERE account = $2 AND request_key = $3) \
     RETURNING balance, held, moved, open_holds, requests_free_at, tokens_free_at; \
     INSERT INTO gateway_requests (hold, account, request_key, body_hash, amount, node, \
     lease_until, started_at, provider, model) \
     SELECT $1, $2, $3, $4, moved, $6, $7, $8, $9, $10 FROM gateway_accounts \
     WHERE account = $2 AND changes() > 0";

const PLACE_HOLD: &str = concat!(
    "UPDATE gateway_accounts SET held = $11, open_holds = $12, requests_free_at = $13, \
     tokens_free_at = $14 WHERE account = $2; ",
    insert_request!()
);

/// Settles the open hold `$1`. Returns no row and changes nothing if it is not open: the statement that ends it is
/// the last one.
const SETTLE: &str = "UPDATE gateway_accounts AS a SET held = a.held - r.amount, \
     open_holds = a.open_holds - 1, tokens_free_at = a.tokens_free_at + $20, \
     balance = a.balance - min($18, r.amount + a.balance - a.held), \
     moved = min($18, r.amount + a.balance - a.held), \
     entries = a.entries + (min($18, r.amount + a.balance - a.held) > 0) \
     FROM (SELECT account, amount FROM gateway_requests WHERE hold = $1 AND settled_at IS NULL) AS r \
     WHERE a.account = r.account RETURNING balance, held, moved; \
     INSERT INTO gateway_entries (account, number, amount, balance, kind, contra, hold, at) \
     SELECT a.account, a.entries, -a.moved, a.balance, 'charge', 'revenue', $1, $2 \
     FROM gateway_requests r JOIN gateway_accounts a ON a.account = r.account \
     WHERE r.hold = $1 AND r.settled_at IS NULL AND a.moved > 0; \
     INSERT INTO gateway_results (hold, body, settled_at) SELECT $1, $19, $2 \
     FROM gateway_requests r JOIN gateway_accounts a ON a.account = r.account \
     WHERE $19 IS NOT NULL AND r.hold = $1 AND r.settled_at IS NULL \
     AND NOT ($17 AND a.moved = 0); \
     UPDATE gateway_requests AS r SET charged = a.moved, uncollected = $18 - a.moved, \
     settled_at = $2, provider = $3, response_model = $4, input_tokens = $5, \
     cache_read_tokens = $6, cache_write_tokens = $7, long_cache_write_tokens = $8, \
     output_tokens = $9, reasoning_tokens = $10, source = $11, status = $12, finish = $13, \
     first_token_ms = $14, total_ms = $15, attempts = $16, \
     request_key = CASE WHEN $17 AND a.moved = 0 THEN NULL ELSE r.request_key END \
     FROM gateway_accounts a WHERE r.hold = $1 AND r.settled_at IS NULL AND a.account = r.account";

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
    adopt_balance(&mut *connection, reservation, placed).await?;
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
        .bind(integer(placed.account.used.open_holds))
        .bind(placed.account.used.requests_free_at)
        .bind(placed.account.used.tokens_free_at)
        .execute(&mut *connection)
        .await?;
    if let Some(credit) = &reservation.service {
        query(sql_deduction::SET_PAYER)
            .bind(&reservation.hold.as_bytes()[..])
            .bind(&credit.payer)
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// Tries to place a hold in one round trip. `None` leaves the decision to the rules, and nothing is changed.
pub(super) async fn try_reserve(
    connection: &mut SqliteConnection,
    reservation: &Reservation,
) -> Result<Option<ReserveOutcome>, sqlx::Error> {
    let claim = reservation.claim();
    // All rows are read, so that all statements are executed.
    let rows = query(RESERVE)
        .bind(&reservation.hold.as_bytes()[..])
        .bind(&reservation.account.as_bytes()[..])
        .bind(&reservation.key.as_bytes()[..])
        .bind(&reservation.body_hash[..])
        .bind(reservation.ask.max(MicroCredits::ZERO).as_micros())
        .bind(&reservation.node.as_bytes()[..])
        .bind(millis(reservation.lease_until))
        .bind(millis(reservation.now))
        .bind(&reservation.provider)
        .bind(&reservation.model)
        .bind(reservation.least.as_micros())
        .bind(claim.now)
        .bind(claim.requests)
        .bind(claim.tokens)
        .bind(claim.requests_until)
        .bind(claim.tokens_until)
        .bind(integer(claim.max_open_holds))
        .fetch_all(connection)
        .await?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some(ReserveOutcome::Reserved {
        amount: row.amount("moved")?,
        balance: row.amount("balance")?,
        held: row.amount("held")?,
        limits: sql::limit_states(row, reservation)?,
    }))
}

/// Settles a hold in one round trip. `None` if it is not open.
pub(super) async fn try_settle(
    connection: &mut SqliteConnection,
    settlement: Settlement,
) -> Result<Option<SettledRequest>, sqlx::Error> {
    let tokens_correction = settlement.tokens_correction();
    let Settlement { hold, usage, result, releases_key, now, .. } = settlement;
    let charge = settlement.charge.max(MicroCredits::ZERO);
    let (tokens, status) = (usage.tokens, usage.status);
    let rows = query(SETTLE)
        .bind(&hold.as_bytes()[..])
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
        .bind(status.name())
        .bind(usage.finish)
        .bind(usage.first_token_ms.map(integer))
        .bind(integer(usage.total_ms))
        .bind(integer(usage.attempts))
        .bind(releases_key)
        .bind(charge.as_micros())
        .bind(result)
        .bind(tokens_correction)
        .fetch_all(connection)
        .await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let charged = row.amount("moved")?;
    Ok(Some(SettledRequest {
        status,
        charged,
        uncollected: charge.minus(charged),
        balance: row.amount("balance")?,
        held: row.amount("held")?,
    }))
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
        .bind(integer(account.used.open_holds))
        .bind(account.used.requests_free_at)
        .bind(account.used.tokens_free_at)
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
