//! The ledger on Redis, beside the lobby: all processes share it.
//!
//! Keys, all behind the lobby's hash tag and `safety:`; who somebody is, is a keyed hash, evidence is
//! sealed. Each lives as long as its entries are remembered, but for the log and what operators decided,
//! which stay.
//!
//! ```text
//! apart:<uid>     whom somebody is kept apart from (a set)
//! of:<uid>        reports of somebody (a hash: reporter → when, topic, weight, verdict)
//! ev:<uid><uid>   the evidence of the reporter's report of the person
//! lost:<uid>      of whom somebody made a report that was dismissed (a set)
//! all, open, evs  reports, those without a verdict, and those with evidence, by time
//! note:<uid>      whether somebody was told how people treat each other here, or agreed to it
//! like:<uid>      ratings of somebody (a hash: rater → when and whether it was good)
//! op:<uid>        what an operator decided (a hash: banned, pardoned)
//! ids             everybody of whom something is kept (a sorted set, for prefixes)
//! log             what operators did (a list)
//! ```

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use once_cell::sync::Lazy;
use redis::aio::ConnectionManager;
use redis::{FromRedisValue, Pipeline, RedisResult, Script};

use super::rating::{RATING_TTL, Rating};
use super::store::{
    AuditEntry, EVIDENCE_TTL, LIST_LIMIT, ModerationRecord, ModerationStore, NoticeState,
    RECORD_TTL, Report, ReportTopic, Verdict,
};
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;
use crate::kernel::redis::{HASH_TAG, connect, with_timeout};
use crate::kernel::store::StoreError;

static RESOLVE: Lazy<Script> = Lazy::new(|| Script::new(include_str!("lua/resolve.lua")));

/// The ledger kept in Redis.
pub struct RedisModerationStore(ConnectionManager);

fn key(kind: &str, who: UserId) -> String {
    format!("{HASH_TAG}:{kind}:{}", who.to_hex())
}

fn redis_key(name: &str) -> String {
    format!("{HASH_TAG}:{name}")
}

fn seconds(span: Duration) -> i64 {
    i64::try_from(span.as_secs()).unwrap_or(i64::MAX)
}

impl RedisModerationStore {
    /// A ledger at `url`, which need not be up yet. Call it within a tokio runtime.
    ///
    /// # Errors
    /// When the address can't be one.
    pub fn new(url: &str) -> RedisResult<Self> {
        connect(url).map(Self)
    }

    /// One round trip, in which all commands are carried out or none.
    async fn run<T: FromRedisValue>(&self, commands: &mut Pipeline) -> Result<T, StoreError> {
        let mut connection = self.0.clone();
        with_timeout(commands.atomic().query_async(&mut connection)).await
    }

    /// The reports that a sorted set names, with their evidence.
    async fn load_reports(&self, names: Vec<String>) -> Result<Vec<Report>, StoreError> {
        let pairs: Vec<_> = names.iter().filter_map(|name| parse_report_name(name)).collect();
        if pairs.is_empty() {
            return Ok(Vec::new());
        }
        let mut commands = redis::pipe();
        for (person, reporter) in &pairs {
            commands.hget(key("of", *person), reporter.to_hex());
            commands.get(evidence_key(*person, *reporter));
        }
        let values: Vec<Option<Vec<u8>>> = self.run(&mut commands).await?;
        let reports =
            pairs.iter().zip(values.chunks(2)).filter_map(|((person, reporter), kept)| {
                let [Some(written), sealed] = kept else { return None };
                let mut report =
                    decode_report(*person, *reporter, std::str::from_utf8(written).ok()?)?;
                report.evidence.clone_from(sealed);
                Some(report)
            });
        Ok(reports.collect())
    }
}

/// What one person's keys hold.
type StoredRecord =
    (Vec<String>, HashMap<String, String>, Option<u64>, Option<u64>, Option<String>, Vec<String>);

const SHOWN: &str = "seen";
const ACCEPTED: &str = "agreed";

fn decode_rating(written: &str) -> Option<Rating> {
    let (at, good) = written.split_once(' ')?;
    Some(Rating { at: Timestamp::from_millis(at.parse().ok()?), good: good == "good" })
}

fn report_name(person: UserId, reporter: UserId) -> String {
    person.to_hex() + &reporter.to_hex()
}

fn parse_report_name(name: &str) -> Option<(UserId, UserId)> {
    let (person, reporter) = name.split_at_checked(32)?;
    Some((UserId::from_hex(person)?, UserId::from_hex(reporter)?))
}

fn evidence_key(person: UserId, reporter: UserId) -> String {
    format!("{HASH_TAG}:ev:{}", report_name(person, reporter))
}

