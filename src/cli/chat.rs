//! [`chat_token`]: the token of the command `chat`.

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use secrecy::SecretString;

use crate::config::Config;
use crate::kernel::settings::ConfigProblem;
use crate::kernel::toolset::row::ToolsetRow;

/// Environment variable with the token for `chat`.
const TOKEN_VARIABLE: &str = "RANDOM_CONNECT_TOKEN";

/// Printed if the token is an argument.
const TOKEN_WARNING: &str = "warning: other users of this machine can see the token in --token: use --token-file or RANDOM_CONNECT_TOKEN";

/// Returns the token for `chat`, or an empty one if none is set. `table` is that of the server.
///
/// # Errors
/// Returns the problems of the file or of the settings that should have the token.
pub fn chat_token(
    table: &[ToolsetRow],
    argument: Option<String>,
    file: Option<&Path>,
) -> Result<SecretString, Vec<String>> {
    if let Some(token) = argument {
        // A script that reads standard error is not disturbed.
        if io::stderr().is_terminal() {
            let _ = writeln!(io::stderr(), "{TOKEN_WARNING}");
        }
        return Ok(token.into());
    }
    if let Some(file) = file {
        let unreadable = |error| vec![format!("can't read {}: {error}", file.display())];
        return std::fs::read_to_string(file).map(SecretString::from).map_err(unreadable);
    }
    // An empty variable counts as unset, as in the settings.
    if let Some(token) = std::env::var(TOKEN_VARIABLE).ok().filter(|token| !token.trim().is_empty())
    {
        return Ok(token.into());
    }
    configured_token(table).map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

/// Returns the token of the environment or `.env`, or an empty string if neither sets one.
fn configured_token(table: &[ToolsetRow]) -> Result<SecretString, Vec<ConfigProblem>> {
    let tokens = Config::load(table, Path::new(".env"))?.config.auth_tokens;
    Ok(tokens.map_or_else(SecretString::default, |tokens| tokens.current().into()))
}
