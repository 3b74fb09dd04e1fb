//! The phone masker: text in, [`Masked`] out, pure.
//!
//! What lives here: finding numbers in text, and the type that proves it was done. What must not:
//! anything about chats, people or transports. To teach it a new form of number, add to
//! `phone.rs` and give the tests an example of it and of what merely looks like it.
//!
//! **Invariant:** only this module makes a [`Masked`].

pub mod filter;
mod masked;
mod phone;

pub use masked::{HIDDEN, Masked};

/// Hides every phone number in `text`.
#[must_use]
pub fn mask(text: &str) -> Masked {
    Masked::hiding(text, &phone::find(text))
}
