//! [`WriterOptions`]: the parts of an answer that the gateway chooses.

use crate::kernel::clock::Timestamp;

/// The parts of an answer that the gateway chooses.
#[derive(Clone, Debug)]
pub struct WriterOptions {
    /// The id of the answer, without the prefix of the format.
    pub id: String,
    /// The time of the answer.
    pub created: Timestamp,
    /// Whether the caller asked for the usage at the end of a stream of chat completions
    /// (`stream_options.include_usage`).
    pub include_usage: bool,
}
