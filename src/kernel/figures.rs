//! [`ToolsetFigures`]: the metrics of one toolset.

use std::sync::Arc;

use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder};

const METADATA: Metadata<'static> = Metadata::new(module_path!(), Level::INFO, None);

/// Registers metrics of one toolset, which all have its name in the label `toolset`.
///
/// Labels come from fixed sets: never a caller's text or an id.
#[derive(Clone)]
pub struct ToolsetFigures {
    recorder: Arc<dyn Recorder + Send + Sync>,
    toolset: &'static str,
}

impl ToolsetFigures {
    #[must_use]
    pub fn new(recorder: Arc<dyn Recorder + Send + Sync>, toolset: &'static str) -> Self {
        Self { recorder, toolset }
    }

    /// A counter. `name` is complete, such as `random_connect_goals_total`.
    pub fn counter(
        &self,
        name: &'static str,
        meaning: &'static str,
        labels: &[(&'static str, &str)],
    ) -> Counter {
        self.recorder.describe_counter(name.into(), None, meaning.into());
        self.recorder.register_counter(&self.key(name, labels), &METADATA)
    }

    /// A gauge. See [`counter`](Self::counter).
    pub fn gauge(
        &self,
        name: &'static str,
        meaning: &'static str,
        labels: &[(&'static str, &str)],
    ) -> Gauge {
        self.recorder.describe_gauge(name.into(), None, meaning.into());
        self.recorder.register_gauge(&self.key(name, labels), &METADATA)
    }

    /// A histogram, in the buckets that the recorder has for its name. The default is durations of calls, in seconds. See
    /// [`counter`](Self::counter).
    pub fn histogram(
        &self,
        name: &'static str,
        meaning: &'static str,
        labels: &[(&'static str, &str)],
    ) -> Histogram {
        self.recorder.describe_histogram(name.into(), None, meaning.into());
        self.recorder.register_histogram(&self.key(name, labels), &METADATA)
    }

    fn key(&self, name: &'static str, labels: &[(&'static str, &str)]) -> Key {
        let toolset = Label::new("toolset", self.toolset);
        let labels = labels.iter().map(|(label, value)| Label::new(*label, (*value).to_owned()));
        Key::from_parts(name, labels.chain([toolset]).collect::<Vec<_>>())
    }
}
