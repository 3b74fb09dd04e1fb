//! Statements and columns that are the same on both engines.
//!
//! Parameters are `$1`, `$2`, which sqlx also understands on SQLite.

use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Error, Row};

use super::account::LedgerAccount;
use super::entry::{CONTRA_ACCOUNTS, EntryKind, LedgerEntry};
use super::ids::HoldId;
use super::limits::{AccountLimitStates, UsedLimits};
use super::request::{AnsweredRequest, KeyOwner, Reservation, SettledRequest};
use super::store::{LedgerAudit, OpenHoldTotals};
use super::usage::{
    GatewayUsage, GatewayUsageRow, UsageFilter, UsageOrder, UsagePosition, UsageSource, UsageStatus,
};
use crate::gateway::money::MicroCredits;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;
use crate::kernel::model::ModelUsage;
use crate::kernel::sql::columns::{millis, timestamp};

/// The columns of usage, which [`usage_row`] reads.
macro_rules! usage_columns {
    () => {
        "r.hold, r.account, r.provider, r.model, r.settled_at, r.charged, r.uncollected, \
         r.response_model, r.input_tokens, r.cache_read_tokens, r.cache_write_tokens, \
         r.long_cache_write_tokens, r.output_tokens, r.reasoning_tokens, r.source, r.status, \
         r.finish, r.first_token_ms, r.total_ms, r.attempts"
    };
}

/// The columns of an account `a`, which [`account`] reads.
macro_rules! account_columns {
    () => {
        "a.balance, a.held, a.entries, a.open_holds, a.requests_free_at, a.tokens_free_at, \
         a.deducted"
    };
}
pub(super) use account_columns;

macro_rules! insert_request {
    () => {
        "INSERT INTO gateway_requests (hold, account, request_key, body_hash, amount, node, \
         lease_until, started_at, provider, model) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
    };
}
pub(super) use insert_request;

/// The account `$1` and the owner of the key `$2`. One row, if neither exists too.
pub(super) const READ_KEY: &str = concat!(
    "SELECT ",
    account_columns!(),
    ", r.body_hash, r.amount, s.body, ",
    usage_columns!(),
    " FROM (SELECT 1) AS one LEFT JOIN gateway_accounts a ON a.account = $1 \
     LEFT JOIN gateway_requests r ON r.account = $1 AND r.request_key = $2 \
     LEFT JOIN gateway_results s ON s.hold = r.hold"
);

/// The hold `$1` with its account.
pub(super) const READ_HOLD: &str = "SELECT a.balance, a.held, a.entries, r.account, r.amount, \
     r.settled_at, r.charged, r.uncollected, r.status \
     FROM gateway_requests r JOIN gateway_accounts a ON a.account = r.account WHERE r.hold = $1";

pub(super) const READ_ACCOUNT: &str =
    concat!("SELECT ", account_columns!(), " FROM gateway_accounts a WHERE account = $1");

/// Inserts no row if the account exists.
pub(super) const INSERT_ACCOUNT: &str = "INSERT INTO gateway_accounts (account, balance, held, \
     entries) VALUES ($1, $2, 0, $3) ON CONFLICT (account) DO NOTHING";

pub(super) const UPDATE_ACCOUNT: &str = "UPDATE gateway_accounts SET balance = $2, held = $3, \
     entries = $4, open_holds = $5, requests_free_at = $6, tokens_free_at = $7 WHERE account = $1";

pub(super) const INSERT_REQUEST: &str = insert_request!();

pub(super) const INSERT_ENTRY: &str = "INSERT INTO gateway_entries (account, number, amount, \
     balance, kind, contra, entry_key, reason, operator, at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

/// The change of credit of the account `$1` with the key `$2`.
pub(super) const READ_ENTRY_KEY: &str =
    "SELECT amount, kind FROM gateway_entries WHERE account = $1 AND entry_key = $2";

/// Entries of the account `$1` with numbers below `$2`, at most `$3`.
pub(super) const READ_ENTRIES: &str = "SELECT number, amount, balance, kind, hold, reason, \
     operator, at FROM gateway_entries WHERE account = $1 AND number < $2 \
     ORDER BY number DESC LIMIT $3";

