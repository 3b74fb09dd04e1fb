//! [`GenAiFigures`]: measurements of language models under the names of OpenTelemetry.
//!
//! Names, units, buckets and attributes are those of the semantic conventions for generative AI, version 1.41, in the
//! spelling of Prometheus. `gen_ai.client` is about requests of this server to providers, `gen_ai.server` about those
//! that it answers. The names of models come from the catalog, never from a caller or a provider, so that the number of
//! series is bounded by the configuration.

use std::time::Duration;

use metrics::Histogram;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;

use crate::gateway::catalog::model::CatalogModel;
use crate::gateway::catalog::price::input_tokens;
use crate::gateway::error::GatewayErrorCode;
use crate::gateway::provider::error::{ProviderErrorClass, ProviderRefusal};
use crate::gateway::routing::attempt::{AttemptOutcome, AttemptRecord};
use crate::kernel::figures::ToolsetFigures;
use crate::kernel::model::ModelUsage;

/// A histogram of the conventions.
struct GenAiMetric {
    name: &'static str,
    meaning: &'static str,
}

const TOKEN_USAGE: GenAiMetric = GenAiMetric {
    name: "gen_ai_client_token_usage",
    meaning: "Tokens of a request that are charged, by type.",
};
const OPERATION_DURATION: GenAiMetric = GenAiMetric {
    name: "gen_ai_client_operation_duration_seconds",
    meaning: "Duration of a request of this server to a provider.",
};
const REQUEST_DURATION: GenAiMetric = GenAiMetric {
    name: "gen_ai_server_request_duration_seconds",
    meaning: "Duration of a request to this server, with all requests to providers.",
};
const TIME_TO_FIRST_TOKEN: GenAiMetric = GenAiMetric {
    name: "gen_ai_server_time_to_first_token_seconds",
    meaning: "Time from a streamed request to the first part of its complete answer.",
};
const TIME_PER_OUTPUT_TOKEN: GenAiMetric = GenAiMetric {
    name: "gen_ai_server_time_per_output_token_seconds",
    meaning: "Time of a complete streamed answer for each token after the first one.",
};

