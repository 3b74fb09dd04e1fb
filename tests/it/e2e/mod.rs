//! Journeys: real clients against the real server over real sockets.

mod admin_moderation;
mod admin_operations;
mod block_and_report;
mod bridge;
mod cli;
mod content_filter;
mod conversation;
mod cross_channel;
mod engagement;
mod http_limits;
mod log_privacy;
mod mcp_protocol;
mod multi_instance;
mod pages;
mod penpal;
mod python_client;
mod redelivery;
mod short_form;
mod terminal;
mod whatsapp;
