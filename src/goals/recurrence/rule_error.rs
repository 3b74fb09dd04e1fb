//! [`RuleError`]: why a rule or its text is refused. No variant quotes more than the faulty part.

/// The reason why a rule is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    #[error("{part} must be {range}")]
    Range { part: &'static str, range: &'static str },
    #[error("{0}")]
    Combination(&'static str),
    #[error("the rule has no FREQ")]
    NoFrequency,
    #[error("FREQ={0} is not supported: use DAILY, WEEKLY, MONTHLY or YEARLY")]
    Frequency(String),
    #[error("{0} is not supported in a rule")]
    Unsupported(String),
    #[error("{0} occurs twice in the rule")]
    Repeated(String),
    #[error("{part} has an unreadable value: {value}")]
    Value { part: String, value: String },
    #[error("COUNT and UNTIL exclude each other")]
    TwoEnds,
    #[error("a series needs {0}")]
    Missing(&'static str),
    #[error("the time zone {0} is unknown: use an IANA name such as Europe/Berlin")]
    Zone(String),
    #[error("the rule never has an occurrence")]
    NeverOccurs,
    #[error("the rule is longer than {0} bytes")]
    TooLong(usize),
}

impl RuleError {
    /// An error that quotes at most 40 characters of `value`.
    pub(super) fn value(part: &str, value: &str) -> Self {
        Self::Value { part: shortened(part), value: shortened(value) }
    }

    pub(super) fn unsupported(part: &str) -> Self {
        Self::Unsupported(shortened(part))
    }
}

/// The first 40 characters of `text`, without control characters.
pub(super) fn shortened(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}
