//! [`PreparedRequest`]: the models that may answer a request, and what it may cost. Pure.

use std::ops::RangeInclusive;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::gateway::catalog::hold::{BoundCandidate, HoldBound};
use crate::gateway::catalog::model::{Catalog, CatalogModel};
use crate::gateway::catalog::prompt::PromptSize;
use crate::gateway::catalog::unpriced::unpriced_field;
use crate::gateway::error::{CreditShortfall, GatewayError, GatewayErrorCode};
use crate::gateway::money::MicroCredits;
use crate::gateway::provider::request::RequestBody;
use crate::gateway::service::request::{AUTO_PROVIDER, GatewayRequest};
use crate::kernel::principal::PrincipalRole;

/// Length of an answer in tokens if the request names none.
const DEFAULT_OUTPUT_TOKENS: u32 = 4_096;

/// Minimum length of an answer that the account can't pay for in full, in tokens.
const MIN_OUTPUT_TOKENS: u32 = 64;

/// The number of answers that a request may ask for. OpenAI's maximum.
const ANSWERS: RangeInclusive<u64> = 1..=128;

/// A request with the models that may answer it.
#[derive(Debug)]
pub(super) struct PreparedRequest {
    /// In the order of the attempts. Never empty.
    pub candidates: Vec<PreparedCandidate>,
    /// The hold that pays for the full length, whichever candidate answers.
    pub ask: MicroCredits,
    /// The smallest hold that is of use.
    pub least: MicroCredits,
    /// Maximum length of the answer in tokens.
    pub max_output_tokens: u32,
    /// Maximum number of tokens of the input and all answers, if the first candidate answers.
    pub tokens: u64,
}

/// A model that may answer a request.
#[derive(Clone, Debug)]
pub(super) struct PreparedCandidate {
    pub model: Arc<CatalogModel>,
    /// The size of the input in tokens, for a provider that does not say it.
    pub estimated_input_tokens: u64,
    /// Whether the input is only text, whose size in tokens depends only on the tokenizer.
    pub is_text: bool,
    bound: HoldBound,
}

impl PreparedCandidate {
    fn of(model: &Arc<CatalogModel>, size: &PromptSize) -> Option<Self> {
        let input_tokens = size.input_tokens(model);
        let candidate = BoundCandidate { price: &model.price, input_tokens };
        let bound = HoldBound::of([candidate], size.answers(), size.long_cache_writes())?;
        let estimated_input_tokens = size.likely_input_tokens(model);
        let is_text = size.is_text();
        Some(Self { model: Arc::clone(model), estimated_input_tokens, is_text, bound })
    }

    /// The longest answer that `amount` pays for, up to `max` tokens. `None` if it does not pay for any.
    pub fn max_output_tokens(&self, amount: MicroCredits, max: u32) -> Option<u32> {
        self.bound.max_output(amount).map(|tokens| tokens.min(max))
    }
}

impl PreparedRequest {
    /// Finds the models, and computes the hold. An answer that would exceed `tokens_per_minute` with its input is
    /// shortened.
    ///
    /// # Errors
    /// Returns the error to answer with if no model may answer.
    pub fn of(
        request: &GatewayRequest,
        role: PrincipalRole,
        catalog: &Catalog,
        tokens_per_minute: Option<u64>,
    ) -> Result<Self, GatewayError> {
        let mut models = models(request, role, catalog)?;
        let (RequestBody::Chat(body) | RequestBody::Messages(body)) = &request.body;
        if let Some(field) = unpriced_field(body) {
            let message = format!("The gateway has no price for this value of the field {field:?}");
            return Err(GatewayError::new(GatewayErrorCode::InvalidRequest, message));
        }
        check_answer_count(body)?;
        let size = PromptSize::of(body);
        // The first model's provider decides itself whether the input is too long.
        let first = models.first().map(|model| model.name.clone());
        models.retain(|model| Some(&model.name) == first.as_ref() || size.fits(model));
        let asked = asked_output_tokens(request)?;
        let of_models = models.iter().map(|model| model.max_output_tokens).min();
        let of_role = catalog.roles().limits(role).max_output_tokens;
        let max_output_tokens = asked.min(of_role).min(of_models.unwrap_or(asked));
        let candidates: Vec<_> =
            models.iter().filter_map(|model| PreparedCandidate::of(model, &size)).collect();
        let input = candidates.first().map_or(0, |first| first.estimated_input_tokens);
        let request_tokens = RequestTokens { input, answers: size.answers().into() };
        let max_output_tokens = match tokens_per_minute {
            Some(limit) => request_tokens.output_within(limit, max_output_tokens)?,
            None => max_output_tokens,
        };
        let holds = candidates.iter().map(|candidate| candidate.bound.hold(max_output_tokens));
        let ask = holds.max().unwrap_or_default();
        let shortest = max_output_tokens.min(MIN_OUTPUT_TOKENS);
        let least = candidates.first().map(|first| first.bound.hold(shortest)).unwrap_or_default();
        let ask = match request.budget {
            Some(available) if available < least => {
                let shortfall = CreditShortfall { needed: least, available };
                return Err(GatewayError::insufficient_credits(shortfall));
            }
            Some(budget) => ask.min(budget),
            None => ask,
        };
        let tokens = request_tokens.with_output(max_output_tokens);
        Ok(Self { candidates, ask, least, max_output_tokens, tokens })
    }
}

