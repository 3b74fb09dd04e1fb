//! Outcomes and news in words: everything a person reads is written here.
//!
//! Pure: an outcome and the inbox's items go in, text of at most [`MAX_CHARS`] comes out, with
//! how many of the items it holds.

use std::fmt::Write as _;
use std::time::Duration;

use super::action::{Outcome, Place};
use super::chat::Chat;
use super::inbox::{Item, News};
use super::interest::Interests;
use crate::safety::pace::{Act, TooOften};

/// The most characters of an answer, and of a message (a WhatsApp text body holds no more).
pub const MAX_CHARS: usize = 4_096;

/// Between what waited and the answer to the call.
const BLANK_LINE: &str = "\n\n";

/// An answer, and how many of the items it shows.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    pub text: String,
    pub shown: usize,
}

/// What waits for a person, oldest first, then the answer to their call. Items that do not fit are
/// left for the next answer, and the number of them is told.
#[must_use]
pub fn compose(items: &[Item], own: &str) -> Answer {
    let own = if own.is_empty() && items.is_empty() { INBOX_EMPTY } else { own };
    let lines: Vec<String> = items.iter().map(|item| news(&item.news)).collect();
    let all = join(&[lines.join("\n").as_str(), own]);
    if chars(&all) <= MAX_CHARS {
        return Answer { text: all, shown: items.len() };
    }
    // What is told of the rest is longest when nothing fits.
    let told = if items.is_empty() { 0 } else { chars(&rest(items.len())) + 2 * BLANK_LINE.len() };
    let own = shorten(own, MAX_CHARS - told);
    let mut left = MAX_CHARS - told - chars(&own);
    let fits = |line: &&String| {
        let room = left.checked_sub(chars(line) + 1);
        left = room.unwrap_or(left);
        room.is_some()
    };
    let shown = lines.iter().take_while(fits).count();
    let waiting = items.len() - shown;
    let waiting = if waiting == 0 { String::new() } else { rest(waiting) };
    Answer { text: join(&[lines[..shown].join("\n").as_str(), &waiting, &own]), shown }
}

const INBOX_EMPTY: &str = "📭 Inbox empty.";

/// The answer to somebody who asks for an inbox although everything is brought to them.
pub const NOTHING_WAITS: &str = "📭 Nothing waits here: what comes for you is sent to you at once.";

/// For somebody who is not shown what their partner got.
pub const NUMBER_HIDDEN: &str = "🔒 Your message was sent with the phone number in it hidden.";

/// The answer to a picture, a voice message and the like.
pub const ONLY_TEXT: &str = "💡 Only text is passed on here, so this was not sent.";

/// The answer to a report without a reason.
pub const ASK_REASON: &str = "🚩 Why? Send #report and one of spam, abuse, minor, scam, other, or a few words of your own, such as: #report asks for money. #block alone keeps this person away without a report.";

/// The answer to a report with too long a reason.
pub const LONG_REASON: &str = "⚠️ Please give the reason in at most 300 characters.";

/// A message to somebody whom news is brought to: its text, how many of the things to be told it
/// holds, and how many of the items.
#[derive(Debug, PartialEq, Eq)]
pub struct Batch {
    pub text: String,
    pub told: usize,
    pub shown: usize,
}

/// What is to be told, then what waits, oldest first, as much of it as fits into one message. The
/// first always does.
#[must_use]
pub fn batch(told: &[String], items: &[Item]) -> Batch {
    let news = items.iter().enumerate().map(|(at, item)| {
        let gap = if at == 0 { BLANK_LINE } else { "\n" };
        (gap, news(&item.news))
    });
    let parts = told.iter().map(|told| (BLANK_LINE, told.clone())).chain(news);
    let (mut text, mut held, mut left) = (String::new(), 0, MAX_CHARS);
    for (gap, part) in parts {
        let (gap, part) = if held == 0 { ("", shorten(&part, MAX_CHARS)) } else { (gap, part) };
        let Some(room) = left.checked_sub(chars(gap) + chars(&part)) else { break };
        left = room;
        text.extend([gap, &part]);
        held += 1;
    }
    let told = held.min(told.len());
    Batch { text, told, shown: held - told }
}

