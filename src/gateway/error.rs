//! [`GatewayError`]: why a request has no complete answer, in the words for its caller.
//!
//! The codes are a contract: clients decide by them. All edges read the table of [`GatewayErrorCode`], so that a code
//! has the same meaning over WebSocket, HTTP and MCP.

use std::fmt;
use std::time::Duration;

use thiserror::Error;

use super::catalog::roles::RoleLimits;
use super::ledger::limits::{AccountLimitStates, LimitKind, RefusedByLimit};
use super::money::MicroCredits;
use super::provider::error::ProviderRefusal;
use super::routing::request::{RouteError, RouteFailure};
use crate::kernel::principal::Rejected;

macro_rules! error_codes {
    ($($(#[$doc:meta])* $code:ident = $name:literal, $status:literal, $is_retryable:literal;)*) => {
        /// The kind of an error.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum GatewayErrorCode {
            $($(#[$doc])* $code,)*
        }

        impl GatewayErrorCode {
            /// All codes, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$code),*];

            /// The name in messages.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$code => $name,)* }
            }

            /// The HTTP status.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$code => $status,)* }
            }

            /// Whether the same request may succeed later.
            #[must_use]
            pub const fn is_retryable(self) -> bool {
                match self { $(Self::$code => $is_retryable,)* }
            }
        }
    };
}

error_codes! {
    InvalidJson = "INVALID_JSON", 400, false;
    InvalidRequest = "INVALID_REQUEST", 400, false;
    UnknownModel = "UNKNOWN_MODEL", 404, false;
    /// The role of the caller does not have the model.
    ModelNotAllowed = "MODEL_NOT_ALLOWED", 403, false;
    ContextTooLong = "CONTEXT_TOO_LONG", 400, false;
    /// The provider refuses the content.
    ContentRefused = "CONTENT_REFUSED", 400, false;
    Unauthorized = "UNAUTHORIZED", 401, false;
    TokenExpired = "TOKEN_EXPIRED", 401, false;
    /// The authentication service does not answer.
    AuthUnavailable = "AUTH_UNAVAILABLE", 503, true;
    /// A request with the same id or idempotency key and another body came before.
    DuplicateId = "DUPLICATE_ID", 409, false;
    TooLarge = "TOO_LARGE", 413, false;
    /// Too many requests or tokens in a minute.
    RateLimited = "RATE_LIMITED", 429, true;
    /// Too many requests at once.
    TooManyRequests = "TOO_MANY_REQUESTS", 429, true;
    InsufficientCredits = "INSUFFICIENT_CREDITS", 402, false;
    Cancelled = "CANCELLED", 499, false;
    /// The provider rejects the request or the operator's account.
    ProviderRejected = "PROVIDER_REJECTED", 502, false;
    ProviderThrottled = "PROVIDER_THROTTLED", 503, true;
    ProviderUnavailable = "PROVIDER_UNAVAILABLE", 503, true;
    ProviderTimeout = "PROVIDER_TIMEOUT", 504, true;
    /// The answer was cut after its begin.
    StreamBroken = "STREAM_BROKEN", 502, true;
    Draining = "DRAINING", 503, true;
    LedgerUnavailable = "LEDGER_UNAVAILABLE", 503, true;
    Internal = "INTERNAL_ERROR", 500, true;
}

/// Why a request has no complete answer.
#[derive(Clone, PartialEq, Eq, Error)]
#[error("{}", code.name())]
pub struct GatewayError {
    pub code: GatewayErrorCode,
    /// For the caller alone: it may quote the request.
    pub message: String,
    /// When to try again.
    pub retry_after: Option<Duration>,
    /// Set by [`GatewayErrorCode::InsufficientCredits`].
    pub shortfall: Option<CreditShortfall>,
    /// The state of the account's limits. Set if one of them refuses the request.
    pub limits: Option<Box<AccountLimitStates>>,
}

/// The smallest hold for a request, and what the account has for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreditShortfall {
    pub needed: MicroCredits,
    pub available: MicroCredits,
}

