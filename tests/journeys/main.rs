//! Journeys: real clients against the real server over real sockets.

mod agent;
mod binary;
mod callback;
mod delivery;
mod dialogue;
mod graph;
mod limits;
mod penpal;
mod plain;
mod privacy;
mod protocol;
mod python;
mod support;
mod whatsapp;
