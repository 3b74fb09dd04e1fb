//! Failover: which target is asked next, and what the caller sees of it.

use std::time::Duration;

use random_connect::gateway::provider::error::{ProviderErrorClass, ProviderRefusal};
use random_connect::gateway::provider::frame::ProviderEvent;
use random_connect::gateway::routing::attempt::{AttemptOutcome, AttemptRecord};
use random_connect::gateway::routing::request::{RouteEvent, RouteFailure, RouteRequest};
use serde_json::json;

use super::scripted::{Scene, ScriptStep, answer, error, fails, read, started, text, throttled};

const TRANSIENT: ProviderErrorClass = ProviderErrorClass::Transient;

#[tokio::test(start_paused = true)]
async fn gateway_routing_passes_an_answer_on() {
    let scene = Scene::new();
    scene.script("A", answer("Hello"));
    let mut routed = scene.start(true);
    assert!(routed.attempts().is_empty() && routed.model().is_none());
    let parts = read(&mut routed).await;
    assert_eq!((parts.words.as_str(), parts.notices.len()), ("Hello", 0));
    assert_eq!(scene.asked(), ["A"]);
    assert_eq!(scene.output_limits(), [128_000], "the limit of the model");
    let attempts = routed.attempts();
    assert_eq!(attempts.len(), 1);
    assert_eq!(attempts[0].outcome, AttemptOutcome::Answered);
    assert_eq!(attempts[0].answered_model.as_deref(), Some("served"));
    assert_eq!(attempts[0].usage.input_tokens, Some(7));
    assert_eq!(routed.model().map(|model| model.name.as_str()), Some("gpt-6-luna"));
}

#[tokio::test(start_paused = true)]
async fn gateway_routing_retries_a_fault_once_at_the_same_target() {
    let scene = Scene::new();
    scene.script("A", fails(TRANSIENT)).script("A", answer("again"));
    let parts = scene.ask(false).await;
    assert_eq!((parts.words.as_str(), parts.notices.len()), ("again", 0));
    assert_eq!(scene.asked(), ["A", "A"]);
    let pause = scene.elapsed();
    assert!((Duration::from_millis(100)..Duration::from_millis(301)).contains(&pause), "{pause:?}");
}

#[tokio::test(start_paused = true)]
async fn gateway_routing_goes_to_the_next_key_then_to_the_equivalent() {
    let scene = Scene::new();
    scene.script("CLAUDE", answer("other"));
    let mut routed = scene.start(true);
    let parts = read(&mut routed).await;
    assert_eq!(parts.words, "other");
    assert_eq!(scene.asked(), ["A", "A", "B", "B", "CLAUDE"]);
    assert_eq!(
        parts.notices,
        ["A_API_KEY -> B_API_KEY: Transient", "B_API_KEY -> CLAUDE_API_KEY: Transient"]
    );
    assert_eq!(routed.model().map(|model| model.name.as_str()), Some("claude-haiku-5-5"));
    let failed = AttemptOutcome::Failed(TRANSIENT);
    let outcomes: Vec<_> = routed.attempts().iter().map(|attempt| attempt.outcome).collect();
    assert_eq!(outcomes, [failed, failed, failed, failed, AttemptOutcome::Answered]);
}

#[tokio::test(start_paused = true)]
async fn gateway_routing_without_equivalents_stays_at_the_model() {
    let scene = Scene::new();
    scene.script("CLAUDE", answer("other"));
    let failed = scene.ask(false).await.error.expect("an error");
    assert_eq!(failed.failure, RouteFailure::Unavailable);
    assert_eq!(scene.asked(), ["A", "A", "B", "B"]);
}

