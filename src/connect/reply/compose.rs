//! [`compose_reply`] and [`compose_batch`]: join replies and inbox items into one message.
//!
//! Pure functions. The result has at most [`MAX_MESSAGE_CHARS`] characters and reports how many
//! items it shows. The wording of each line is in the parent module.

use super::event;
use super::messages::{format, text};
use crate::connect::lobby::inbox::Item;
use crate::connect::profile::language::Language;

/// Maximum length of an answer and of a message, in characters. This is the limit of a WhatsApp
/// text body.
pub const MAX_MESSAGE_CHARS: usize = 4_096;

/// Separates inbox items from the reply to the call.
const PARAGRAPH_BREAK: &str = "\n\n";

/// The text of an answer, and the number of items that it shows.
#[derive(Debug, PartialEq, Eq)]
pub struct ComposedReply {
    pub text: String,
    pub items_shown: usize,
}

/// Composes an answer: inbox items, oldest first, then the `reply` to the call.
///
/// Items that do not fit are left for the next answer; a line states their number.
#[must_use]
pub fn compose_reply(language: Language, items: &[Item], reply: &str) -> ComposedReply {
    let is_empty = reply.is_empty() && items.is_empty();
    let reply = if is_empty { &text(language, "inbox-empty") } else { reply };
    let more_line = |count| format(language, "more-waits", [("count", usize::into(count))]);
    let lines: Vec<String> = items.iter().map(|item| event(language, &item.event)).collect();
    let all = join(&lines, "", reply);
    if all.len() <= MAX_MESSAGE_CHARS || char_count(&all) <= MAX_MESSAGE_CHARS {
        return ComposedReply { text: all, items_shown: items.len() };
    }
    // Tries every count, because a plural form may make the line for fewer items the longest.
    let longest = (1..=items.len()).map(|count| char_count(&more_line(count))).max().unwrap_or(0);
    let reserved = if items.is_empty() { 0 } else { longest + 2 * PARAGRAPH_BREAK.len() };
    let reply = truncate(reply, MAX_MESSAGE_CHARS - reserved);
    let mut budget = MAX_MESSAGE_CHARS - reserved - char_count(&reply);
    let fits = |line: &&String| {
        let remaining = budget.checked_sub(char_count(line) + 1);
        budget = remaining.unwrap_or(budget);
        remaining.is_some()
    };
    let items_shown = lines.iter().take_while(fits).count();
    let more = match items.len() - items_shown {
        0 => String::new(),
        count => more_line(count),
    };
    ComposedReply { text: join(&lines[..items_shown], &more, &reply), items_shown }
}

/// The text of a pushed message, and the numbers of replies and events that it shows.
#[derive(Debug, PartialEq, Eq)]
pub struct ComposedBatch {
    pub text: String,
    pub replies_shown: usize,
    pub events_shown: usize,
}

/// Composes a pushed message: `replies`, then the texts of events, oldest first, up to the first that does
/// not fit.
///
/// The first part is always shown, truncated if necessary.
#[must_use]
pub fn compose_batch(replies: &[String], events: impl Iterator<Item = String>) -> ComposedBatch {
    let events = events.enumerate().map(|(index, event)| {
        let gap = if index == 0 { PARAGRAPH_BREAK } else { "\n" };
        (gap, event)
    });
    let parts = replies.iter().map(|reply| (PARAGRAPH_BREAK, reply.clone())).chain(events);
    let (mut text, mut shown, mut budget) = (String::new(), 0, MAX_MESSAGE_CHARS);
    for (gap, part) in parts {
        let (gap, part) =
            if shown == 0 { ("", truncate(&part, MAX_MESSAGE_CHARS)) } else { (gap, part) };
        let length = char_count(gap) + char_count(&part);
        let Some(remaining) = budget.checked_sub(length) else { break };
        budget = remaining;
        text.extend([gap, &part]);
        shown += 1;
    }
    let replies_shown = shown.min(replies.len());
    ComposedBatch { text, replies_shown, events_shown: shown - replies_shown }
}