/// Refuses a number of answers that providers may read in another way than the hold.
fn check_answer_count(body: &Map<String, Value>) -> Result<(), GatewayError> {
    let answers = body.get("n").filter(|answers| !answers.is_null());
    let is_count = |answers: &Value| answers.as_u64().is_some_and(|n| ANSWERS.contains(&n));
    if answers.is_none_or(is_count) {
        return Ok(());
    }
    let message = format!("n is a whole number from {} to {}", ANSWERS.start(), ANSWERS.end());
    Err(GatewayError::new(GatewayErrorCode::InvalidRequest, message))
}

/// The length of the answer that the request allows, in tokens.
fn asked_output_tokens(request: &GatewayRequest) -> Result<u32, GatewayError> {
    match request.max_output_tokens {
        Some(0) => {
            let message = "The length of the answer is at least 1 token";
            Err(GatewayError::new(GatewayErrorCode::InvalidRequest, message))
        }
        Some(asked) => Ok(u32::try_from(asked).unwrap_or(u32::MAX)),
        None => Ok(DEFAULT_OUTPUT_TOKENS),
    }
}

/// The tokens of a request, without those of its answers.
#[derive(Clone, Copy)]
struct RequestTokens {
    input: u64,
    /// The number of answers, at least 1.
    answers: u64,
}

impl RequestTokens {
    /// The tokens with answers of this length.
    fn with_output(self, output: u32) -> u64 {
        self.answers.saturating_mul(output.into()).saturating_add(self.input)
    }

    /// The longest answer within the limit of a minute, up to `max`.
    ///
    /// # Errors
    /// Returns `INVALID_REQUEST` if the limit leaves less than the shortest answer.
    fn output_within(self, limit: u64, max: u32) -> Result<u32, GatewayError> {
        let output = limit.saturating_sub(self.input) / self.answers;
        let output = u32::try_from(output).unwrap_or(u32::MAX).min(max);
        if output >= max.min(MIN_OUTPUT_TOKENS) {
            return Ok(output);
        }
        let message = format!(
            "The request needs at least {} tokens, and your role may use {limit} in a minute: send a shorter request",
            self.with_output(max.min(MIN_OUTPUT_TOKENS))
        );
        Err(GatewayError::new(GatewayErrorCode::InvalidRequest, message))
    }
}

