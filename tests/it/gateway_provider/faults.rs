//! Faults of a stream. Each must end in a class that the routing can act on, and never in a finish.

use std::time::Duration;

use futures_util::StreamExt;
use random_connect::gateway::catalog::provider::ProviderTimeLimits;
use random_connect::gateway::provider::error::{ProviderErrorClass, ProviderRefusal};
use random_connect::gateway::provider::frame::{ProviderFinish, ProviderFrame};
use random_connect::gateway::provider::limits::ProviderLimits;
use random_connect::gateway::provider::request::{ProviderRequest, WireFormat};
use serde_json::json;

use super::{Collected, FORMATS, SHORT, answer_to, answer_within, limits, provider, request};
use crate::support::provider_stand_in::{
    AnswerScript, ProviderStandIn, ScriptedUsage, StandInFault,
};

#[tokio::test]
async fn gateway_provider_bytes_that_are_split_everywhere_change_nothing() {
    for format in FORMATS {
        let script = AnswerScript::of(["Grüße", " 東京 🗼"]);
        let whole = answer_to(format, script.clone()).await;
        let split = answer_to(format, script.fault(StandInFault::SplitBytes)).await;
        assert_eq!(whole.frames, split.frames);
        assert_eq!(split.text(), "Grüße 東京 🗼");
    }
}

#[tokio::test]
async fn gateway_provider_error_inside_a_stream_has_its_class() {
    use ProviderErrorClass::{Account, Caller, Throttled, Transient};
    for (format, error, class) in [
        (WireFormat::Messages, json!({ "type": "overloaded_error", "message": "x" }), Throttled),
        (WireFormat::Messages, json!({ "type": "api_error", "message": "x" }), Transient),
        (WireFormat::Messages, json!({ "type": "billing_error", "message": "x" }), Account),
        (WireFormat::Chat, json!({ "code": "rate_limit_exceeded" }), Throttled),
        (WireFormat::Chat, json!({ "code": 502, "message": "x" }), Transient),
        (WireFormat::Chat, json!({ "type": "insufficient_quota" }), Account),
        (WireFormat::Chat, json!({ "code": "content_filter" }), Caller(ProviderRefusal::Refused)),
    ] {
        for deltas in [0, 2] {
            let fault = StandInFault::ErrorAfter { deltas, error: error.clone() };
            let answer = answer_to(format, AnswerScript::with(fault)).await;
            assert_eq!(answer.class(), class, "{error}");
            assert_eq!(answer.text(), ["", "Hello, "][deltas / 2]);
            assert_eq!(answer.error.expect("an error").status, None);
        }
    }
}

#[tokio::test]
async fn gateway_provider_stream_without_an_end_is_truncated() {
    for format in FORMATS {
        for deltas in 0..=3 {
            let answer =
                answer_to(format, AnswerScript::with(StandInFault::TruncateAfter(deltas))).await;
            assert_eq!(answer.class(), ProviderErrorClass::Truncated);
            let fault = StandInFault::DisconnectAfter(deltas);
            let answer = answer_to(format, AnswerScript::with(fault)).await;
            assert_eq!(answer.class(), ProviderErrorClass::Truncated);
        }
    }
}

#[tokio::test]
async fn gateway_provider_stream_that_ends_after_its_finish_is_complete() {
    for (format, end) in FORMATS.into_iter().zip(["[DONE]", "{\"type\":\"message_stop\"}"]) {
        let answer = answer_to(format, AnswerScript::with(StandInFault::NoEnd)).await;
        assert_eq!(answer.finish(), Some(ProviderFinish::Stop));
        assert_eq!(answer.usage().output_tokens, Some(4));
        let raw = answer.frames.last().and_then(|frame| frame.raw.as_ref());
        assert_eq!(raw.map(|raw| &*raw.data), Some(end), "the caller's stream has its end");
    }
}

#[tokio::test]
async fn gateway_provider_waits_for_a_late_usage_for_a_limited_time() {
    let limits = ProviderLimits { late_usage: SHORT, ..limits() };
    let script = AnswerScript::with(StandInFault::HangAfterFinish);
    for (format, output) in FORMATS.into_iter().zip([None, Some(4)]) {
        let answer = answer_within(limits, format, script.clone()).await;
        let finish = Some(ProviderFinish::Stop);
        assert_eq!((answer.finish(), answer.usage().output_tokens), (finish, output));
    }
}

#[tokio::test]
async fn gateway_provider_stream_that_stalls_or_only_pings_reaches_the_limit_of_silence() {
    let limits = ProviderLimits { silence: SHORT, ..limits() };
    for format in FORMATS {
        for fault in [
            StandInFault::StallAfter(2),
            StandInFault::CommentsAfter(2),
            StandInFault::PingsAfter(2),
        ] {
            let answer = answer_within(limits, format, AnswerScript::with(fault)).await;
            assert_eq!(answer.class(), ProviderErrorClass::TimeLimit);
            assert_eq!(answer.text(), "Hello, ");
        }
    }
}

