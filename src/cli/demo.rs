//! [`DemoCommand`]: the demonstrations of `demo`.

use clap::Subcommand;

#[derive(Subcommand)]
pub enum DemoCommand {
    /// Ask two language models through the gateway, and see what they cost
    ///
    /// One provider answers, breaks, and another one takes over; then the bill is compared to the invoices of both. The
    /// providers are part of the program, so that it needs no key. NO_COLOR=1 prints no colors.
    Gateway,
}
