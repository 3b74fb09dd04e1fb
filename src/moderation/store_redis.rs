//! [`RedisModerationStore`]: moderation data in the Redis of the lobby, shared by all processes.
//!
//! All keys start with `HASH_TAG`. Users appear as keyed hashes, and evidence is sealed. A key
//! expires with the TTL of its entries. The audit log and operators' decisions never expire.
//!
//! ```text
//! apart:<user>             users that this user blocked, or that blocked this user (set)
//! of:<reported>            reports of a user (hash: reporter → time, topic, weight, verdict)
//! ev:<reported><reporter>  evidence of a report
//! lost:<reporter>          users with a dismissed report by this reporter (set)
//! all, open, evs           all reports, those without a verdict, and those with evidence
//!                          (sorted sets of <reported><reporter> by time)
//! note:<user>              notice state of a user
//! like:<rated>             ratings of a user (hash: rater → time, good or bad)
//! op:<user>                an operator's decisions (hash: banned, pardoned)
//! ids                      users with stored data (sorted set, for search by prefix)
//! log                      audit log (list)
//! ```

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use once_cell::sync::Lazy;
use redis::aio::ConnectionManager;
use redis::{FromRedisValue, Pipeline, RedisResult, Script};

use super::rating::{RATING_TTL, Rating};
use super::report::{EVIDENCE_TTL, Report, ReportTopic, Verdict};
use super::store::{
    AuditEntry, LIST_LIMIT, ModerationRecord, ModerationStore, NoticeState, RECORD_TTL,
};
use crate::kernel::clock::Timestamp;
use crate::kernel::failure_log::FailureLog;
use crate::kernel::id::UserId;
use crate::kernel::redis::{HASH_TAG, connect, with_timeout};
use crate::kernel::store::StoreError;

static RESOLVE: Lazy<Script> = Lazy::new(|| Script::new(include_str!("lua/resolve.lua")));

/// Stores moderation data in Redis.
pub struct RedisModerationStore {
    connection: ConnectionManager,
    failures: FailureLog,
}

fn user_key(kind: &str, user: UserId) -> String {
    format!("{HASH_TAG}:{kind}:{}", user.to_hex())
}

fn redis_key(name: &str) -> String {
    format!("{HASH_TAG}:{name}")
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

impl RedisModerationStore {
    /// Creates a store for the Redis at `url`, which need not be up yet. Call this within a tokio
    /// runtime.
    ///
    /// # Errors
    /// Returns an error if `url` is invalid.
    pub fn new(url: &str) -> RedisResult<Self> {
        Ok(Self { connection: connect(url)?, failures: FailureLog::new("moderation") })
    }

    /// Executes all commands in one transaction and one round trip.
    async fn run<T: FromRedisValue>(&self, commands: &mut Pipeline) -> Result<T, StoreError> {
        let mut connection = self.connection.clone();
        with_timeout(&self.failures, commands.atomic().query_async(&mut connection)).await
    }

    /// The reports with these names from a sorted set, with their evidence.
    async fn load_reports(&self, names: Vec<String>) -> Result<Vec<Report>, StoreError> {
        let ids: Vec<_> = names.iter().filter_map(|name| parse_report_name(name)).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut commands = redis::pipe();
        for (reported, reporter) in &ids {
            commands.hget(user_key("of", *reported), reporter.to_hex());
            commands.get(evidence_key(*reported, *reporter));
        }
        let values: Vec<Option<Vec<u8>>> = self.run(&mut commands).await?;
        let reports =
            ids.iter().zip(values.chunks(2)).filter_map(|((reported, reporter), stored)| {
                let [Some(encoded), sealed] = stored else { return None };
                let mut report =
                    decode_report(*reported, *reporter, std::str::from_utf8(encoded).ok()?)?;
                report.evidence.clone_from(sealed);
                Some(report)
            });
        Ok(reports.collect())
    }
}

/// The values of one user's keys: blocked users, reports by reporter, times of ban and pardon,
/// notice state, ratings.
type StoredRecord =
    (Vec<String>, HashMap<String, String>, Option<u64>, Option<u64>, Option<String>, Vec<String>);

const SHOWN: &str = "seen";
const ACCEPTED: &str = "agreed";

fn decode_rating(encoded: &str) -> Option<Rating> {
    let (at, good) = encoded.split_once(' ')?;
    Some(Rating { at: Timestamp::from_millis(at.parse().ok()?), good: good == "good" })
}

fn report_name(reported: UserId, reporter: UserId) -> String {
    reported.to_hex() + &reporter.to_hex()
}

fn parse_report_name(name: &str) -> Option<(UserId, UserId)> {
    let (reported, reporter) = name.split_at_checked(32)?;
    Some((UserId::from_hex(reported)?, UserId::from_hex(reporter)?))
}

fn evidence_key(reported: UserId, reporter: UserId) -> String {
    format!("{HASH_TAG}:ev:{}", report_name(reported, reporter))
}

fn verdict_word(verdict: Option<Verdict>) -> &'static str {
    match verdict {
        None => "open",
        Some(Verdict::Upheld) => "upheld",
        Some(Verdict::Dismissed) => "dismissed",
    }
}

