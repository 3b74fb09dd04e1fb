//! Deletion and correction by the date in [`PostgresModerationStore`].

use std::time::Duration;

use sqlx::query;

use super::{PostgresModerationStore, millis};
use crate::kernel::clock::Timestamp;
use crate::kernel::store::StoreError;
use crate::moderation::dates::latest_plausible;
use crate::moderation::rating::RATING_TTL;
use crate::moderation::report::EVIDENCE_TTL;
use crate::moderation::store::RECORD_TTL;

/// Sets dates later than `$2` to `$1`. A ban keeps its length.
const CORRECTIONS: [&str; 8] = [
    "UPDATE moderation_reports SET at = $1 WHERE at > $2",
    "UPDATE moderation_reports SET decided_at = $1 WHERE decided_at > $2",
    "UPDATE moderation_decisions SET banned_until = banned_until - (banned - $1), banned = $1 \
     WHERE banned > $2",
    "UPDATE moderation_decisions SET pardoned = $1 WHERE pardoned > $2",
    "UPDATE moderation_notices SET at = $1 WHERE at > $2",
    "UPDATE moderation_ratings SET at = $1 WHERE at > $2",
    "UPDATE moderation_histories SET first_chat = $1 WHERE first_chat > $2",
    "UPDATE moderation_histories SET changed_at = $1 WHERE changed_at > $2",
];

/// Deletes what is at most as late as `$1`, for each time to live.
const DELETIONS: [(&str, Duration); 5] = [
    (
        "UPDATE moderation_reports SET evidence = NULL WHERE at <= $1 AND evidence IS NOT NULL",
        EVIDENCE_TTL,
    ),
    ("DELETE FROM moderation_reports WHERE at <= $1", RECORD_TTL),
    ("DELETE FROM moderation_notices WHERE at <= $1", RECORD_TTL),
    ("DELETE FROM moderation_histories WHERE changed_at <= $1", RECORD_TTL),
    ("DELETE FROM moderation_ratings WHERE at <= $1", RATING_TTL),
];

impl PostgresModerationStore {
    pub(super) async fn correct_late_dates(&self, now: Timestamp) -> Result<(), StoreError> {
        for correction in CORRECTIONS {
            let statement =
                || query(correction).bind(millis(now)).bind(millis(latest_plausible(now)));
            self.execute(statement).await?;
        }
        Ok(())
    }

    pub(super) async fn delete_expired(&self, now: Timestamp) -> Result<(), StoreError> {
        for (deletion, ttl) in DELETIONS {
            let ttl = i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX);
            let cutoff = millis(now).saturating_sub(ttl);
            self.execute(|| query(deletion).bind(cutoff)).await?;
        }
        Ok(())
    }
}
