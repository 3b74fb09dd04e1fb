//! The statements of PostgreSQL that reserve and settle in one round trip.
//!
//! Each locks the row of the account by its UPDATE, whose expressions use the newest version of the row. PostgreSQL
//! 15 can't return the amounts before an UPDATE, so `moved` has the amount that it has held or charged.

use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{Postgres, query};

use crate::gateway::ledger::ids::HoldId;
use crate::gateway::ledger::request::{Reservation, Settlement};
use crate::gateway::ledger::sql::integer;
use crate::gateway::ledger::usage::GatewayUsage;
use crate::gateway::money::MicroCredits;
use crate::kernel::sql::columns::millis;

/// A statement with its arguments.
pub(super) type LedgerStatement = Query<'static, Postgres, PgArguments>;

/// Places a hold in an account that exists, has enough and is within its limits, with a new key. Otherwise returns no row and changes
/// nothing, or violates a unique key if the same request is placed at the same time.
const RESERVE: &str = "WITH account AS ( \
     UPDATE gateway_accounts SET held = held + least($5, balance - held), \
     moved = least($5, balance - held), open_holds = open_holds + 1, \
     requests_free_at = greatest(requests_free_at, $12) + $13, \
     tokens_free_at = greatest(tokens_free_at, $12) + $14 \
     WHERE account = $2 AND balance - held >= $11 AND requests_free_at <= $15 \
     AND tokens_free_at <= $16 AND open_holds < $17 AND NOT EXISTS \
     (SELECT 1 FROM gateway_requests WHERE account = $2 AND request_key = $3) \
     RETURNING balance, held, moved, open_holds, requests_free_at, tokens_free_at \
     ), request AS ( \
     INSERT INTO gateway_requests (hold, account, request_key, body_hash, amount, node, \
     lease_until, started_at, provider, model) \
     SELECT $1, $2, $3, $4::bytea, moved, $6::bytea, $7::bigint, $8::bigint, $9::text, $10::text \
     FROM account \
     ) SELECT balance, held, moved, open_holds, requests_free_at, tokens_free_at FROM account";

/// A settlement of the hold that `$request` locks, with its account, its amount and its charge.
macro_rules! settle_with {
    ($request:literal) => {
        concat!(
            "WITH request AS (",
            $request,
            "), account AS ( \
             UPDATE gateway_accounts a SET held = a.held - request.amount, \
             open_holds = a.open_holds - 1, tokens_free_at = a.tokens_free_at + $20::bigint, \
             balance = a.balance - least(request.charge, request.amount + a.balance - a.held), \
             moved = least(request.charge, request.amount + a.balance - a.held), \
             entries = a.entries + CASE WHEN \
             least(request.charge, request.amount + a.balance - a.held) > 0 THEN 1 ELSE 0 END \
             FROM request WHERE a.account = request.account \
             RETURNING a.account, a.balance, a.held, a.moved, a.entries, request.charge \
             ), entry AS ( \
             INSERT INTO gateway_entries (account, number, amount, balance, kind, contra, hold, at) \
             SELECT account, entries, -moved, balance, 'charge', 'revenue', $1, $2 \
             FROM account WHERE moved > 0 \
             ), result AS ( \
             INSERT INTO gateway_results (hold, body, settled_at) SELECT $1, $19::bytea, $2 \
             FROM account WHERE $19::bytea IS NOT NULL AND NOT ($17 AND moved = 0) \
             ) UPDATE gateway_requests r SET charged = a.moved, uncollected = a.charge - a.moved, \
             settled_at = $2, provider = $3, response_model = $4, input_tokens = $5, \
             cache_read_tokens = $6, cache_write_tokens = $7, long_cache_write_tokens = $8, \
             output_tokens = $9, reasoning_tokens = $10, source = $11, status = $12, finish = $13, \
             first_token_ms = $14, total_ms = $15, attempts = $16, \
             request_key = CASE WHEN $17 AND a.moved = 0 THEN NULL ELSE r.request_key END \
             FROM account a WHERE r.hold = $1 \
             RETURNING a.account, a.balance, a.held, r.charged, r.uncollected, r.status"
        )
    };
}

/// Settles the open hold `$1`. Returns no row if it is not open.
const SETTLE: &str = settle_with!(
    "SELECT account, amount, $18::bigint AS charge FROM gateway_requests \
     WHERE hold = $1 AND settled_at IS NULL FOR UPDATE"
);

/// Settles the open hold `$1` with its checkpoint, if its leases have ended at `$2`. Leaves out one that another
/// transaction has locked.
const RECOVER: &str = settle_with!(
    "SELECT r.account, r.amount, r.checkpoint + $18::bigint AS charge FROM gateway_requests r \
     WHERE r.hold = $1 AND r.settled_at IS NULL AND r.lease_until <= $2 AND NOT EXISTS \
     (SELECT 1 FROM gateway_nodes n WHERE n.node = r.node AND n.lease_until > $2) \
     FOR UPDATE SKIP LOCKED"
);

pub(super) fn reserve(reservation: &Reservation) -> LedgerStatement {
    let claim = reservation.claim();
    query(RESERVE)
        .bind(reservation.hold.as_bytes().to_vec())
        .bind(reservation.account.as_bytes().to_vec())
        .bind(reservation.key.as_bytes().to_vec())
        .bind(reservation.body_hash.to_vec())
        .bind(reservation.ask.max(MicroCredits::ZERO).as_micros())
        .bind(reservation.node.as_bytes().to_vec())
        .bind(millis(reservation.lease_until))
        .bind(millis(reservation.now))
        .bind(reservation.provider.clone())
        .bind(reservation.model.clone())
        .bind(reservation.least.as_micros())
        .bind(claim.now)
        .bind(claim.requests)
        .bind(claim.tokens)
        .bind(claim.requests_until)
        .bind(claim.tokens_until)
        .bind(integer(claim.max_open_holds))
}

pub(super) fn settle(settlement: &Settlement) -> LedgerStatement {
    settle_by(SETTLE, settlement)
}

/// The statement of [`RECOVER`]. The charge of the settlement is added to that of the checkpoint.
pub(super) fn recover(settlement: &Settlement) -> LedgerStatement {
    settle_by(RECOVER, settlement)
}

fn settle_by(statement: &'static str, settlement: &Settlement) -> LedgerStatement {
    let GatewayUsage { tokens, .. } = settlement.usage;
    let usage = settlement.usage.clone();
    query(statement)
        .bind(hold(settlement.hold))
        .bind(millis(settlement.now))
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
        .bind(settlement.releases_key)
        .bind(settlement.charge.max(MicroCredits::ZERO).as_micros())
        .bind(settlement.result.clone())
        .bind(settlement.tokens_correction())
}

/// The bytes of an id as an argument.
pub(super) fn hold(hold: HoldId) -> Vec<u8> {
    hold.as_bytes().to_vec()
}