/// Joins the lines of items with `more` and `reply`, which each follow a blank line.
fn join(lines: &[String], more: &str, reply: &str) -> String {
    let ending = more.len() + reply.len() + 2 * PARAGRAPH_BREAK.len();
    let capacity = ending + lines.iter().map(|line| line.len() + 1).sum::<usize>();
    let mut joined = String::with_capacity(capacity);
    let lines = lines.iter().map(|line| ("\n", line.as_str()));
    for (gap, part) in lines.chain([(PARAGRAPH_BREAK, more), (PARAGRAPH_BREAK, reply)]) {
        if !part.is_empty() {
            joined += if joined.is_empty() { "" } else { gap };
            joined += part;
        }
    }
    joined
}

fn char_count(text: &str) -> usize {
    text.chars().count()
}

/// Truncates a text to `limit` characters, including an ellipsis.
fn truncate(text: &str, limit: usize) -> String {
    if char_count(text) <= limit {
        return text.to_owned();
    }
    text.chars().take(limit.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::lobby::inbox::InboxEvent;
    use crate::connect::profile::language::LANGUAGES;
    use crate::connect::profile::nickname::Nickname;
    use crate::kernel::clock::{Timestamp, seeded_rng};
    use crate::kernel::id::RoomId;
    use crate::mask::mask;

    const EN: Language = Language::English;

    fn messages(count: u64, length: usize) -> Vec<Item> {
        let from = Nickname::parse("Ann").expect("a valid nickname");
        let text = mask(&"é".repeat(length));
        let room = RoomId::random(&mut seeded_rng());
        (0..count)
            .map(|seq| Item {
                seq,
                at: Timestamp::default(),
                event: InboxEvent::Message { room, from: from.clone(), text: text.clone() },
            })
            .collect()
    }

    fn batch(replies: &[String], items: &[Item]) -> ComposedBatch {
        compose_batch(replies, items.iter().map(|item| event(EN, &item.event)))
    }

    #[test]
    fn compose_puts_inbox_items_before_the_reply() {
        let items = messages(2, 1);
        assert_eq!(compose_reply(EN, &items, "reply").text, "💬 Ann: é\n💬 Ann: é\n\nreply");
        assert_eq!(compose_reply(EN, &items, "").text, "💬 Ann: é\n💬 Ann: é");
        assert_eq!(compose_reply(EN, &[], "reply").text, "reply");
        assert_eq!(compose_reply(EN, &[], "").text, "📭 Inbox empty.");
    }

    #[test]
    fn compose_counts_items_that_do_not_fit() {
        let items = messages(5, 1_100);
        let answer = compose_reply(EN, &items, "reply");
        assert_eq!(answer.items_shown, 3);
        assert!(answer.text.contains(
            "\n\n📬 2 more messages are waiting for you. Send #m to read more.\n\nreply"
        ));
    }

    #[test]
    fn compose_never_exceeds_a_whatsapp_message() {
        for length in [0, 1, 17, 1_000, 2_000, 3_900] {
            for count in [0, 1, 2, 50, 200] {
                for reply_length in [0, 100, 4_000, 4_096, 5_000] {
                    for row in &LANGUAGES {
                        let items = messages(count, length);
                        let reply = "ü".repeat(reply_length);
                        let answer = compose_reply(row.language, &items, &reply);
                        let case = format!("{length} {count} {reply_length} {}", row.code);
                        assert!(char_count(&answer.text) <= MAX_MESSAGE_CHARS, "{case}");
                        let fits = reply_length <= 100 && count > 0;
                        assert!(!fits || answer.items_shown > 0, "{case}");
                    }
                }
            }
        }
    }

    #[test]
    fn compose_batch_puts_replies_before_events() {
        let replies = ["one".to_owned(), "two".to_owned()];
        let items = messages(2, 1);
        let text = "one\n\ntwo\n\n💬 Ann: é\n💬 Ann: é".to_owned();
        assert_eq!(
            batch(&replies, &items),
            ComposedBatch { text, replies_shown: 2, events_shown: 2 }
        );
        assert_eq!(batch(&[], &messages(5, 1_100)).events_shown, 3);
        assert_eq!(
            batch(&[], &[]),
            ComposedBatch { text: String::new(), replies_shown: 0, events_shown: 0 }
        );
        for length in [1, 4_000, 5_000] {
            let replies = ["ü".repeat(length), "ü".repeat(length)];
            let composed = batch(&replies, &messages(3, length));
            assert!(
                char_count(&composed.text) <= MAX_MESSAGE_CHARS && composed.replies_shown > 0,
                "{length}"
            );
        }
        assert_eq!(batch(&[], &messages(1, 5_000)).events_shown, 1);
    }
}
