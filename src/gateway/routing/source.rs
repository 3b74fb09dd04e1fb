//! [`AnswerSource`]: the port of the routing to the providers.

use futures_util::StreamExt;
use futures_util::stream::BoxStream;

use crate::gateway::provider::client::Provider;
use crate::gateway::provider::error::ProviderError;
use crate::gateway::provider::frame::ProviderFrame;
use crate::gateway::provider::request::ProviderRequest;

/// The frames of an answer, with the contract of [`provider`](crate::gateway::provider).
pub type AnswerFrames = BoxStream<'static, Result<ProviderFrame, ProviderError>>;

/// Sends one request to one target.
pub trait AnswerSource: Send + Sync {
    /// Asks a provider. Nothing is sent before the frames are polled, and dropping them cancels the request.
    fn answer(&self, request: ProviderRequest) -> AnswerFrames;
}

impl AnswerSource for Provider {
    fn answer(&self, request: ProviderRequest) -> AnswerFrames {
        self.stream(request).boxed()
    }
}
