//! End-to-end tests: real clients against the real server over real sockets.
//!
//! Each file has the tests of one feature, as its users see it. Most start a
//! [`TestServer`](crate::support::server::TestServer) in this process; `cli`, `demo`, `terminal` and
//! `log_privacy` start the binary. Rules that need no server are tested beside their code.
//!
//! `snapshots/` has the schema of each MCP tool, because models read it: a changed schema needs a
//! reviewed snapshot.

mod access;
mod access_property;
mod admin_moderation;
mod admin_operations;
mod api_key_operator;
mod api_keys;
mod auth;
mod backup;
mod backup_killed;
mod block_and_report;
mod bridge;
mod cancelled_waits;
mod cli;
mod cli_check;
mod content_filter;
mod conversation;
mod cross_channel;
mod database_beside_redis;
mod database_secrets;
mod database_start;
mod demo;
mod engagement;
mod full_disk;
mod gateway;
mod gateway_accounts;
mod gateway_api;
mod gateway_export;
mod gateway_operator;
mod gateway_pages;
mod gateway_port;
mod goals;
mod goals_resources;
mod hostile;
mod http_limits;
mod http_memory;
mod live_session;
mod log_privacy;
mod mcp_capabilities;
mod mcp_errors;
mod mcp_protocol;
mod metrics;
mod multi_instance;
mod new_toolset;
mod oauth;
mod origin;
mod pages;
mod penpal;
mod proxy;
mod python_client;
mod quotas;
mod redelivery;
mod redis_eviction;
mod session_streams;
mod short_form;
mod shutdown;
mod signed_tokens;
mod state_file;
mod terminal;
mod toolset_offers;
mod typescript_client;
mod webhook;
mod websocket;
mod whatsapp;
