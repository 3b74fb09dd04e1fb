//! [`ProviderLimits`]: time and size limits of an answer.

use std::time::Duration;

use crate::gateway::catalog::provider::ProviderTimeLimits;

/// Time and size limits of an answer.
///
/// An answer that is not streamed has no limit but [`Self::connect`] and [`Self::total`], because its headers come when
/// it is complete.
#[derive(Clone, Copy, Debug)]
pub struct ProviderLimits {
    /// From the first packet to the connection.
    pub connect: Duration,
    /// From the request to the headers of its answer, with [`Self::connect`].
    pub headers: Duration,
    /// From the request to the first part of the text, the reasoning or a call of a tool.
    pub first_content: Duration,
    /// Between two events with data, after the first content. Comments, pings and empty events do not count.
    pub silence: Duration,
    /// From the finish of an answer to its usage, for providers that send it later.
    pub late_usage: Duration,
    /// From the request to the end of its answer.
    pub total: Duration,
    /// Maximum size of an event of a stream, in bytes.
    pub event_bytes: usize,
    /// Maximum size of an answer that is not streamed, in bytes.
    pub answer_bytes: usize,
    /// Maximum number of idle connections to one host.
    pub idle_connections: usize,
}

impl ProviderLimits {
    /// These limits, changed by those of a provider.
    ///
    /// Its limit of the first content is also that of the headers, because many servers send both at the same time.
    #[must_use]
    pub fn with(self, own: ProviderTimeLimits) -> Self {
        Self {
            headers: own.first_content.unwrap_or(self.headers),
            first_content: own.first_content.unwrap_or(self.first_content),
            silence: own.silence.unwrap_or(self.silence),
            total: own.total.unwrap_or(self.total),
            ..self
        }
    }
}

impl Default for ProviderLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            headers: Duration::from_secs(30),
            first_content: Duration::from_secs(60),
            silence: Duration::from_secs(60),
            late_usage: Duration::from_secs(5),
            total: Duration::from_secs(600),
            event_bytes: 4 * 1024 * 1024,
            answer_bytes: 32 * 1024 * 1024,
            idle_connections: 128,
        }
    }
}
