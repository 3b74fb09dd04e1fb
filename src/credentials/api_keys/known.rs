//! [`KnownApiKeys`]: the keys of the store in memory, so that a call needs no query.

use std::collections::HashMap;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use constant_time_eq::constant_time_eq;
use tokio_util::sync::CancellationToken;

use super::key::ApiKeyId;
use super::record::{ApiKeyPolicy, ApiKeyRecord, EXPIRED_RETENTION};
use crate::kernel::clock::{Clock, Timestamp};
use crate::kernel::id::IdHasher;
use crate::kernel::principal::{Credential, Owner, Principal, PrincipalRole, Rejected};
use crate::kernel::validity::Validity;

/// Time between two stored uses of a key.
const USE_INTERVAL: Duration = Duration::from_secs(60);

/// The hash that an unknown key is compared with, so that its rejection costs the same.
const NO_HASH: [u8; 32] = [0; 32];

/// The keys, and the number of their last change.
#[derive(Default)]
pub(super) struct KnownApiKeys {
    keys: HashMap<ApiKeyId, KnownApiKey>,
    last_change: u64,
}

struct KnownApiKey {
    record: ApiKeyRecord,
    /// `None` if the name of the owner is unreadable.
    principal: Option<Arc<Principal>>,
    /// Ends the sessions of the principal.
    ending: CancellationToken,
    /// Whether its sessions have ended because it expired.
    has_ended: bool,
    /// Milliseconds since the Unix epoch; 0 before the first use.
    used_at: AtomicU64,
    /// The last use that was stored, in the same unit.
    stored_use: u64,
}

impl KnownApiKey {
    fn is_expired(&self, now: Timestamp) -> bool {
        self.record.expires_at <= now
    }

    fn is_purged(&self, now: Timestamp) -> bool {
        self.record.expires_at + EXPIRED_RETENTION <= now
    }
}

/// Creates the principals of keys.
pub(super) struct PrincipalSource<'a> {
    pub ids: &'a IdHasher,
    pub clock: &'a Arc<dyn Clock>,
}

impl PrincipalSource<'_> {
    fn principal(
        &self,
        record: &ApiKeyRecord,
        ending: &CancellationToken,
    ) -> Option<Arc<Principal>> {
        let owner = Owner::named(&record.owner).ok()?;
        Some(Arc::new(Principal::user(
            owner,
            self.ids,
            PrincipalRole::User,
            ApiKeyPolicy::permissions(&record.policy),
            Credential::ApiKey(record.id.as_str().into()),
            Validity::until(record.expires_at, Arc::clone(self.clock), ending.clone()),
        )))
    }
}

impl KnownApiKeys {
    pub(super) const fn last_change(&self) -> u64 {
        self.last_change
    }

    /// Takes over a key as the store has it now. Returns the token that ends its sessions if it is revoked.
    pub(super) fn apply(
        &mut self,
        record: ApiKeyRecord,
        source: &PrincipalSource,
    ) -> Option<CancellationToken> {
        self.last_change = self.last_change.max(record.change);
        let stored_use = record.last_used_at.unwrap_or_default().as_millis();
        let (ending, used_at) = match self.keys.get(&record.id) {
            Some(key) => (key.ending.clone(), key.used_at.load(Ordering::Relaxed)),
            None => (CancellationToken::new(), 0),
        };
        let principal = source.principal(&record, &ending);
        let ended = record.revoked_at.is_some().then(|| ending.clone());
        let used_at = AtomicU64::new(used_at.max(stored_use));
        let key = KnownApiKey { record, principal, ending, has_ended: false, used_at, stored_use };
        self.keys.insert(key.record.id, key);
        ended
    }

    /// Decides about a key with this id and hash at `now`, and notes its use.
    pub(super) fn check(
        &self,
        id: ApiKeyId,
        hash: &[u8; 32],
        now: Timestamp,
    ) -> Result<Arc<Principal>, Rejected> {
        let key = self.keys.get(&id);
        let expected = key.map_or(&NO_HASH[..], |key| &key.record.hash);
        let is_equal = constant_time_eq(expected, hash);
        let key = key.filter(|_| is_equal).ok_or(Rejected::Invalid)?;
        let principal = key.principal.as_ref().ok_or(Rejected::Invalid)?;
        if key.record.revoked_at.is_some() {
            return Err(Rejected::Invalid);
        }
        if key.is_expired(now) {
            return Err(Rejected::Expired);
        }
        key.used_at.store(now.as_millis(), Ordering::Relaxed);
        Ok(Arc::clone(principal))
    }

    /// Returns `true` if [`take_expired`](Self::take_expired) has work to do.
    pub(super) fn has_expired(&self, now: Timestamp) -> bool {
        self.keys.values().any(|key| key.has_ended != key.is_expired(now) || key.is_purged(now))
    }

    /// Returns the tokens that end the sessions of keys that have expired, which may be those of a longer
    /// life that a rotation has shortened. Forgets keys that the store purges.
    pub(super) fn take_expired(
        &mut self,
        now: Timestamp,
        source: &PrincipalSource,
    ) -> Vec<CancellationToken> {
        self.keys.retain(|_, key| !key.is_purged(now));
        let mut ended = Vec::new();
        for key in self.keys.values_mut() {
            let is_expired = key.is_expired(now);
            let had_ended = mem::replace(&mut key.has_ended, is_expired);
            if is_expired && !had_ended {
                ended.push(mem::take(&mut key.ending));
                // A clock that is set back makes the key valid again, for new sessions.
                key.principal = source.principal(&key.record, &key.ending);
            }
        }
        ended
    }

    /// The uses that are not stored yet: of keys whose stored use is a minute old, or all.
    pub(super) fn unstored_uses(&self, all: bool) -> Vec<(ApiKeyId, Timestamp)> {
        let minimum = if all { 1 } else { USE_INTERVAL.as_millis() };
        let unstored = |(id, key): (&ApiKeyId, &KnownApiKey)| {
            let used_at = key.used_at.load(Ordering::Relaxed);
            let age = u128::from(used_at.saturating_sub(key.stored_use));
            (age >= minimum).then(|| (*id, Timestamp::from_millis(used_at)))
        };
        self.keys.iter().filter_map(unstored).collect()
    }

    /// Notes that uses are stored.
    pub(super) fn set_stored(&mut self, uses: &[(ApiKeyId, Timestamp)]) {
        for (id, used_at) in uses {
            if let Some(key) = self.keys.get_mut(id) {
                key.stored_use = key.stored_use.max(used_at.as_millis());
            }
        }
    }
}
