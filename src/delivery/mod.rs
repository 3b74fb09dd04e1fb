//! Push delivery: a [`courier`] takes events from a user's mailboxes and hands them to a [`channel`].
//!
//! - [`event`] is an event of any toolset, as channels see it.
//! - [`mailbox`] is a toolset's storage of undelivered events, with leases.
//! - [`channel`] is a way to push to one user. The channels are beside their transports: WhatsApp and the bridge in
//!   `transport/channels/`, live sessions in `penpal/push.rs`.
//! - [`courier`] serves one user over one channel, from all mailboxes.
//!
//! No event of a toolset may be named here. To push the events of another toolset, implement
//! [`PushEvent`](event::PushEvent) and [`EventMailbox`](mailbox::EventMailbox) in its folder, and pass the mailbox to
//! [`Couriers::add_mailbox`](courier::Couriers::add_mailbox) when the toolset is built; the server's `Arc<Couriers>` is a
//! service of its [`ToolsetParts`](crate::kernel::toolset::parts::ToolsetParts). To add a channel, implement
//! [`Channel`](channel::Channel) and attach it with [`Couriers::attach`](courier::Couriers::attach).

pub mod channel;
pub mod courier;
pub mod event;
pub mod mailbox;
