//! The contract of `GatewayLedger` on every backend, and random operations that all must answer equally.
//!
//! To run it on a new backend, add it to [`backends::ledger_backends`].

mod backends;
mod concurrency;
mod credits;
mod deductions;
mod differential;
mod limits;
mod recovery;
mod requests;
mod upgrade;
mod usage_pages;
