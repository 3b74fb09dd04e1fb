//! Deletion and correction by the date in [`SqliteModerationStore`].

use std::time::Duration;

use sqlx::query;

use super::{SqliteModerationStore, millis};
use crate::kernel::clock::Timestamp;
use crate::kernel::store::StoreError;
use crate::moderation::dates::latest_plausible;
use crate::moderation::rating::RATING_TTL;
use crate::moderation::report::EVIDENCE_TTL;
use crate::moderation::store::RECORD_TTL;

/// Sets dates later than `?2` to `?1`. A ban keeps its length.
const CORRECTIONS: [&str; 8] = [
    "UPDATE reports SET at = ?1 WHERE at > ?2",
    "UPDATE reports SET decided_at = ?1 WHERE decided_at > ?2",
    "UPDATE decisions SET banned_until = banned_until - (banned - ?1), banned = ?1 \
     WHERE banned > ?2",
    "UPDATE decisions SET pardoned = ?1 WHERE pardoned > ?2",
    "UPDATE consents SET at = ?1 WHERE at > ?2",
    "UPDATE ratings SET at = ?1 WHERE at > ?2",
    "UPDATE histories SET first_chat = ?1 WHERE first_chat > ?2",
    "UPDATE histories SET changed_at = ?1 WHERE changed_at > ?2",
];

impl SqliteModerationStore {
    pub(super) async fn correct_late_dates(&self, now: Timestamp) -> Result<(), StoreError> {
        let arguments = [millis(now), millis(latest_plausible(now))];
        let statement = |sql| query(sql).bind(arguments[0]).bind(arguments[1]);
        self.execute_all(CORRECTIONS.map(statement).into()).await
    }

    pub(super) async fn delete_expired(&self, now: Timestamp) -> Result<(), StoreError> {
        let cutoff = |ttl: Duration| {
            let ttl_ms = i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX);
            millis(now).saturating_sub(ttl_ms)
        };
        let statement = |(sql, ttl)| query(sql).bind(cutoff(ttl));
        let deletions = [
            (
                "UPDATE reports SET evidence = NULL WHERE at <= ? AND evidence IS NOT NULL",
                EVIDENCE_TTL,
            ),
            ("DELETE FROM reports WHERE at <= ?", RECORD_TTL),
            ("DELETE FROM consents WHERE at <= ?", RECORD_TTL),
            ("DELETE FROM histories WHERE changed_at <= ?", RECORD_TTL),
            ("DELETE FROM ratings WHERE at <= ?", RATING_TTL),
        ];
        self.execute_all(deletions.map(statement).into()).await
    }
}
