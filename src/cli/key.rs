//! [`run`]: the commands of `key`, which change the keys beside a running server.

use std::fmt::Write as _;

use clap::Subcommand;
use secrecy::ExposeSecret;

use crate::credentials::api_keys::key::ApiKeyId;
use crate::credentials::api_keys::record::{ApiKeyDays, ApiKeyName, ApiKeyPolicy, ApiKeyRequest};
use crate::credentials::api_keys::service::{ApiKeyError, ApiKeys, IssuedApiKey};
use crate::credentials::api_keys::view::ApiKeyView;
use crate::kernel::permissions::{AccessLevel, Glob, Globs};
use crate::kernel::principal::Owner;

#[derive(Subcommand)]
pub enum KeyCommand {
    /// Create a key and print it, once
    Create {
        /// A name for the list of keys
        #[arg(long)]
        name: ApiKeyName,
        /// The user that the key acts as
        #[arg(long, value_name = "WHO", value_parser = Owner::named)]
        owner: Owner,
        /// read_only, read_write or admin
        #[arg(long)]
        level: AccessLevel,
        /// Show only tools and resources whose name or URI matches, such as get_*; may be repeated
        #[arg(long, value_name = "GLOB")]
        allow: Vec<Glob>,
        /// Hide tools and resources whose name or URI matches, also those of --allow; may be repeated
        #[arg(long, value_name = "GLOB")]
        deny: Vec<Glob>,
        /// Life of the key in days, 1 to 365
        #[arg(long, value_name = "N")]
        days: ApiKeyDays,
    },
    /// List the keys: id, state, level, end, last use, owner, name and globs, separated by tabs
    List,
    /// Create and print the successor of a key, which stays valid for 24 hours
    Rotate {
        /// The id of the key: the 12 characters after rc_
        id: ApiKeyId,
    },
    /// Revoke a key: within 5 seconds no server accepts it, and its sessions end
    Revoke {
        /// The id of the key: the 12 characters after rc_
        id: ApiKeyId,
    },
}

/// The output of a command.
pub struct KeyOutput {
    /// For standard output.
    pub text: String,
    /// For standard error. Empty for none.
    pub note: String,
}

/// Executes a command.
///
/// # Errors
/// Returns [`ApiKeyError`] if the key can't be changed, or the store is unavailable.
pub async fn run(keys: &ApiKeys, command: KeyCommand) -> Result<KeyOutput, ApiKeyError> {
    match command {
        KeyCommand::Create { name, owner, level, allow, deny, days } => {
            let policy = ApiKeyPolicy { level, globs: Globs { allow, deny } };
            let request = ApiKeyRequest { name, owner, policy, days };
            let issued = keys.create(keys.generate(), &request).await?;
            Ok(issued_output(&issued, ""))
        }
        KeyCommand::List => Ok(KeyOutput { text: list(keys).await?, note: String::new() }),
        KeyCommand::Rotate { id } => {
            let issued = keys.rotate(id, keys.generate()).await?;
            Ok(issued_output(&issued, ", and the old key for 24 hours at most"))
        }
        KeyCommand::Revoke { id } => {
            keys.revoke(id).await?;
            let note = format!("key {id} is revoked: servers refuse it within 5 seconds\n");
            Ok(KeyOutput { text: String::new(), note })
        }
    }
}

fn issued_output(issued: &IssuedApiKey, addition: &str) -> KeyOutput {
    let (id, end) = (issued.id, issued.expires_at.to_iso_8601());
    KeyOutput {
        text: format!("{}\n", issued.key.expose_secret()),
        note: format!(
            "key {id} is valid until {end}{addition}. It is not shown again: store it now\n"
        ),
    }
}

/// A line for each key, after a line with the names of the columns.
async fn list(keys: &ApiKeys) -> Result<String, ApiKeyError> {
    let mut text = "ID\tSTATE\tLEVEL\tEXPIRES\tLAST USE\tOWNER\tNAME\tALLOW\tDENY\n".to_owned();
    let mut after = None;
    loop {
        let page = keys.list(after).await?;
        let now = keys.now();
        for key in page.keys {
            let key = ApiKeyView::new(key, now);
            // Writing to a string never fails.
            let _ = writeln!(
                text,
                "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}",
                key.id,
                key.state,
                key.level.as_deref().unwrap_or("unreadable: no access"),
                key.expires_at,
                key.last_used_at.as_deref().unwrap_or("never"),
                key.owner,
                key.name,
                key.allow.join(" "),
                key.deny.join(" "),
            );
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(text),
        }
    }
}
