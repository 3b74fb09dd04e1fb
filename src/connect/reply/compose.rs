//! Puts words and what waits together, as much of it as fits into one message.
//!
//! Pure: words and items go in, text of at most [`MAX_CHARS`] comes out, with how many of the items
//! it holds. The words are `reply.rs`'s.

use super::event;
use super::messages::{format, text};
use crate::connect::lobby::inbox::Item;
use crate::connect::profile::language::Language;

/// The most characters of an answer, and of a message (a WhatsApp text body holds no more).
pub const MAX_MESSAGE_CHARS: usize = 4_096;

/// Between what waited and the answer to the call.
const PARAGRAPH_BREAK: &str = "\n\n";

/// An answer, and how many of the items it shows.
#[derive(Debug, PartialEq, Eq)]
pub struct ComposedReply {
    pub text: String,
    pub items_shown: usize,
}

/// Inbox, oldest first, then the answer to their call. Items that do not fit are
/// left for the next answer, and the number of them is told.
#[must_use]
pub fn compose_reply(language: Language, items: &[Item], own: &str) -> ComposedReply {
    let nothing = own.is_empty() && items.is_empty();
    let own = if nothing { &text(language, "inbox-empty") } else { own };
    let rest = |count| format(language, "more-waits", [("count", usize::into(count))]);
    let lines: Vec<String> = items.iter().map(|item| event(language, &item.event)).collect();
    let all = join(&lines, "", own);
    if all.len() <= MAX_MESSAGE_CHARS || char_count(&all) <= MAX_MESSAGE_CHARS {
        return ComposedReply { text: all, items_shown: items.len() };
    }
    // What is told of the rest is longest when nothing fits, but for languages that have other words
    // for other numbers.
    let longest = (1..=items.len()).map(|count| char_count(&rest(count))).max().unwrap_or(0);
    let told = if items.is_empty() { 0 } else { longest + 2 * PARAGRAPH_BREAK.len() };
    let own = truncate(own, MAX_MESSAGE_CHARS - told);
    let mut left = MAX_MESSAGE_CHARS - told - char_count(&own);
    let fits = |line: &&String| {
        let room = left.checked_sub(char_count(line) + 1);
        left = room.unwrap_or(left);
        room.is_some()
    };
    let shown = lines.iter().take_while(fits).count();
    let waiting = items.len() - shown;
    let waiting = if waiting == 0 { String::new() } else { rest(waiting) };
    ComposedReply { text: join(&lines[..shown], &waiting, &own), items_shown: shown }
}

/// A message to somebody whom news is brought to: its text, how many of the things to be told it
/// holds, and how many of the items.
#[derive(Debug, PartialEq, Eq)]
pub struct ComposedBatch {
    pub text: String,
    pub replies_shown: usize,
    pub items_shown: usize,
}

/// What is to be told, then what waits, oldest first, as much of it as fits into one message. The
/// first always does.
#[must_use]
pub fn compose_batch(language: Language, told: &[String], items: &[Item]) -> ComposedBatch {
    let news = items.iter().enumerate().map(|(at, item)| {
        let gap = if at == 0 { PARAGRAPH_BREAK } else { "\n" };
        (gap, event(language, &item.event))
    });
    let parts = told.iter().map(|told| (PARAGRAPH_BREAK, told.clone())).chain(news);
    let (mut text, mut held, mut left) = (String::new(), 0, MAX_MESSAGE_CHARS);
    for (gap, part) in parts {
        let (gap, part) =
            if held == 0 { ("", truncate(&part, MAX_MESSAGE_CHARS)) } else { (gap, part) };
        let Some(room) = left.checked_sub(char_count(gap) + char_count(&part)) else { break };
        left = room;
        text.extend([gap, &part]);
        held += 1;
    }
    let told = held.min(told.len());
    ComposedBatch { text, replies_shown: told, items_shown: held - told }
}