fn rest(count: usize) -> String {
    let messages = if count == 1 { "message waits" } else { "messages wait" };
    format!("📬 {count} more {messages} for you. Send #m to read on.")
}

fn join(parts: &[&str]) -> String {
    let parts: Vec<&str> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
    parts.join(BLANK_LINE)
}

fn chars(text: &str) -> usize {
    text.chars().count()
}

/// Cuts a text to `limit` characters, an ellipsis included.
fn shorten(text: &str, limit: usize) -> String {
    if chars(text) <= limit {
        return text.to_owned();
    }
    text.chars().take(limit.saturating_sub(1)).chain(['…']).collect()
}

/// News as a line for the person it is for.
#[must_use]
pub fn news(news: &News) -> String {
    match news {
        News::Message { from, text, .. } => format!("💬 {from}: {}", text.as_str()),
        News::Connected { chat } => connected("🎉 Connected!", chat),
        News::PartnerLeft { .. } => {
            "Your partner left the chat. Use #meet to find a new one.".to_owned()
        }
        News::PartnerTimedOut { .. } => {
            "Your partner timed out. Use #meet to find a new one.".to_owned()
        }
        News::Notice(notice) => format!("📢 {}", notice.as_str()),
    }
}

fn connected(how: &str, chat: &Chat) -> String {
    let Chat { partner_name, common, .. } = chat;
    let common =
        if common.is_empty() { String::new() } else { format!(" You both like: {common}.") };
    format!("{how} You're now chatting with {partner_name}.{common} Say hello!")
}

/// The answer to what a person did; empty where the inbox alone is the answer.
#[must_use]
pub fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Connected { chat, again: false } => connected("🎉 Connected!", chat),
        Outcome::Connected { chat, again: true } => connected("🔄 New connection!", chat),
        Outcome::Waiting { place, interests, again: false } => format!(
            "🔍 Looking for someone to chat with... Please wait while we find you a partner!\n{}",
            waiting(*place, interests)
        ),
        Outcome::Waiting { place, interests, again: true } => {
            format!(
                "🔍 Looking for a new chat partner... Please wait!\n{}",
                waiting(*place, interests)
            )
        }
        Outcome::AlreadyChatting(_) => {
            "You're already in a chat! Use #bye to end it first, or #again to find a new partner.".to_owned()
        }
        Outcome::ChatEnded => "👋 Chat ended. Use #meet to connect with someone new!".to_owned(),
        Outcome::LeftQueue => "👋 You left the queue. Use #meet whenever you want to look again.".to_owned(),
        Outcome::NothingToLeave | Outcome::NotInRoom { .. } => "You're not currently in a chat.".to_owned(),
        Outcome::Sent { from, text, .. } => format!("📤 Message sent to your partner from {from}: {}", text.as_str()),
        Outcome::NobodyToSendTo { waiting: false } => {
            "💡 You're not in a chat yet. Use #meet to find someone to talk to, or #help for all commands.".to_owned()
        }
        Outcome::NobodyToSendTo { waiting: true } => {
            "🔍 Still looking for a partner, so your message was not sent. Use #bye to stop looking.".to_owned()
        }
        Outcome::PartnerInboxFull => {
            "⚠️ Your message was not sent: your partner has too many unread messages. Please wait until they answer."
                .to_owned()
        }
        Outcome::SenderChanged => "⚠️ Your message was not sent. Please send it again.".to_owned(),
        Outcome::Masking(on) => format!("🔒 Phone number masking is now {}.", if *on { "ON" } else { "OFF" }),
        Outcome::Partner(Some(partner)) => format!("👤 You're chatting with: {partner}"),
        Outcome::Partner(None) => "You're not currently in a chat. Use #meet to connect!".to_owned(),
        Outcome::Renamed(name) => format!("✏️ In your next chats you are called {name}."),
        Outcome::Blocked { ended, reported } => blocked(*ended, *reported),
        Outcome::NobodyToBlock => {
            "💡 There is nobody to block or report: you have met nobody in the last 20 minutes.".to_owned()
        }
        Outcome::TooOften(TooOften { act, left }) => too_often(*act, *left),
        Outcome::Barred { left: Some(left) } => format!(
            "⛔ You were reported, so you can't chat for now. You can again in {}.",
            span(*left)
        ),
        Outcome::Barred { left: None } => {
            "⛔ You were reported by several people, so you can't chat until somebody has reviewed it.".to_owned()
        }
        // What waits is the answer, or none is wanted.
        Outcome::Read | Outcome::Typing | Outcome::History(_) | Outcome::Encounter(_) | Outcome::Standing(_) => String::new(),
    }
}

