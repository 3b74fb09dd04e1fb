//! [`ApiKeyRecord`]: the stored data of a key, and the rules of its life. Pure.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::key::ApiKeyId;
use crate::kernel::clock::Timestamp;
use crate::kernel::permissions::{AccessLevel, AccessPermissions, Glob, Globs};
use crate::kernel::principal::Owner;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Remaining life of a key after its rotation.
pub const ROTATION_GRACE: Duration = DAY;

/// Time from the end of a key to its deletion.
pub const EXPIRED_RETENTION: Duration = Duration::from_secs(90 * 24 * 60 * 60);

const MAX_DAYS: u16 = 365;
const MAX_NAME_CHARS: usize = 100;

/// Why a key can't be created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidApiKey {
    #[error(
        "the name of a key has 1 to {MAX_NAME_CHARS} characters, no control characters and no spaces at its ends"
    )]
    Name,
    #[error("a key lives for 1 to {MAX_DAYS} days")]
    Days,
}

/// The name that the operator gives a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyName(String);

impl FromStr for ApiKeyName {
    type Err = InvalidApiKey;

    fn from_str(name: &str) -> Result<Self, InvalidApiKey> {
        let is_valid = (1..=MAX_NAME_CHARS).contains(&name.chars().count())
            && name.trim() == name
            && !name.chars().any(char::is_control);
        if is_valid { Ok(Self(name.to_owned())) } else { Err(InvalidApiKey::Name) }
    }
}

/// The life of a key, in days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiKeyDays(u16);

impl TryFrom<u64> for ApiKeyDays {
    type Error = InvalidApiKey;

    fn try_from(days: u64) -> Result<Self, InvalidApiKey> {
        let days = u16::try_from(days).ok().filter(|days| (1..=MAX_DAYS).contains(days));
        days.map(Self).ok_or(InvalidApiKey::Days)
    }
}

impl FromStr for ApiKeyDays {
    type Err = InvalidApiKey;

    fn from_str(days: &str) -> Result<Self, InvalidApiKey> {
        days.parse::<u64>().map_err(|_| InvalidApiKey::Days)?.try_into()
    }
}

/// The level of a key and the globs that narrow it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyPolicy {
    pub level: AccessLevel,
    pub globs: Globs,
}

/// The stored form of a policy. A field of a later version makes it unreadable, because it may narrow the key.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct StoredPolicy {
    level: String,
    allow: Vec<String>,
    deny: Vec<String>,
}

impl ApiKeyPolicy {
    /// The policy as JSON, for a store.
    #[must_use]
    pub fn to_json(&self) -> String {
        let texts = |globs: &[Glob]| globs.iter().map(|glob| glob.as_str().to_owned()).collect();
        let stored = StoredPolicy {
            level: self.level.to_string(),
            allow: texts(&self.globs.allow),
            deny: texts(&self.globs.deny),
        };
        serde_json::to_string(&stored).expect("strings are valid in JSON")
    }

    /// The policy in the JSON of a store. `None` if this version can't read it.
    #[must_use]
    pub fn from_json(json: &str) -> Option<Self> {
        let StoredPolicy { level, allow, deny } = serde_json::from_str(json).ok()?;
        let globs = |texts: Vec<String>| -> Option<Vec<Glob>> {
            texts.iter().map(|text| text.parse().ok()).collect()
        };
        let globs = Globs { allow: globs(allow)?, deny: globs(deny)? };
        Some(Self { level: level.parse().ok()?, globs })
    }

    /// The permissions that a stored policy gives: none if this version can't read it.
    #[must_use]
    pub fn permissions(json: &str) -> AccessPermissions {
        Self::from_json(json).map_or_else(AccessPermissions::default, |policy| {
            AccessPermissions::level(policy.level).narrowed(policy.globs)
        })
    }
}

/// The request for a new key.
#[derive(Clone, Debug)]
pub struct ApiKeyRequest {
    pub name: ApiKeyName,
    pub owner: Owner,
    pub policy: ApiKeyPolicy,
    pub days: ApiKeyDays,
}

/// The id and the keyed hash of a new key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct HashedApiKey {
    pub id: ApiKeyId,
    pub hash: [u8; 32],
}

/// The stored data of a key. Texts are as stored, because another version may have written them.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKeyRecord {
    pub id: ApiKeyId,
    /// The keyed hash of the key.
    pub hash: Vec<u8>,
    pub name: String,
    pub owner: String,
    /// The JSON of an [`ApiKeyPolicy`].
    pub policy: String,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    /// `None` unless revoked.
    pub revoked_at: Option<Timestamp>,
    /// The key that a rotation created.
    pub replaced_by: Option<ApiKeyId>,
    /// To the minute. `None` before the first use.
    pub last_used_at: Option<Timestamp>,
    /// The number of the last change, which counts the changes of all keys. The store sets it.
    pub change: u64,
}