#[tokio::test(start_paused = true)]
async fn gateway_routing_never_repeats_a_refused_request() {
    for refusal in [
        ProviderRefusal::Invalid,
        ProviderRefusal::TooLong,
        ProviderRefusal::Refused,
        ProviderRefusal::TooLarge,
    ] {
        let scene = Scene::new();
        scene.both(&fails(ProviderErrorClass::Caller(refusal)));
        let failed = scene.ask(true).await.error.expect("an error");
        assert_eq!(failed.failure, RouteFailure::Refused(refusal));
        assert_eq!(failed.error.expect("its error").message.expose(), "a text of the provider");
        assert_eq!(scene.asked(), ["A"]);
    }
}

#[tokio::test(start_paused = true)]
async fn gateway_routing_refusal_of_an_equivalent_hides_no_outage() {
    let scene = Scene::new();
    scene.both(&fails(TRANSIENT)).script("A", fails(TRANSIENT)).script("B", throttled(3));
    scene.script("CLAUDE", fails(ProviderErrorClass::Caller(ProviderRefusal::Invalid)));
    scene.script("B", answer("late"));
    let parts = scene.ask(true).await;
    assert_eq!((parts.words.as_str(), scene.asked().last()), ("late", Some(&"B".to_owned())));
    let scene = Scene::new();
    scene.both(&fails(TRANSIENT)).both(&fails(TRANSIENT));
    scene.script("CLAUDE", fails(ProviderErrorClass::Caller(ProviderRefusal::Invalid)));
    let failed = scene.ask(true).await.error.expect("an error");
    assert_eq!(failed.failure, RouteFailure::Unavailable);
    assert_eq!(scene.asked(), ["A", "A", "B", "B", "CLAUDE"]);
}

#[tokio::test(start_paused = true)]
async fn gateway_routing_leaves_out_an_equivalent_that_lacks_a_feature_of_the_request() {
    for feature in [
        json!({ "n": 2 }),
        json!({ "logprobs": true }),
        json!({ "response_format": { "type": "json_object" } }),
    ] {
        let scene = Scene::new();
        let start = || {
            let body = Scene::body(&feature);
            scene.router.start(RouteRequest { body, ..scene.request(true) })
        };
        scene.script("A", throttled(3)).script("B", throttled(9)).script("A", answer("late"));
        scene.script("CLAUDE", answer("without the feature"));
        let parts = read(&mut start()).await;
        assert_eq!((parts.words.as_str(), scene.elapsed()), ("late", Duration::from_secs(3)));
        for _ in 0..2 {
            scene.both(&fails(TRANSIENT));
        }
        let failed = read(&mut start()).await.error.expect("an error");
        assert_eq!(failed.failure, RouteFailure::Unavailable, "the fault of the model itself");
        assert!(!scene.asked().contains(&"CLAUDE".to_owned()), "{:?}", scene.asked());
    }
}

#[tokio::test(start_paused = true)]
async fn gateway_routing_sets_a_refused_account_aside() {
    let scene = Scene::new();
    scene.script("A", fails(ProviderErrorClass::Account));
    scene.script("B", answer("one")).script("B", answer("two"));
    let parts = scene.ask(true).await;
    assert_eq!(parts.notices, ["A_API_KEY -> B_API_KEY: Account"]);
    assert_eq!(scene.ask(true).await.words, "two");
    assert_eq!(scene.asked(), ["A", "B", "B"], "A is not asked for five minutes");
    scene.script("CLAUDE", fails(ProviderErrorClass::Account));
    scene.script("B", fails(ProviderErrorClass::Account));
    let failed = scene.ask(true).await.error.expect("an error");
    assert_eq!(failed.failure, RouteFailure::Rejected);
    assert!(failed.retry_after > Some(Duration::from_secs(290)), "{failed:?}");
}

#[tokio::test(start_paused = true)]
async fn gateway_routing_asks_another_target_for_a_model_that_is_unknown() {
    let scene = Scene::new();
    scene.both(&fails(ProviderErrorClass::UnknownModel));
    scene.script("CLAUDE", answer("other"));
    assert_eq!(scene.ask(true).await.words, "other");
    assert_eq!(scene.asked(), ["A", "B", "CLAUDE"]);
}