/// Open holds whose leases have ended at `$1`, at most `$2`.
pub(super) const EXPIRED: &str = "SELECT r.hold, r.account, r.checkpoint, r.provider, r.started_at \
     FROM gateway_requests r WHERE r.settled_at IS NULL AND r.lease_until <= $1 \
     AND NOT EXISTS (SELECT 1 FROM gateway_nodes n WHERE n.node = r.node AND n.lease_until > $1) \
     ORDER BY r.hold LIMIT $2";

pub(super) const RENEW: &str = "INSERT INTO gateway_nodes (node, lease_until) VALUES ($1, $2) \
     ON CONFLICT (node) DO UPDATE SET lease_until = excluded.lease_until \
     WHERE excluded.lease_until > gateway_nodes.lease_until";

pub(super) const OPEN_HOLDS: &str = "SELECT count(*) AS count, \
     CAST(coalesce(sum(amount), 0) AS BIGINT) AS amount, min(started_at) AS oldest \
     FROM gateway_requests WHERE settled_at IS NULL";

/// Deletes at most `$2` results of requests that were settled until `$1`.
pub(super) const PURGE_RESULTS: &str = "DELETE FROM gateway_results WHERE hold IN \
     (SELECT hold FROM gateway_results WHERE settled_at <= $1 ORDER BY settled_at LIMIT $2)";

/// Deletes at most `$2` requests that were settled until `$1`.
pub(super) const PURGE_REQUESTS: &str = "DELETE FROM gateway_requests WHERE hold IN \
     (SELECT hold FROM gateway_requests WHERE settled_at <= $1 AND payer IS NULL \
     ORDER BY settled_at, hold LIMIT $2)";

pub(super) const PURGE_NODES: &str = "DELETE FROM gateway_nodes WHERE lease_until <= $1";

pub(super) const AUDIT_ACCOUNTS: &str = "SELECT count(*) AS accounts, \
     CAST(coalesce(sum(a.balance), 0) AS BIGINT) AS balances, \
     CAST(coalesce(sum(a.held), 0) AS BIGINT) AS held, \
     CAST(coalesce(sum(CASE WHEN a.balance = coalesce(e.total, 0) AND a.held = coalesce(r.total, 0) \
     AND a.open_holds = coalesce(r.count, 0) THEN 0 ELSE 1 END), 0) AS BIGINT) AS wrong \
     FROM gateway_accounts a \
     LEFT JOIN (SELECT account, sum(amount) AS total FROM gateway_entries GROUP BY account) e \
     ON e.account = a.account \
     LEFT JOIN (SELECT account, sum(amount) AS total, count(*) AS count FROM gateway_requests \
     WHERE settled_at IS NULL GROUP BY account) r ON r.account = a.account";

pub(super) const AUDIT_CONTRA: &str = "SELECT contra, CAST(-sum(amount) AS BIGINT) AS balance \
     FROM gateway_entries GROUP BY contra";

pub(super) const AUDIT_CHARGES: &str = "SELECT count(*) AS repeated FROM (SELECT hold \
     FROM gateway_entries WHERE hold IS NOT NULL GROUP BY hold HAVING count(*) > 1) AS charges";

/// The statement of [`UsageBounds`], for all accounts or for `$6`.
pub(super) const fn usage_statement(filter: &UsageFilter) -> &'static str {
    macro_rules! select {
        ($account:literal, $direction:literal, $order:literal) => {
            concat!(
                "SELECT ",
                usage_columns!(),
                " FROM gateway_requests r WHERE ",
                $account,
                "r.settled_at >= $1 AND r.settled_at < $2 AND (r.settled_at, r.hold) ",
                $direction,
                " ($3, $4) ORDER BY r.settled_at ",
                $order,
                ", r.hold ",
                $order,
                " LIMIT $5"
            )
        };
    }
    match (filter.account, filter.order) {
        (None, UsageOrder::OldestFirst) => select!("", ">", "ASC"),
        (None, UsageOrder::NewestFirst) => select!("", "<", "DESC"),
        (Some(_), UsageOrder::OldestFirst) => select!("r.account = $6 AND ", ">", "ASC"),
        (Some(_), UsageOrder::NewestFirst) => select!("r.account = $6 AND ", "<", "DESC"),
    }
}

/// The first five parameters of [`usage_statement`].
pub(super) struct UsageBounds {
    pub from: i64,
    pub to: i64,
    pub after_at: i64,
    pub after_hold: Vec<u8>,
    pub limit: i64,
}

