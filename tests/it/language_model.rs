//! The contract of a language model's stream, on [`ScriptedModel`] and on streams that break it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use random_connect::kernel::model::{
    FinishReason, LanguageModel, ModelAnswer, ModelError, ModelErrorKind, ModelEvent, ModelMessage,
    ModelRequest, ModelRole, ModelSampling, ModelStream, ModelUsage,
};
use tokio::time::timeout;

use crate::support::scripted_model::{ModelStep, ScriptedModel};

const TIME_LIMIT: Duration = Duration::from_secs(60);

fn request() -> ModelRequest {
    let text = "plan my week".to_owned();
    ModelRequest {
        model: None,
        messages: vec![ModelMessage { role: ModelRole::User, text }],
        max_output_tokens: 100,
        time_limit: TIME_LIMIT,
        sampling: ModelSampling { stop: vec!["secret end".to_owned()], ..Default::default() },
    }
}

/// Plays one script as any toolset sees it.
fn stream_of(script: Vec<ModelStep>) -> (ScriptedModel, ModelStream) {
    let model = ScriptedModel::new([script]);
    let port: Arc<dyn LanguageModel> = Arc::new(model.clone());
    let stream = port.stream(request());
    (model, stream)
}

/// All items until the end.
async fn items(stream: &mut ModelStream) -> Vec<Result<ModelEvent, ModelError>> {
    stream.collect().await
}

fn text(text: &str) -> ModelEvent {
    ModelEvent::Text(text.to_owned())
}

/// Awaits what takes `duration` on the paused clock.
async fn after<T>(duration: Duration, future: impl Future<Output = T>) -> T {
    let (tick, mut future) = (Duration::from_millis(1), std::pin::pin!(future));
    assert!(timeout(duration.saturating_sub(tick), &mut future).await.is_err(), "too early");
    timeout(2 * tick, future).await.expect("too late")
}

fn failure(kind: ModelErrorKind) -> Result<ModelEvent, ModelError> {
    Err(kind.into())
}

