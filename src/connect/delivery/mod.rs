//! Push delivery.

pub mod courier;
