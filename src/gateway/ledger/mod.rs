//! The accounts of the gateway: balances, holds, entries and usage.
//!
//! Reading order: [`ids`], [`account`] with the arithmetic, [`limits`], [`request`] with the life of a hold, [`entry`],
//! [`usage`], [`deduction`] for accounts whose balance another service has, and [`store`] with the contract of a
//! backend.
//!
//! Invariants, which [`GatewayLedger::audit`](store::GatewayLedger::audit) checks:
//!
//! - The sum of an account's entries is its balance, and the sum of its open holds is what is held.
//! - An account never owes: `0 <= held <= balance`.
//! - The number of open holds of an account is what its limit compares.
//! - A hold is settled once, and a request key is charged at most once.
//! - Each entry has a contra account, so that the sum of all is zero. Entries are never changed or deleted.
//!
//! Prices, models and texts of requests must not appear here. To add a backend, implement
//! [`GatewayLedger`](store::GatewayLedger) and add it to the suite in `tests/it/gateway_ledger/`.

pub mod account;
pub mod deduction;
pub mod entry;
pub mod export;
pub mod ids;
pub mod limits;
pub mod request;
mod sql;
mod sql_deduction;
pub mod store;
pub mod store_memory;
pub mod store_postgres;
pub mod store_sqlite;
pub mod usage;
