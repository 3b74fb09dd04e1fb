//! Providers that play scripts, and the router that asks them, on the paused clock of tokio.

use std::collections::{HashMap, VecDeque};
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use random_connect::gateway::catalog::model::Catalog;
use random_connect::gateway::provider::error::{ProviderError, ProviderErrorClass};
use random_connect::gateway::provider::frame::{ProviderEvent, ProviderFinish, ProviderFrame};
use random_connect::gateway::provider::request::{MessagesHeaders, ProviderRequest, RequestBody};
use random_connect::gateway::routing::answer::RoutedAnswer;
use random_connect::gateway::routing::breakers::BreakerTable;
use random_connect::gateway::routing::request::{RouteError, RouteEvent, RouteRequest};
use random_connect::gateway::routing::router::GatewayRouter;
use random_connect::gateway::routing::source::{AnswerFrames, AnswerSource};
use random_connect::kernel::clock::{Clock, Timestamp};
use random_connect::kernel::model::ModelUsage;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

/// The models that the tests ask for: an alias for two providers with the same price, the first with two keys.
const CONFIG: &str = r#"
[providers.openai]
credentials = ["A_API_KEY", "B_API_KEY"]
[models."gpt-6-luna"]
equivalents = ["claude-haiku-5-5"]
"#;

/// A step of a script.
#[derive(Clone)]
pub enum ScriptStep {
    Frame(Vec<ProviderEvent>),
    Pause(Duration),
    Error(ProviderError),
    /// Neither a frame nor an end.
    Silence,
}

pub fn started() -> ScriptStep {
    let started = ProviderEvent::Started { model: "served".into(), request_id: Some("r".into()) };
    ScriptStep::Frame(vec![started, input(7)])
}

fn input(tokens: u64) -> ProviderEvent {
    ProviderEvent::Usage(ModelUsage { input_tokens: Some(tokens), ..ModelUsage::default() })
}

pub fn text(text: &str) -> ScriptStep {
    ScriptStep::Frame(vec![ProviderEvent::Text(text.to_owned())])
}

pub fn finished() -> ScriptStep {
    ScriptStep::Frame(vec![ProviderEvent::Finished { reason: ProviderFinish::Stop }])
}

pub fn answer(words: &str) -> Vec<ScriptStep> {
    vec![started(), text(words), finished()]
}

pub fn error(class: ProviderErrorClass) -> ProviderError {
    ProviderError::new(class, "a text of the provider")
}

pub fn fails(class: ProviderErrorClass) -> Vec<ScriptStep> {
    vec![ScriptStep::Error(error(class))]
}

pub fn throttled(seconds: u64) -> Vec<ScriptStep> {
    let retry_after = Some(Duration::from_secs(seconds));
    let error = ProviderError { retry_after, ..error(ProviderErrorClass::Throttled) };
    vec![ScriptStep::Error(error)]
}

/// The time of the paused runtime.
struct PausedClock(Instant);

impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_000_000) + self.0.elapsed()
    }
}

#[expect(clippy::disallowed_methods, reason = "the time of a paused runtime is no machine's")]
pub fn now() -> Instant {
    Instant::now()
}

/// Plays the scripts of each key, in their order, and then fails.
#[derive(Default)]
pub struct ScriptedSource {
    scripts: Mutex<HashMap<String, VecDeque<Vec<ScriptStep>>>>,
    /// The key and the model of each request.
    asked: Mutex<Vec<(String, String)>>,
    output_limits: Mutex<Vec<u32>>,
}

impl AnswerSource for ScriptedSource {
    fn answer(&self, request: ProviderRequest) -> AnswerFrames {
        let key = request.target.credential.expect("a key").expose_secret().to_owned();
        self.asked.lock().push((key.clone(), request.target.model));
        self.output_limits.lock().push(request.max_output_tokens);
        let script = self.scripts.lock().get_mut(&key).and_then(VecDeque::pop_front);
        let script = script.unwrap_or_else(|| fails(ProviderErrorClass::Transient));
        let steps = stream::iter(script).filter_map(async |step| match step {
            ScriptStep::Frame(events) => Some(Ok(ProviderFrame { events, ..Default::default() })),
            ScriptStep::Error(error) => Some(Err(error)),
            ScriptStep::Silence => pending().await,
            ScriptStep::Pause(pause) => {
                let _ = timeout(pause, pending::<()>()).await;
                None
            }
        });
        steps.boxed()
    }
}

/// A router with scripted providers.
pub struct Scene {
    pub source: Arc<ScriptedSource>,
    pub router: GatewayRouter,
    pub catalog: Arc<Catalog>,
    pub started: Instant,
}

