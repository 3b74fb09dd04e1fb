//! The gateway toolset: language models for users with a credit, over WebSocket, HTTP and MCP.
//!
//! Reading order: [`money`] has the unit of all amounts, `catalog/` the models with their prices, `ledger/` the
//! accounts, `provider/` the adapters to the providers, `routing/` the choice among them, `instances/` what instances
//! share besides the accounts, `service/` a request from its admission to its bill. `remote/` asks services of the
//! operator. The edges are in `transport/gateway/`.
//!
//! Invariants:
//!
//! - The sum of an account's entries is its balance, and its open holds are what is held.
//! - A request is charged at most once, and never more than its hold and the free balance.
//! - A request ends with exactly one answer, which is sent after its charge is stored.
//! - No text of a request or an answer is stored in the clear or logged.

pub mod accounts;
pub mod catalog;
pub mod config;
pub mod error;
pub mod instances;
pub mod ledger;
pub mod migrations;
pub mod model_port;
pub mod money;
pub mod plan;
pub mod provider;
pub mod remote;
pub mod routing;
pub mod service;
pub mod settings;
pub mod tools;
pub mod wire;