const TOKEN_BUCKETS: &[f64] = &[
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];
const DURATION_BUCKETS: &[f64] =
    &[0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
const FIRST_TOKEN_BUCKETS: &[f64] =
    &[0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
const PER_TOKEN_BUCKETS: &[f64] =
    &[0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5];

/// The names of the histograms with the upper bounds of their buckets, in tokens or seconds.
pub const BUCKETS: [(&str, &[f64]); 5] = [
    (TOKEN_USAGE.name, TOKEN_BUCKETS),
    (OPERATION_DURATION.name, DURATION_BUCKETS),
    (REQUEST_DURATION.name, DURATION_BUCKETS),
    (TIME_TO_FIRST_TOKEN.name, FIRST_TOKEN_BUCKETS),
    (TIME_PER_OUTPUT_TOKEN.name, PER_TOKEN_BUCKETS),
];

/// An answer, complete or not.
pub(super) struct MeasuredAnswer<'a> {
    /// The first model that the request could be sent to.
    pub asked: &'a CatalogModel,
    /// The model that has answered, or was tried last.
    pub candidate: &'a CatalogModel,
    /// The catalog's name of the model that the provider says has answered. `None` if none has.
    pub answered: Option<&'a str>,
    pub usage: ModelUsage,
    pub is_streamed: bool,
    pub first_token: Option<Duration>,
    pub total: Duration,
    /// `None` if the answer is complete.
    pub error: Option<GatewayErrorCode>,
}

/// The histograms of the conventions.
pub(super) struct GenAiFigures {
    figures: ToolsetFigures,
    /// Registered histograms, by their names and labels: registering one again takes longer.
    registered: Mutex<FxHashMap<String, Histogram>>,
}

type GenAiLabels<'a> = Vec<(&'static str, &'a str)>;

impl GenAiFigures {
    pub fn new(figures: &ToolsetFigures) -> Self {
        Self { figures: figures.clone(), registered: Mutex::default() }
    }

    /// Measures the requests to providers.
    pub fn record_attempts(&self, attempts: &[AttemptRecord]) {
        for attempt in attempts {
            let target = &attempt.target;
            let mut labels = labels(&target.provider, &target.model);
            match error_type(attempt.outcome) {
                Some(error) => labels.push(("error_type", error)),
                None => labels.push(("gen_ai_response_model", &target.model)),
            }
            self.histogram(&OPERATION_DURATION, &labels).record(attempt.duration);
        }
    }

    /// Measures an answer to a request of this server.
    pub fn record_answer(&self, answer: &MeasuredAnswer<'_>) {
        self.record_tokens(answer);
        let MeasuredAnswer { asked, candidate, answered, total, .. } = *answer;
        let mut labels = labels(&candidate.provider, &asked.name);
        labels.extend(answered.map(|model| ("gen_ai_response_model", model)));
        let is_measured = answer.error.is_none() && answer.is_streamed;
        if let Some(first) = answer.first_token.filter(|_| is_measured) {
            self.histogram(&TIME_TO_FIRST_TOKEN, &labels).record(first);
            let later = answer.usage.output_tokens.unwrap_or_default().saturating_sub(1);
            if let Some(later) = u32::try_from(later).ok().filter(|later| *later > 0) {
                let each = total.saturating_sub(first) / later;
                self.histogram(&TIME_PER_OUTPUT_TOKEN, &labels).record(each);
            }
        }
        labels.extend(answer.error.map(|code| ("error_type", code.name())));
        self.histogram(&REQUEST_DURATION, &labels).record(total);
    }

    fn record_tokens(&self, answer: &MeasuredAnswer<'_>) {
        let MeasuredAnswer { candidate, answered, usage, .. } = *answer;
        if usage.total() == 0 {
            return;
        }
        let mut labels = labels(&candidate.provider, &candidate.name);
        labels.extend(answered.map(|model| ("gen_ai_response_model", model)));
        let output = usage.output_tokens.unwrap_or_default();
        for (kind, tokens) in [("input", input_tokens(&usage)), ("output", output)] {
            labels.push(("gen_ai_token_type", kind));
            // A count of tokens stays far below 2^52.
            #[expect(clippy::cast_precision_loss)]
            self.histogram(&TOKEN_USAGE, &labels).record(tokens as f64);
            labels.pop();
        }
    }

    fn histogram(&self, metric: &GenAiMetric, labels: &GenAiLabels<'_>) -> Histogram {
        let mut key = metric.name.to_owned();
        for (label, value) in labels {
            key.extend(["\n", label, "=", value]);
        }
        let mut registered = self.registered.lock();
        let register = || self.figures.histogram(metric.name, metric.meaning, labels);
        registered.entry(key).or_insert_with(register).clone()
    }
}

/// The labels that all metrics have. `model` is the name in the catalog.
fn labels<'a>(provider: &'a str, model: &'a str) -> GenAiLabels<'a> {
    vec![
        ("gen_ai_operation_name", "chat"),
        ("gen_ai_provider_name", provider_name(provider)),
        ("gen_ai_request_model", model),
    ]
}

/// The conventions' name of a provider of the catalog.
fn provider_name(provider: &str) -> &str {
    if provider == "claude" { "anthropic" } else { provider }
}

/// The kind of an error of a provider. `None` for an answer.
const fn error_type(outcome: AttemptOutcome) -> Option<&'static str> {
    let class = match outcome {
        AttemptOutcome::Answered => return None,
        // The caller left.
        AttemptOutcome::Open => return Some("cancelled"),
        AttemptOutcome::Failed(class) | AttemptOutcome::Broken(class) => class,
    };
    Some(match class {
        ProviderErrorClass::Caller(ProviderRefusal::Invalid | ProviderRefusal::NotSent) => {
            "invalid_request"
        }
        ProviderErrorClass::Caller(ProviderRefusal::TooLong) => "context_too_long",
        ProviderErrorClass::Caller(ProviderRefusal::Refused) => "content_refused",
        ProviderErrorClass::Caller(ProviderRefusal::TooLarge) => "too_large",
        ProviderErrorClass::UnknownModel => "unknown_model",
        ProviderErrorClass::Account => "account",
        ProviderErrorClass::Throttled => "throttled",
        ProviderErrorClass::Transient => "unavailable",
        ProviderErrorClass::Truncated => "truncated",
        ProviderErrorClass::NoAnswer | ProviderErrorClass::TimeLimit => "timeout",
    })
}
