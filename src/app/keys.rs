//! [`open`]: the API keys of a configuration, for the commands that change them beside a running server.

use std::sync::Arc;

use secrecy::ExposeSecret;
use thiserror::Error;

use super::database::DatabaseSetupError;
use super::{database, stores};
use crate::config::Config;
use crate::credentials::api_keys::service::ApiKeys;
use crate::kernel::clock::{Clock, SystemClock};
use crate::kernel::id::IdHasher;
use crate::kernel::sql::Database;

/// The keys can't be opened.
#[derive(Debug, Error)]
pub enum KeySetupError {
    #[error("API keys are stored in a database: set DATABASE_URL, for the server too")]
    NoDatabase,
    #[error(transparent)]
    Database(#[from] DatabaseSetupError),
}

impl KeySetupError {
    /// Returns `true` if the operator has to correct a setting.
    #[must_use]
    pub const fn is_bad_setting(&self) -> bool {
        match self {
            Self::NoDatabase => true,
            Self::Database(error) => error.is_bad_setting(),
        }
    }
}

/// Opens the keys, and the database, which the caller closes. Creates the database and its secrets if
/// necessary, as the server does.
///
/// # Errors
/// Returns [`KeySetupError`] if the configuration has no database, or it can't be used.
pub async fn open(config: &mut Config) -> Result<(Arc<ApiKeys>, Database), KeySetupError> {
    let database = database::open(config).await?.ok_or(KeySetupError::NoDatabase)?;
    let salt = config.id_salt().expect("opening the database completes the secrets");
    let ids = IdHasher::from_salt(salt.expose_secret().as_bytes());
    let clock = Arc::new(SystemClock::new()) as Arc<dyn Clock>;
    Ok((stores::api_keys(&database, &clock, &ids), database))
}
