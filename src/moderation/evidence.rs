//! [`ReportReason`] and [`Evidence`]: what an operator needs to judge a report, sealed for the store.
//!
//! Both texts come from strangers. They are sanitized where an operator reads them, and the size of
//! the transcript is limited here.

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::report::{ReportKey, ReportTopic};
use super::text::untrusted;
use crate::kernel::id::UserId;
use crate::kernel::keyring::{Keyring, Place};

/// Maximum size of the messages in evidence, in bytes.
const MAX_TRANSCRIPT_BYTES: usize = 32 * 1024;

/// The reason for a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportReason {
    pub topic: ReportTopic,
    /// The reporter's text; empty if it was only the name of a topic.
    pub details: String,
}

impl ReportReason {
    /// Parses the name of a topic in any case. Any other text becomes the details of
    /// [`ReportTopic::Other`].
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let word = text.to_lowercase();
        match ReportTopic::parse(word.trim_end_matches(['.', '!'])) {
            Some(topic) => Self { topic, details: String::new() },
            None => Self { topic: ReportTopic::Other, details: text.to_owned() },
        }
    }
}

/// The content that an operator needs to judge a report. Stored as sealed JSON.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The reporter's details.
    pub words: String,
    /// The first and the last messages of the reported user to the reporter, oldest first.
    #[serde(rename = "said")]
    pub messages: Vec<String>,
}

impl Evidence {
    /// Drops `messages` from the middle until the rest takes [`MAX_TRANSCRIPT_BYTES`].
    #[must_use]
    pub fn new(words: String, mut messages: Vec<String>) -> Self {
        let mut size: usize = messages.iter().map(String::len).sum();
        while size > MAX_TRANSCRIPT_BYTES && messages.len() > 1 {
            size -= messages.remove(messages.len() / 2).len();
        }
        Self { words, messages }
    }

    /// The evidence as an operator or their assistant may read it.
    #[must_use]
    pub fn sanitized(self) -> Self {
        let messages = self.messages.iter().map(|text| untrusted(text)).collect();
        Self { words: untrusted(&self.words), messages }
    }

    /// Encrypts the evidence for one report. `None` without a key.
    pub(super) fn seal(
        &self,
        report: ReportKey,
        keyring: &Keyring,
        rng: &mut impl Rng,
    ) -> Option<Vec<u8>> {
        keyring.seal(&serde_json::to_vec(self).ok()?, &evidence_place(report), rng)
    }

    /// Decrypts the evidence of a report. `None` if no key of the keyring opens it, or if it was
    /// sealed for another report.
    pub(super) fn open(sealed: &[u8], report: ReportKey, keyring: &Keyring) -> Option<Self> {
        let text = keyring.open(sealed, &evidence_place(report));
        // Evidence of version 0.1.0 is deleted 30 days after the upgrade. Only operators read it.
        let text = text.or_else(|| keyring.open_without_place(sealed))?;
        serde_json::from_slice(&text).ok()
    }
}

fn evidence_place(report: ReportKey) -> Place {
    Place::new("evidence").user(report.reported).user(report.reporter)
}

fn ban_place(user: UserId) -> Place {
    Place::new("ban reason").user(user)
}

/// Encrypts an operator's reason for a ban of `user`. `None` without a key.
pub(super) fn seal_ban_reason(
    reason: &str,
    user: UserId,
    keyring: &Keyring,
    rng: &mut impl Rng,
) -> Option<Vec<u8>> {
    keyring.seal(reason.as_bytes(), &ban_place(user), rng)
}

/// Decrypts the reason for a ban of `user`. `None` if no key of the keyring opens it.
pub(super) fn open_ban_reason(sealed: &[u8], user: UserId, keyring: &Keyring) -> Option<String> {
    String::from_utf8(keyring.open(sealed, &ban_place(user))?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::clock::seeded_rng;

    /// `{"words":"threats","said":["boo"]}`, sealed by version 0.1.0 under a key of ones.
    const OLD_EVIDENCE: &str = "72cd6e84658ad87f75016fb5a6e9cd7c15d882e8a9cb2e715188fdfb918c7b33806e7c2ad5c1a76dad0ad06118ba75e4334fb6ac88e9e8c2cba3bda0d634948f08412309911cb22095efe349ee9e";

    #[test]
    fn report_reason_parses_topics_or_free_text() {
        let without_details = |topic| ReportReason { topic, details: String::new() };
        assert_eq!(ReportReason::parse("Spam"), without_details(ReportTopic::Spam));
        assert_eq!(ReportReason::parse("minor."), without_details(ReportTopic::Minor));
        let details = "spam and threats".to_owned();
        assert_eq!(
            ReportReason::parse(&details),
            ReportReason { topic: ReportTopic::Other, details }
        );
        assert_eq!(ReportTopic::parse("scam").map(ReportTopic::name), Some("scam"));
    }

    #[test]
    fn evidence_opens_only_for_its_report() {
        let keyring = Keyring::new(&[[1; 32]]);
        let user = |n| UserId::from_bytes([n; 16]);
        let report = ReportKey { reported: user(1), reporter: user(2) };
        let evidence = Evidence::new("threats".to_owned(), vec!["boo".to_owned()]);
        let sealed = evidence.seal(report, &keyring, &mut seeded_rng()).expect("a key");
        assert_eq!(Evidence::open(&sealed, report, &keyring), Some(evidence));
        for (reported, reporter) in [(1, 3), (3, 2), (2, 1)] {
            let moved = ReportKey { reported: user(reported), reporter: user(reporter) };
            assert_eq!(Evidence::open(&sealed, moved, &keyring), None);
        }
        let sealed = seal_ban_reason("threats", user(1), &keyring, &mut seeded_rng());
        let sealed = sealed.expect("a key");
        assert_eq!(open_ban_reason(&sealed, user(1), &keyring).as_deref(), Some("threats"));
        assert_eq!(open_ban_reason(&sealed, user(2), &keyring), None);
        assert_eq!(Evidence::open(&sealed, report, &keyring), None);
    }

    #[test]
    fn evidence_of_version_0_1_0_is_readable() {
        let hex = OLD_EVIDENCE.as_bytes().chunks(2);
        let byte = |pair: &[u8]| {
            let digits = std::str::from_utf8(pair).expect("ASCII");
            u8::from_str_radix(digits, 16).expect("a byte")
        };
        let sealed: Vec<u8> = hex.map(byte).collect();
        let user = |n| UserId::from_bytes([n; 16]);
        let report = ReportKey { reported: user(1), reporter: user(2) };
        let evidence = Evidence::open(&sealed, report, &Keyring::new(&[[1; 32]]));
        assert_eq!(evidence.map(|evidence| evidence.words).as_deref(), Some("threats"));
    }

    #[test]
    fn evidence_beyond_its_size_loses_the_middle() {
        let messages: Vec<_> = (0..30).map(|n| format!("{n:02}{}", "x".repeat(4_000))).collect();
        let evidence = Evidence::new(String::new(), messages.clone());
        assert!(evidence.messages.iter().map(String::len).sum::<usize>() <= MAX_TRANSCRIPT_BYTES);
        assert_eq!(evidence.messages.first(), messages.first());
        assert_eq!(evidence.messages.last(), messages.last());
        let short = vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(Evidence::new(String::new(), short.clone()).messages, short);
    }
}
