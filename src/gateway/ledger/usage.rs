//! [`GatewayUsageRow`]: the record of a request that has ended. It has no text of the request or the answer.

use std::fmt;
use std::str::FromStr;

use super::ids::HoldId;
use crate::gateway::money::MicroCredits;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;
use crate::kernel::model::ModelUsage;

/// Maximum number of rows of a page.
pub const USAGE_PAGE_LIMIT: usize = 1_000;

/// The source of the numbers of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UsageSource {
    Provider,
    Estimated,
}

impl UsageSource {
    /// The name in tables and on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Estimated => "estimated",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Provider, Self::Estimated].into_iter().find(|source| source.name() == name)
    }
}

/// The end of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UsageStatus {
    /// The answer is complete.
    Done,
    /// The client has canceled it or left.
    Cancelled,
    /// The provider's stream broke after the first content.
    Broken,
    /// No provider has answered.
    Failed,
    /// Its node ended without settling it.
    Recovered,
}

/// All ends of a request.
pub const USAGE_STATUSES: [UsageStatus; 5] = [
    UsageStatus::Done,
    UsageStatus::Cancelled,
    UsageStatus::Broken,
    UsageStatus::Failed,
    UsageStatus::Recovered,
];

impl UsageStatus {
    /// The name in tables and on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Cancelled => "cancelled",
            Self::Broken => "broken",
            Self::Failed => "failed",
            Self::Recovered => "recovered",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        USAGE_STATUSES.into_iter().find(|status| status.name() == name)
    }
}

/// The facts of a request at its end, as the caller measured them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayUsage {
    /// The provider that has answered, or the last one that was tried.
    pub provider: String,
    /// The model that has answered, as the provider names it.
    pub response_model: Option<String>,
    pub tokens: ModelUsage,
    pub source: UsageSource,
    pub status: UsageStatus,
    /// The reason of the end, as the gateway names it, such as `stop`.
    pub finish: Option<String>,
    /// Time from the reservation to the first content, in milliseconds.
    pub first_token_ms: Option<u64>,
    /// Time from the reservation to the end, in milliseconds.
    pub total_ms: u64,
    /// Number of requests to providers.
    pub attempts: u32,
}

impl GatewayUsage {
    /// The usage of a request whose node ended, `total_ms` after its start.
    #[must_use]
    pub fn recovered(provider: String, total_ms: u64) -> Self {
        Self {
            provider,
            response_model: None,
            tokens: ModelUsage::default(),
            source: UsageSource::Estimated,
            status: UsageStatus::Recovered,
            finish: None,
            first_token_ms: None,
            total_ms,
            attempts: 0,
        }
    }
}

/// A request that has ended, as it is stored and exported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayUsageRow {
    pub account: UserId,
    pub hold: HoldId,
    /// The model that was asked for.
    pub model: String,
    pub usage: GatewayUsage,
    pub charged: MicroCredits,
    /// The part of the price that neither the hold nor the free balance covered.
    pub uncollected: MicroCredits,
    /// The time of the settlement.
    pub at: Timestamp,
}

/// The order of a page of usage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UsageOrder {
    #[default]
    OldestFirst,
    NewestFirst,
}

/// Chooses rows of usage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsageFilter {
    /// `None` for all accounts.
    pub account: Option<UserId>,
    /// The first time.
    pub from: Option<Timestamp>,
    /// The first time after the rows.
    pub to: Option<Timestamp>,
    pub order: UsageOrder,
}

/// The place of a row in the order of time. Its text is opaque to a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UsagePosition {
    pub(super) at: Timestamp,
    pub(super) hold: HoldId,
}

impl UsagePosition {
    #[must_use]
    pub const fn of(row: &GatewayUsageRow) -> Self {
        Self { at: row.at, hold: row.hold }
    }
}

impl fmt::Display for UsagePosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{}", self.at.as_millis(), self.hold.to_hex())
    }
}

/// A text is no [`UsagePosition`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the position is not one that an earlier page returned")]
pub struct InvalidUsagePosition;

impl FromStr for UsagePosition {
    type Err = InvalidUsagePosition;

    fn from_str(text: &str) -> Result<Self, InvalidUsagePosition> {
        let (at, hold) = text.split_once('-').ok_or(InvalidUsagePosition)?;
        if !at.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(InvalidUsagePosition);
        }
        let at = u64::from_str_radix(at, 16).map_err(|_| InvalidUsagePosition)?;
        let hold = HoldId::from_hex(hold).ok_or(InvalidUsagePosition)?;
        Ok(Self { at: Timestamp::from_millis(at), hold })
    }
}

/// Rows of usage in the order of their time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsagePage {
    pub rows: Vec<GatewayUsageRow>,
    /// The place to continue after. `None` if no further row existed.
    pub next: Option<UsagePosition>,
}

impl UsagePage {
    /// A page of `limit` rows from one row more.
    #[must_use]
    pub(super) fn of(mut rows: Vec<GatewayUsageRow>, limit: usize) -> Self {
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| has_more).map(UsagePosition::of);
        Self { rows, next }
    }
}

/// The number of rows of a page: at least 1, at most [`USAGE_PAGE_LIMIT`].
#[must_use]
pub(super) fn page_limit(limit: usize) -> usize {
    limit.clamp(1, USAGE_PAGE_LIMIT)
}