fn verdict_word(verdict: Option<Verdict>) -> &'static str {
    match verdict {
        None => "open",
        Some(Verdict::Upheld) => "upheld",
        Some(Verdict::Dismissed) => "dismissed",
    }
}

/// The verdict is the last word: `lua/resolve.lua` writes another.
fn encode_report(report: &Report) -> String {
    let Report { at, topic, weight, verdict, .. } = report;
    format!("{} {} {weight} {}", at.as_millis(), topic.name(), verdict_word(*verdict))
}

fn decode_report(person: UserId, reporter: UserId, written: &str) -> Option<Report> {
    let mut words = written.split(' ');
    let at = Timestamp::from_millis(words.next()?.parse().ok()?);
    let topic = ReportTopic::parse(words.next()?)?;
    let weight = words.next()?.parse().ok()?;
    let verdict = match words.next()? {
        "upheld" => Some(Verdict::Upheld),
        "dismissed" => Some(Verdict::Dismissed),
        _ => None,
    };
    Some(Report { reporter, reported: person, at, topic, weight, verdict, evidence: None })
}

#[async_trait]
impl ModerationStore for RedisModerationStore {
    async fn block(&self, who: UserId, whom: UserId, _now: Timestamp) -> Result<(), StoreError> {
        let mut commands = redis::pipe();
        let life = seconds(RECORD_TTL);
        for (one, other) in [(who, whom), (whom, who)] {
            commands.sadd(key("apart", one), other.to_hex()).expire(key("apart", one), life);
            commands.zadd(redis_key("ids"), one.to_hex(), 0);
        }
        self.run(commands.expire(redis_key("ids"), life)).await
    }

    async fn record(&self, who: UserId) -> Result<ModerationRecord, StoreError> {
        let mut commands = redis::pipe();
        commands.smembers(key("apart", who)).hgetall(key("of", who));
        commands.hget(key("op", who), "banned").hget(key("op", who), "pardoned");
        commands.get(key("note", who)).hvals(key("like", who));
        let (apart, reports, banned, pardoned, consent, ratings): StoredRecord =
            self.run(&mut commands).await?;
        let reports = reports.iter();
        let reports =
            reports.filter_map(|(by, written)| decode_report(who, UserId::from_hex(by)?, written));
        let mut reports: Vec<_> = reports.collect();
        reports.sort_unstable_by_key(|report| (report.at, report.reporter));
        Ok(ModerationRecord {
            blocked: apart.iter().filter_map(|code| UserId::from_hex(code)).collect(),
            reports,
            banned_at: banned.map(Timestamp::from_millis),
            pardoned_at: pardoned.map(Timestamp::from_millis),
            notice: consent.map(|word| {
                if word == ACCEPTED { NoticeState::Accepted } else { NoticeState::Shown }
            }),
            ratings: ratings.iter().filter_map(|written| decode_rating(written)).collect(),
        })
    }

    async fn report(&self, report: Report) -> Result<bool, StoreError> {
        let Report { reporter, reported: person, at, .. } = report;
        let (of, life, name) =
            (key("of", person), seconds(RECORD_TTL), report_name(person, reporter));
        let known: (bool,) = self.run(redis::pipe().hexists(&of, reporter.to_hex())).await?;
        if known.0 {
            return Ok(false);
        }
        let mut commands = redis::pipe();
        // Two at the same time write the same.
        commands.hset_nx(&of, reporter.to_hex(), encode_report(&report)).expire(&of, life).ignore();
        for line in ["all", "open", "evs"] {
            commands.zadd(redis_key(line), &name, at.as_millis()).ignore();
            commands.expire(redis_key(line), life).ignore();
        }
        commands.zadd(redis_key("ids"), person.to_hex(), 0).ignore();
        commands.expire(redis_key("ids"), life).ignore();
        if let Some(sealed) = report.evidence {
            let kept = seconds(EVIDENCE_TTL).unsigned_abs();
            commands.set_ex(evidence_key(person, reporter), sealed, kept).ignore();
        }
        let (new,): (bool,) = self.run(&mut commands).await?;
        Ok(new)
    }

    async fn dismissed_count(&self, reporter: UserId) -> Result<usize, StoreError> {
        let (count,) = self.run(redis::pipe().scard(key("lost", reporter))).await?;
        Ok(count)
    }

    async fn open_reports(&self) -> Result<Vec<Report>, StoreError> {
        let last = isize::try_from(LIST_LIMIT).unwrap_or(isize::MAX) - 1;
        let (names,) = self.run(redis::pipe().zrange(redis_key("open"), 0, last)).await?;
        self.load_reports(names).await
    }

