//! The integration tests, in one binary, so that the crate is linked only once.
//!
//! A test's name begins with its feature, and its file is named after that feature:
//! `cargo test --test it rate_limit_` runs all tests of the rate limits. Tests of the whole server
//! over real sockets are in `e2e/`, tests of every lobby backend in `lobby/`, and tests of other
//! public parts of the crate beside this file. Servers, clients and stand-ins are in `support/`,
//! which has no tests; `tests/fixtures/` has a toolset for tests. `tests/relay_allocations.rs` is a separate binary, because the heap counters
//! belong to the process.
//!
//! To add a test, name it `<feature>_<behavior>` and put it into the file of its feature. A new
//! file also needs a `mod` line here, or in the `mod.rs` of its folder.

mod api_key_service;
mod api_key_store;
mod architecture;
mod backup;
mod backup_postgres;
mod connect_service;
mod courier;
mod deploy_files;
mod docs;
mod e2e;
mod event_mailbox;
#[path = "../fixtures/mod.rs"]
mod fixtures;
mod gateway_catalog;
mod gateway_catalog_money;
mod gateway_ledger;
mod gateway_lost_answers;
mod gateway_provider;
mod gateway_routing;
mod goals;
mod import_graph;
mod language_detection;
mod language_model;
mod lobby;
mod mask_corpus;
mod mask_kinds;
mod mask_linear;
mod mask_properties;
mod migrations;
mod moderation_attack;
mod moderation_dates;
mod moderation_differential;
mod moderation_operator_store;
mod moderation_store;
mod prompt_injection;
mod prose;
mod rate_limit;
mod settings;
mod signed_tokens;
mod sql_database;
mod sql_postgres;
mod store_errors;
mod store_health;
mod support;
mod tally;
mod tls;
mod vault;
mod whatsapp_webhook;