/// Encodes a report without its evidence. The verdict is the last word, because `lua/resolve.lua`
/// replaces the last word.
fn encode_report(report: &Report) -> String {
    let Report { at, topic, weight, verdict, .. } = report;
    format!("{} {} {weight} {}", at.as_millis(), topic.name(), verdict_word(*verdict))
}

/// `None` if another version wrote `encoded`.
fn decode_report(reported: UserId, reporter: UserId, encoded: &str) -> Option<Report> {
    let mut words = encoded.split(' ');
    let at = Timestamp::from_millis(words.next()?.parse().ok()?);
    let topic = ReportTopic::parse(words.next()?)?;
    let weight = words.next()?.parse().ok()?;
    let verdict = match words.next()? {
        "upheld" => Some(Verdict::Upheld),
        "dismissed" => Some(Verdict::Dismissed),
        _ => None,
    };
    Some(Report { reporter, reported, at, topic, weight, verdict, evidence: None })
}

#[async_trait]
impl ModerationStore for RedisModerationStore {
    async fn block(&self, user: UserId, target: UserId, _now: Timestamp) -> Result<(), StoreError> {
        let mut commands = redis::pipe();
        let ttl = seconds(RECORD_TTL);
        for (user, target) in [(user, target), (target, user)] {
            let key = user_key("apart", user);
            commands.sadd(&key, target.to_hex()).expire(&key, ttl);
            commands.zadd(redis_key("ids"), user.to_hex(), 0);
        }
        self.run(commands.expire(redis_key("ids"), ttl)).await
    }

    async fn record(&self, user: UserId) -> Result<ModerationRecord, StoreError> {
        let mut commands = redis::pipe();
        commands.smembers(user_key("apart", user)).hgetall(user_key("of", user));
        commands.hget(user_key("op", user), "banned").hget(user_key("op", user), "pardoned");
        commands.get(user_key("note", user)).hvals(user_key("like", user));
        let (blocked, reports, banned, pardoned, notice, ratings): StoredRecord =
            self.run(&mut commands).await?;
        let reports = reports.iter().filter_map(|(reporter, encoded)| {
            decode_report(user, UserId::from_hex(reporter)?, encoded)
        });
        let mut reports: Vec<_> = reports.collect();
        reports.sort_unstable_by_key(|report| (report.at, report.reporter));
        Ok(ModerationRecord {
            blocked: blocked.iter().filter_map(|hex| UserId::from_hex(hex)).collect(),
            reports,
            banned_at: banned.map(Timestamp::from_millis),
            pardoned_at: pardoned.map(Timestamp::from_millis),
            notice: notice.map(|word| {
                if word == ACCEPTED { NoticeState::Accepted } else { NoticeState::Shown }
            }),
            ratings: ratings.iter().filter_map(|encoded| decode_rating(encoded)).collect(),
        })
    }

    async fn report(&self, report: Report) -> Result<bool, StoreError> {
        let Report { reporter, reported, at, .. } = report;
        let (key, ttl, name) =
            (user_key("of", reported), seconds(RECORD_TTL), report_name(reported, reporter));
        let (exists,): (bool,) = self.run(redis::pipe().hexists(&key, reporter.to_hex())).await?;
        if exists {
            return Ok(false);
        }
        let mut commands = redis::pipe();
        // Two concurrent calls write the same data.
        commands
            .hset_nx(&key, reporter.to_hex(), encode_report(&report))
            .expire(&key, ttl)
            .ignore();
        for index in ["all", "open", "evs"] {
            commands.zadd(redis_key(index), &name, at.as_millis()).ignore();
            commands.expire(redis_key(index), ttl).ignore();
        }
        commands.zadd(redis_key("ids"), reported.to_hex(), 0).ignore();
        commands.expire(redis_key("ids"), ttl).ignore();
        if let Some(sealed) = report.evidence {
            let evidence_ttl = seconds(EVIDENCE_TTL).unsigned_abs();
            commands.set_ex(evidence_key(reported, reporter), sealed, evidence_ttl).ignore();
        }
        let (is_new,): (bool,) = self.run(&mut commands).await?;
        Ok(is_new)
    }

    async fn dismissed_count(&self, reporter: UserId) -> Result<usize, StoreError> {
        let (count,) = self.run(redis::pipe().scard(user_key("lost", reporter))).await?;
        Ok(count)
    }

    async fn open_reports(&self) -> Result<Vec<Report>, StoreError> {
        let last = isize::try_from(LIST_LIMIT).unwrap_or(isize::MAX) - 1;
        let (names,) = self.run(redis::pipe().zrange(redis_key("open"), 0, last)).await?;
        self.load_reports(names).await
    }