fn blocked(ended: bool, reported: bool) -> String {
    let did = if reported { "🚩 Thank you, this person is reported" } else { "🚫 Blocked" };
    let ended = if ended { " The chat is over." } else { "" };
    format!("{did}.{ended} You two won't meet again. Use #meet to find someone else.")
}

fn too_often(act: Act, left: Duration) -> String {
    let left = span(left);
    match act {
        Act::Message => {
            format!("⏳ You write very fast, so this was not sent. Please go on in {left}.")
        }
        Act::Same(_) => format!(
            "⏳ You have sent this several times, so it was not sent again. You can in {left}."
        ),
        Act::Search => {
            format!("⏳ You have looked for partners very often. You can again in {left}.")
        }
        Act::Newcomer => {
            format!("⏳ Many new people come from where you are. Please try again in {left}.")
        }
    }
}

/// A time to wait in the largest unit that fits, rounded up.
#[must_use]
pub fn span(span: Duration) -> String {
    let seconds = span.as_millis().div_ceil(1_000);
    let (count, unit) = match seconds {
        0..60 => (seconds, "second"),
        60..3_600 => (seconds.div_ceil(60), "minute"),
        3_600..86_400 => (seconds.div_ceil(3_600), "hour"),
        _ => (seconds.div_ceil(86_400), "day"),
    };
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}

/// The answer to a text that may not be passed on.
#[must_use]
pub fn refused(reason: &str) -> String {
    format!("⚠️ Your message was not sent: {reason}")
}

/// An answer to a command that had text behind it, which went nowhere.
#[must_use]
pub fn with_rest_not_sent(own: &str) -> String {
    let told = "💡 Only the command was carried out, the text behind it was not sent.";
    if own.is_empty() { told.to_owned() } else { format!("{own}\n{told}") }
}

