//! [`classify`]: the class of an error that a provider sends.

use std::time::Duration;

use serde_json::Value;

use crate::gateway::provider::error::{
    CallerText, ProviderError, ProviderErrorClass, ProviderRefusal,
};
use crate::gateway::provider::request::WireFormat;

/// Codes of an account that does not work until the operator acts. From OpenAI's help center (article 5955604) and
/// Anthropic's list of errors.
const ACCOUNT: &[&str] = &[
    "insufficient_quota",
    "credit_balance_exhausted",
    "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded",
    "organization_usage_limit_exceeded",
    "billing_hard_limit_reached",
    "billing_not_active",
    "account_deactivated",
    "invalid_api_key",
    "authentication_error",
    "permission_error",
    "billing_error",
    "enforced_spend_limit_reached",
    "contract_spend_limit_reached",
];

/// Codes of a provider that asks for a pause.
const THROTTLED: &[&str] = &[
    "rate_limit_exceeded",
    "rate_limit_error",
    "slow_down",
    "server_is_overloaded",
    "engine_overloaded",
    "overloaded_error",
    "ramp_limit_exceeded",
];

const TOO_LONG: &[&str] = &["context_length_exceeded", "model_context_window_exceeded"];
const REFUSED: &[&str] =
    &["content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation"];
const UNKNOWN_MODEL: &[&str] = &["model_not_found", "not_found_error"];
const TOO_LARGE: &[&str] = &["request_too_large"];
const TRANSIENT: &[&str] = &["api_error", "server_error", "timeout_error", "internal_error"];

/// Parts of messages about credit, which Anthropic sends as an invalid request.
const CREDIT: &[&str] = &["credit balance", "spend limit", "usage limit"];
/// Parts of messages about a conversation that is too long, which have no code.
const LENGTH: &[&str] = &["prompt is too long", "maximum context length", "exceed context limit"];

/// The error of an HTTP answer (`status`, `body`), or inside a stream (no status).
///
/// `retry_after` is that of the headers. It is dropped for classes that no pause helps.
#[must_use]
pub fn classify(
    format: WireFormat,
    status: Option<u16>,
    body: &Value,
    retry_after: Option<Duration>,
) -> ProviderError {
    let fault = Fault::read(body);
    // Compatible servers put the status into the code of an error inside a stream.
    let class = fault
        .class(format, status)
        .unwrap_or_else(|| of_status(status.or_else(|| fault.status_code())));
    let helps = matches!(class, ProviderErrorClass::Throttled | ProviderErrorClass::Transient);
    ProviderError {
        class,
        status,
        retry_after: retry_after.filter(|_| helps),
        request_id: body.get("request_id").and_then(Value::as_str).and_then(request_id),
        message: CallerText::new(fault.message),
    }
}

/// Returns an id if it has the form of one, because it may be logged.
#[must_use]
pub fn request_id(id: &str) -> Option<String> {
    let is_id = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    (!id.is_empty() && id.len() <= 128 && id.chars().all(is_id)).then(|| id.to_owned())
}

/// The fields of an error's object.
struct Fault<'a> {
    codes: Vec<&'a str>,
    number: Option<u64>,
    message: &'a str,
}

impl<'a> Fault<'a> {
    fn read(body: &'a Value) -> Self {
        let error = body.get("error").unwrap_or(body);
        let code = error.get("code");
        let details = error.get("details").and_then(|details| details.get("error_code"));
        let codes = [details, code, error.get("type")].into_iter().flatten();
        let message = error.get("message").or_else(|| body.get("message")).unwrap_or(error);
        Self {
            codes: codes.filter_map(Value::as_str).collect(),
            number: code
                .and_then(|code| code.as_u64().or_else(|| code.as_str()?.parse::<u64>().ok())),
            message: message.as_str().unwrap_or_default(),
        }
    }

