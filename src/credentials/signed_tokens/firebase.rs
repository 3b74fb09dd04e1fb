//! ID tokens of Firebase Authentication, for a project.
//!
//! Their audience is the project and not this server, so every server that a user of the project sends the
//! token to can use it here. They are therefore accepted only if the operator names the project, and the
//! metadata of the resource does not mention them.

use jsonwebtoken::Algorithm;
use reqwest::Url;

use super::provider::ProviderRules;
use super::provider_keys::KeySource;
use crate::kernel::permissions::{AccessLevel, AccessPermissions};
use crate::kernel::principal::{Credential, Owner};
use crate::kernel::settings::{EchoValue, SettingsReader};

/// The keys of Google's service account for these tokens, as a key set.
const KEYS: &str =
    "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com";

/// `FIREBASE_PROJECT_ID`.
#[derive(Clone, Debug)]
pub struct FirebaseSettings {
    /// The id of the project.
    pub project: String,
    keys: Url,
}

/// Reads `FIREBASE_PROJECT_ID`. `None` if unset or invalid.
pub fn read(reader: &mut SettingsReader<'_>) -> Option<FirebaseSettings> {
    reader.read("FIREBASE_PROJECT_ID", EchoValue::Yes, |id| {
        let is_plain =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_valid = (4..=30).contains(&id.len()) && id.bytes().all(is_plain);
        if !is_valid {
            return Err("the id of a project: 4 to 30 lower-case letters, digits and hyphens");
        }
        FirebaseSettings::new(id, KEYS).ok_or("the id of a project")
    })
}

impl FirebaseSettings {
    /// The settings of a project whose keys are at the address `keys`. `None` if that is no URL.
    #[must_use]
    pub fn new(project: &str, keys: &str) -> Option<Self> {
        Some(Self { project: project.to_owned(), keys: Url::parse(keys).ok()? })
    }

    pub(super) fn rules(&self) -> ProviderRules {
        let project = self.project.clone();
        ProviderRules {
            setting: "FIREBASE_PROJECT_ID",
            issuer: format!("https://securetoken.google.com/{project}"),
            audiences: vec![project.clone()],
            algorithms: &[Algorithm::RS256],
            keys: KeySource::Fixed(self.keys.clone()),
            credential: Credential::Firebase,
            owner: Box::new(move |user| Owner::firebase(&project, user)),
            // The tokens have no scopes.
            permissions: |_| AccessPermissions::level(AccessLevel::ReadWrite),
        }
    }
}
