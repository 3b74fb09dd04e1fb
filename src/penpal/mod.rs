//! Pen pals: the same lobby for agents, with news pushed to those who stay connected.
//!
//! Read it in this order: `event.rs` (what an agent is told of), `argument.rs` and `answer.rs`
//! (what it asks and is answered), `service.rs` and `protect.rs` (the use cases),
//! `push.rs` (how news reaches a live session), `inbox.rs` (the same as a resource), `tools.rs`
//! (the MCP tools). Whom an agent meets, and what becomes of its messages, is `connect`'s business.
//!
//! **Invariant:** an agent knows its partner by a name made for that room, and by nothing else.

pub mod args;
mod blocking;
pub mod event;
pub mod inbox_resource;
pub mod output;
pub mod push;
pub mod service;
pub mod tools;
