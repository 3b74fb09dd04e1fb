//! What people's partners wrote last, kept so that a report can show it: while the chat lasts, and a
//! little longer, since people report also whoever has just left.

use std::collections::{BTreeSet, VecDeque};

use super::rules::RECENT_PARTNER_TTL;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;
use crate::kernel::shards::ShardedMap;
use crate::mask::Masked;

/// So many messages are kept.
pub(super) const TRANSCRIPT_LEN: usize = 10;

/// The last messages that somebody wrote in a chat, oldest first.
#[derive(Debug, Default)]
pub struct Transcript(VecDeque<Masked>);

impl Transcript {
    pub fn push(&mut self, text: Masked) {
        if self.0.len() == TRANSCRIPT_LEN {
            self.0.pop_front();
        }
        self.0.push_back(text);
    }

    pub(super) fn to_vec(&self) -> Vec<Masked> {
        self.0.iter().cloned().collect()
    }
}

/// What each person's partner wrote in a chat that ended lately.
#[derive(Debug, Default)]
pub(super) struct EndedTranscripts {
    transcripts: ShardedMap<UserId, (Timestamp, Transcript)>,
    /// When whose chats ended. Not in a queue, which copies all there is when it grows.
    by_end_time: BTreeSet<(Timestamp, UserId)>,
}

impl EndedTranscripts {
    /// The chat in which this was said to `who` is over.
    pub(super) fn insert(&mut self, who: UserId, said: Transcript, now: Timestamp) {
        if !said.0.is_empty() {
            self.transcripts.insert(who, (now, said));
            self.by_end_time.insert((now, who));
        }
    }

    /// Nothing is kept for `who` any more: they are gone, or another chat begins.
    pub(super) fn remove(&mut self, who: UserId) {
        self.transcripts.remove(&who);
    }

    /// Forgets up to `limit` chats that ended long ago, and says whether there are more.
    pub(super) fn evict_expired(&mut self, now: Timestamp, limit: usize) -> bool {
        for _ in 0..limit {
            let old = self
                .by_end_time
                .first()
                .filter(|(ended, _)| now.since(*ended) >= RECENT_PARTNER_TTL);
            let Some((ended, who)) = old.copied() else { return false };
            self.by_end_time.pop_first();
            // Another chat may have ended since.
            if self.transcripts.get(&who).is_some_and(|(kept, _)| *kept == ended) {
                self.transcripts.remove(&who);
            }
        }
        true
    }

    pub(super) fn get(&self, who: UserId) -> Vec<Masked> {
        self.transcripts.get(&who).map(|(_, said)| said.to_vec()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transcript(texts: impl IntoIterator<Item = usize>) -> Transcript {
        let mut said = Transcript::default();
        texts.into_iter().for_each(|text| said.push(Masked::waived(&text.to_string())));
        said
    }

    #[test]
    fn transcript_keeps_the_last_ten_messages_until_its_ttl() {
        let (ann, now) = (UserId::from_bytes([1; 16]), Timestamp::default());
        let mut heard = EndedTranscripts::default();
        heard.insert(ann, transcript(0..12), now);
        let kept: Vec<_> = heard.get(ann).iter().map(|text| text.as_str().to_owned()).collect();
        assert_eq!(kept, (2..12).map(|n| n.to_string()).collect::<Vec<_>>());
        heard.evict_expired(now, 9);
        assert_eq!(heard.get(ann).len(), TRANSCRIPT_LEN);
        heard.evict_expired(now + RECENT_PARTNER_TTL, 9);
        assert!(heard.transcripts.len() == 0 && heard.by_end_time.is_empty());
    }

    #[test]
    fn transcript_ttl_starts_at_its_own_chat_end() {
        let (ann, now) = (UserId::from_bytes([1; 16]), Timestamp::default());
        let mut heard = EndedTranscripts::default();
        heard.insert(ann, transcript([1]), now);
        heard.remove(ann);
        assert!(heard.get(ann).is_empty());
        heard.insert(ann, transcript([2]), now + RECENT_PARTNER_TTL);
        heard.evict_expired(now + RECENT_PARTNER_TTL, 9);
        assert_eq!(heard.get(ann), [Masked::waived("2")]);
    }
}