    async fn resolve(
        &self,
        person: UserId,
        reporter: UserId,
        verdict: Verdict,
    ) -> Result<bool, StoreError> {
        let mut resolve = RESOLVE.prepare_invoke();
        resolve.key(key("of", person)).key(redis_key("open")).key(key("lost", reporter));
        resolve.arg(reporter.to_hex()).arg(person.to_hex()).arg(verdict_word(Some(verdict)));
        resolve.arg(seconds(RECORD_TTL));
        let mut connection = self.0.clone();
        with_timeout(resolve.invoke_async(&mut connection)).await
    }

    async fn ban(&self, who: UserId, now: Timestamp) -> Result<(), StoreError> {
        let mut commands = redis::pipe();
        commands.hset(key("op", who), "banned", now.as_millis());
        commands.zadd(redis_key("ids"), who.to_hex(), 0);
        self.run(commands.expire(redis_key("ids"), seconds(RECORD_TTL))).await
    }

    async fn unban(&self, who: UserId, now: Timestamp) -> Result<(), StoreError> {
        let mut commands = redis::pipe();
        commands.hdel(key("op", who), "banned");
        self.run(commands.hset(key("op", who), "pardoned", now.as_millis())).await
    }

    async fn find_by_prefix(&self, prefix: &str) -> Result<Vec<UserId>, StoreError> {
        let (from, to) = (format!("[{prefix}"), format!("[{prefix}g"));
        let mut commands = redis::pipe();
        let limit = isize::try_from(LIST_LIMIT).unwrap_or(isize::MAX);
        commands.zrangebylex_limit(redis_key("ids"), from, to, 0, limit);
        let (codes,): (Vec<String>,) = self.run(&mut commands).await?;
        Ok(codes.iter().filter_map(|code| UserId::from_hex(code)).collect())
    }

    async fn record_notice(
        &self,
        who: UserId,
        consent: NoticeState,
        _now: Timestamp,
    ) -> Result<(), StoreError> {
        let (key, life) = (key("note", who), seconds(RECORD_TTL));
        let mut commands = redis::pipe();
        match consent {
            NoticeState::Accepted => commands.set(&key, ACCEPTED),
            NoticeState::Shown => commands.set_nx(&key, SHOWN),
        };
        self.run(commands.ignore().expire(&key, life).ignore()).await
    }

    async fn rate(&self, rater: UserId, person: UserId, rating: Rating) -> Result<(), StoreError> {
        let key = key("like", person);
        let said = if rating.good { "good" } else { "bad" };
        let written = format!("{} {said}", rating.at.as_millis());
        let mut commands = redis::pipe();
        commands.hset(&key, rater.to_hex(), written).ignore();
        self.run(commands.expire(&key, seconds(RATING_TTL)).ignore()).await
    }

    async fn append_audit(&self, note: AuditEntry) -> Result<(), StoreError> {
        let written = format!("{} {}", note.at.as_millis(), note.action);
        self.run(redis::pipe().rpush(redis_key("log"), written)).await
    }

    async fn audit_log(&self) -> Result<Vec<AuditEntry>, StoreError> {
        let first = -isize::try_from(LIST_LIMIT).unwrap_or(isize::MAX);
        let (lines,): (Vec<String>,) =
            self.run(redis::pipe().lrange(redis_key("log"), first, -1)).await?;
        let note = |line: &String| {
            let (at, what) = line.split_once(' ')?;
            Some(AuditEntry {
                at: Timestamp::from_millis(at.parse().ok()?),
                action: what.to_owned(),
            })
        };
        Ok(lines.iter().filter_map(note).collect())
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.run(redis::pipe().ping()).await
    }

    async fn purge(&self, now: Timestamp) -> Result<(), StoreError> {
        let before = |span: Duration| now.as_millis().saturating_sub(millis(span));
        let mut commands = redis::pipe();
        commands.zrangebyscore(redis_key("evs"), 0, before(EVIDENCE_TTL));
        commands.zrangebyscore(redis_key("all"), 0, before(RECORD_TTL));
        let (stale, old): (Vec<String>, Vec<String>) = self.run(&mut commands).await?;
        if stale.is_empty() && old.is_empty() {
            return Ok(());
        }
        let mut commands = redis::pipe();
        for name in &stale {
            commands.del(format!("{HASH_TAG}:ev:{name}")).zrem(redis_key("evs"), name);
        }
        for (name, (person, reporter)) in
            old.iter().filter_map(|n| Some((n, parse_report_name(n)?)))
        {
            commands.hdel(key("of", person), reporter.to_hex());
            commands.srem(key("lost", reporter), person.to_hex());
            commands.zrem(redis_key("all"), name).zrem(redis_key("open"), name);
        }
        self.run(&mut commands).await
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
