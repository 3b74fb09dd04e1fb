//! The arguments of actions on credits. The rules of `args.rs` hold here too.

use schemars::JsonSchema;
use serde::Deserialize;

/// Names an account. Exactly one of both.
#[derive(Clone, Copy)]
pub(super) struct AccountName<'a> {
    pub user: Option<&'a str>,
    pub account: Option<&'a str>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountArgs {
    /// The name of the user: OWNER, the sub of a JWT, the owner of an API key, oidc:ISSUER|SUB or firebase:PROJECT|UID. Pass this or account.
    pub user: Option<String>,
    /// The account: 32 hex digits, as in exports and in answers. Pass this or user.
    pub account: Option<String>,
    /// Only entries below this number: the `next` of the previous page.
    pub before: Option<u64>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeCreditsArgs {
    /// The name of the user: OWNER, the sub of a JWT, the owner of an API key, oidc:ISSUER|SUB or firebase:PROJECT|UID. Pass this or account.
    pub user: Option<String>,
    /// The account: 32 hex digits, as in exports and in answers. Pass this or user.
    pub account: Option<String>,
    /// Credits to add, as text with up to six decimal places, such as "12.5". A negative amount takes credit away.
    pub amount: String,
    /// Defaults to top_up, and to adjustment for a negative amount.
    pub kind: Option<CreditKindArg>,
    /// Why, for the entry of the account. At most 300 characters.
    pub reason: Option<String>,
    /// Your own idempotency key: a repeated call with it changes nothing more. At most 200 bytes.
    pub key: Option<String>,
}

/// The kind of a change of credit.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CreditKindArg {
    /// The user has paid.
    TopUp,
    /// A correction, which may be negative.
    Adjustment,
    /// A charge that is returned.
    Refund,
}

/// The query of an export.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UsageExportArgs {
    pub from: Option<String>,
    pub to: Option<String>,
    pub user: Option<String>,
    pub account: Option<String>,
    pub format: Option<String>,
}
