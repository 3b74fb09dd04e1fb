//! Random Connect: strangers chat anonymously over WhatsApp through Puch AI, as an MCP server.
//!
//! ARCHITECTURE.md has the map. Imports run downward only: `app` → `transport` → `gateway`, `penpal` → `connect` →
//! `moderation`, `content` and `delivery` → `rate_limit`, `guard`, `mask` and `kernel`.

pub mod app;
pub mod cli;
pub mod config;
pub mod connect;
pub mod content;
pub mod credentials;
pub mod delivery;
pub mod demo;
pub mod gateway;
pub mod goals;
pub mod guard;
pub mod kernel;
pub mod mask;
pub mod moderation;
pub mod penpal;
pub mod rate_limit;
pub mod telemetry;
pub mod terminal;
pub mod transport;