    fn status_code(&self) -> Option<u16> {
        self.number.and_then(|number| u16::try_from(number).ok())
    }

    /// The class of the codes and the message, if these have one.
    fn class(&self, format: WireFormat, status: Option<u16>) -> Option<ProviderErrorClass> {
        use ProviderErrorClass::{Account, Caller, Throttled, Transient, UnknownModel};
        let has = |codes: &[&str]| self.codes.iter().any(|code| codes.contains(code));
        let is_invalid = matches!(status, None | Some(400));
        let in_messages = format == WireFormat::Messages;
        if has(ACCOUNT) || (is_invalid && in_messages && self.is_about_credit()) {
            Some(Account)
        } else if has(THROTTLED) {
            Some(Throttled)
        } else if has(TOO_LONG) || (is_invalid && self.mentions(LENGTH)) {
            Some(Caller(ProviderRefusal::TooLong))
        } else if has(REFUSED) {
            Some(Caller(ProviderRefusal::Refused))
        } else if has(UNKNOWN_MODEL) {
            Some(UnknownModel)
        } else if has(TOO_LARGE) {
            Some(Caller(ProviderRefusal::TooLarge))
        } else if has(TRANSIENT) && status.is_none() {
            Some(Transient)
        } else if has(&["invalid_request_error"]) && status.is_none() {
            Some(Caller(ProviderRefusal::Invalid))
        } else {
            None
        }
    }

    /// Whether the message is about the credit. A message with a quotation or a field name is not, because it may quote
    /// the request: a caller could otherwise choose the class, and lock the credential for all callers.
    fn is_about_credit(&self) -> bool {
        let quotes = [": ", "'", "\"", "`", "{", "["];
        self.mentions(CREDIT) && !quotes.iter().any(|quote| self.message.contains(quote))
    }

    fn mentions(&self, texts: &[&str]) -> bool {
        let message = self.message.to_ascii_lowercase();
        texts.iter().any(|text| message.contains(text))
    }
}

fn of_status(status: Option<u16>) -> ProviderErrorClass {
    use ProviderErrorClass::{Account, Caller, Throttled, Transient, UnknownModel};
    match status {
        // A redirect is a wrong address, and is never followed, because it may lead the credential elsewhere.
        Some(300..=399 | 401..=403) => Account,
        Some(404 | 405) => UnknownModel,
        Some(413) => Caller(ProviderRefusal::TooLarge),
        Some(429 | 503 | 529) => Throttled,
        Some(408 | 409 | 425) => Transient,
        Some(400..=499) => Caller(ProviderRefusal::Invalid),
        _ => Transient,
    }
}

#[cfg(test)]
mod tests {
    use ProviderErrorClass::{Account, Caller, Throttled, Transient, UnknownModel};
    use serde_json::json;

    use super::*;

    fn class(
        format: WireFormat,
        status: impl Into<Option<u16>>,
        body: &Value,
    ) -> ProviderErrorClass {
        classify(format, status.into(), body, None).class
    }

    fn chat(status: impl Into<Option<u16>>, error: &Value) -> ProviderErrorClass {
        class(WireFormat::Chat, status, &json!({ "error": error }))
    }

    fn messages(status: impl Into<Option<u16>>, error: &Value) -> ProviderErrorClass {
        class(WireFormat::Messages, status, &json!({ "type": "error", "error": error }))
    }

    #[test]
    fn gateway_provider_error_of_the_quota_is_no_throttling() {
        for code in ["credit_balance_exhausted", "project_spend_limit_exceeded"] {
            let error = json!({ "type": "insufficient_quota", "code": code, "message": "x" });
            assert_eq!(chat(429, &error), Account);
        }
        assert_eq!(chat(429, &json!({ "code": "rate_limit_exceeded" })), Throttled);
        assert_eq!(chat(429, &json!(null)), Throttled);
        let limit = json!({ "error_code": "enforced_spend_limit_reached" });
        let error = json!({ "type": "rate_limit_error", "details": limit });
        assert_eq!(messages(429, &error), Account);
        let ramp = json!({ "error_code": "ramp_limit_exceeded" });
        assert_eq!(
            messages(429, &json!({ "type": "rate_limit_error", "details": ramp })),
            Throttled
        );
    }