/// The models that may answer, in the order of the attempts. Never empty.
fn models(
    request: &GatewayRequest,
    role: PrincipalRole,
    catalog: &Catalog,
) -> Result<Vec<Arc<CatalogModel>>, GatewayError> {
    let allowed = &catalog.roles().limits(role).models;
    let mut found: Vec<Arc<CatalogModel>> = Vec::new();
    let is_auto = request.provider == AUTO_PROVIDER;
    for name in std::iter::once(&request.model).chain(&request.fallback) {
        let model = catalog.model(name).map_err(|_| {
            let message = format!("There is no model {name:?}: GET /v1/models lists all");
            GatewayError::new(GatewayErrorCode::UnknownModel, message)
        })?;
        if !allowed.allows(&model.name) {
            let message = format!("Your role has no access to the model {:?}", model.name);
            return Err(GatewayError::new(GatewayErrorCode::ModelNotAllowed, message));
        }
        if !is_auto && model.provider != request.provider {
            let message = format!(
                "The model {:?} belongs to the provider {:?}: name that one, or auto",
                model.name, model.provider
            );
            return Err(GatewayError::new(GatewayErrorCode::InvalidRequest, message));
        }
        let others = if is_auto { usize::MAX } else { 1 };
        let candidates = catalog.candidates(model).take(others);
        for candidate in candidates.filter(|candidate| allowed.allows(&candidate.name)) {
            if !found.iter().any(|known| known.name == candidate.name) {
                found.push(Arc::clone(candidate));
            }
        }
    }
    if found.is_empty() {
        let message = "This server has no key for the provider of the model: ask its operator";
        return Err(GatewayError::new(GatewayErrorCode::ProviderRejected, message));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;
    use serde_json::json;

    use super::*;
    use crate::gateway::provider::request::MessagesHeaders;

    fn prepare(model: &str, body: Value) -> Result<PreparedRequest, GatewayError> {
        prepare_within(None, model, body)
    }

    fn prepare_within(
        tokens_per_minute: Option<u64>,
        model: &str,
        body: Value,
    ) -> Result<PreparedRequest, GatewayError> {
        let mut catalog = Catalog::load(None).expect("a catalog");
        catalog.set_keys(|_| Some(SecretString::from("key")));
        let Value::Object(body) = body else { panic!("no object") };
        let request = GatewayRequest {
            body: RequestBody::Chat(body),
            headers: MessagesHeaders::default(),
            provider: AUTO_PROVIDER.to_owned(),
            model: model.to_owned(),
            fallback: Vec::new(),
            stream: true,
            max_output_tokens: None,
            budget: None,
            idempotency_key: None,
        };
        PreparedRequest::of(&request, PrincipalRole::Admin, &catalog, tokens_per_minute)
    }

    fn names(model: &str, words: usize) -> Vec<String> {
        let content = "word ".repeat(words);
        let prepared = prepare(model, json!({"messages": [{"role": "user", "content": content}]}));
        let candidates = prepared.expect("models").candidates;
        candidates.iter().map(|candidate| candidate.model.name.clone()).collect()
    }

    #[test]
    fn gateway_limits_shorten_an_answer_to_the_tokens_of_a_minute_or_refuse_it() {
        let prepare = |limit, answers| {
            let content = "word ".repeat(1_000);
            let messages = json!([{"role": "user", "content": content}]);
            let body = json!({"messages": messages, "n": answers});
            prepare_within(limit, "gpt-6-luna", body)
        };
        let free = prepare(None, 1).expect("no limit");
        let input = free.tokens - u64::from(free.max_output_tokens);
        for (answers, limit, output) in [
            (1, free.tokens, free.max_output_tokens),
            (1, input + 100, 100),
            (3, input + 301, 100),
            (1, input + 64, 64),
        ] {
            let cut = prepare(Some(limit), answers).expect("a shorter answer");
            assert_eq!(cut.max_output_tokens, output);
            assert!(cut.tokens <= limit && cut.ask <= prepare(None, answers).expect("models").ask);
        }
        for limit in [input + 63, input, 1] {
            let error = prepare(Some(limit), 1).expect_err("too many tokens");
            assert_eq!(error.code, GatewayErrorCode::InvalidRequest);
            assert!(error.message.contains(&format!("{limit} in a minute")), "{}", error.message);
        }
    }

    #[test]
    fn gateway_request_without_a_price_is_refused() {
        for field in [json!({"service_tier": "priority"}), json!({"web_search_options": {}})] {
            let error = prepare("gpt-6-luna", field).expect_err("no price");
            assert_eq!(error.code, GatewayErrorCode::InvalidRequest);
        }
        assert!(prepare("gpt-6-luna", json!({"service_tier": "default"})).is_ok());
    }

    #[test]
    fn gateway_request_for_a_number_of_answers_that_is_no_count_is_refused() {
        for answers in [json!(200.0), json!("200"), json!(0), json!(-1), json!(129), json!(true)] {
            let error = prepare("gpt-6-luna", json!({ "n": answers })).expect_err("no count");
            assert_eq!(error.code, GatewayErrorCode::InvalidRequest, "{answers}");
        }
        let ask = |answers| prepare("gpt-6-luna", json!({ "n": answers })).expect("models").ask;
        assert_eq!(ask(json!(null)), ask(json!(1)));
        assert!(ask(json!(128)) > ask(json!(127)));
    }

    #[test]
    fn gateway_hold_pays_for_a_long_cache_that_the_whole_request_asks_for() {
        let ask = |control: Value| {
            let messages = json!([{ "role": "user", "content": "word ".repeat(2_000) }]);
            let body = json!({ "messages": messages, "cache_control": control });
            prepare("claude-haiku-4-5", body).expect("models").ask
        };
        let short = ask(json!({ "type": "ephemeral", "ttl": "5m" }));
        assert!(ask(json!({ "type": "ephemeral", "ttl": "1h" })) > short);
    }

    #[test]
    fn gateway_request_has_only_equivalents_that_accept_its_input() {
        assert_eq!(names("gpt-6.1-terra", 10), ["gpt-6.1-terra", "claude-haiku-4-5"]);
        assert_eq!(names("gpt-6.1-terra", 200_000), ["gpt-6.1-terra"]);
        let long = names("claude-haiku-4-5", 200_000);
        assert_eq!(long, ["claude-haiku-4-5", "gpt-6.1-terra"], "its provider decides itself");
    }
}
