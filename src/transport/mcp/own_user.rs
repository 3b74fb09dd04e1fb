//! Calls of a principal that is a user: it acts as itself, and may omit the argument that names a
//! user. A connector names the users of its calls instead.

use std::borrow::Cow;
use std::sync::Arc;

use rmcp::ErrorData;
use rmcp::model::{CallToolRequestParams, JsonObject, Tool};
use serde_json::Value;
use thiserror::Error;

use crate::kernel::admission::Subject;
use crate::kernel::principal::Principal;
use crate::kernel::toolset::Toolset;

/// The name that stands for the principal in a URI.
const ME: &str = "me";

/// A call names another user than its principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{0} names another user: omit it, because your token says who you are.")]
pub(super) struct ForeignUser(&'static str);

/// The subject of a call. For a principal that is a user, also adds the argument that names it.
///
/// # Errors
/// Returns [`ForeignUser`] if the call names another user.
pub(super) fn resolve(
    principal: &Principal,
    toolset: &dyn Toolset,
    request: &mut CallToolRequestParams,
) -> Result<Subject, ForeignUser> {
    let Some(user) = principal.chat_user() else { return Ok(toolset.subject(request)) };
    let Some(argument) = toolset.user_argument() else { return Ok(Subject::Anonymous) };
    let arguments = request.arguments.get_or_insert_default();
    name_principal(principal, argument, arguments)?;
    Ok(Subject::Principal(user))
}

/// Adds `argument` with the name of the principal.
fn name_principal(
    principal: &Principal,
    argument: &'static str,
    arguments: &mut JsonObject,
) -> Result<(), ForeignUser> {
    let name = principal.owner().map_or("", |owner| owner.as_str());
    match arguments.get(argument) {
        None | Some(Value::Null) => {}
        Some(Value::String(id)) if id.trim().is_empty() || id.trim() == name => {}
        Some(_) => return Err(ForeignUser(argument)),
    }
    arguments.insert(argument.to_owned(), name.into());
    Ok(())
}

/// The parameters of a call in the short form with the argument that names the principal. `None` if they
/// need none.
///
/// # Errors
/// Returns the error to answer with if they name another user.
pub(super) fn short_params(
    principal: &Principal,
    toolset: &dyn Toolset,
    params: &str,
) -> Result<Option<String>, ErrorData> {
    let (Some(_), Some(argument)) = (principal.chat_user(), toolset.user_argument()) else {
        return Ok(None);
    };
    // The toolset reports parameters that are no object.
    let Ok(mut object) = serde_json::from_str::<JsonObject>(params) else { return Ok(None) };
    let foreign = |error: ForeignUser| ErrorData::invalid_params(error.to_string(), None);
    name_principal(principal, argument, &mut object).map_err(foreign)?;
    Ok(serde_json::to_string(&object).ok())
}

/// A tool as a principal sees it: one that is a user need not name itself.
pub(super) fn describe(principal: &Principal, toolset: &dyn Toolset, mut tool: Tool) -> Tool {
    if let (Some(_), Some(argument)) = (principal.chat_user(), toolset.user_argument())
        && let Some(Value::Array(required)) =
            Arc::make_mut(&mut tool.input_schema).get_mut("required")
    {
        required.retain(|name| name != argument);
    }
    tool
}

/// Returns `false` if a resource belongs to a user that is not the principal. For others there is no such
/// resource.
pub(super) fn owns_resource(principal: &Principal, toolset: &dyn Toolset, uri: &str) -> bool {
    if principal.chat_user().is_none() {
        return true;
    }
    let own =
        |user: &str| user == ME || principal.owner().is_some_and(|owner| owner.as_str() == user);
    toolset.resource_user(uri).is_none_or(own)
}

/// The URI of a resource for globs, and its alias: a principal that is a user names itself by its
/// name and as [`ME`]. In a template of its resources, both take the place of the variable.
pub(super) fn uris<'a>(
    principal: &Principal,
    toolset: &dyn Toolset,
    uri: &'a str,
) -> (Cow<'a, str>, Option<String>) {
    let owner = principal.chat_user().and(principal.owner());
    let (Some(owner), Some(user)) = (owner, toolset.resource_user(uri)) else {
        return (uri.into(), None);
    };
    let start = user.as_ptr().addr().wrapping_sub(uri.as_ptr().addr());
    let end = start.wrapping_add(user.len());
    let (Some(before), Some(after)) = (uri.get(..start), uri.get(end..)) else {
        return (uri.into(), None);
    };
    let of = |name: &str| [before, name, after].concat();
    (of(owner.as_str()).into(), Some(of(ME)))
}

/// The subject of a read of a resource that [`owns_resource`] admits.
pub(super) fn resource_subject(principal: &Principal, toolset: &dyn Toolset, uri: &str) -> Subject {
    match principal.chat_user() {
        None => toolset.resource_subject(uri),
        Some(user) if toolset.resource_user(uri).is_some() => Subject::Principal(user),
        Some(_) => Subject::Anonymous,
    }
}
