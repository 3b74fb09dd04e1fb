//! [`add_limits`]: the headers with the limits of the caller, as OpenAI names them.

use axum::http::HeaderValue;
use axum::response::Response;

use crate::gateway::ledger::limits::{AccountLimitStates, LimitState};

const REQUESTS: [&str; 3] =
    ["x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"];
const TOKENS: [&str; 3] =
    ["x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"];

/// Adds the limit, what remains of it, and the time until all of it is free again, such as `8.572s`. Adds nothing if
/// the caller has no limits.
pub(super) fn add_limits(response: &mut Response, limits: Option<&AccountLimitStates>) {
    let Some(AccountLimitStates { requests, tokens }) = limits else { return };
    for (names, state) in [(REQUESTS, requests), (TOKENS, tokens)] {
        let LimitState { limit, remaining, reset } = state;
        let reset = format!("{}s", reset.as_secs_f64());
        for (name, value) in
            names.into_iter().zip([limit.to_string(), remaining.to_string(), reset])
        {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(name, value);
            }
        }
    }
}
