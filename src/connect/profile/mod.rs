//! Profiles.

pub mod impersonation;
pub mod interest;
pub mod language;
pub mod nickname;
