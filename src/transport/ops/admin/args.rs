//! The arguments of admin actions, as JSON: bodies of the routes and arguments of the tools.
//!
//! Field names are wire names, and doc comments are the descriptions in the input schemas. An unknown
//! field is an error, because the default of a misspelt one may do the opposite of what the operator
//! wants: a `drain` without its field starts a drain.

use schemars::JsonSchema;
use serde::Deserialize;

use super::api::VerdictArg;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoArgs {}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VerdictArgs {
    pub verdict: VerdictArg,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResolveReportArgs {
    /// The report id from list_reports.
    pub id: String,
    pub verdict: VerdictArg,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserCodeArgs {
    /// The user code: the eight hex digits shown in logs and reports, or more.
    pub code: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListReportsArgs {
    /// Only the reports of this user: the user code, eight hex digits or more. Without it, at most ten reports per user are listed.
    pub code: Option<String>,
    /// The `next` of the previous page.
    pub cursor: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PageArgs {
    /// The `next` of the previous page.
    pub cursor: Option<String>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BanTerms {
    /// Why, for other operators. At most 300 characters.
    pub reason: Option<String>,
    /// Length of the ban in hours, 1 to 87,600. Without it, the ban lasts until unban.
    pub hours: Option<u64>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BanArgs {
    /// The user code: the eight hex digits shown in logs and reports, or more.
    pub code: String,
    /// Why, for other operators. At most 300 characters.
    pub reason: Option<String>,
    /// Length of the ban in hours, 1 to 87,600. Without it, the ban lasts until unban.
    pub hours: Option<u64>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BroadcastArgs {
    /// 1 to 1,000 characters.
    pub text: String,
    /// Your own idempotency key for this broadcast; users who received it last are skipped. Defaults to the text.
    pub id: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DrainArgs {
    /// false puts the instance back into service.
    #[serde(default = "default_true")]
    pub drain: bool,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateKeyArgs {
    /// 1 to 100 characters, for the list of keys.
    pub name: String,
    /// The user that the key acts as.
    pub owner: String,
    /// read_only, read_write or admin.
    pub level: String,
    /// Globs on names of tools and URIs of resources: with one or more, all others are hidden.
    #[serde(default)]
    pub allow: Vec<String>,
    /// Globs on names of tools and URIs of resources that are hidden. They win over allow.
    #[serde(default)]
    pub deny: Vec<String>,
    /// Life of the key in days, 1 to 365.
    pub days: u64,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyArgs {
    /// The id of the key: the 12 characters after rc_.
    pub id: String,
}

const fn default_true() -> bool {
    true
}
