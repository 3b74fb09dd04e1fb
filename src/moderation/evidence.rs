//! [`ReportReason`] and [`Evidence`]: what an operator needs to judge a report, sealed for the store.
//!
//! Both texts come from strangers. They are sanitized where an operator reads them, and the size of
//! the transcript is limited here.

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::report::{ReportKey, ReportTopic};
use super::text::untrusted;
use crate::kernel::id::UserId;
use crate::kernel::keyring::Keyring;

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
        _report: ReportKey,
        keyring: &Keyring,
        rng: &mut impl Rng,
    ) -> Option<Vec<u8>> {
        keyring.seal(&serde_json::to_vec(self).ok()?, rng)
    }

    /// Decrypts the evidence of a report. `None` if no key of the keyring opens it.
    pub(super) fn open(sealed: &[u8], _report: ReportKey, keyring: &Keyring) -> Option<Self> {
        serde_json::from_slice(&keyring.open(sealed)?).ok()
    }
}

/// Encrypts an operator's reason for a ban of `user`. `None` without a key.
pub(super) fn seal_ban_reason(
    reason: &str,
    _user: UserId,
    keyring: &Keyring,
    rng: &mut impl Rng,
) -> Option<Vec<u8>> {
    keyring.seal(reason.as_bytes(), rng)
}

/// Decrypts the reason for a ban of `user`. `None` if no key of the keyring opens it.
pub(super) fn open_ban_reason(sealed: &[u8], _user: UserId, keyring: &Keyring) -> Option<String> {
    String::from_utf8(keyring.open(sealed)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

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