impl GatewayError {
    #[must_use]
    pub fn new(code: GatewayErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retry_after: None, shortfall: None, limits: None }
    }

    #[must_use]
    pub fn retry_after(self, pause: Duration) -> Self {
        Self { retry_after: Some(pause), ..self }
    }

    /// When to try again, in whole seconds, as the header `Retry-After` has it.
    #[must_use]
    pub fn retry_after_seconds(&self) -> Option<u64> {
        let pause = self.retry_after?;
        u64::try_from(pause.as_millis().div_ceil(1_000)).ok()
    }

    /// The account has used up a limit of its role.
    #[must_use]
    pub fn limited(refused: &RefusedByLimit, role: &RoleLimits) -> Self {
        let (code, message) = match refused.kind {
            LimitKind::Requests => {
                let limit = role.requests_per_minute;
                (
                    GatewayErrorCode::RateLimited,
                    format!("Your role may send {limit} requests in a minute: try again later"),
                )
            }
            LimitKind::Tokens => {
                let limit = role.tokens_per_minute;
                let message = format!(
                    "Your role may use {limit} tokens in a minute, and a request first counts its longest answer: try again later, or set a lower maximum"
                );
                (GatewayErrorCode::RateLimited, message)
            }
            LimitKind::Concurrent => {
                let limit = role.concurrent_requests;
                (
                    GatewayErrorCode::TooManyRequests,
                    format!("Your role may run {limit} requests at once: wait for one to end"),
                )
            }
        };
        Self {
            limits: refused.states.map(Box::new),
            ..Self::new(code, message).retry_after(refused.retry_after)
        }
    }

    /// The account can't pay for the shortest answer.
    #[must_use]
    pub fn insufficient_credits(shortfall: CreditShortfall) -> Self {
        let CreditShortfall { needed, available } = shortfall;
        let message = format!(
            "The request needs at least {needed} credits, and {available} are available: add credits, or send a shorter request"
        );
        let error = Self::new(GatewayErrorCode::InsufficientCredits, message);
        Self { shortfall: Some(shortfall), ..error }
    }
}

impl From<Rejected> for GatewayError {
    fn from(rejected: Rejected) -> Self {
        let message = rejected.to_string();
        match rejected {
            Rejected::Expired => Self::new(GatewayErrorCode::TokenExpired, message),
            Rejected::Unavailable => Self::new(GatewayErrorCode::AuthUnavailable, message)
                .retry_after(Duration::from_secs(1)),
            Rejected::Missing | Rejected::Invalid | Rejected::Ended | Rejected::Refused => {
                Self::new(GatewayErrorCode::Unauthorized, message)
            }
        }
    }
}

impl From<&RouteError> for GatewayError {
    fn from(error: &RouteError) -> Self {
        use GatewayErrorCode as Code;
        let (code, message) = match error.failure {
            RouteFailure::Refused(refusal) => {
                let code = match refusal {
                    ProviderRefusal::Invalid | ProviderRefusal::NotSent => Code::InvalidRequest,
                    ProviderRefusal::TooLong => Code::ContextTooLong,
                    ProviderRefusal::Refused => Code::ContentRefused,
                    ProviderRefusal::TooLarge => Code::TooLarge,
                };
                let detail = error.error.as_ref().map_or("", |error| error.message.expose());
                let message = match refusal {
                    _ if detail.is_empty() => refusal.to_string(),
                    // A text of this server, which needs no introduction.
                    ProviderRefusal::NotSent => detail.to_owned(),
                    _ => format!("{refusal}: {detail}"),
                };
                (code, capitalized(&message))
            }
            RouteFailure::Rejected => {
                let message = "No provider accepts the requests of this server: ask its operator";
                (Code::ProviderRejected, message.to_owned())
            }
            RouteFailure::Throttled => (
                Code::ProviderThrottled,
                "The providers have too many requests: try again".to_owned(),
            ),
            RouteFailure::Unavailable => {
                (Code::ProviderUnavailable, "No provider is available: try again".to_owned())
            }
            RouteFailure::TimedOut => {
                (Code::ProviderTimeout, "No provider answered in time: try again".to_owned())
            }
            RouteFailure::Broken => {
                let message = "The answer was cut by the provider: its begin is charged";
                (Code::StreamBroken, message.to_owned())
            }
        };
        Self { retry_after: error.retry_after, ..Self::new(code, message) }
    }
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

/// Shows the code, but not the message.
impl fmt::Debug for GatewayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatewayError")
            .field("code", &self.code)
            .field("retry_after", &self.retry_after)
            .finish_non_exhaustive()
    }
}