#[tokio::test(start_paused = true)]
async fn model_answer_joins_the_events_of_a_stream() {
    let started = ModelEvent::Started { model: "large-2".to_owned() };
    let (model, stream) = stream_of(vec![
        ModelStep::Event(started),
        ModelStep::usage(12, 1),
        ModelStep::text("Monday: "),
        ModelStep::Wait(Duration::from_secs(5)),
        ModelStep::text("réunion"),
        ModelStep::usage(12, 9),
        ModelStep::finish(FinishReason::Stop),
    ]);
    let answer = after(Duration::from_secs(5), stream.answer()).await.expect("an answer");
    let (input_tokens, output_tokens) = (Some(12), Some(9));
    let usage = ModelUsage { input_tokens, output_tokens, ..ModelUsage::default() };
    let (text, finish) = ("Monday: réunion".to_owned(), Some(FinishReason::Stop));
    assert_eq!(answer, ModelAnswer { model: "large-2".to_owned(), text, usage, finish });
    assert_eq!(model.requests(), [request()]);
    assert_eq!((model.open_count(), model.cancelled_count()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn model_stream_fails_in_the_middle_with_the_events_before() {
    let retry_after = Some(Duration::from_secs(7));
    let error = ModelError { kind: ModelErrorKind::Throttled, retry_after };
    let script = vec![ModelStep::text("a"), ModelStep::usage(3, 1), ModelStep::Fail(error)];
    let (model, mut stream) = stream_of(script);
    let items = items(&mut stream).await;
    assert_eq!(items.len(), 3);
    assert_eq!((&items[0], &items[2]), (&Ok(text("a")), &Err(error)));
    assert_eq!((model.open_count(), model.cancelled_count()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn model_stream_without_a_finish_was_cut() {
    let (_, mut stream) = stream_of(vec![ModelStep::text("half an ans")]);
    assert_eq!(
        items(&mut stream).await,
        [Ok(text("half an ans")), failure(ModelErrorKind::Truncated)]
    );
    let (_, stream) = stream_of(Vec::new());
    let error = stream.answer().await.expect_err("no answer");
    assert_eq!(error.kind, ModelErrorKind::Truncated);
}

#[tokio::test(start_paused = true)]
async fn model_stream_has_one_end_whatever_the_adapter_sends() {
    let finished = || Ok(ModelEvent::Finished(FinishReason::Length));
    for end in [finished(), failure(ModelErrorKind::Unavailable)] {
        let late = [end.clone(), Ok(text("late")), finished(), failure(ModelErrorKind::Account)];
        let events = [Ok(text("")), Ok(text("a")), Ok(text(""))].into_iter().chain(late);
        let mut stream = ModelStream::new(TIME_LIMIT, stream::iter(events));
        assert_eq!(items(&mut stream).await, [Ok(text("a")), end]);
        assert!(stream.next().await.is_none(), "polled again after its end");
    }
}

#[tokio::test(start_paused = true)]
async fn model_request_is_cancelled_when_its_stream_is_dropped() {
    let (model, mut stream) = stream_of(vec![ModelStep::text("a"), ModelStep::Hang]);
    assert_eq!(stream.next().await, Some(Ok(text("a"))));
    let hangs = timeout(Duration::from_secs(30), stream.next()).await;
    assert!(hangs.is_err());
    assert_eq!((model.open_count(), model.cancelled_count()), (1, 0));
    drop(stream);
    assert_eq!((model.open_count(), model.cancelled_count()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn model_request_is_cancelled_at_its_time_limit() {
    let (model, mut stream) = stream_of(vec![
        ModelStep::Wait(TIME_LIMIT / 2),
        ModelStep::text("slow"),
        ModelStep::Wait(TIME_LIMIT),
        ModelStep::finish(FinishReason::Stop),
    ]);
    // Of the whole answer, not of a pause.
    let items = after(TIME_LIMIT, items(&mut stream)).await;
    assert_eq!(items, [Ok(text("slow")), failure(ModelErrorKind::TimeLimit)]);
    assert_eq!((model.open_count(), model.cancelled_count()), (0, 1), "before the drop");
}

#[tokio::test(start_paused = true)]
async fn model_time_limit_ends_a_stream_that_never_pauses() {
    let endless = stream::repeat_with(|| Ok(text("again")));
    let mut stream = ModelStream::new(TIME_LIMIT, endless);
    assert_eq!(stream.next().await, Some(Ok(text("again"))));
    tokio::time::advance(TIME_LIMIT).await;
    assert_eq!(stream.next().await, Some(failure(ModelErrorKind::TimeLimit)));
    assert_eq!(stream.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn model_sends_no_faster_than_its_reader_reads() {
    let script = (0..100).map(|_| ModelStep::text("word ")).collect();
    let (model, mut stream) = stream_of(script);
    assert_eq!(model.played_count(), 0, "nothing happens before the first poll");
    for count in 1..=3 {
        stream.next().await.expect("an event").expect("a text");
        assert_eq!(model.played_count(), count);
    }
}

#[tokio::test(start_paused = true)]
async fn model_double_plays_one_script_per_request() {
    let answer = |text: &str| vec![ModelStep::text(text), ModelStep::finish(FinishReason::Stop)];
    let model = ScriptedModel::new([answer("first"), answer("second")]);
    let (first, second) = (model.stream(request()), model.stream(request()));
    assert_eq!(second.answer().await.expect("an answer").text, "second");
    assert_eq!(first.answer().await.expect("an answer").text, "first");
    let error = model.stream(request()).answer().await.expect_err("no script is left");
    assert_eq!(error.kind, ModelErrorKind::Unavailable);
    model.add(answer("later"));
    assert_eq!(model.stream(request()).answer().await.expect("an answer").text, "later");
}

#[test]
fn model_usage_replaces_totals_and_keeps_what_is_not_said_again() {
    let tokens = |input_tokens, cache_read_tokens, output_tokens| ModelUsage {
        input_tokens,
        cache_read_tokens,
        output_tokens,
        ..ModelUsage::default()
    };
    let mut usage = tokens(Some(40), Some(1_000), Some(1));
    usage.update(tokens(None, None, Some(20)));
    usage.update(tokens(None, Some(0), Some(25)));
    assert_eq!(usage, tokens(Some(40), Some(0), Some(25)));
}

#[test]
fn model_debug_and_errors_show_no_text() {
    let request = request();
    let answer = ModelAnswer { text: "plan my week".to_owned(), ..ModelAnswer::default() };
    let shown = format!("{request:?} {answer:?} {:?}", ModelEvent::Text("plan my week".to_owned()));
    assert!(!shown.contains("plan") && !shown.contains("secret"), "{shown}");
    let error = ModelError::from(ModelErrorKind::Account);
    assert_eq!(error.to_string(), "the account at the language model's provider needs attention");
    assert!(!error.kind.is_retryable() && ModelErrorKind::Throttled.is_retryable());
}