impl UsageBounds {
    /// The bounds of `limit` rows.
    pub fn new(filter: &UsageFilter, after: Option<UsagePosition>, limit: usize) -> Self {
        let (after_at, after_hold) = match (after, filter.order) {
            (Some(UsagePosition { at, hold }), _) => (millis(at), hold.as_bytes().to_vec()),
            (None, UsageOrder::OldestFirst) => (-1, Vec::new()),
            (None, UsageOrder::NewestFirst) => (i64::MAX, Vec::new()),
        };
        Self {
            from: filter.from.map_or(0, millis),
            to: filter.to.map_or(i64::MAX, millis),
            after_at,
            after_hold,
            limit: integer(limit),
        }
    }
}

/// A number as a column has it; the largest one if it is larger.
pub(super) fn integer(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

/// A row of either engine. A column that is absent from the row is an error.
pub(super) trait LedgerRow {
    fn number(&self, column: &str) -> Result<Option<i64>, Error>;
    fn bytes(&self, column: &str) -> Result<Option<Vec<u8>>, Error>;
    fn text(&self, column: &str) -> Result<Option<String>, Error>;

    /// The number in a column that is not NULL.
    fn value(&self, column: &str) -> Result<i64, Error> {
        self.number(column)?.ok_or_else(|| unreadable(column))
    }

    fn amount(&self, column: &str) -> Result<MicroCredits, Error> {
        self.value(column).map(MicroCredits::from_micros)
    }

    fn count(&self, column: &str) -> Result<Option<u64>, Error> {
        Ok(self.number(column)?.map(i64::unsigned_abs))
    }

    fn time(&self, column: &str) -> Result<Timestamp, Error> {
        self.value(column).map(timestamp)
    }

    fn array<const N: usize>(&self, column: &str) -> Result<Option<[u8; N]>, Error> {
        let bytes = self.bytes(column)?;
        bytes.map(|bytes| bytes.try_into().map_err(|_| unreadable(column))).transpose()
    }

    fn named<T>(&self, column: &str, parse: fn(&str) -> Option<T>) -> Result<T, Error> {
        self.text(column)?.as_deref().and_then(parse).ok_or_else(|| unreadable(column))
    }
}

impl LedgerRow for SqliteRow {
    fn number(&self, column: &str) -> Result<Option<i64>, Error> {
        self.try_get(column)
    }

    fn bytes(&self, column: &str) -> Result<Option<Vec<u8>>, Error> {
        self.try_get(column)
    }

    fn text(&self, column: &str) -> Result<Option<String>, Error> {
        self.try_get(column)
    }
}

impl LedgerRow for PgRow {
    fn number(&self, column: &str) -> Result<Option<i64>, Error> {
        self.try_get(column)
    }

    fn bytes(&self, column: &str) -> Result<Option<Vec<u8>>, Error> {
        self.try_get(column)
    }

    fn text(&self, column: &str) -> Result<Option<String>, Error> {
        self.try_get(column)
    }
}

fn unreadable(column: &str) -> Error {
    Error::Decode(format!("the column {column} has a value of another version").into())
}

/// The account of a row. `None` if it does not exist.
pub(super) fn account(row: &impl LedgerRow) -> Result<Option<LedgerAccount>, Error> {
    let Some(balance) = row.number("balance")? else { return Ok(None) };
    let entries = row.value("entries")?.unsigned_abs();
    Ok(Some(LedgerAccount {
        balance: MicroCredits::from_micros(balance),
        held: row.amount("held")?,
        entries,
        deducted: row.amount("deducted")?,
        used: used_limits(row)?,
    }))
}

fn used_limits(row: &impl LedgerRow) -> Result<UsedLimits, Error> {
    Ok(UsedLimits {
        open_holds: row.value("open_holds")?.unsigned_abs(),
        requests_free_at: row.value("requests_free_at")?,
        tokens_free_at: row.value("tokens_free_at")?,
    })
}

/// The states of the limits after a reservation, from the row of its account.
pub(super) fn limit_states(
    row: &impl LedgerRow,
    reservation: &Reservation,
) -> Result<Option<AccountLimitStates>, Error> {
    let Some(limits) = reservation.limits else { return Ok(None) };
    Ok(Some(limits.states(&used_limits(row)?, reservation.now)))
}

pub(super) fn hold(row: &impl LedgerRow) -> Result<HoldId, Error> {
    row.array("hold")?.map(HoldId::from_bytes).ok_or_else(|| unreadable("hold"))
}

pub(super) fn user(row: &impl LedgerRow) -> Result<UserId, Error> {
    row.array("account")?.map(UserId::from_bytes).ok_or_else(|| unreadable("account"))
}

/// The owner of the key in a row of [`READ_KEY`].
pub(super) fn key_owner(row: &impl LedgerRow) -> Result<Option<KeyOwner>, Error> {
    let Some(body_hash) = row.array("body_hash")? else { return Ok(None) };
    let answered = if row.number("settled_at")?.is_some() {
        Some(AnsweredRequest { usage: usage_row(row)?, result: row.bytes("body")? })
    } else {
        None
    };
    Ok(Some(KeyOwner { hold: hold(row)?, body_hash, amount: row.amount("amount")?, answered }))
}

/// The settlement in a row, which has its columns and those of the account.
pub(super) fn settled(row: &impl LedgerRow) -> Result<SettledRequest, Error> {
    Ok(SettledRequest {
        status: row.named("status", UsageStatus::from_name)?,
        charged: row.amount("charged")?,
        uncollected: row.amount("uncollected")?,
        balance: row.amount("balance")?,
        held: row.amount("held")?,
    })
}

pub(super) fn usage_row(row: &impl LedgerRow) -> Result<GatewayUsageRow, Error> {
    Ok(GatewayUsageRow {
        account: user(row)?,
        hold: hold(row)?,
        model: row.text("model")?.unwrap_or_default(),
        usage: GatewayUsage {
            provider: row.text("provider")?.unwrap_or_default(),
            response_model: row.text("response_model")?,
            tokens: ModelUsage {
                input_tokens: row.count("input_tokens")?,
                cache_read_tokens: row.count("cache_read_tokens")?,
                cache_write_tokens: row.count("cache_write_tokens")?,
                long_cache_write_tokens: row.count("long_cache_write_tokens")?,
                output_tokens: row.count("output_tokens")?,
                reasoning_tokens: row.count("reasoning_tokens")?,
            },
            source: row.named("source", UsageSource::from_name)?,
            status: row.named("status", UsageStatus::from_name)?,
            finish: row.text("finish")?,
            first_token_ms: row.count("first_token_ms")?,
            total_ms: row.count("total_ms")?.unwrap_or_default(),
            attempts: u32::try_from(row.value("attempts")?).unwrap_or(u32::MAX),
        },
        charged: row.amount("charged")?,
        uncollected: row.amount("uncollected")?,
        at: row.time("settled_at")?,
    })
}

pub(super) fn entry(row: &impl LedgerRow) -> Result<LedgerEntry, Error> {
    Ok(LedgerEntry {
        number: row.value("number")?.unsigned_abs(),
        amount: row.amount("amount")?,
        balance: row.amount("balance")?,
        kind: row.named("kind", EntryKind::from_name)?,
        hold: row.array("hold")?.map(HoldId::from_bytes),
        reason: row.text("reason")?,
        operator: row.text("operator")?,
        at: row.time("at")?,
    })
}

pub(super) fn open_holds(row: &impl LedgerRow) -> Result<OpenHoldTotals, Error> {
    Ok(OpenHoldTotals {
        count: row.value("count")?.unsigned_abs(),
        amount: row.amount("amount")?,
        oldest: row.number("oldest")?.map(timestamp),
    })
}

/// The audit from the rows of its three statements.
pub(super) fn audit<R: LedgerRow>(
    accounts: &R,
    contra: &[R],
    charges: &R,
) -> Result<LedgerAudit, Error> {
    let mut audit = LedgerAudit {
        accounts: accounts.value("accounts")?.unsigned_abs(),
        balances: accounts.amount("balances")?,
        held: accounts.amount("held")?,
        wrong_accounts: accounts.value("wrong")?.unsigned_abs(),
        repeated_charges: charges.value("repeated")?.unsigned_abs(),
        contra: Vec::new(),
    };
    for named in CONTRA_ACCOUNTS {
        for row in contra {
            if row.text("contra")?.as_deref() == Some(named.name()) {
                audit.contra.push((named, row.amount("balance")?));
            }
        }
    }
    Ok(audit)
}
