//! The routing over real HTTP: two providers on loopback, one per format, which keep an invoice.

use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;
use random_connect::gateway::catalog::address::ServiceUrl;
use random_connect::gateway::catalog::hold::{BoundCandidate, HoldBound};
use random_connect::gateway::catalog::model::{Catalog, CatalogModel};
use random_connect::gateway::catalog::prompt::PromptSize;
use random_connect::gateway::provider::client::Provider;
use random_connect::gateway::provider::error::ProviderErrorClass;
use random_connect::gateway::provider::limits::ProviderLimits;
use random_connect::gateway::provider::request::{MessagesHeaders, RequestBody};
use random_connect::gateway::routing::answer::RoutedAnswer;
use random_connect::gateway::routing::attempt::AttemptOutcome;
use random_connect::gateway::routing::breakers::BreakerTable;
use random_connect::gateway::routing::request::{RouteFailure, RouteRequest};
use random_connect::gateway::routing::router::GatewayRouter;
use random_connect::kernel::clock::{Clock, SystemClock};
use random_connect::transport::channels::outbound::http_client_builder;
use secrecy::SecretString;
use serde_json::{Map, Value, json};

use super::scripted::read;
use crate::support::provider_stand_in::{AnswerScript, ProviderStandIn, StandInFault};

/// Maximum length of an answer.
const MAX_OUTPUT: u32 = 200;

/// A router with a provider in each format.
struct ServerScene {
    chat: ProviderStandIn,
    messages: ProviderStandIn,
    catalog: Arc<Catalog>,
    router: GatewayRouter,
}

impl ServerScene {
    async fn start() -> Self {
        let (chat, messages) = (ProviderStandIn::start().await, ProviderStandIn::start().await);
        let mut catalog = Catalog::load(None).expect("a catalog");
        for (provider, stand_in) in [("openai", &chat), ("claude", &messages)] {
            let url = ServiceUrl::parse(&stand_in.url).expect("an address");
            catalog.set_base_url(provider, url);
        }
        catalog.set_keys(|variable| Some(SecretString::from(variable)));
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let builder = http_client_builder(None).expect("certificates");
        let limits = ProviderLimits::default();
        let provider = Provider::new(builder, limits, Arc::clone(&clock)).expect("a client");
        let (catalog, breakers) = (Arc::new(catalog), BreakerTable::new(clock));
        let rng = StdRng::seed_from_u64(1);
        let router = GatewayRouter::new(Arc::clone(&catalog), Arc::new(provider), breakers, rng);
        Self { chat, messages, catalog, router }
    }

    fn models(&self) -> Vec<Arc<CatalogModel>> {
        let model = self.catalog.model("gpt-6-luna").expect("a model");
        self.catalog.candidates(model).cloned().collect()
    }

    fn ask(&self) -> RoutedAnswer {
        self.router.start(RouteRequest {
            models: self.models(),
            body: RequestBody::Chat(body()),
            headers: MessagesHeaders::default(),
            max_output_tokens: MAX_OUTPUT,
            stream: true,
            time_limit: Duration::from_secs(60),
        })
    }
}

fn body() -> Map<String, Value> {
    let text = "Explain in a few words why the sky is blue. ".repeat(20);
    let body = json!({"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": text}]});
    let Value::Object(body) = body else { panic!("no object") };
    body
}

fn status(status: u16, headers: Vec<(&'static str, String)>) -> AnswerScript {
    let body = json!({"error": {"message": "overloaded"}});
    AnswerScript::with(StandInFault::Status { status, headers, body })
}

#[tokio::test]
async fn gateway_routing_answers_from_a_provider_of_the_other_format() {
    let scene = ServerScene::start().await;
    scene.chat.state.add(status(429, vec![("retry-after", "120".to_owned())]));
    for _ in 0..2 {
        let mut routed = scene.ask();
        let parts = read(&mut routed).await;
        assert_eq!(parts.words, "Hello, world.");
        assert_eq!(routed.model().map(|model| model.name.as_str()), Some("claude-haiku-5-5"));
    }
    assert_eq!(scene.chat.state.requests().len(), 1, "the pause is obeyed");
    let sent = scene.messages.state.requests();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0].body["model"], "claude-haiku-5-5");
    assert_eq!(sent[0].body["max_tokens"], MAX_OUTPUT);
    assert_eq!(sent[0].headers["x-api-key"], "CLAUDE_API_KEY");
}

#[tokio::test]
async fn gateway_routing_hides_an_error_event_before_the_content() {
    let scene = ServerScene::start().await;
    let error = json!({"code": "rate_limit_exceeded", "message": "x"});
    scene.chat.state.add(AnswerScript::with(StandInFault::ErrorAfter { deltas: 0, error }));
    let mut routed = scene.ask();
    let parts = read(&mut routed).await;
    assert_eq!(parts.words, "Hello, world.");
    assert_eq!(parts.notices, ["OPENAI_API_KEY -> CLAUDE_API_KEY: Throttled"]);
    let outcomes: Vec<_> = routed.attempts().iter().map(|attempt| attempt.outcome).collect();
    let throttled = AttemptOutcome::Failed(ProviderErrorClass::Throttled);
    assert_eq!(outcomes, [throttled, AttemptOutcome::Answered]);
}

#[tokio::test]
async fn gateway_routing_stays_with_a_provider_whose_answer_broke_off() {
    for fault in [StandInFault::TruncateAfter(2), StandInFault::DisconnectAfter(2)] {
        let scene = ServerScene::start().await;
        scene.chat.state.add(AnswerScript::with(fault));
        let parts = read(&mut scene.ask()).await;
        assert_eq!(parts.words, "Hello, ");
        assert_eq!(parts.error.expect("an error").failure, RouteFailure::Broken);
        assert!(scene.messages.state.requests().is_empty());
    }
}

#[tokio::test]
async fn gateway_routing_usage_costs_what_the_provider_invoices_and_at_most_the_hold() {
    let scene = ServerScene::start().await;
    let (models, size) = (scene.models(), PromptSize::of(&body()));
    let candidates = models.iter().map(|model| BoundCandidate {
        price: &model.price,
        input_tokens: size.input_tokens(model),
    });
    let hold = HoldBound::of(candidates, 1, false).expect("models").hold(MAX_OUTPUT);
    for switched in [false, true] {
        if switched {
            scene.chat.state.add(status(503, Vec::new()));
            scene.chat.state.add(status(503, Vec::new()));
        }
        let mut routed = scene.ask();
        assert!(read(&mut routed).await.is_finished);
        let provider = if switched { &scene.messages } else { &scene.chat };
        let invoice = provider.state.invoice().pop().expect("a row");
        let (attempt, model) = (routed.last_attempt().expect("one"), routed.model().expect("one"));
        let usage = attempt.usage;
        assert_eq!(usage.input_tokens, Some(invoice.input_tokens));
        assert_eq!(usage.output_tokens, Some(invoice.output_tokens));
        let answered = attempt.answered_model.as_deref().expect("a model");
        let cost = scene.catalog.price_of_answer(model, answered).cost(&usage);
        assert!(cost.as_micros() > 0 && cost <= hold, "{cost} of {hold}");
        let estimate = size.input_tokens(model);
        assert!(invoice.input_tokens <= estimate, "{} of {estimate}", invoice.input_tokens);
        assert!(estimate * 10 <= invoice.input_tokens * 15, "the estimate is no wild guess");
    }
}