    #[test]
    fn gateway_provider_error_about_credit_is_one_of_the_account() {
        for message in [
            "Your credit balance is too low to access the API. Please go to Plans & Billing.",
            "You have reached the spend limit you set. You will regain access on 2026-12-01.",
            "You have reached your specified API usage limits.",
        ] {
            let error = json!({ "type": "invalid_request_error", "message": message });
            assert_eq!(messages(400, &error), Account, "{message}");
            assert_eq!(messages(None, &error), Account, "{message}");
        }
    }

    #[test]
    fn gateway_provider_error_that_quotes_the_caller_has_no_class_of_the_quotation() {
        for message in [
            "messages.0.content.0: Input tag 'spend limit' found using 'type' does not match",
            "You have reached the spend limit: Extra inputs are not permitted",
            "Unexpected role \"your credit balance is too low\"",
        ] {
            let error = json!({ "type": "invalid_request_error", "message": message });
            assert_eq!(messages(400, &error), Caller(ProviderRefusal::Invalid), "{message}");
        }
    }

    #[test]
    fn gateway_provider_error_has_the_class_of_its_status_or_code() {
        for (status, expected) in [
            (302, Account),
            (400, Caller(ProviderRefusal::Invalid)),
            (401, Account),
            (402, Account),
            (403, Account),
            (404, UnknownModel),
            (408, Transient),
            (413, Caller(ProviderRefusal::TooLarge)),
            (422, Caller(ProviderRefusal::Invalid)),
            (429, Throttled),
            (500, Transient),
            (502, Transient),
            (503, Throttled),
            (504, Transient),
            (529, Throttled),
        ] {
            assert_eq!(chat(status, &json!({ "message": "x" })), expected, "{status}");
            assert_eq!(messages(status, &json!({ "type": "x" })), expected, "{status}");
            if status >= 400 {
                assert_eq!(chat(None, &json!({ "code": status })), expected, "{status} inside");
            }
        }
        let error = json!({ "code": "context_length_exceeded", "type": "invalid_request_error" });
        assert_eq!(chat(400, &error), Caller(ProviderRefusal::TooLong));
        let error =
            json!({ "type": "invalid_request_error", "message": "prompt is too long: 9 > 8" });
        assert_eq!(messages(400, &error), Caller(ProviderRefusal::TooLong));
        assert_eq!(
            chat(400, &json!({ "code": "content_filter" })),
            Caller(ProviderRefusal::Refused)
        );
        assert_eq!(messages(None, &json!({ "type": "overloaded_error" })), Throttled);
        assert_eq!(messages(None, &json!({ "type": "api_error" })), Transient);
        assert_eq!(chat(None, &json!("a text")), Transient);
    }

    #[test]
    fn gateway_provider_error_shows_its_message_to_the_caller_only() {
        let body = json!({ "error": { "message": "the secret plan" }, "request_id": "req_1" });
        let error = classify(WireFormat::Messages, Some(400), &body, None);
        assert_eq!(error.message.expose(), "the secret plan");
        assert_eq!(error.request_id.as_deref(), Some("req_1"));
        assert!(!format!("{error} {error:?}").contains("secret"));
        assert_eq!(request_id("the secret plan"), None);
    }

    #[test]
    fn gateway_provider_error_has_a_pause_only_if_a_pause_helps() {
        let pause = Some(Duration::from_secs(9));
        let of = |status| classify(WireFormat::Chat, Some(status), &json!({}), pause).retry_after;
        assert_eq!((of(429), of(500), of(401), of(400)), (pause, pause, None, None));
    }
}
