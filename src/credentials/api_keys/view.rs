//! [`ApiKeyView`]: a key as the operator sees it, without the key.

use serde::Serialize;

use super::record::{ApiKeyPolicy, ApiKeyRecord, ApiKeyState};
use crate::kernel::clock::Timestamp;
use crate::kernel::permissions::Glob;

/// A key in a list. Times are in ISO 8601.
#[derive(Clone, Debug, Serialize)]
pub struct ApiKeyView {
    pub id: String,
    pub name: String,
    pub owner: String,
    pub state: ApiKeyState,
    /// `None` if this version can't read the policy: the key then gives no access.
    pub level: Option<String>,
    pub allow: Vec<String>,
    pub deny: Vec<String>,
    pub created_at: String,
    pub expires_at: String,
    /// To the minute. `None` before the first use.
    pub last_used_at: Option<String>,
    /// `None` unless revoked.
    pub revoked_at: Option<String>,
    /// The id of the key that a rotation created.
    pub replaced_by: Option<String>,
}

impl ApiKeyView {
    /// The view of a key at `now`.
    #[must_use]
    pub fn new(key: ApiKeyRecord, now: Timestamp) -> Self {
        let texts = |globs: &[Glob]| globs.iter().map(|glob| glob.as_str().to_owned()).collect();
        let policy = ApiKeyPolicy::from_json(&key.policy);
        let globs = policy.as_ref().map(|policy| &policy.globs);
        Self {
            id: key.id.to_string(),
            state: key.state(now),
            level: policy.as_ref().map(|policy| policy.level.to_string()),
            allow: globs.map(|globs| texts(&globs.allow)).unwrap_or_default(),
            deny: globs.map(|globs| texts(&globs.deny)).unwrap_or_default(),
            created_at: key.created_at.to_iso_8601(),
            expires_at: key.expires_at.to_iso_8601(),
            last_used_at: key.last_used_at.map(Timestamp::to_iso_8601),
            revoked_at: key.revoked_at.map(Timestamp::to_iso_8601),
            replaced_by: key.replaced_by.map(|id| id.to_string()),
            name: key.name,
            owner: key.owner,
        }
    }
}
