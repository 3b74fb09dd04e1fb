//! Random Connect itself: strangers meet in a queue and talk in pairs.
//!
//! Read it in this order: `command.rs` (what people type), `action.rs` (what the lobby can be
//! asked), `manager.rs` (the state machine, with `people.rs`, `person.rs`, `matching.rs`, `queue.rs`,
//! `chat.rs`, `inbox.rs`, `heard.rs`, `replay.rs` and `sweep.rs`, and `operator.rs` for who runs it),
//! `lobby.rs` (the storage seam), `guarded.rs` (whom people are protected by), `service.rs` (the use
//! cases), `reply.rs` and `compose.rs` (the words, from the files in `words/`), `tools.rs` (the MCP tools).
//!
//! To add a command, add a row to `command.rs` and follow the compiler. To add a backend, write a
//! `store_*.rs` against [`lobby::Lobby`], run the suite in `tests/` on it and name it in `app/stores.rs`.

pub mod command;
pub mod delivery;
pub mod lobby;
pub mod moderated;
pub mod new_user_limit;
pub mod profile;
pub mod relay;
pub mod reply;
pub mod service;
pub mod tools;

pub use lobby::reaper::{broadcast_all, run_reaper, sweep_all};
