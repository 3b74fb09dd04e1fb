//! Waits and time limits of a request, and the models that may answer it.

use std::time::Duration;

use random_connect::gateway::catalog::prompt::PromptSize;
use random_connect::gateway::catalog::roles::AllowedModels;
use random_connect::gateway::provider::error::ProviderErrorClass;
use random_connect::gateway::routing::attempt::AttemptOutcome;
use random_connect::gateway::routing::candidates::RouteModels;
use random_connect::gateway::routing::request::{RouteEvent, RouteFailure, RouteRequest};
use serde_json::json;

use super::scripted::{
    Scene, ScriptStep, answer, error, fails, finished, read, started, text, throttled,
};

#[tokio::test(start_paused = true)]
async fn gateway_routing_waits_for_a_throttled_target() {
    let scene = Scene::new();
    scene.script("A", throttled(3)).script("B", throttled(9)).script("A", answer("late"));
    let parts = scene.ask(false).await;
    assert_eq!(parts.words, "late");
    assert_eq!(
        parts.notices[1..],
        ["wait 3s".to_owned(), "B_API_KEY -> A_API_KEY: Throttled".into()]
    );
    assert_eq!(scene.elapsed(), Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn gateway_routing_returns_a_pause_that_is_too_long_to_wait() {
    let scene = Scene::new();
    scene.script("A", throttled(200)).script("B", throttled(100));
    let failed = scene.ask(false).await.error.expect("an error");
    assert_eq!(failed.failure, RouteFailure::Throttled);
    assert_eq!(failed.retry_after, Some(Duration::from_secs(100)));
    assert_eq!(scene.elapsed(), Duration::ZERO);
    let next = scene.ask(false).await.error.expect("an error");
    assert_eq!(next.failure, RouteFailure::Unavailable, "no target may be asked");
    assert_eq!(next.retry_after, Some(Duration::from_secs(100)));
    assert_eq!(scene.asked(), ["A", "B"]);
}

#[tokio::test(start_paused = true)]
async fn gateway_routing_ends_with_a_target_that_stays_throttled() {
    let scene = Scene::new();
    for _ in 0..20 {
        scene.both(&fails(ProviderErrorClass::Throttled));
    }
    let failed = scene.ask(false).await.error.expect("an error");
    assert_eq!(failed.failure, RouteFailure::Throttled);
    assert!(scene.asked().len() <= 8, "{:?}", scene.asked());
    assert!(scene.elapsed() >= Duration::from_secs(3), "its pauses grow");
}

#[tokio::test(start_paused = true)]
async fn gateway_routing_ends_at_the_time_limit_before_content() {
    let scene = Scene::new();
    scene.both(&[started(), ScriptStep::Silence]);
    let time_limit = Duration::from_secs(10);
    let mut routed = scene.router.start(RouteRequest { time_limit, ..scene.request(true) });
    let failed = read(&mut routed).await.error.expect("an error");
    assert_eq!(failed.failure, RouteFailure::TimedOut);
    assert_eq!(scene.elapsed(), time_limit);
    let outcome = AttemptOutcome::Failed(ProviderErrorClass::TimeLimit);
    let attempts = routed.attempts();
    assert_eq!((attempts[0].outcome, attempts[0].duration), (outcome, time_limit));
    assert!(attempts[0].is_absorbed());
}

#[tokio::test(start_paused = true)]
async fn gateway_routing_breaks_off_at_the_time_limit_after_content() {
    let scene = Scene::new();
    scene.both(&[text("half"), ScriptStep::Silence]);
    let parts = scene.ask(true).await;
    assert_eq!(parts.words, "half");
    assert_eq!(parts.error.expect("an error").failure, RouteFailure::Broken);
}

#[tokio::test(start_paused = true)]
async fn gateway_routing_answer_that_is_finished_is_complete_whatever_follows() {
    for tail in [ScriptStep::Silence, ScriptStep::Error(error(ProviderErrorClass::Truncated))] {
        let scene = Scene::new();
        scene.script("A", vec![text("all"), finished(), tail]);
        let parts = scene.ask(true).await;
        assert!(parts.is_finished && parts.words == "all", "{parts:?}");
    }
    let scene = Scene::new();
    scene.script("A", vec![started(), finished()]);
    assert_eq!(scene.ask(true).await.words, "", "an empty answer is an answer");
}

#[tokio::test(start_paused = true)]
async fn gateway_routing_slow_target_is_not_asked_twice() {
    let scene = Scene::new();
    let slow = [
        ScriptStep::Pause(Duration::from_secs(60)),
        ScriptStep::Error(error(ProviderErrorClass::TimeLimit)),
    ];
    scene.script("A", slow.to_vec()).script("B", answer("quick"));
    assert_eq!(scene.ask(true).await.words, "quick");
    assert_eq!(scene.asked(), ["A", "B"]);
    assert_eq!(scene.elapsed(), Duration::from_secs(60));
}

#[tokio::test(start_paused = true)]
async fn gateway_routing_records_the_open_attempt_of_a_caller_that_leaves() {
    let scene = Scene::new();
    let pause = ScriptStep::Pause(Duration::from_secs(2));
    scene.script("A", vec![started(), pause, text("half"), ScriptStep::Silence]);
    let mut routed = scene.start(true);
    while let Some(event) = routed.next().await {
        let RouteEvent::Frame(frame) = event else { panic!("{event:?}") };
        if frame.has_content() {
            break;
        }
    }
    let attempts = routed.attempts();
    assert_eq!(attempts[0].outcome, AttemptOutcome::Open);
    assert_eq!(attempts[0].first_content, Some(Duration::from_secs(2)));
    assert_eq!(attempts[0].duration, Duration::from_secs(2));
    assert_eq!(attempts[0].usage.input_tokens, Some(7));
}

#[test]
fn gateway_route_has_equivalents_that_the_role_may_use_and_that_fit() {
    let catalog = Scene::catalog();
    let haiku = catalog.model("claude-haiku-4-5").expect("a model");
    let terra = catalog.model("gpt-6.1-terra").expect("a model");
    let prompt = |words: usize| {
        let body = json!({"messages": [{"role": "user", "content": "word ".repeat(words)}]});
        PromptSize::of(body.as_object().expect("an object"))
    };
    let names = |model, allowed: &AllowedModels, words, auto| -> Vec<String> {
        let models = RouteModels::new(&catalog, model, allowed, prompt(words), auto);
        models.models().iter().map(|model| model.name.clone()).collect()
    };
    let all = AllowedModels::All;
    assert_eq!(names(terra, &all, 10, true), ["gpt-6.1-terra", "claude-haiku-4-5"]);
    assert_eq!(names(terra, &all, 10, false), ["gpt-6.1-terra"]);
    let only = AllowedModels::Only(["gpt-6.1-terra".to_owned()].into());
    assert_eq!(names(terra, &only, 10, true), ["gpt-6.1-terra"]);
    assert_eq!(names(terra, &all, 200_000, true), ["gpt-6.1-terra"], "too long for the other");
    assert_eq!(names(haiku, &all, 200_000, true)[0], "claude-haiku-4-5", "its provider decides");
}

#[test]
fn gateway_route_leaves_out_equivalents_that_the_hold_does_not_cover() {
    let catalog = Scene::catalog();
    // Its equivalent is dearer above 100,000 tokens.
    let luna = catalog.model("gpt-6-luna").expect("a model");
    let body = json!({"messages": [{"role": "user", "content": "word ".repeat(110_000)}]});
    let prompt = PromptSize::of(body.as_object().expect("an object"));
    let mut models = RouteModels::new(&catalog, luna, &AllowedModels::All, prompt, true);
    let both = models.bound().expect("models").hold(1_000);
    let alone = RouteModels::new(&catalog, luna, &AllowedModels::All, prompt, false);
    let alone = alone.bound().expect("a model").hold(1_000);
    assert!(both > alone);
    models.limit_to(both, 1_000);
    assert_eq!(models.models().len(), 2);
    models.limit_to(alone, 1_000);
    assert_eq!(models.models().len(), 1);
    assert_eq!(models.bound().expect("a model").hold(1_000), alone);
    assert_eq!(models.max_output_tokens(), 128_000);
}
