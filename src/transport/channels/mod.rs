//! Channels.

pub mod bridge;
pub mod outbound;
mod signature;
pub mod whatsapp;
