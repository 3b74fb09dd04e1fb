//! Journeys: real clients against the real server over real sockets.

mod admin;
mod agent;
mod binary;
mod browser;
mod callback;
mod channels;
mod delivery;
mod dialogue;
mod graph;
mod guard;
mod instances;
mod kindness;
mod limits;
mod office;
mod pages;
mod penpal;
mod plain;
mod privacy;
mod protocol;
mod python;
#[path = "../redis_server/mod.rs"]
mod redis_server;
mod safety;
mod support;
mod terminal;
mod whatsapp;
