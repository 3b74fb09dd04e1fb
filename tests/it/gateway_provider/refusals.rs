//! Answers with an HTTP status that is no success, and connections that fail.

use std::time::Duration;

use random_connect::gateway::provider::error::ProviderErrorClass;
use random_connect::gateway::provider::limits::ProviderLimits;
use random_connect::gateway::provider::request::WireFormat;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{Collected, FORMATS, KEY, SHORT, answer_to, limits, provider, request};
use crate::support::provider_stand_in::{AnswerScript, ProviderStandIn, StandInFault};

fn refusal(status: u16, headers: &[(&'static str, &str)], body: Value) -> AnswerScript {
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    AnswerScript::with(StandInFault::Status { status, headers, body })
}

#[tokio::test]
async fn gateway_provider_refusal_has_class_status_pause_and_id() {
    let body = json!({ "type": "error", "error": { "type": "overloaded_error", "message": "x" } });
    let headers = [("retry-after", "7"), ("request-id", "req_9")];
    for format in FORMATS {
        let answer = answer_to(format, refusal(529, &headers, body.clone())).await;
        let error = answer.error.expect("an error");
        assert_eq!(error.class, ProviderErrorClass::Throttled);
        assert_eq!((error.status, error.retry_after), (Some(529), Some(Duration::from_secs(7))));
        assert_eq!(error.request_id.as_deref(), Some("req_9"));
    }
}

#[tokio::test]
async fn gateway_provider_refusal_without_json_has_the_class_of_its_status() {
    for (status, class) in [
        (500, ProviderErrorClass::Transient),
        (503, ProviderErrorClass::Throttled),
        (404, ProviderErrorClass::UnknownModel),
    ] {
        let answer = answer_to(WireFormat::Chat, refusal(status, &[], json!("an apology"))).await;
        assert_eq!(answer.class(), class);
    }
}

#[tokio::test]
async fn gateway_provider_never_follows_a_redirect() {
    let stand_in = ProviderStandIn::start().await;
    for format in FORMATS {
        let path = match format {
            WireFormat::Chat => "/chat/completions",
            WireFormat::Messages => "/messages",
        };
        let location = format!("{}{path}", stand_in.url);
        let script = refusal(307, &[("location", &location)], json!({}));
        let answer = answer_to(format, script).await;
        assert_eq!(answer.class(), ProviderErrorClass::Account);
    }
    assert!(stand_in.state.requests().is_empty());
}

#[tokio::test]
async fn gateway_provider_without_a_connection_is_transient() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
    drop(listener);
    for format in FORMATS {
        let answer = Collected::of(&provider(limits()), request(&url, format)).await;
        assert_eq!(answer.class(), ProviderErrorClass::Transient);
    }
}

#[tokio::test]
async fn gateway_provider_with_a_bad_address_or_credential_needs_the_operator() {
    for format in FORMATS {
        let answer = Collected::of(&provider(limits()), request("not a url", format)).await;
        assert_eq!(answer.class(), ProviderErrorClass::Account);
        let mut request = request("http://127.0.0.1:9/v1", format);
        request.target.credential = Some("line\nbreak".into());
        let answer = Collected::of(&provider(limits()), request).await;
        assert_eq!(answer.class(), ProviderErrorClass::Account);
    }
}

#[tokio::test]
async fn gateway_provider_shows_no_text_and_no_credential() {
    let secret = "my secret plan";
    let body = json!({ "error": { "type": "invalid_request_error", "message": secret } });
    for format in FORMATS {
        let answer = answer_to(format, refusal(400, &[], body.clone())).await;
        let error = answer.error.expect("an error");
        assert_eq!(error.message.expose(), secret);
        let request = request("http://127.0.0.1:9/v1", format);
        let answer = answer_to(format, AnswerScript::of([secret])).await;
        let shown = format!("{error} {error:?} {request:?} {:?}", answer.frames);
        assert!(!shown.contains(secret) && !shown.contains(KEY) && !shown.contains("Say hello"));
    }
}

#[tokio::test]
async fn gateway_provider_connection_limit_is_part_of_the_headers_limit() {
    // An address that is reserved for documentation, which no packet reaches.
    let url = "http://192.0.2.1:9/v1";
    let limits = ProviderLimits { connect: SHORT, ..limits() };
    let answer = Collected::of(&provider(limits), request(url, WireFormat::Chat)).await;
    assert_eq!(answer.class(), ProviderErrorClass::Transient);
}
