//! [`RedisModerationStore`]: moderation data in the Redis of the lobby, shared by all processes.
//!
//! All keys start with `HASH_TAG`. Users appear as keyed hashes, and evidence is sealed. A key
//! expires with the TTL of its entries. The audit log and operators' decisions never expire.
//!
//! `codec.rs` has the encoding of reports and `operator.rs` the part that only operators use.
//!
//! ```text
//! apart:<user>             users that this user blocked, or that blocked this user (set)
//! of:<reported>            reports of a user (hash: reporter → the words in `codec.rs`)
//! ev:<reported><reporter>  evidence of a report
//! lost:<reporter>          users with a dismissed report by this reporter (set)
//! all, open, evs           all reports, those without a verdict, and those with evidence
//!                          (sorted sets of <reported><reporter> by time)
//! note:<user>              notice state of a user
//! like:<rated>             ratings of a user (hash: rater → time, good or bad, weight)
//! liked:<rater>            users that a user rated (set)
//! hist:<user>              history of a user (hash: first, chats, reports)
//! op:<user>                an operator's decisions (hash: banned, until, reason, pardoned)
//! ids                      users with stored data (sorted set, for search by prefix)
//! log                      audit log (list)
//! ```

mod codec;
mod operator;

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use once_cell::sync::Lazy;
use redis::{FromRedisValue, Pipeline, Script};

use self::codec::{decode_rating, decode_report, encode_rating, encode_report};
use super::history::UserHistory;
use super::rating::{RATING_TTL, Rating};
use super::report::{EVIDENCE_TTL, Report, ReportKey};
use super::store::{Ban, ModerationRecord, ModerationStore, NoticeState, RECORD_TTL};
use crate::kernel::clock::Timestamp;
use crate::kernel::failure_log::FailureLog;
use crate::kernel::id::UserId;
use crate::kernel::redis::{HASH_TAG, RedisConnection, Unanswered};
use crate::kernel::store::StoreError;

static REPORT: Lazy<Script> = Lazy::new(|| Script::new(include_str!("lua/report.lua")));

/// Stores moderation data in Redis.
pub struct RedisModerationStore {
    connection: RedisConnection,
    failures: FailureLog,
}

fn user_key(kind: &str, user: UserId) -> String {
    format!("{HASH_TAG}:{kind}:{}", user.to_hex())
}

fn redis_key(name: &str) -> String {
    format!("{HASH_TAG}:{name}")
}

