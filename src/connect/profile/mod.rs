//! User profiles: [`nickname::Nickname`], [`interest::Interests`] and [`language::Language`].
//!
//! The values are validated here, so that a value that exists may be shown to a stranger.
//! [`impersonation`] keeps names from imitating a line of the system, and `staff_names` from claiming
//! to be its staff.
//!
//! This layer does not know chats, queues or stores; those are in `lobby/`.
//! To add a field to the profile, add a file with its type and its checks.

mod folding;
pub mod impersonation;
pub mod interest;
pub mod language;
pub mod nickname;
mod staff_names;
mod system_phrases;