/// Shows the public id only.
impl fmt::Debug for ApiKeyRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKeyRecord({}, change {})", self.id, self.change)
    }
}

/// The state of a key at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ApiKeyState {
    Active,
    /// Rotated, and valid until its end.
    Replaced,
    Expired,
    Revoked,
}

impl fmt::Display for ApiKeyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Active => "active",
            Self::Replaced => "replaced",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        })
    }
}

/// Why a key can't be rotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RotationRefusal {
    NotFound,
    /// Revoked or expired.
    Inactive,
    /// It was rotated before, to this key.
    Replaced(ApiKeyId),
}

impl ApiKeyRecord {
    /// The record of a new key.
    #[must_use]
    pub fn new(key: HashedApiKey, request: &ApiKeyRequest, now: Timestamp) -> Self {
        Self {
            id: key.id,
            hash: key.hash.to_vec(),
            name: request.name.0.clone(),
            owner: request.owner.as_str().to_owned(),
            policy: request.policy.to_json(),
            created_at: now,
            expires_at: now + DAY * u32::from(request.days.0),
            revoked_at: None,
            replaced_by: None,
            last_used_at: None,
            change: 0,
        }
    }

    #[must_use]
    pub fn state(&self, now: Timestamp) -> ApiKeyState {
        match self {
            Self { revoked_at: Some(_), .. } => ApiKeyState::Revoked,
            Self { expires_at, .. } if *expires_at <= now => ApiKeyState::Expired,
            Self { replaced_by: Some(_), .. } => ApiKeyState::Replaced,
            _ => ApiKeyState::Active,
        }
    }

    /// The successor of this key, which has the same rights and the same length of life.
    ///
    /// # Errors
    /// Returns the reason if the key is not active.
    pub fn successor(&self, key: HashedApiKey, now: Timestamp) -> Result<Self, RotationRefusal> {
        match (self.state(now), self.replaced_by) {
            (ApiKeyState::Revoked | ApiKeyState::Expired, _) => Err(RotationRefusal::Inactive),
            (_, Some(successor)) => Err(RotationRefusal::Replaced(successor)),
            (ApiKeyState::Active | ApiKeyState::Replaced, None) => Ok(Self {
                id: key.id,
                hash: key.hash.to_vec(),
                created_at: now,
                expires_at: now + self.expires_at.since(self.created_at),
                last_used_at: None,
                ..self.clone()
            }),
        }
    }

    /// The end of this key after its rotation at `now`.
    #[must_use]
    pub fn end_after_rotation(&self, now: Timestamp) -> Timestamp {
        self.expires_at.min(now + ROTATION_GRACE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn api_key_policy_that_is_unreadable_gives_nothing() {
        use crate::kernel::permissions::AccessClass::Read;
        let gives = |json: &str| ApiKeyPolicy::permissions(json).include("goals", false, Read);
        assert!(gives(r#"{"level":"read_only","allow":[],"deny":[]}"#));
        for json in [
            "",
            "{}",
            r#"{"level":"root","allow":[],"deny":[]}"#,
            r#"{"level":"read_only","allow":["["],"deny":[]}"#,
            r#"{"level":"read_only","allow":[],"deny":[""]}"#,
            r#"{"level":"read_only","allow":[]}"#,
            r#"{"level":"read_only","allow":[],"deny":[],"only_on":"monday"}"#,
        ] {
            assert!(!gives(json), "{json}");
        }
    }

    #[test]
    fn api_key_policy_round_trips() {
        let glob = |text: &str| text.parse::<Glob>().expect("a glob");
        let globs = Globs { allow: vec![glob("get_*"), glob("x")], deny: vec![glob("*\"*")] };
        let policy = ApiKeyPolicy { level: AccessLevel::ReadWrite, globs };
        assert_eq!(ApiKeyPolicy::from_json(&policy.to_json()), Some(policy));
    }

    #[test]
    fn api_key_request_has_limits() {
        for days in ["0", "366", "-1", "", "1.5", "99999999999"] {
            assert_eq!(days.parse::<ApiKeyDays>(), Err(InvalidApiKey::Days), "{days}");
        }
        assert!("1".parse::<ApiKeyDays>().is_ok() && "365".parse::<ApiKeyDays>().is_ok());
        for name in ["", " ", " a", "a\n", &"a".repeat(101)] {
            assert_eq!(name.parse::<ApiKeyName>(), Err(InvalidApiKey::Name), "{name}");
        }
        assert!("Ann's laptop".parse::<ApiKeyName>().is_ok());
    }
}
