//! [`UserHistory`]: the past of a user, which decides how much their reports and ratings weigh.
//!
//! Pure. Anyone with the token can invent user ids, so an id alone carries no weight: it needs a
//! day and mutual chats. Only counts are stored, never the partners.

use std::time::Duration;

use crate::kernel::clock::Timestamp;

/// Weight of one report or rating without a reduction.
pub const FULL_WEIGHT: u32 = 60;

/// Minimum time since the first chat of an established user.
pub const ESTABLISHED_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// Minimum number of chats of an established user.
pub const ESTABLISHED_CHATS: u32 = 3;

/// A user's reports weigh less if there is more than one for this number of their chats.
pub const CHATS_PER_REPORT: u32 = 5;

/// The part of each user in a chat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChatActivity {
    /// Whether the user who reports or rates sent a message.
    pub user_wrote: bool,
    /// Whether the user who is reported or rated sent a message.
    pub partner_wrote: bool,
}

impl ChatActivity {
    /// A mutual chat: both users sent a message.
    pub const MUTUAL: Self = Self { user_wrote: true, partner_wrote: true };

    #[must_use]
    pub const fn both_wrote(self) -> bool {
        self.user_wrote && self.partner_wrote
    }
}

/// The stored past of a user. A chat counts once both users wrote in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UserHistory {
    /// Time of the first chat; `None` before it.
    pub first_chat_at: Option<Timestamp>,
    /// Number of chats.
    pub chats: u32,
    /// Number of reports by this user.
    pub reports: u32,
    /// Number of these reports that an operator dismissed.
    pub dismissed: u32,
}

impl UserHistory {
    /// Returns `true` if the first chat was at least [`ESTABLISHED_AGE`] ago and there were at
    /// least [`ESTABLISHED_CHATS`].
    #[must_use]
    pub fn is_established(&self, now: Timestamp) -> bool {
        self.chats >= ESTABLISHED_CHATS
            && self.first_chat_at.is_some_and(|first| now.since(first) >= ESTABLISHED_AGE)
    }

    /// Weight of this user's next report or rating of a partner. 0 if the partner wrote nothing,
    /// and half if the user wrote nothing. A dismissed report halves it, two divide it by three,
    /// and so on. With twice as many reports as one in [`CHATS_PER_REPORT`] chats the next weighs a
    /// quarter, with three times as many a ninth, so that a few accounts can't report many users.
    #[must_use]
    pub fn next_weight(&self, activity: ChatActivity) -> u32 {
        let full = match activity {
            ChatActivity { partner_wrote: false, .. } => 0,
            ChatActivity { user_wrote: false, .. } => FULL_WEIGHT / 2,
            ChatActivity::MUTUAL => FULL_WEIGHT,
        };
        let allowed = (self.chats / CHATS_PER_REPORT).max(1);
        let excess = (self.reports.saturating_add(1) / allowed).max(1);
        full / excess.saturating_mul(excess) / self.dismissed.saturating_add(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn history(chats: u32, reports: u32, dismissed: u32) -> UserHistory {
        UserHistory { first_chat_at: Some(START), chats, reports, dismissed }
    }

    #[test]
    fn history_is_established_after_a_day_and_three_chats() {
        let day = START + ESTABLISHED_AGE;
        assert!(history(3, 0, 0).is_established(day));
        assert!(!history(2, 0, 0).is_established(day));
        assert!(!history(30, 0, 0).is_established(START));
        assert!(!UserHistory { chats: 3, ..UserHistory::default() }.is_established(day));
    }

    #[test]
    fn history_weighs_what_happened_in_the_chat() {
        let weight = |user_wrote, partner_wrote| {
            history(9, 0, 0).next_weight(ChatActivity { user_wrote, partner_wrote })
        };
        assert_eq!(weight(true, true), FULL_WEIGHT);
        assert_eq!(weight(false, true), FULL_WEIGHT / 2);
        assert_eq!([weight(true, false), weight(false, false)], [0, 0]);
    }

    #[test]
    fn history_of_dismissed_or_many_reports_weighs_less() {
        for (chats, reports, dismissed, divisor) in [
            (3, 0, 0, 1),
            (3, 1, 0, 4),
            (3, 2, 0, 9),
            (3, 9, 0, 100),
            (20, 6, 0, 1),
            (20, 7, 0, 4),
            (20, 1, 1, 2),
            (20, 7, 2, 12),
            (3, u32::MAX, u32::MAX, u32::MAX),
        ] {
            let weight = history(chats, reports, dismissed).next_weight(ChatActivity::MUTUAL);
            assert_eq!(weight, FULL_WEIGHT / divisor, "{chats} {reports} {dismissed}");
        }
    }
}
