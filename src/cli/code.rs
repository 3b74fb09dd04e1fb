//! [`codes`]: the user codes of a raw id, as logs and the operator's tools show them.

use clap::ValueEnum;
use secrecy::ExposeSecret;

use crate::config::Config;
use crate::kernel::id::{IdHasher, Realm};

/// The source of a raw id. The same id from two sources belongs to two users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum IdSource {
    /// The puch_user_id of handle_message, also of a bridge
    Puch,
    /// The user_id of the penpal tools
    Penpal,
    /// The sender of a WhatsApp message
    Whatsapp,
    /// The name of an owner: OWNER, of an API key, the sub of a JWT, or oidc:ISSUER|SUB and firebase:PROJECT|UID
    Owner,
}

impl IdSource {
    const fn realm(self) -> Realm {
        match self {
            Self::Puch => Realm::Puch,
            Self::Penpal => Realm::PenPal,
            Self::Whatsapp => Realm::WhatsApp,
            Self::Owner => Realm::Owner,
        }
    }
}

/// Returns the code of `raw` by source: one line for `source`, or a line for each.
///
/// # Errors
/// Returns the reason if the id is empty, or if this configuration has no stable codes.
pub fn codes(config: &Config, raw: &str, source: Option<IdSource>) -> Result<String, &'static str> {
    let Some(salt) = config.id_salt() else {
        return Err(
            "without REDIS_URL or DATABASE_URL, and the ID_SALT that they need, the server hashes ids with a \
            random key at each start, so that a user has another code after each start",
        );
    };
    let (ids, raw) = (IdHasher::from_salt(salt.expose_secret().as_bytes()), raw.trim());
    if raw.is_empty() {
        return Err("the id is empty");
    }
    let code = |source: IdSource| ids.user_id(source.realm(), raw);
    if let Some(source) = source {
        return Ok(format!("{}\n", code(source)));
    }
    let line = |source: &IdSource| {
        let name = source.to_possible_value().map(|value| value.get_name().to_owned());
        format!("{:<9} {}\n", name.unwrap_or_default(), code(*source))
    };
    Ok(IdSource::value_variants().iter().map(line).collect())
}
