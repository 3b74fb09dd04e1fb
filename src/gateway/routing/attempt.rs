//! [`AttemptRecord`]: what happened to a request at one target.

use std::time::Duration;

use super::target::RouteTarget;
use crate::gateway::provider::error::ProviderErrorClass;
use crate::gateway::provider::frame::{ProviderEvent, ProviderFrame};
use crate::kernel::clock::Timestamp;
use crate::kernel::model::ModelUsage;

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AttemptOutcome {
    /// Not yet, or the caller left.
    Open,
    /// With a complete answer.
    Answered,
    /// Before any content. Another target may have answered.
    Failed(ProviderErrorClass),
    /// After content.
    Broken(ProviderErrorClass),
}

/// An attempt to get an answer from one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptRecord {
    pub target: RouteTarget,
    pub outcome: AttemptOutcome,
    /// The status of the HTTP answer, if it was an error.
    pub status: Option<u16>,
    /// The provider's id of the request.
    pub request_id: Option<String>,
    /// The provider's name of the model that answered. `None` if none has begun to.
    pub answered_model: Option<String>,
    /// The usage as last said by the provider.
    pub usage: ModelUsage,
    /// From the request to its end, or until now.
    pub duration: Duration,
    /// From the request to the first content.
    pub first_content: Option<Duration>,
    pub(super) started_at: Timestamp,
}

impl AttemptRecord {
    pub(super) fn new(target: RouteTarget, now: Timestamp) -> Self {
        Self {
            target,
            outcome: AttemptOutcome::Open,
            status: None,
            request_id: None,
            answered_model: None,
            usage: ModelUsage::default(),
            duration: Duration::ZERO,
            first_content: None,
            started_at: now,
        }
    }

    /// Whether the provider may charge for the attempt although the caller got nothing of it.
    #[must_use]
    pub fn is_absorbed(&self) -> bool {
        matches!(self.outcome, AttemptOutcome::Failed(_))
            && (self.answered_model.is_some() || self.usage != ModelUsage::default())
    }

    /// Takes a frame at this time.
    pub(super) fn add(&mut self, frame: &ProviderFrame, now: Timestamp) {
        for event in &frame.events {
            match event {
                ProviderEvent::Started { model, request_id } => {
                    self.answered_model = Some(model.clone());
                    self.request_id = request_id.clone().or(self.request_id.take());
                }
                ProviderEvent::Usage(usage) => self.usage.update(*usage),
                _ => {}
            }
        }
        if self.first_content.is_none() && frame.has_content() {
            self.first_content = Some(now.since(self.started_at));
        }
    }

    pub(super) fn end(&mut self, outcome: AttemptOutcome, now: Timestamp) {
        self.outcome = outcome;
        self.duration = now.since(self.started_at);
    }
}
