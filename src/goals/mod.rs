//! The toolset `goals`: goals, tasks and memories of a user, for an assistant.
//!
//! Reading order: [`item`] with what a user stores, [`journal`] with the writes and their rules, [`service`], [`tools`].
//! [`when`] reads dates in words and [`recurrence`] computes what repeats; both are pure. The backends are beside them.
//!
//! Invariants:
//!
//! - A write changes all of its items or none, has one number in the log of its owner, and is undone as a whole.
//! - A write with a known `request_id` is not executed again.
//! - Items belong to their owner alone: the items of others do not exist for a caller.
//! - Occurrences of a task are computed. Only a completion is stored, once for each occurrence.
//!
//! To add a tool, see [`tools`]; to add a kind of item, see [`item`]; to add a backend, implement
//! [`GoalsStore`](journal::store::GoalsStore) and add it to the suite in `tests/it/goals/`.

pub mod config;
pub mod error;
pub mod item;
pub mod journal;
pub mod migrations;
pub mod plan;
pub mod prompts;
pub mod recurrence;
pub mod resources;
pub mod search;
pub mod service;
mod sql;
pub mod store_memory;
pub mod store_postgres;
pub mod store_sqlite;
pub mod tools;
mod upkeep;
pub mod when;

/// The name in `TOOLSETS`.
pub const NAME: &str = "goals";
