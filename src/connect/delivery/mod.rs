//! Push delivery: a [`courier`] takes items from a user's inbox and hands them to a [`channel`].
//!
//! The channels themselves are beside their transports: WhatsApp and the bridge in
//! `transport/channels/`, live sessions in `penpal/push.rs`. To add one, implement
//! [`Channel`](channel::Channel) there and attach it with
//! [`Couriers::attach`](courier::Couriers::attach).

pub mod channel;
pub mod courier;