    async fn resolve(
        &self,
        reported: UserId,
        reporter: UserId,
        verdict: Verdict,
    ) -> Result<bool, StoreError> {
        let mut resolve = RESOLVE.prepare_invoke();
        resolve.key(user_key("of", reported)).key(redis_key("open"));
        resolve.key(user_key("lost", reporter));
        resolve.arg(reporter.to_hex()).arg(reported.to_hex()).arg(verdict_word(Some(verdict)));
        resolve.arg(seconds(RECORD_TTL));
        let mut connection = self.connection.clone();
        with_timeout(&self.failures, resolve.invoke_async(&mut connection)).await
    }

    async fn ban(&self, user: UserId, now: Timestamp) -> Result<(), StoreError> {
        let mut commands = redis::pipe();
        commands.hset(user_key("op", user), "banned", now.as_millis());
        commands.zadd(redis_key("ids"), user.to_hex(), 0);
        self.run(commands.expire(redis_key("ids"), seconds(RECORD_TTL))).await
    }

    async fn unban(&self, user: UserId, now: Timestamp) -> Result<(), StoreError> {
        let mut commands = redis::pipe();
        commands.hdel(user_key("op", user), "banned");
        self.run(commands.hset(user_key("op", user), "pardoned", now.as_millis())).await
    }

    async fn find_by_prefix(&self, prefix: &str) -> Result<Vec<UserId>, StoreError> {
        // `g` sorts after every hex digit.
        let (from, to) = (format!("[{prefix}"), format!("[{prefix}g"));
        let mut commands = redis::pipe();
        let limit = isize::try_from(LIST_LIMIT).unwrap_or(isize::MAX);
        commands.zrangebylex_limit(redis_key("ids"), from, to, 0, limit);
        let (hex_ids,): (Vec<String>,) = self.run(&mut commands).await?;
        Ok(hex_ids.iter().filter_map(|hex| UserId::from_hex(hex)).collect())
    }

    async fn record_notice(
        &self,
        user: UserId,
        notice: NoticeState,
        _now: Timestamp,
    ) -> Result<(), StoreError> {
        let (key, ttl) = (user_key("note", user), seconds(RECORD_TTL));
        let mut commands = redis::pipe();
        match notice {
            NoticeState::Accepted => commands.set(&key, ACCEPTED),
            NoticeState::Shown => commands.set_nx(&key, SHOWN),
        };
        self.run(commands.ignore().expire(&key, ttl).ignore()).await
    }

    async fn rate(&self, rater: UserId, rated: UserId, rating: Rating) -> Result<(), StoreError> {
        let key = user_key("like", rated);
        let word = if rating.good { "good" } else { "bad" };
        let encoded = format!("{} {word}", rating.at.as_millis());
        let mut commands = redis::pipe();
        commands.hset(&key, rater.to_hex(), encoded).ignore();
        self.run(commands.expire(&key, seconds(RATING_TTL)).ignore()).await
    }

    async fn append_audit(&self, entry: AuditEntry) -> Result<(), StoreError> {
        let line = format!("{} {}", entry.at.as_millis(), entry.action);
        self.run(redis::pipe().rpush(redis_key("log"), line)).await
    }

    async fn audit_log(&self) -> Result<Vec<AuditEntry>, StoreError> {
        let first = -isize::try_from(LIST_LIMIT).unwrap_or(isize::MAX);
        let (lines,): (Vec<String>,) =
            self.run(redis::pipe().lrange(redis_key("log"), first, -1)).await?;
        let decode = |line: &String| {
            let (at, action) = line.split_once(' ')?;
            Some(AuditEntry {
                at: Timestamp::from_millis(at.parse().ok()?),
                action: action.to_owned(),
            })
        };
        Ok(lines.iter().filter_map(decode).collect())
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.run(redis::pipe().ping()).await
    }

    async fn purge(&self, now: Timestamp) -> Result<(), StoreError> {
        let cutoff = |ttl: Duration| now.as_millis().saturating_sub(millis(ttl));
        let mut commands = redis::pipe();
        commands.zrangebyscore(redis_key("evs"), 0, cutoff(EVIDENCE_TTL));
        commands.zrangebyscore(redis_key("all"), 0, cutoff(RECORD_TTL));
        let (evidence, reports): (Vec<String>, Vec<String>) = self.run(&mut commands).await?;
        if evidence.is_empty() && reports.is_empty() {
            return Ok(());
        }
        let mut commands = redis::pipe();
        for name in &evidence {
            commands.del(format!("{HASH_TAG}:ev:{name}")).zrem(redis_key("evs"), name);
        }
        for name in &reports {
            let Some((reported, reporter)) = parse_report_name(name) else { continue };
            commands.hdel(user_key("of", reported), reporter.to_hex());
            commands.srem(user_key("lost", reporter), reported.to_hex());
            commands.zrem(redis_key("all"), name).zrem(redis_key("open"), name);
        }
        self.run(&mut commands).await
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
