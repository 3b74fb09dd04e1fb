//! [`Transcript`]: the first and last messages of one side of a chat, for a report by the other side.
//!
//! A transcript is stored while the chat lasts and for [`RECENT_PARTNER_TTL`] after it, because
//! users also report a partner who has just left. Looking up and reporting are in
//! `manager/blocking.rs`.

use std::collections::{BTreeSet, VecDeque};

use super::rules::RECENT_PARTNER_TTL;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;
use crate::kernel::shards::ShardedMap;
use crate::mask::Masked;

/// Number of messages from the beginning of a chat in a transcript.
pub(super) const TRANSCRIPT_FIRST: usize = 5;

/// Number of messages from the end of a chat in a transcript: at the default limit, what a user can
/// send in most of a minute to push a threat out of it.
pub(super) const TRANSCRIPT_LAST: usize = 25;

/// The first and the last messages that one user sent in a chat, oldest first.
#[derive(Debug, Default)]
pub struct Transcript(VecDeque<Masked>);

impl Transcript {
    pub fn push(&mut self, text: Masked) {
        if self.0.len() == TRANSCRIPT_FIRST + TRANSCRIPT_LAST {
            self.0.remove(TRANSCRIPT_FIRST);
        }
        self.0.push_back(text);
    }

    pub(super) fn to_vec(&self) -> Vec<Masked> {
        self.0.iter().cloned().collect()
    }
}

/// The transcripts of recently ended chats, by the user who received the messages.
#[derive(Debug, Default)]
pub(super) struct EndedTranscripts {
    transcripts: ShardedMap<UserId, (Timestamp, Transcript)>,
    /// A B-tree, because a `VecDeque` copies every element when it grows.
    by_end_time: BTreeSet<(Timestamp, UserId)>,
}

impl EndedTranscripts {
    /// Stores the messages that `user` received in a chat that ends now.
    pub(super) fn insert(&mut self, user: UserId, transcript: Transcript, now: Timestamp) {
        if !transcript.0.is_empty() {
            self.transcripts.insert(user, (now, transcript));
            self.by_end_time.insert((now, user));
        }
    }

    /// Drops the transcript for `user`, who is evicted or begins another chat.
    pub(super) fn remove(&mut self, user: UserId) {
        self.transcripts.remove(&user);
    }

    /// Drops up to `limit` expired transcripts. Returns `true` if there may be more.
    pub(super) fn evict_expired(&mut self, now: Timestamp, limit: usize) -> bool {
        for _ in 0..limit {
            let expired = self
                .by_end_time
                .first()
                .filter(|(ended_at, _)| now.since(*ended_at) >= RECENT_PARTNER_TTL);
            let Some((ended_at, user)) = expired.copied() else { return false };
            self.by_end_time.pop_first();
            // Another chat of the user may have ended since.
            if self.transcripts.get(&user).is_some_and(|(stored_at, _)| *stored_at == ended_at) {
                self.transcripts.remove(&user);
            }
        }
        true
    }

    /// Returns the messages that `user` received in their last chat, oldest first.
    pub(super) fn get(&self, user: UserId) -> Vec<Masked> {
        self.transcripts.get(&user).map(|(_, transcript)| transcript.to_vec()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::mask;

    fn transcript(numbers: impl IntoIterator<Item = usize>) -> Transcript {
        let mut transcript = Transcript::default();
        numbers.into_iter().for_each(|n| transcript.push(mask(&n.to_string())));
        transcript
    }

    #[test]
    fn transcript_keeps_the_first_and_last_messages_until_its_ttl() {
        let (ann, now) = (UserId::from_bytes([1; 16]), Timestamp::default());
        let mut ended = EndedTranscripts::default();
        ended.insert(ann, transcript(0..70), now);
        let stored: Vec<_> = ended.get(ann).iter().map(|text| text.as_str().to_owned()).collect();
        assert_eq!(stored, (0..5).chain(45..70).map(|n| n.to_string()).collect::<Vec<_>>());
        ended.evict_expired(now, 9);
        assert_eq!(ended.get(ann).len(), TRANSCRIPT_FIRST + TRANSCRIPT_LAST);
        ended.evict_expired(now + RECENT_PARTNER_TTL, 9);
        assert!(ended.transcripts.len() == 0 && ended.by_end_time.is_empty());
    }

    #[test]
    fn transcript_ttl_starts_at_its_own_chat_end() {
        let (ann, now) = (UserId::from_bytes([1; 16]), Timestamp::default());
        let mut ended = EndedTranscripts::default();
        ended.insert(ann, transcript([1]), now);
        ended.remove(ann);
        assert!(ended.get(ann).is_empty());
        ended.insert(ann, transcript([2]), now + RECENT_PARTNER_TTL);
        ended.evict_expired(now + RECENT_PARTNER_TTL, 9);
        assert_eq!(ended.get(ann), [mask("2")]);
    }
}