#[tokio::test]
async fn gateway_provider_first_content_has_a_limit_that_pings_do_not_extend() {
    let limits = ProviderLimits { first_content: SHORT, ..limits() };
    for format in FORMATS {
        for fault in [
            StandInFault::SlowFirstToken(Duration::from_secs(60)),
            StandInFault::CommentsAfter(0),
            StandInFault::PingsAfter(0),
        ] {
            let answer = answer_within(limits, format, AnswerScript::with(fault)).await;
            assert_eq!(answer.class(), ProviderErrorClass::TimeLimit);
            assert!(!answer.frames.iter().any(ProviderFrame::has_content));
        }
    }
}

#[tokio::test]
async fn gateway_provider_has_time_limits_that_replace_the_defaults() {
    let silent = ProviderTimeLimits { silence: Some(SHORT), ..ProviderTimeLimits::default() };
    let slow = ProviderTimeLimits { first_content: Some(SHORT), ..ProviderTimeLimits::default() };
    let total = ProviderTimeLimits { total: Some(SHORT), ..ProviderTimeLimits::default() };
    let minute = Duration::from_secs(60);
    for (time_limits, fault, class) in [
        (silent, StandInFault::StallAfter(2), ProviderErrorClass::TimeLimit),
        (slow, StandInFault::SlowFirstToken(minute), ProviderErrorClass::TimeLimit),
        (slow, StandInFault::SlowHeaders(minute), ProviderErrorClass::NoAnswer),
        (total, StandInFault::StallAfter(2), ProviderErrorClass::TimeLimit),
    ] {
        for format in FORMATS {
            let stand_in = ProviderStandIn::with([AnswerScript::with(fault.clone())]).await;
            let request = ProviderRequest { time_limits, ..request(&stand_in.url, format) };
            let answer = Collected::of(&provider(limits()), request).await;
            assert_eq!(answer.class(), class, "{time_limits:?}");
        }
    }
}

#[tokio::test]
async fn gateway_provider_headers_have_a_limit() {
    let limits = ProviderLimits { headers: SHORT, ..limits() };
    for format in FORMATS {
        let fault = StandInFault::SlowHeaders(Duration::from_secs(60));
        let answer = answer_within(limits, format, AnswerScript::with(fault)).await;
        assert_eq!(answer.class(), ProviderErrorClass::NoAnswer);
    }
}

#[tokio::test]
async fn gateway_provider_answer_has_a_total_limit() {
    let mut script = AnswerScript::of(std::iter::repeat_n("word ", 10_000));
    script.pace = Duration::from_millis(5);
    for format in FORMATS {
        let stand_in = ProviderStandIn::with([script.clone()]).await;
        let limits = ProviderLimits { total: 4 * SHORT, ..limits() };
        let answer = Collected::of(&provider(limits), request(&stand_in.url, format)).await;
        assert_eq!(answer.class(), ProviderErrorClass::TimeLimit);
        assert!(!answer.text().is_empty());
        stand_in.state.wait_for_open(0).await;
    }
}

#[tokio::test]
async fn gateway_provider_whole_answer_has_a_total_limit() {
    for format in FORMATS {
        let fault = StandInFault::SlowHeaders(Duration::from_secs(60));
        let stand_in = ProviderStandIn::with([AnswerScript::with(fault)]).await;
        let limits = ProviderLimits { total: SHORT, ..limits() };
        let mut request = request(&stand_in.url, format);
        request.stream = false;
        let answer = Collected::of(&provider(limits), request).await;
        assert_eq!(answer.class(), ProviderErrorClass::TimeLimit);
    }
}

#[tokio::test]
async fn gateway_provider_event_without_json_is_a_broken_stream() {
    for format in FORMATS {
        let answer = answer_to(format, AnswerScript::with(StandInFault::BrokenJson(1))).await;
        assert_eq!(answer.class(), ProviderErrorClass::Truncated);
    }
}

#[tokio::test]
async fn gateway_provider_event_and_answer_have_a_size_limit() {
    let long = "x".repeat(5_000);
    for format in FORMATS {
        for stream in [true, false] {
            let stand_in = ProviderStandIn::with([AnswerScript::of([long.as_str()])]).await;
            let limits = ProviderLimits { event_bytes: 2_000, answer_bytes: 2_000, ..limits() };
            let mut request = request(&stand_in.url, format);
            request.stream = stream;
            let answer = Collected::of(&provider(limits), request).await;
            assert_eq!(answer.class(), ProviderErrorClass::Truncated);
        }
    }
}

#[tokio::test]
async fn gateway_provider_request_is_cancelled_when_its_stream_is_dropped() {
    for format in FORMATS {
        let mut script = AnswerScript::with(StandInFault::StallAfter(2));
        script.usage = ScriptedUsage::Last;
        let stand_in = ProviderStandIn::with([script]).await;
        let mut stream = provider(limits()).stream(request(&stand_in.url, format));
        assert!(stand_in.state.requests().is_empty(), "nothing is sent before it is polled");
        while let Some(Ok(frame)) = stream.next().await {
            if frame.has_content() {
                break;
            }
        }
        stand_in.state.wait_for_open(1).await;
        drop(stream);
        stand_in.state.wait_for_open(0).await;
        let row = stand_in.state.invoice().remove(0);
        assert!(!row.complete && row.output_tokens >= 1, "{row:?}");
    }
}
