//! Reports and ratings as words separated by spaces.
//!
//! A report is: time, topic, weight, verdict, whether the reporter is established, whether both
//! wrote, chats of the reported user, network, time of the decision, token that decided. Version
//! 0.1.0 wrote the first four, and reads them. `lua/resolve.lua` replaces the fourth and the last
//! two.

use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;
use crate::moderation::history::FULL_WEIGHT;
use crate::moderation::rating::Rating;
use crate::moderation::report::{Decision, Report, ReportKey, ReportTopic, Verdict};

/// Stands for a value that is absent.
const ABSENT: &str = "-";

pub(super) fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Upheld => "upheld",
        Verdict::Dismissed => "dismissed",
    }
}

/// Encodes a report without its evidence.
pub(super) fn encode_report(report: &Report) -> String {
    let Report { at, topic, weight, established, both_wrote, reported_chats, .. } = report;
    let (at, topic) = (at.as_millis(), topic.name());
    let (established, both_wrote) = (u8::from(*established), u8::from(*both_wrote));
    let network = report.network.map_or_else(|| ABSENT.to_owned(), UserId::to_hex);
    let (verdict, decided_at, decided_by) = match &report.decision {
        None => ("open", 0, ABSENT),
        Some(Decision { verdict, at, by }) => {
            let by = if by.is_empty() { ABSENT } else { by };
            (verdict_word(*verdict), at.as_millis(), by)
        }
    };
    format!(
        "{at} {topic} {weight} {verdict} {established} {both_wrote} {reported_chats} {network} \
         {decided_at} {decided_by}"
    )
}

/// Decodes a report without its evidence. `None` if it is malformed.
pub(super) fn decode_report(key: ReportKey, encoded: &str) -> Option<Report> {
    let mut words = encoded.split(' ');
    let at = Timestamp::from_millis(words.next()?.parse().ok()?);
    let topic = ReportTopic::parse(words.next()?)?;
    let weight = words.next()?.parse().ok()?;
    let verdict = match words.next()? {
        "upheld" => Some(Verdict::Upheld),
        "dismissed" => Some(Verdict::Dismissed),
        _ => None,
    };
    // Version 0.1.0 wrote no further words. Its reports keep their weight.
    let (established, both_wrote) = (words.next() != Some("0"), words.next() != Some("0"));
    let reported_chats = words.next().map_or(Some(0), |count| count.parse().ok())?;
    let network = words.next().and_then(UserId::from_hex);
    let decided_at = words.next().map_or(Some(0), |millis| millis.parse().ok())?;
    let by = words.next().filter(|by| *by != ABSENT).unwrap_or_default().to_owned();
    let decided_at = if decided_at == 0 { at } else { Timestamp::from_millis(decided_at) };
    Some(Report {
        reporter: key.reporter,
        reported: key.reported,
        at,
        topic,
        weight,
        established,
        both_wrote,
        reported_chats,
        network,
        decision: verdict.map(|verdict| Decision { verdict, at: decided_at, by }),
        evidence: None,
    })
}

pub(super) fn encode_rating(rating: Rating) -> String {
    let word = if rating.good { "good" } else { "bad" };
    format!("{} {word} {}", rating.at.as_millis(), rating.weight)
}

/// Decodes a rating. `None` if it is malformed.
pub(super) fn decode_rating(encoded: &str) -> Option<Rating> {
    let mut words = encoded.split(' ');
    let at = Timestamp::from_millis(words.next()?.parse().ok()?);
    let good = words.next()? == "good";
    // Version 0.1.0 wrote no weight.
    let weight = words.next().map_or(Some(FULL_WEIGHT), |weight| weight.parse().ok())?;
    Some(Rating { at, good, weight })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: ReportKey =
        ReportKey { reported: UserId::from_bytes([1; 16]), reporter: UserId::from_bytes([2; 16]) };

    #[test]
    fn report_of_version_0_1_0_is_readable() {
        let report = decode_report(KEY, "1700000000000 scam 30 dismissed").expect("a report");
        assert_eq!((report.weight, report.topic), (30, ReportTopic::Scam));
        assert!(report.established && report.both_wrote && report.is_dismissed());
        assert_eq!(report.decision.map(|decision| decision.at), Some(report.at));
        let open = decode_report(KEY, "1700000000000 spam 60 open").expect("a report");
        assert_eq!((open.decision, open.reported_chats, open.network), (None, 0, None));
        let rating = decode_rating("1700000000000 bad").expect("a rating");
        assert_eq!((rating.good, rating.weight), (false, FULL_WEIGHT));
    }

    #[test]
    fn report_round_trips() {
        for decision in [
            None,
            Some(Decision {
                verdict: Verdict::Upheld,
                at: Timestamp::from_millis(9),
                by: "0a1b2c3d".to_owned(),
            }),
        ] {
            let report = Report {
                reporter: KEY.reporter,
                reported: KEY.reported,
                at: Timestamp::from_millis(7),
                topic: ReportTopic::Minor,
                weight: 20,
                established: false,
                both_wrote: true,
                reported_chats: 5,
                network: Some(UserId::from_bytes([3; 16])),
                decision,
                evidence: None,
            };
            assert_eq!(decode_report(KEY, &encode_report(&report)), Some(report));
        }
    }
}