/// Lines, and what comes below them after a blank line each.
fn join(lines: &[String], waiting: &str, own: &str) -> String {
    let rest = waiting.len() + own.len() + 2 * PARAGRAPH_BREAK.len();
    let length = rest + lines.iter().map(|line| line.len() + 1).sum::<usize>();
    let mut joined = String::with_capacity(length);
    let lines = lines.iter().map(|line| ("\n", line.as_str()));
    for (gap, part) in lines.chain([(PARAGRAPH_BREAK, waiting), (PARAGRAPH_BREAK, own)]) {
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

/// Cuts a text to `limit` characters, an ellipsis included.
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
    use crate::mask::Masked;

    const EN: Language = Language::English;

    fn messages(count: u64, length: usize) -> Vec<Item> {
        let from = Nickname::parse("Ann").expect("a name");
        let text = Masked::waived(&"é".repeat(length));
        let room = RoomId::random(&mut seeded_rng());
        (0..count)
            .map(|number| Item {
                seq: number,
                at: Timestamp::default(),
                event: InboxEvent::Message { room, from: from.clone(), text: text.clone() },
            })
            .collect()
    }

    #[test]
    fn compose_puts_inbox_items_before_the_reply() {
        let items = messages(2, 1);
        assert_eq!(compose_reply(EN, &items, "own").text, "💬 Ann: é\n💬 Ann: é\n\nown");
        assert_eq!(compose_reply(EN, &items, "").text, "💬 Ann: é\n💬 Ann: é");
        assert_eq!(compose_reply(EN, &[], "own").text, "own");
        assert_eq!(compose_reply(EN, &[], "").text, "📭 Inbox empty.");
    }

    #[test]
    fn compose_counts_items_that_do_not_fit() {
        let items = messages(5, 1_100);
        let answer = compose_reply(EN, &items, "own");
        assert_eq!(answer.items_shown, 3);
        assert!(
            answer.text.contains(
                "\n\n📬 2 more messages are waiting for you. Send #m to read more.\n\nown"
            )
        );
    }

    #[test]
    fn compose_never_exceeds_a_whatsapp_message() {
        for length in [0, 1, 17, 1_000, 2_000, 3_900] {
            for count in [0, 1, 2, 50, 200] {
                for (own, row) in [0, 100, 4_000, 4_096, 5_000]
                    .into_iter()
                    .flat_map(|own| LANGUAGES.iter().map(move |row| (own, row)))
                {
                    let language = row.language;
                    let answer =
                        compose_reply(language, &messages(count, length), &"ü".repeat(own));
                    assert!(
                        char_count(&answer.text) <= MAX_MESSAGE_CHARS,
                        "{length} {count} {own}"
                    );
                    assert!(
                        own > 100 || count == 0 || answer.items_shown > 0,
                        "{length} {count} {own}"
                    );
                }
            }
        }
    }

    #[test]
    fn compose_batch_puts_replies_before_events() {
        let told = ["one".to_owned(), "two".to_owned()];
        let items = messages(2, 1);
        let text = "one\n\ntwo\n\n💬 Ann: é\n💬 Ann: é".to_owned();
        assert_eq!(
            compose_batch(EN, &told, &items),
            ComposedBatch { text, replies_shown: 2, items_shown: 2 }
        );
        assert_eq!(compose_batch(EN, &[], &messages(5, 1_100)).items_shown, 3);
        assert_eq!(
            compose_batch(EN, &[], &[]),
            ComposedBatch { text: String::new(), replies_shown: 0, items_shown: 0 }
        );
        for length in [1, 4_000, 5_000] {
            let told = ["ü".repeat(length), "ü".repeat(length)];
            let batch = compose_batch(EN, &told, &messages(3, length));
            assert!(
                char_count(&batch.text) <= MAX_MESSAGE_CHARS && batch.replies_shown > 0,
                "{length}"
            );
        }
        assert_eq!(compose_batch(EN, &[], &messages(1, 5_000)).items_shown, 1);
    }
}
