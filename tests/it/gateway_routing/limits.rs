//! Waits and time limits of a request, and the models that may answer it.

use std::time::Duration;

use random_connect::gateway::provider::error::ProviderErrorClass;
use random_connect::gateway::routing::attempt::AttemptOutcome;
use random_connect::gateway::routing::request::{RouteEvent, RouteFailure, RouteRequest};

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
async fn gateway_routing_times_out_if_the_last_provider_sends_no_headers() {
    let no_answer = ProviderErrorClass::NoAnswer;
    for (last, failure) in [
        (no_answer, RouteFailure::TimedOut),
        (ProviderErrorClass::Transient, RouteFailure::Unavailable),
    ] {
        let scene = Scene::new();
        scene.both(&fails(no_answer)).both(&fails(last));
        let failed = scene.ask(false).await.error.expect("an error");
        assert_eq!(failed.failure, failure);
        assert_eq!(scene.asked(), ["A", "A", "B", "B"]);
    }
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
