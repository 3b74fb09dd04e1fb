//! The adapters to the providers of language models, over real HTTP.
//!
//! Each test runs in both formats, unless only one has the behavior.

mod answers;
mod comparison;
mod conversions;
mod decoders;
mod faults;
mod refusals;
mod writers;

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use random_connect::gateway::catalog::provider::ProviderTimeLimits;
use random_connect::gateway::provider::client::Provider;
use random_connect::gateway::provider::error::{ProviderError, ProviderErrorClass};
use random_connect::gateway::provider::frame::{ProviderEvent, ProviderFinish, ProviderFrame};
use random_connect::gateway::provider::limits::ProviderLimits;
use random_connect::gateway::provider::request::{
    MessagesHeaders, ProviderRequest, ProviderTarget, RequestBody, WireFormat,
};
use random_connect::kernel::clock::SystemClock;
use random_connect::kernel::model::ModelUsage;
use random_connect::transport::channels::outbound::http_client_builder;
use serde_json::{Map, Value, json};

use crate::support::provider_stand_in::{AnswerScript, ProviderStandIn};

const FORMATS: [WireFormat; 2] = [WireFormat::Chat, WireFormat::Messages];
const KEY: &str = "sk-secret-of-the-test";

/// A limit that a test can wait for.
const SHORT: Duration = Duration::from_millis(500);

fn limits() -> ProviderLimits {
    ProviderLimits::default()
}

fn provider(limits: ProviderLimits) -> Provider {
    let builder = http_client_builder(None).expect("certificates");
    Provider::new(builder, limits, Arc::new(SystemClock::new())).expect("a client")
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => panic!("no object"),
    }
}

/// A body in this format, with the fields of `extra`.
fn body(format: WireFormat, extra: Value) -> RequestBody {
    let mut fields = object(json!({ "messages": [{ "role": "user", "content": "Say hello." }] }));
    fields.extend(object(extra));
    match format {
        WireFormat::Chat => RequestBody::Chat(fields),
        WireFormat::Messages => RequestBody::Messages(fields),
    }
}

fn request(url: &str, format: WireFormat) -> ProviderRequest {
    let credential = Some(KEY.into());
    let (base_url, model) = (url.to_owned(), "model-1".to_owned());
    ProviderRequest {
        target: ProviderTarget { base_url, format, credential, model },
        body: body(format, json!({})),
        headers: MessagesHeaders::default(),
        max_output_tokens: 100,
        stream: true,
        time_limits: ProviderTimeLimits::default(),
    }
}

/// An answer, and the error at its end.
#[derive(Default)]
struct Collected {
    frames: Vec<ProviderFrame>,
    error: Option<ProviderError>,
}

impl Collected {
    async fn of(provider: &Provider, request: ProviderRequest) -> Self {
        let (mut stream, mut collected) = (provider.stream(request), Self::default());
        while let Some(frame) = stream.next().await {
            assert!(collected.error.is_none(), "nothing follows an error");
            assert!(collected.finish().is_none(), "nothing follows the finish");
            match frame {
                Ok(frame) => collected.frames.push(frame),
                Err(error) => collected.error = Some(error),
            }
        }
        let ends =
            usize::from(collected.finish().is_some()) + usize::from(collected.error.is_some());
        assert_eq!(ends, 1, "exactly one end");
        collected
    }

    fn events(&self) -> impl Iterator<Item = &ProviderEvent> {
        self.frames.iter().flat_map(|frame| &frame.events)
    }

    fn text(&self) -> String {
        let text = |event: &ProviderEvent| match event {
            ProviderEvent::Text(text) => Some(text.clone()),
            _ => None,
        };
        self.events().filter_map(text).collect()
    }

    fn usage(&self) -> ModelUsage {
        let mut usage = ModelUsage::default();
        for event in self.events() {
            if let ProviderEvent::Usage(later) = event {
                usage.update(*later);
            }
        }
        usage
    }

    fn finish(&self) -> Option<ProviderFinish> {
        self.events().find_map(|event| match event {
            ProviderEvent::Finished { reason } => Some(*reason),
            _ => None,
        })
    }

    #[track_caller]
    fn class(&self) -> ProviderErrorClass {
        self.error.as_ref().expect("an error").class
    }
}

/// The answer to a script.
async fn answer_to(format: WireFormat, script: AnswerScript) -> Collected {
    answer_within(limits(), format, script).await
}

async fn answer_within(
    limits: ProviderLimits,
    format: WireFormat,
    script: AnswerScript,
) -> Collected {
    let stand_in = ProviderStandIn::with([script]).await;
    Collected::of(&provider(limits), request(&stand_in.url, format)).await
}