fn waiting(place: Place, interests: &Interests) -> String {
    let mut told = format!("⏳ Your place in the queue: {}", place.position);
    // Writing to a String can't fail.
    if let Some(estimate) = place.estimate {
        let _ = write!(told, " (lately people waited about {} s)", estimate.as_secs().max(1));
    }
    if !interests.is_empty() {
        let _ = write!(told, "\n🔍 First among those who like: {interests}");
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::nickname::Nickname;
    use crate::connect::operator::Notice;
    use crate::connect::text::looks_like_system;
    use crate::kernel::clock::{Timestamp, seeded_rng};
    use crate::kernel::id::{RoomId, UserId};
    use crate::mask::Masked;

    fn messages(count: u64, length: usize) -> Vec<Item> {
        let from = Nickname::chosen("Ann").expect("a name");
        let text = Masked::waived(&"é".repeat(length));
        let room = RoomId::random(&mut seeded_rng());
        (0..count)
            .map(|number| Item {
                number,
                at: Timestamp::default(),
                news: News::Message { room, from: from.clone(), text: text.clone() },
            })
            .collect()
    }

    #[test]
    fn what_waited_comes_first_then_a_blank_line_then_the_answer() {
        let items = messages(2, 1);
        assert_eq!(compose(&items, "own").text, "💬 Ann: é\n💬 Ann: é\n\nown");
        assert_eq!(compose(&items, "").text, "💬 Ann: é\n💬 Ann: é");
        assert_eq!(compose(&[], "own").text, "own");
        assert_eq!(compose(&[], "").text, "📭 Inbox empty.");
    }

    #[test]
    fn what_does_not_fit_stays_and_is_counted() {
        let items = messages(5, 1_100);
        let answer = compose(&items, "own");
        assert_eq!(answer.shown, 3);
        assert!(
            answer.text.contains("\n\n📬 2 more messages wait for you. Send #m to read on.\n\nown")
        );
    }

    #[test]
    fn no_answer_is_longer_than_a_whatsapp_message_and_the_longest_item_fits_alone() {
        for length in [0, 1, 17, 1_000, 2_000, 3_900] {
            for count in [0, 1, 2, 50, 200] {
                for own in [0, 100, 4_000, 4_096, 5_000] {
                    let answer = compose(&messages(count, length), &"ü".repeat(own));
                    assert!(chars(&answer.text) <= MAX_CHARS, "{length} {count} {own}");
                    assert!(own > 100 || count == 0 || answer.shown > 0, "{length} {count} {own}");
                }
            }
        }
    }

    #[test]
    fn what_is_told_comes_before_the_news_and_the_rest_waits_for_the_next_message() {
        let told = ["one".to_owned(), "two".to_owned()];
        let items = messages(2, 1);
        let text = "one\n\ntwo\n\n💬 Ann: é\n💬 Ann: é".to_owned();
        assert_eq!(batch(&told, &items), Batch { text, told: 2, shown: 2 });
        assert_eq!(batch(&[], &messages(5, 1_100)).shown, 3);
        assert_eq!(batch(&[], &[]), Batch { text: String::new(), told: 0, shown: 0 });
        for length in [1, 4_000, 5_000] {
            let told = ["ü".repeat(length), "ü".repeat(length)];
            let batch = batch(&told, &messages(3, length));
            assert!(chars(&batch.text) <= MAX_CHARS && batch.told > 0, "{length}");
        }
        assert_eq!(batch(&[], &messages(1, 5_000)).shown, 1);
    }

    #[test]
    fn nobody_can_write_a_line_of_the_systems() {
        let name = Nickname::chosen("Ann").expect("a name");
        let text = Masked::waived("x");
        let room = RoomId::random(&mut seeded_rng());
        let partner = UserId::from_bytes([1; 16]);
        let likes = Interests::parse("music");
        let place = Place { position: 1, estimate: Some(Duration::from_secs(9)) };
        let chat = Chat { room, partner, partner_name: name.clone(), common: likes.clone() };
        let outcomes = [
            Outcome::Connected { chat: chat.clone(), again: false },
            Outcome::Connected { chat: chat.clone(), again: true },
            Outcome::Waiting { place, interests: likes.clone(), again: false },
            Outcome::Waiting { place, interests: likes, again: true },
            Outcome::AlreadyChatting(chat.clone()),
            Outcome::NotInRoom { ended: true },
            Outcome::ChatEnded,
            Outcome::LeftQueue,
            Outcome::NothingToLeave,
            Outcome::Sent { to: partner, number: 1, from: name.clone(), text: text.clone() },
            Outcome::NobodyToSendTo { waiting: false },
            Outcome::NobodyToSendTo { waiting: true },
            Outcome::PartnerInboxFull,
            Outcome::SenderChanged,
            Outcome::Masking(true),
            Outcome::Partner(Some(name.clone())),
            Outcome::Partner(None),
            Outcome::Renamed(name.clone()),
            Outcome::Blocked { ended: true, reported: true },
            Outcome::Blocked { ended: false, reported: false },
            Outcome::NobodyToBlock,
            Outcome::TooOften(TooOften { act: Act::Message, left: Duration::ZERO }),
            Outcome::TooOften(TooOften { act: Act::Same(1), left: Duration::ZERO }),
            Outcome::TooOften(TooOften { act: Act::Search, left: Duration::ZERO }),
            Outcome::TooOften(TooOften { act: Act::Newcomer, left: Duration::ZERO }),
            Outcome::Barred { left: Some(Duration::from_secs(90)) },
            Outcome::Barred { left: None },
        ];
        let all_news = [
            News::Message { room, from: name, text },
            News::Connected { chat },
            News::PartnerLeft { room },
            News::PartnerTimedOut { room },
            News::Notice(Notice::parse("x").expect("a notice")),
        ];
        let written = outcomes.iter().map(outcome).chain(all_news.iter().map(news)).chain([
            rest(1),
            INBOX_EMPTY.to_owned(),
            NOTHING_WAITS.to_owned(),
            NUMBER_HIDDEN.to_owned(),
            ONLY_TEXT.to_owned(),
            ASK_REASON.to_owned(),
            LONG_REASON.to_owned(),
            refused("x"),
        ]);
        for line in written.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()) {
            assert!(looks_like_system(&line), "{line}");
        }
    }
}