#[tokio::test(start_paused = true)]
async fn gateway_routing_fails_over_when_throttled_without_a_wait() {
    let scene = Scene::new();
    scene.both(&throttled(20)).script("CLAUDE", answer("other"));
    let parts = scene.ask(true).await;
    assert_eq!((parts.words.as_str(), scene.elapsed()), ("other", Duration::ZERO));
    scene.script("CLAUDE", answer("next"));
    assert_eq!(scene.ask(true).await.words, "next");
    assert_eq!(scene.asked(), ["A", "B", "CLAUDE", "CLAUDE"], "the pause holds for all requests");
}

#[tokio::test(start_paused = true)]
async fn gateway_routing_hides_a_target_that_failed_before_its_content() {
    let scene = Scene::new();
    let cut = vec![started(), ScriptStep::Error(error(ProviderErrorClass::Truncated))];
    scene.script("A", cut.clone()).script("A", cut).script("B", answer("whole"));
    let mut routed = scene.start(false);
    let mut starts = 0;
    while let Some(event) = routed.next().await {
        if let RouteEvent::Frame(frame) = event {
            let is_start = |event: &&ProviderEvent| matches!(event, ProviderEvent::Started { .. });
            starts += frame.events.iter().filter(is_start).count();
        }
    }
    assert_eq!(starts, 1, "the frames before the content are of the target that answers");
    let absorbed: Vec<_> = routed.attempts().iter().map(AttemptRecord::is_absorbed).collect();
    assert_eq!(absorbed, [true, true, false]);
}

#[tokio::test(start_paused = true)]
async fn gateway_routing_asks_no_other_target_after_content() {
    for class in [TRANSIENT, ProviderErrorClass::Truncated, ProviderErrorClass::Throttled] {
        let scene = Scene::new();
        scene.script("A", vec![started(), text("half"), ScriptStep::Error(error(class))]);
        let mut routed = scene.start(true);
        let parts = read(&mut routed).await;
        assert_eq!((parts.words.as_str(), parts.notices.len()), ("half", 0));
        assert_eq!(parts.error.expect("an error").failure, RouteFailure::Broken);
        assert_eq!(scene.asked(), ["A"]);
        assert_eq!(routed.attempts()[0].outcome, AttemptOutcome::Broken(class));
    }
}

#[tokio::test(start_paused = true)]
async fn gateway_routing_takes_a_stream_without_an_end_for_broken() {
    let scene = Scene::new();
    scene.script("A", vec![started(), text("half")]);
    let parts = scene.ask(true).await;
    assert_eq!(parts.error.expect("an error").failure, RouteFailure::Broken);
    scene.script("A", vec![started()]).script("A", answer("whole"));
    assert_eq!(scene.ask(true).await.words, "whole");
}

#[tokio::test(start_paused = true)]
async fn gateway_routing_opens_the_breaker_of_a_target_that_keeps_failing() {
    let scene = Scene::new();
    for _ in 0..20 {
        scene.script("CLAUDE", answer("other"));
    }
    for _ in 0..20 {
        assert_eq!(scene.ask(true).await.words, "other");
    }
    let of = |key: &str| scene.asked().iter().filter(|asked| *asked == key).count();
    assert!((10..20).contains(&of("A")), "{} requests at A", of("A"));
    assert_eq!(of("CLAUDE"), 20);
    let open = scene.router.breakers().health();
    assert_eq!(open.iter().filter(|health| health.open_until.is_some()).count(), 2, "{open:?}");
}

#[tokio::test(start_paused = true)]
async fn gateway_routing_shares_requests_among_keys() {
    let mut first = Vec::new();
    for seed in 0..20 {
        let scene = Scene::seeded(seed);
        scene.both(&answer("Hello"));
        scene.ask(true).await;
        first.extend(scene.asked());
    }
    assert_eq!(first.len(), 20);
    assert!(first.iter().any(|key| key == "A") && first.iter().any(|key| key == "B"), "{first:?}");
}