/// The events of an answer, in one piece.
#[derive(Debug, Default)]
pub struct RoutedParts {
    pub words: String,
    /// The events other than frames, as text.
    pub notices: Vec<String>,
    pub is_finished: bool,
    pub error: Option<RouteError>,
}

impl Scene {
    /// The catalog with all keys. A key is its variable without the ending.
    pub fn catalog() -> Arc<Catalog> {
        let mut catalog = Catalog::load(Some(CONFIG)).expect("a catalog");
        catalog.set_keys(|variable| Some(SecretString::from(variable.replace("_API_KEY", ""))));
        Arc::new(catalog)
    }

    /// The requests begin with the key A, at least the first four.
    pub fn new() -> Self {
        let begins_with_a = |seed: &u64| {
            let mut rng = StdRng::seed_from_u64(*seed);
            (0..4).all(|_| rng.random_range(0..2_usize) == 0)
        };
        Self::seeded((0..10_000).find(begins_with_a).expect("a seed"))
    }

    /// `seed` chooses the first key of each request.
    pub fn seeded(seed: u64) -> Self {
        let (catalog, source) = (Self::catalog(), Arc::new(ScriptedSource::default()));
        let started = now();
        let breakers = BreakerTable::new(Arc::new(PausedClock(started)));
        let port = Arc::clone(&source) as Arc<dyn AnswerSource>;
        let rng = StdRng::seed_from_u64(seed);
        let router = GatewayRouter::new(Arc::clone(&catalog), port, breakers, rng);
        Self { source, router, catalog, started }
    }

    /// Adds the script of a later request with this key: `A`, `B` or `CLAUDE`.
    pub fn script(&self, key: &str, script: Vec<ScriptStep>) -> &Self {
        self.source.scripts.lock().entry(key.to_owned()).or_default().push_back(script);
        self
    }

    /// Adds a script for both keys of the first provider.
    pub fn both(&self, script: &[ScriptStep]) -> &Self {
        self.script("A", script.to_vec()).script("B", script.to_vec())
    }

    /// A body of chat completions with these fields.
    pub fn body(fields: &Value) -> RequestBody {
        let mut body = json!({ "messages": [{ "role": "user", "content": "Hi" }] });
        for (name, value) in fields.as_object().expect("an object") {
            body[name] = value.clone();
        }
        RequestBody::Chat(body.as_object().expect("an object").clone())
    }

    /// A request for the first model alone, or with its equivalent.
    pub fn request(&self, auto: bool) -> RouteRequest {
        let model = self.catalog.model("gpt-6-luna").expect("a model");
        let models = self.catalog.candidates(model).take(if auto { 2 } else { 1 }).cloned();
        RouteRequest {
            models: models.collect(),
            body: Self::body(&json!({})),
            headers: MessagesHeaders::default(),
            max_output_tokens: 1_000_000,
            stream: true,
            time_limit: Duration::from_secs(120),
        }
    }

    pub fn start(&self, auto: bool) -> RoutedAnswer {
        self.router.start(self.request(auto))
    }

    pub async fn ask(&self, auto: bool) -> RoutedParts {
        read(&mut self.start(auto)).await
    }

    /// The keys of the requests so far.
    pub fn asked(&self) -> Vec<String> {
        self.source.asked.lock().iter().map(|(key, _)| key.clone()).collect()
    }

    pub fn output_limits(&self) -> Vec<u32> {
        self.source.output_limits.lock().clone()
    }

    pub fn elapsed(&self) -> Duration {
        now() - self.started
    }
}

/// Reads an answer to its end.
pub async fn read(answer: &mut RoutedAnswer) -> RoutedParts {
    let mut parts = RoutedParts::default();
    while let Some(event) = answer.next().await {
        assert!(parts.error.is_none(), "an event after the error: {event:?}");
        match event {
            RouteEvent::Failover(notice) => parts.notices.push(format!(
                "{} -> {}: {:?}",
                notice.from.variable, notice.to.variable, notice.class
            )),
            RouteEvent::Waiting(pause) => parts.notices.push(format!("wait {pause:?}")),
            RouteEvent::Failed(error) => parts.error = Some(*error),
            RouteEvent::Frame(frame) => {
                for event in frame.events {
                    match event {
                        ProviderEvent::Text(text) => parts.words.push_str(&text),
                        ProviderEvent::Finished { .. } => parts.is_finished = true,
                        _ => {}
                    }
                }
            }
        }
    }
    assert!(parts.is_finished != parts.error.is_some(), "one end: {parts:?}");
    assert!(answer.next().await.is_none());
    parts
}
