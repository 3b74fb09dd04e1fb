//! [`ScriptedModel`]: a language model that plays scripts, for tests on a paused clock.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{Stream, stream};
use parking_lot::Mutex;
use random_connect::kernel::model::{
    FinishReason, LanguageModel, ModelError, ModelErrorKind, ModelEvent, ModelRequest, ModelStream,
    ModelUsage,
};
use tokio::time::timeout;

/// A step of a script. A script without an end is a stream that was cut.
#[derive(Clone, Debug)]
pub enum ModelStep {
    Event(ModelEvent),
    Wait(Duration),
    Fail(ModelError),
    /// Waits until the request is cancelled.
    Hang,
}

impl ModelStep {
    pub fn text(text: &str) -> Self {
        Self::Event(ModelEvent::Text(text.to_owned()))
    }

    /// A usage of these numbers of tokens.
    pub fn usage(input: u64, output: u64) -> Self {
        let (input_tokens, output_tokens) = (Some(input), Some(output));
        Self::Event(ModelEvent::Usage(ModelUsage {
            input_tokens,
            output_tokens,
            ..ModelUsage::default()
        }))
    }

    pub fn finish(reason: FinishReason) -> Self {
        Self::Event(ModelEvent::Finished(reason))
    }

    pub fn fail(kind: ModelErrorKind) -> Self {
        Self::Fail(kind.into())
    }
}

/// Plays one script per request, in order. A request without a script fails as unavailable.
#[derive(Clone, Default)]
pub struct ScriptedModel(Arc<ModelLog>);

#[derive(Default)]
struct ModelLog {
    scripts: Mutex<VecDeque<Vec<ModelStep>>>,
    requests: Mutex<Vec<ModelRequest>>,
    /// Number of requests that are being answered.
    open: AtomicUsize,
    /// Number of requests that were cancelled before their script ended.
    cancelled: AtomicUsize,
    /// Number of steps that were played, over all requests.
    played: AtomicUsize,
}

impl ScriptedModel {
    pub fn new(scripts: impl IntoIterator<Item = Vec<ModelStep>>) -> Self {
        let model = Self::default();
        scripts.into_iter().for_each(|script| model.add(script));
        model
    }

    /// Adds the script of a later request.
    pub fn add(&self, script: Vec<ModelStep>) {
        self.0.scripts.lock().push_back(script);
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<ModelRequest> {
        self.0.requests.lock().clone()
    }

    pub fn open_count(&self) -> usize {
        self.0.open.load(Ordering::SeqCst)
    }

    pub fn cancelled_count(&self) -> usize {
        self.0.cancelled.load(Ordering::SeqCst)
    }

    pub fn played_count(&self) -> usize {
        self.0.played.load(Ordering::SeqCst)
    }
}

impl LanguageModel for ScriptedModel {
    fn stream(&self, request: ModelRequest) -> ModelStream {
        let time_limit = request.time_limit;
        self.0.requests.lock().push(request);
        let script = self.0.scripts.lock().pop_front();
        let script = script.unwrap_or_else(|| vec![ModelStep::fail(ModelErrorKind::Unavailable)]);
        ModelStream::new(time_limit, play(Arc::clone(&self.0), script))
    }
}

/// A script that is being played. Dropping it before its end counts as a cancellation.
struct OpenScript {
    log: Arc<ModelLog>,
    steps: VecDeque<ModelStep>,
    is_over: bool,
}

impl Drop for OpenScript {
    fn drop(&mut self) {
        self.log.open.fetch_sub(1, Ordering::SeqCst);
        if !self.is_over {
            self.log.cancelled.fetch_add(1, Ordering::SeqCst);
        }
    }
}

fn play(
    log: Arc<ModelLog>,
    steps: Vec<ModelStep>,
) -> impl Stream<Item = Result<ModelEvent, ModelError>> + Send {
    log.open.fetch_add(1, Ordering::SeqCst);
    let script = OpenScript { log, steps: steps.into(), is_over: false };
    stream::unfold(script, async |mut script| {
        loop {
            let Some(step) = script.steps.pop_front() else {
                script.is_over = true;
                return None;
            };
            script.log.played.fetch_add(1, Ordering::SeqCst);
            let event = match step {
                ModelStep::Wait(duration) => {
                    let _ = timeout(duration, pending::<()>()).await;
                    continue;
                }
                ModelStep::Hang => pending().await,
                ModelStep::Event(event) => Ok(event),
                ModelStep::Fail(error) => Err(error),
            };
            script.is_over = matches!(event, Err(_) | Ok(ModelEvent::Finished(_)));
            return Some((event, script));
        }
    })
}
