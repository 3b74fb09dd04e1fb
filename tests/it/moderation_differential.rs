//! Plays random operations on a moderation store of each kind, and demands equal outcomes.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use random_connect::kernel::clock::Timestamp;
use random_connect::kernel::id::UserId;
use random_connect::moderation::rating::Rating;
use random_connect::moderation::report::{Decision, Report, ReportKey, ReportTopic, Verdict};
use random_connect::moderation::store::{
    AuditEntry, Ban, ModerationRecord, ModerationStore, NoticeState,
};

use crate::support::backends::memory_only;
use crate::support::moderation_backends::{START, moderation_backends, test_user};

const USERS: u8 = 6;
const STEPS: usize = 400;
const HOUR: Duration = Duration::from_secs(60 * 60);
/// Maximum time between two steps, in hours. All steps take less than a year: after it SQL forgets a dismissal
/// with its report, the other stores with the history of the reporter.
const MAX_PAUSE: u32 = 36;

/// An operation with its arguments.
#[derive(Clone, Debug)]
enum Step {
    Block(UserId, UserId),
    CountChat(UserId, UserId),
    Report(Report),
    Notice(UserId, NoticeState),
    Rate(UserId, UserId, Rating),
    Forget(UserId),
    Resolve(ReportKey, Decision),
    Ban(UserId, Ban),
    Unban(UserId),
    Append(AuditEntry),
    Purge,
    CorrectDates,
}

/// Everything that can be read.
#[derive(Debug, PartialEq)]
struct Contents {
    records: Vec<ModerationRecord>,
    open: Vec<Report>,
    evidence: Vec<Option<Vec<u8>>>,
    accused: Vec<UserId>,
    found: Vec<UserId>,
    log: Vec<AuditEntry>,
}

/// Two different users.
fn two(rng: &mut StdRng) -> (UserId, UserId) {
    let first = rng.random_range(1..=USERS);
    let second = (first + rng.random_range(1..USERS) - 1) % USERS + 1;
    (test_user(first), test_user(second))
}

fn report(rng: &mut StdRng, now: Timestamp) -> Report {
    let (reporter, reported) = two(rng);
    Report {
        reporter,
        reported,
        at: now,
        topic: [ReportTopic::Scam, ReportTopic::Spam][rng.random_range(0..2)],
        weight: rng.random_range(0..=60),
        established: rng.random(),
        both_wrote: rng.random(),
        reported_chats: rng.random_range(0..100),
        network: rng.random::<bool>().then(|| test_user(rng.random_range(200..203))),
        decision: None,
        evidence: rng.random::<bool>().then(|| vec![0, 255, rng.random()]),
    }
}

fn step(rng: &mut StdRng, now: Timestamp) -> Step {
    let (user, other) = two(rng);
    let by = ["", "0a1b2c3d"][rng.random_range(0..2)].to_owned();
    match rng.random_range(0..24) {
        0..3 => Step::Block(user, other),
        3..8 => Step::CountChat(user, other),
        8..12 => Step::Report(report(rng, now)),
        12 => {
            Step::Notice(user, [NoticeState::Shown, NoticeState::Accepted][rng.random_range(0..2)])
        }
        13..16 => {
            let rating = Rating { at: now, good: rng.random(), weight: rng.random_range(0..=60) };
            Step::Rate(user, other, rating)
        }
        16 => Step::Forget(user),
        17..19 => {
            let verdict = [Verdict::Upheld, Verdict::Dismissed][rng.random_range(0..2)];
            let key = ReportKey { reported: user, reporter: other };
            Step::Resolve(key, Decision { verdict, at: now, by })
        }
        19 => {
            let until = rng.random::<bool>().then(|| now + HOUR * rng.random_range(0..800));
            let reason = rng.random::<bool>().then(|| vec![rng.random(), 0]);
            Step::Ban(user, Ban { at: now, until, reason })
        }
        20 => Step::Unban(user),
        21 => Step::Append(AuditEntry { at: now, by, action: format!("banned {user}") }),
        22 => Step::Purge,
        _ => Step::CorrectDates,
    }
}

/// Executes a step, and returns its outcome as text.
async fn execute(store: &dyn ModerationStore, step: Step, now: Timestamp) -> String {
    let outcome = match step {
        Step::Block(user, other) => store.block(user, other, now).await.map(|()| String::new()),
        Step::CountChat(a, b) => store.count_chat(a, b, now).await.map(|()| String::new()),
        Step::Report(report) => store.report(report).await.map(|is_new| format!("{is_new}")),
        Step::Notice(user, state) => {
            store.record_notice(user, state, now).await.map(|()| String::new())
        }
        Step::Rate(a, b, rating) => store.rate(a, b, rating).await.map(|()| String::new()),
        Step::Forget(user) => store.forget(user).await.map(|()| String::new()),
        Step::Resolve(key, decision) => {
            store.resolve(key, decision).await.map(|resolution| format!("{resolution:?}"))
        }
        Step::Ban(user, ban) => store.ban(user, ban).await.map(|()| String::new()),
        Step::Unban(user) => store.unban(user, now).await.map(|()| String::new()),
        Step::Append(entry) => store.append_audit(entry).await.map(|()| String::new()),
        Step::Purge => store.purge(now).await.map(|()| String::new()),
        Step::CorrectDates => store.correct_dates(now).await.map(|()| String::new()),
    };
    outcome.expect("the store is up")
}

async fn contents(store: &dyn ModerationStore) -> Contents {
    let mut records = Vec::new();
    for n in 1..=USERS {
        let mut record = store.record(test_user(n)).await.expect("the store is up");
        record.ratings.sort_by_key(|rating| (rating.at, rating.good, rating.weight));
        records.push(record);
    }
    let pairs = (1..=USERS).flat_map(|a| (1..=USERS).map(move |b| (a, b)));
    let keys: Vec<_> =
        pairs.map(|(a, b)| ReportKey { reported: test_user(a), reporter: test_user(b) }).collect();
    let mut found = store.find_by_prefix("0").await.expect("the store is up");
    found.sort_unstable();
    Contents {
        records,
        open: store.open_reports(1).await.expect("the store is up"),
        evidence: store.evidence(&keys).await.expect("the store is up"),
        accused: store.accused_users(Some(test_user(1))).await.expect("the store is up"),
        found,
        log: store.audit_log().await.expect("the store is up"),
    }
}

#[tokio::test]
async fn moderation_stores_have_equal_outcomes() {
    if memory_only() {
        return;
    }
    let backends = moderation_backends().await;
    let (model, others) = backends.split_first().expect("the store in memory");
    let mut rng = StdRng::seed_from_u64(20);
    let mut now = START;
    for number in 0..STEPS {
        now = now
            + HOUR * rng.random_range(0..MAX_PAUSE)
            + Duration::from_millis(rng.random_range(1..99));
        let step = step(&mut rng, now);
        let expected = execute(&*model.store, step.clone(), now).await;
        for other in others {
            // Redis deletes and dates by its clock.
            if other.server.is_some() && matches!(step, Step::Purge | Step::CorrectDates) {
                continue;
            }
            let outcome = execute(&*other.store, step.clone(), now).await;
            assert_eq!(outcome, expected, "step {number}: {step:?}");
        }
        if number % 8 != 0 && !matches!(step, Step::Purge) {
            continue;
        }
        let expected = contents(&*model.store).await;
        for other in others.iter().filter(|other| other.server.is_none()) {
            assert_eq!(contents(&*other.store).await, expected, "step {number}: {step:?}");
        }
    }
}
