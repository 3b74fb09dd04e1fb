//! Test support: servers, clients and stand-ins. No tests live here.
//!
//! - [`api_key_backends`]: one store of API keys of each kind.
//! - [`backends`]: which backends the suites of the stores run on.
//! - [`chats`]: chats of users, and users with a history.
//! - [`server`]: the real server in this process, with its HTTP and MCP callers.
//! - [`server_process`]: the binary as a process.
//! - [`held_calls`]: a toolset whose answers a test holds back.
//! - [`key_commands`]: the commands of `key` beside a server.
//! - [`live_client`]: a client of the three live transports; `session_http` has its connections over HTTP.
//! - [`stdio_client`]: a client of the `stdio` command.
//! - [`provider_stand_in`]: a provider of language models, with faults and an invoice.
//! - [`gateway_socket`]: a client of the gateway's WebSocket, and a gateway with its providers.
//! - [`auth_service`]: the service of `AUTH_SERVICE_URL`, with faults.
//! - [`credit_service`]: the service of `CREDIT_SERVICE_URL`, with faults.
//! - [`raw_websocket`]: a WebSocket client that can break the protocol.
//! - [`browser`]: a real browser, for the pages.
//! - [`graph_api`]: stand-ins for the HTTP servers that this server sends requests to.
//! - [`terminal_process`]: the binary in a pseudo-terminal, or with pipes.
//! - [`moderated`]: a lobby with moderation, without a server.
//! - [`moderation_backends`]: one moderation store of each kind.
//! - [`temp_database`]: a file for a database.
//! - [`tokens`]: signed tokens, valid or not.
//! - [`openid_provider`]: an OpenID provider whose keys a test changes.
//! - [`postgres_server`]: an empty PostgreSQL database for one test.
//! - [`redis_server`] and [`redis_wire`]: a real Redis for one test, and raw commands to it.
//!
//! Each type stops its process or task when it is dropped. To add one, start it on a free loopback
//! port, so that tests can run concurrently.

pub(crate) mod api_key_backends;
pub(crate) mod auth_service;
pub(crate) mod backends;
pub(crate) mod browser;
pub(crate) mod chats;
pub(crate) mod credit_service;
pub(crate) mod gateway_socket;
pub(crate) mod graph_api;
pub(crate) mod held_calls;
pub(crate) mod key_commands;
pub(crate) mod live_client;
pub(crate) mod moderated;
pub(crate) mod moderation_backends;
pub(crate) mod openid_provider;
pub(crate) mod postgres_server;
pub(crate) mod provider_stand_in;
pub(crate) mod raw_websocket;
pub(crate) mod redis_server;
pub(crate) mod redis_wire;
pub(crate) mod scripted_model;
pub(crate) mod server;
pub(crate) mod server_process;
mod session_http;
pub(crate) mod stdio_client;
pub(crate) mod temp_database;
pub(crate) mod terminal_process;
pub(crate) mod tokens;
