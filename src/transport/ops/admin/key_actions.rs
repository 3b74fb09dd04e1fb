//! The actions of an operator on API keys, as methods of [`AdminApi`].

use secrecy::ExposeSecret;
use serde::Serialize;
use thiserror::Error;

use super::api::AdminApi;
use super::args::CreateKeyArgs;
use crate::credentials::api_keys::key::{ApiKeyId, InvalidApiKeyId};
use crate::credentials::api_keys::record::{ApiKeyPolicy, ApiKeyRequest, InvalidApiKey};
use crate::credentials::api_keys::service::{ApiKeyError, ApiKeys, IssuedApiKey};
use crate::credentials::api_keys::view::ApiKeyView;
use crate::kernel::permissions::{Glob, Globs, InvalidPolicy};
use crate::kernel::principal::{InvalidOwner, Owner};
use crate::moderation::admin::{AdminError, Operator};

/// Why an action on a key failed.
#[derive(Debug, Error)]
pub(super) enum KeyActionError {
    #[error("API keys are stored in a database: set DATABASE_URL")]
    NoDatabase,
    #[error(transparent)]
    Key(#[from] ApiKeyError),
    #[error(transparent)]
    Request(#[from] InvalidApiKey),
    #[error(transparent)]
    Owner(#[from] InvalidOwner),
    #[error(transparent)]
    Policy(#[from] InvalidPolicy),
    #[error(transparent)]
    Id(#[from] InvalidApiKeyId),
    #[error(transparent)]
    Audit(#[from] AdminError),
}

/// A page of keys, oldest first.
#[derive(Serialize)]
pub(super) struct ApiKeyPage {
    keys: Vec<ApiKeyView>,
    /// The cursor of the next page.
    next: Option<String>,
}

/// A new key, which no later answer contains.
#[derive(Serialize)]
pub(super) struct IssuedKeyView {
    id: String,
    key: String,
    /// In ISO 8601.
    expires_at: String,
}

impl From<IssuedApiKey> for IssuedKeyView {
    fn from(issued: IssuedApiKey) -> Self {
        Self {
            id: issued.id.to_string(),
            key: issued.key.expose_secret().to_owned(),
            expires_at: issued.expires_at.to_iso_8601(),
        }
    }
}

impl AdminApi {
    fn keys(&self) -> Result<&ApiKeys, KeyActionError> {
        self.keys.as_deref().ok_or(KeyActionError::NoDatabase)
    }

    /// The keys after the cursor of an earlier page.
    pub(super) async fn list_keys(
        &self,
        cursor: Option<&str>,
    ) -> Result<ApiKeyPage, KeyActionError> {
        let keys = self.keys()?;
        let after = cursor.map(str::parse).transpose()?;
        let (page, now) = (keys.list(after).await?, keys.now());
        Ok(ApiKeyPage {
            keys: page.keys.into_iter().map(|key| ApiKeyView::new(key, now)).collect(),
            next: page.next.map(|id| id.to_string()),
        })
    }

    pub(super) async fn create_key(
        &self,
        args: &CreateKeyArgs,
        by: &Operator,
    ) -> Result<IssuedKeyView, KeyActionError> {
        let (keys, request) = (self.keys()?, parse_request(args)?);
        let generated = keys.generate();
        self.audit_key(&format!("created key {}", generated.id()), by).await?;
        Ok(keys.create(generated, &request).await?.into())
    }

    pub(super) async fn rotate_key(
        &self,
        id: &str,
        by: &Operator,
    ) -> Result<IssuedKeyView, KeyActionError> {
        let (keys, id) = (self.keys()?, id.parse::<ApiKeyId>()?);
        let generated = keys.generate();
        self.audit_key(&format!("rotated key {id} to {}", generated.id()), by).await?;
        Ok(keys.rotate(id, generated).await?.into())
    }

    pub(super) async fn revoke_key(&self, id: &str, by: &Operator) -> Result<(), KeyActionError> {
        let (keys, id) = (self.keys()?, id.parse::<ApiKeyId>()?);
        self.audit_key(&format!("revoked key {id}"), by).await?;
        Ok(keys.revoke(id).await?)
    }

    async fn audit_key(&self, action: &str, by: &Operator) -> Result<(), AdminError> {
        self.admin.audit(action, by, self.clock.now()).await
    }
}

fn parse_request(args: &CreateKeyArgs) -> Result<ApiKeyRequest, KeyActionError> {
    let globs = |patterns: &[String]| -> Result<Vec<Glob>, InvalidPolicy> {
        patterns.iter().map(|pattern| pattern.parse()).collect()
    };
    let globs = Globs { allow: globs(&args.allow)?, deny: globs(&args.deny)? };
    Ok(ApiKeyRequest {
        name: args.name.parse()?,
        owner: Owner::named(&args.owner)?,
        policy: ApiKeyPolicy { level: args.level.parse()?, globs },
        days: args.days.try_into()?,
    })
}
