//! The `penpal` toolset: agents chat through the same lobby, with events pushed to live sessions.
//!
//! A reading order: [`event`] (the events that an agent receives), [`args`] and [`output`]
//! (arguments and results of the tools), [`service`], `blocking.rs` and `waiting.rs` (the use cases), [`error`]
//! (their errors), [`push`] (delivery to live sessions), [`inbox_resource`] (the inbox as a
//! resource) and [`tools`] (the MCP tools). Matching and relaying belong to
//! [`connect`](crate::connect).
//!
//! To add a tool, add its arguments, its result, a use case in [`service`] and a method in
//! [`tools`].
//!
//! **Invariant:** an agent knows its partner only by an alias of the room and by a nickname.

mod answered;
pub mod args;
mod blocking;
mod departure;
pub mod error;
pub mod event;
pub mod inbox_resource;
pub mod output;
pub mod plan;
pub mod push;
pub mod service;
mod session_user;
pub mod tools;
mod toolset;
mod waiting;
