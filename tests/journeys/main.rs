//! Journeys: real clients against the real server over real sockets.

mod binary;
mod delivery;
mod dialogue;
mod limits;
mod plain;
mod privacy;
mod protocol;
mod support;