fn evidence_key(report: ReportKey) -> String {
    format!("{HASH_TAG}:ev:{}", report.to_hex())
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

impl RedisModerationStore {
    /// Creates a store behind `connection`.
    #[must_use]
    pub fn new(connection: RedisConnection) -> Self {
        Self { connection, failures: FailureLog::new("moderation") }
    }

    /// Executes all commands in one transaction and one round trip. A second execution must change
    /// nothing.
    async fn run<T: FromRedisValue + Send>(
        &self,
        commands: &mut Pipeline,
    ) -> Result<T, StoreError> {
        self.connection.query(&self.failures, commands, Unanswered::Repeat).await
    }

    /// Executes all commands like [`Self::run`], but at most once.
    async fn run_once<T: FromRedisValue + Send>(
        &self,
        commands: &mut Pipeline,
    ) -> Result<T, StoreError> {
        self.connection.query(&self.failures, commands, Unanswered::Fail).await
    }
}

/// The values of one user's keys: blocked users, reports by reporter, decisions, notice state,
/// ratings, history, number of dismissed reports.
type StoredRecord = (
    Vec<String>,
    HashMap<String, String>,
    StoredDecisions,
    Option<String>,
    Vec<String>,
    (Option<u64>, Option<u32>, Option<u32>),
    u32,
);

/// Time and end of a ban, its reason, and the time of a pardon.
type StoredDecisions = (Option<u64>, Option<u64>, Option<Vec<u8>>, Option<u64>);

const SHOWN: &str = "seen";
const ACCEPTED: &str = "agreed";

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
        commands.hmget(user_key("op", user), &["banned", "until", "reason", "pardoned"]);
        commands.get(user_key("note", user)).hvals(user_key("like", user));
        commands.hmget(user_key("hist", user), &["first", "chats", "reports"]);
        commands.scard(user_key("lost", user));
        let (blocked, reports, decisions, notice, ratings, history, dismissed): StoredRecord =
            self.run(&mut commands).await?;
        let reports = reports.iter().filter_map(|(reporter, encoded)| {
            decode_report(
                ReportKey { reported: user, reporter: UserId::from_hex(reporter)? },
                encoded,
            )
        });
        let mut reports: Vec<_> = reports.collect();
        reports.sort_unstable_by_key(|report| (report.at, report.reporter));
        let (banned, until, reason, pardoned) = decisions;
        let (first_chat, chats, reports_made) = history;
        Ok(ModerationRecord {
            blocked: blocked.iter().filter_map(|hex| UserId::from_hex(hex)).collect(),
            reports,
            ban: banned.map(|at| Ban {
                at: Timestamp::from_millis(at),
                until: until.map(Timestamp::from_millis),
                reason,
            }),
            pardoned_at: pardoned.map(Timestamp::from_millis),
            notice: notice.map(|word| {
                if word == ACCEPTED { NoticeState::Accepted } else { NoticeState::Shown }
            }),
            ratings: ratings.iter().filter_map(|encoded| decode_rating(encoded)).collect(),
            history: UserHistory {
                first_chat_at: first_chat.map(Timestamp::from_millis),
                chats: chats.unwrap_or_default(),
                reports: reports_made.unwrap_or_default(),
                dismissed,
            },
        })
    }

    async fn count_chat(
        &self,
        user: UserId,
        partner: UserId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut commands = redis::pipe();
        for user in [user, partner] {
            let key = user_key("hist", user);
            commands.hset_nx(&key, "first", now.as_millis()).hincr(&key, "chats", 1);
            commands.expire(&key, seconds(RECORD_TTL));
        }
        self.run_once(&mut commands).await
    }

    async fn report(&self, report: Report) -> Result<bool, StoreError> {
        let (key, record) = (report.key(), encode_report(&report));
        let mut add = REPORT.prepare_invoke();
        add.key(user_key("of", report.reported));
        add.key(redis_key("all")).key(redis_key("open")).key(redis_key("evs"));
        add.key(redis_key("ids")).key(user_key("hist", report.reporter)).key(evidence_key(key));
        add.arg(report.reporter.to_hex()).arg(report.reported.to_hex()).arg(record);
        add.arg(report.at.as_millis()).arg(seconds(RECORD_TTL)).arg(seconds(EVIDENCE_TTL));
        add.arg(report.evidence.unwrap_or_default());
        // A second execution adds nothing.
        self.connection.invoke(&self.failures, &add, Unanswered::Repeat).await
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
        let mut commands = redis::pipe();
        commands.hset(&key, rater.to_hex(), encode_rating(rating)).ignore();
        let rated_key = user_key("liked", rater);
        commands.sadd(&rated_key, rated.to_hex()).ignore();
        for key in [key, rated_key] {
            commands.expire(key, seconds(RATING_TTL)).ignore();
        }
        self.run(&mut commands).await
    }

    async fn forget(&self, user: UserId) -> Result<(), StoreError> {
        let rated_key = user_key("liked", user);
        let (rated,): (Vec<String>,) = self.run(redis::pipe().smembers(&rated_key)).await?;
        let mut commands = redis::pipe();
        commands.del(&[user_key("note", user), user_key("like", user), rated_key]).ignore();
        commands.hdel(user_key("hist", user), &["first", "chats"]).ignore();
        for rated in rated.iter().filter_map(|hex| UserId::from_hex(hex)) {
            commands.hdel(user_key("like", rated), user.to_hex()).ignore();
        }
        self.run(&mut commands).await
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.connection.check_writes(&self.failures, &redis_key("check"), None).await
    }

    /// Does nothing: all instances take the date from Redis, which also expires the keys by it.
    async fn correct_dates(&self, _now: Timestamp) -> Result<(), StoreError> {
        Ok(())
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
            let Some(ReportKey { reported, reporter }) = ReportKey::from_hex(name) else {
                continue;
            };
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
