//! Tests.

mod architecture;
mod connect_service;
mod courier;
mod docs;
mod e2e;
mod language_detection;
mod lobby;
mod mask_corpus;
mod mask_linear;
mod mask_properties;
mod moderation_store;
mod prompt_injection;
mod prose;
mod rate_limit;
mod support;
mod whatsapp_webhook;
