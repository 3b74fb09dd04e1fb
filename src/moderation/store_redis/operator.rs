//! The operator's part of [`RedisModerationStore`].

use async_trait::async_trait;
use once_cell::sync::Lazy;
use redis::Script;

use super::codec::{decode_report, verdict_word};
use super::{RedisModerationStore, evidence_key, redis_key, seconds, user_key};
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;
use crate::kernel::redis::Unanswered;
use crate::kernel::store::StoreError;
use crate::moderation::report::{Decision, Report, ReportKey};
use crate::moderation::store::{
    AuditEntry, Ban, LIST_LIMIT, OperatorStore, RECORD_TTL, Resolution, SCAN_LIMIT,
};

static RESOLVE: Lazy<Script> = Lazy::new(|| Script::new(include_str!("lua/resolve.lua")));

/// Precedes the token's fingerprint in an entry of the audit log. No action of version 0.1.0 starts
/// with it.
const BY: &str = "by=";

fn index(count: usize) -> isize {
    isize::try_from(count).unwrap_or(isize::MAX)
}

#[async_trait]
impl OperatorStore for RedisModerationStore {
    async fn open_reports(&self, skip: usize) -> Result<Vec<Report>, StoreError> {
        let (first, last) = (index(skip), index(skip.saturating_add(SCAN_LIMIT)) - 1);
        let (names,): (Vec<String>,) =
            self.run(redis::pipe().zrange(redis_key("open"), first, last)).await?;
        let keys: Vec<_> = names.iter().filter_map(|name| ReportKey::from_hex(name)).collect();
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let mut commands = redis::pipe();
        for key in &keys {
            commands.hget(user_key("of", key.reported), key.reporter.to_hex());
        }
        let encoded: Vec<Option<String>> = self.run(&mut commands).await?;
        let reports = keys.into_iter().zip(encoded);
        Ok(reports.filter_map(|(key, encoded)| decode_report(key, &encoded?)).collect())
    }

    async fn evidence(&self, reports: &[ReportKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        if reports.is_empty() {
            return Ok(Vec::new());
        }
        let mut commands = redis::pipe();
        for report in reports {
            commands.get(evidence_key(*report));
        }
        self.run(&mut commands).await
    }

    async fn resolve(
        &self,
        report: ReportKey,
        decision: Decision,
    ) -> Result<Resolution, StoreError> {
        let ReportKey { reported, reporter } = report;
        let mut resolve = RESOLVE.prepare_invoke();
        resolve.key(user_key("of", reported)).key(redis_key("open"));
        resolve.key(user_key("lost", reporter));
        resolve.arg(reporter.to_hex()).arg(reported.to_hex());
        resolve.arg(verdict_word(decision.verdict)).arg(seconds(RECORD_TTL));
        resolve.arg(decision.at.as_millis()).arg(decision.by);
        // A second execution would return the decision of the first as an earlier one.
        let existing = self.connection.invoke(&self.failures, &resolve, Unanswered::Fail);
        let existing: Option<String> = existing.await?;
        let Some(existing) = existing else { return Ok(Resolution::NotFound) };
        let decision = decode_report(report, &existing).and_then(|report| report.decision);
        Ok(decision.map_or(Resolution::Resolved, Resolution::AlreadyDecided))
    }

    async fn ban(&self, user: UserId, ban: Ban) -> Result<(), StoreError> {
        let key = user_key("op", user);
        let mut commands = redis::pipe();
        commands.hdel(&key, &["until", "reason"]).hset(&key, "banned", ban.at.as_millis());
        if let Some(until) = ban.until {
            commands.hset(&key, "until", until.as_millis());
        }
        if let Some(reason) = ban.reason {
            commands.hset(&key, "reason", reason);
        }
        commands.zadd(redis_key("ids"), user.to_hex(), 0);
        self.run(commands.expire(redis_key("ids"), seconds(RECORD_TTL))).await
    }

    async fn unban(&self, user: UserId, now: Timestamp) -> Result<(), StoreError> {
        let mut commands = redis::pipe();
        commands.hdel(user_key("op", user), &["banned", "until", "reason"]);
        self.run(commands.hset(user_key("op", user), "pardoned", now.as_millis())).await
    }

    async fn accused_users(&self, after: Option<UserId>) -> Result<Vec<UserId>, StoreError> {
        let mut accused = Vec::new();
        let mut start = after.map_or_else(|| "-".to_owned(), |user| format!("({}", user.to_hex()));
        // `ids` also contains users with a block only, so that one page may need several reads.
        while accused.len() < SCAN_LIMIT {
            let mut commands = redis::pipe();
            commands.zrangebylex_limit(redis_key("ids"), start, "+", 0, index(SCAN_LIMIT));
            let (hex_ids,): (Vec<String>,) = self.run(&mut commands).await?;
            let Some(last) = hex_ids.last() else { break };
            start = format!("({last}");
            let users: Vec<_> = hex_ids.iter().filter_map(|hex| UserId::from_hex(hex)).collect();
            let mut commands = redis::pipe();
            for user in &users {
                commands.hexists(user_key("op", *user), "banned").exists(user_key("of", *user));
            }
            let flags: Vec<bool> = self.run(&mut commands).await?;
            let accusations = users.iter().zip(flags.chunks(2));
            accused.extend(accusations.filter(|(_, flags)| flags.contains(&true)).map(|(u, _)| *u));
        }
        accused.truncate(SCAN_LIMIT);
        Ok(accused)
    }

    async fn find_by_prefix(&self, prefix: &str) -> Result<Vec<UserId>, StoreError> {
        // `g` sorts after every hex digit.
        let (from, to) = (format!("[{prefix}"), format!("[{prefix}g"));
        let mut commands = redis::pipe();
        commands.zrangebylex_limit(redis_key("ids"), from, to, 0, index(LIST_LIMIT));
        let (hex_ids,): (Vec<String>,) = self.run(&mut commands).await?;
        Ok(hex_ids.iter().filter_map(|hex| UserId::from_hex(hex)).collect())
    }

    async fn append_audit(&self, entry: AuditEntry) -> Result<(), StoreError> {
        let AuditEntry { at, by, action } = entry;
        let line = format!("{} {BY}{by} {action}", at.as_millis());
        self.run_once(redis::pipe().rpush(redis_key("log"), line)).await
    }

    async fn audit_log(&self) -> Result<Vec<AuditEntry>, StoreError> {
        let (lines,): (Vec<String>,) =
            self.run(redis::pipe().lrange(redis_key("log"), -index(LIST_LIMIT), -1)).await?;
        let decode = |line: &String| {
            let (at, rest) = line.split_once(' ')?;
            let (by, action) = match rest.strip_prefix(BY) {
                Some(rest) => rest.split_once(' ')?,
                None => ("", rest),
            };
            Some(AuditEntry {
                at: Timestamp::from_millis(at.parse().ok()?),
                by: by.to_owned(),
                action: action.to_owned(),
            })
        };
        Ok(lines.iter().filter_map(decode).collect())
    }
}
