//! The `connect` toolset: strangers are matched in a queue and chat in pairs.
//!
//! Its layers, from the lowest: [`profile`], [`lobby`], [`moderated`], then [`reply`], then the files of this
//! folder. No folder imports from a higher layer.
//!
//! A reading order: [`command`] (the input), [`lobby::action`] (the requests to the lobby),
//! [`lobby::manager`] (the state machine), [`lobby`] (the storage traits), [`moderated`] (the use
//! cases with blocks, suspensions and rate limits around any lobby), [`service`] (the use cases), [`reply`] (the text
//! of outcomes) and [`tools`] (the MCP tools).
//!
//! To add a command, add a row to [`command::COMMANDS`] and follow the compiler. To add a backend,
//! implement the traits of [`lobby`] in a `store_*` module, run the suite in `tests/it/` on it, and name
//! it in `app/stores.rs`.

pub mod chat_parts;
pub mod command;
pub mod config;
pub mod dto;
mod interpret;
pub mod lobby;
pub mod moderated;
pub mod new_user_limit;
pub mod profile;
pub mod push;
pub mod reaper;
pub mod relay;
pub mod reply;
pub mod service;
pub mod tools;
