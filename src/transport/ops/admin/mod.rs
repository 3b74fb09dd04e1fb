//! The operator's API, for the bearer of `ADMIN_TOKEN`. It does not exist without that setting.
//!
//! - [`AdminApi`] (`api.rs`) has the actions, `args.rs` their arguments, and `operator.rs` the
//!   name of the acting operator.
//! - `key_actions.rs` has the actions on API keys, and `keys.rs` their routes.
//! - `accounts.rs` has the actions on the credits of the gateway, `account_args.rs` their arguments, `account_routes.rs`
//!   their routes, [`AccountTools`] their tools, and `usage_export.rs` the export of usage. They exist only if the
//!   gateway is enabled.
//! - [`routes()`] serves them below `/admin`; [`AdminTools`] are the same actions as MCP tools, which
//!   a separate MCP server provides at `/admin/mcp`.
//!
//! A tool never answers with an API key, because the transcript of a model is no place for a secret.
//!
//! To add an action, add a method to [`AdminApi`], a route in `routes.rs` and a tool in `tools.rs`.
//!
//! **Invariant:** no tool and no answer outside `/admin` mentions any of this to users or agents.

mod account_args;
mod account_routes;
mod account_tools;
mod accounts;
mod api;
mod args;
mod http;
mod key_actions;
mod keys;
mod operator;
mod routes;
mod tools;
mod usage_export;

pub use self::account_tools::AccountTools;
pub use self::accounts::AccountAdmin;
pub use self::api::AdminApi;
pub use self::routes::routes;
pub use self::tools::AdminTools;
