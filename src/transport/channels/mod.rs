//! Channels: push delivery to users outside live sessions, and the webhooks of their messengers.
//!
//! - [`outbound`] has the HTTP client, the [`outbound::SendPolicy`] and the backoff of all
//!   channels.
//! - `signature` signs request bodies, and verifies the signatures of webhooks.
//! - [`bridge`] posts events to the operator's bridge.
//! - [`whatsapp`] connects users over Meta's Cloud API.
//!
//! Couriers decide when to deliver, the services what a message does; neither must be decided here.
//! To add a channel, implement [`Channel`] in a new file or folder and construct it in `app`. Its
//! webhook, if any, needs a line in [`routes`](super::routes).
//!
//! [`Channel`]: crate::delivery::channel::Channel

pub mod bridge;
pub mod outbound;
mod signature;
pub mod whatsapp;
