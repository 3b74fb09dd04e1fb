//! Between the lobby's words and what the scripts move: sealed bytes, numbers and lists.
//!
//! What lives here: writing arguments, reading answers. What must not: talking to the server. An
//! answer that can't be read is no answer: the store counts as unavailable.

use std::time::Duration;

use parking_lot::Mutex;
use rand::rngs::StdRng;
use redis::Value;

use crate::connect::lobby::action::{
    Effect, LastPartner, Outcome, QueuePosition, SenderState, UserStatus,
};
use crate::connect::lobby::broadcast::BroadcastText;
use crate::connect::lobby::chat::{Chat, HistoryMessage};
use crate::connect::lobby::inbox::{InboxEvent, Item, Lease};
use crate::connect::profile::interest::{Interest, Interests};
use crate::connect::profile::language::Language;
use crate::connect::profile::nickname::Nickname;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::{IdHasher, RoomId, UserId};
use crate::kernel::keyring::Keyring;
use crate::mask::{Masked, Memory};

/// Seals and opens.
pub struct Codec {
    seal: Keyring,
    ids: IdHasher,
    rng: Mutex<StdRng>,
}

impl Codec {
    pub fn new(seal: Keyring, ids: IdHasher, rng: StdRng) -> Self {
        Self { seal, ids, rng: Mutex::new(rng) }
    }

    pub fn name(&self, name: &Nickname) -> Option<Vec<u8>> {
        self.close(name.as_str().as_bytes())
    }

    pub fn random_name(&self) -> Nickname {
        Nickname::random(&mut *self.rng.lock())
    }

    pub fn random_room(&self) -> RoomId {
        RoomId::random(&mut *self.rng.lock())
    }

    pub fn text(&self, text: &Masked) -> Option<Vec<u8>> {
        self.close(&serde_json::to_vec(text).ok()?)
    }

    pub fn notice(&self, notice: &BroadcastText) -> Option<Vec<u8>> {
        self.close(notice.as_str().as_bytes())
    }

    /// Interests as the scripts compare them, each with its sealed name behind it.
    pub fn interests(&self, interests: &Interests) -> Option<Vec<Vec<u8>>> {
        let mut all = Vec::new();
        for interest in interests.iter() {
            all.push(self.ids.text(interest).into_bytes());
            all.push(self.close(interest.as_bytes())?);
        }
        Some(all)
    }

    /// A memory sealed, and a digest by which the scripts compare it; both empty when it is.
    pub fn memory(&self, memory: &Memory) -> Option<(Vec<u8>, String)> {
        if memory.is_empty() {
            return Some(Default::default());
        }
        let written = serde_json::to_string(memory).ok()?;
        Some((self.close(written.as_bytes())?, self.ids.text(&written)))
    }

    pub fn read_sender(&self, value: &Value) -> Option<SenderState> {
        let [mask, memory, familiar, language] = list(value)? else { return None };
        let memory = match bytes(memory)? {
            [] => Memory::default(),
            sealed => serde_json::from_slice(&self.seal.open(sealed)?).ok()?,
        };
        let trusted = bytes(familiar)? == b"1";
        let (masking, language) = (bytes(mask)? == b"1", self::language(language));
        Some(SenderState { masking, memory, trusted, language })
    }

    pub fn read_lease(&self, id: &Value, items: &Value, language: &Value) -> Option<Lease> {
        let id = bytes(id)?;
        let id = if id.is_empty() { None } else { Some(number(id)?) };
        let items = list(items)?.iter().map(|item| self.item(bytes(item)?));
        let language = self::language(language);
        Some(Lease { id, items: items.collect::<Option<_>>()?, language })
    }

    /// An outcome; `busy` is none.
    pub fn read_outcome(&self, value: &Value) -> Option<Outcome> {
        let (kind, rest) = list(value)?.split_first()?;
        Some(match (bytes(kind)?, rest) {
            (b"connected", [chat, again]) => {
                Outcome::Connected { chat: self.chat(chat)?, again: flag(again)? }
            }
            (b"waiting", [position, usual, interests, again]) => Outcome::Waiting {
                place: place(position, usual)?,
                interests: self.labels(bytes(interests)?)?,
                again: flag(again)?,
            },
            (b"already", [chat]) => Outcome::AlreadyChatting(self.chat(chat)?),
            (b"elsewhere", [ended]) => Outcome::NotInRoom { ended: flag(ended)? },
            (b"ended", []) => Outcome::ChatEnded,
            (b"left", []) => Outcome::LeftQueue,
            (b"nothing", []) => Outcome::NothingToLeave,
            (b"sent", [to, number, from, text]) => Outcome::Sent {
                to: user(bytes(to)?)?,
                number: int(number)?,
                from: self.nickname(bytes(from)?)?,
                text: self.masked(bytes(text)?)?,
            },
            (b"nobody", [waiting]) => Outcome::NobodyToSendTo { waiting: flag(waiting)? },
            (b"full", []) => Outcome::PartnerInboxFull,
            (b"changed", []) => Outcome::SenderChanged,
            (b"masking", [on]) => Outcome::Masking(flag(on)?),
            (b"partner", [name]) => Outcome::Partner(match bytes(name)? {
                [] => None,
                name => Some(self.nickname(name)?),
            }),
            (b"renamed", [name]) => Outcome::Renamed(self.nickname(bytes(name)?)?),
            (b"typing", []) => Outcome::Typing,
            (b"nothing_kept", []) => Outcome::History(None),
            (b"history", [kept]) => {
                let kept = list(kept)?.iter().map(|kept| self.kept(bytes(kept)?));
                Outcome::History(Some(kept.collect::<Option<_>>()?))
            }
            (b"idle", []) => Outcome::Standing(UserStatus::Idle),
            (b"queued", [position, usual]) => {
                Outcome::Standing(UserStatus::Waiting(place(position, usual)?))
            }
            (b"chatting", [chat]) => Outcome::Standing(UserStatus::Chatting(self.chat(chat)?)),
            (b"blocked", [ended, reported]) => {
                Outcome::Blocked { ended: flag(ended)?, reported: flag(reported)? }
            }
            (b"nobody_to_block", []) => Outcome::NobodyToBlock,
            (b"encounter", []) => Outcome::Encounter(None),
            (b"encounter", [partner, said]) => {
                let said = list(said)?.iter().map(|text| self.masked(bytes(text)?));
                let said = said.collect::<Option<_>>()?;
                Outcome::Encounter(Some(LastPartner { partner: user(bytes(partner)?)?, said }))
            }
            (b"ice", [number]) => Outcome::Icebreaker(u8::try_from(int(number)?).ok()?),
            (b"speaks", [spoken]) => Outcome::Speaks(language(spoken)?),
            (b"unrated", []) => Outcome::NobodyToRate,
            (b"agreed", []) => Outcome::Agreed,
            (b"read", []) => Outcome::Read,
            _ => return None,
        })
    }

    fn close(&self, text: &[u8]) -> Option<Vec<u8>> {
        self.seal.close(text, &mut *self.rng.lock())
    }

    fn open(&self, sealed: &[u8]) -> Option<String> {
        String::from_utf8(self.seal.open(sealed)?).ok()
    }

    fn nickname(&self, sealed: &[u8]) -> Option<Nickname> {
        self.open(sealed).map(|name| Nickname::kept(&name))
    }

    fn masked(&self, sealed: &[u8]) -> Option<Masked> {
        serde_json::from_slice(&self.seal.open(sealed)?).ok()
    }

    fn labels(&self, packed: &[u8]) -> Option<Interests> {
        let labels = fields(packed)?.into_iter().map(|label| self.open(label).map(Interest::from));
        labels.collect::<Option<_>>().map(Interests::kept)
    }

    fn chat(&self, value: &Value) -> Option<Chat> {
        let parts = list(value)?.iter().map(bytes).collect::<Option<Vec<_>>>()?;
        self.chat_of(&parts)
    }

    /// A chat of its room, the partner, their name, what both like and whether it is the first.
    fn chat_of(&self, parts: &[&[u8]]) -> Option<Chat> {
        let [room, partner, name, common, first] = parts else { return None };
        Some(Chat {
            room: self::room(room)?,
            partner: user(partner)?,
            partner_name: self.nickname(name)?,
            common: self.labels(common)?,
            first: *first == b"1",
        })
    }

    fn item(&self, packed: &[u8]) -> Option<Item> {
        let fields = fields(packed)?;
        let [own, at, kind, room, rest @ ..] = fields.as_slice() else { return None };
        let id = || self::room(room);
        let news = match (*kind, rest) {
            (b"m", [from, text]) => InboxEvent::Message {
                room: id()?,
                from: self.nickname(from)?,
                text: self.masked(text)?,
            },
            (b"c", rest) => {
                InboxEvent::Connected { chat: self.chat_of(&[&[*room], rest].concat())? }
            }
            (b"i", [asked]) => {
                InboxEvent::Icebreaker { room: id()?, number: u8::try_from(number(asked)?).ok()? }
            }
            (b"q", []) => InboxEvent::Nudge { room: id()? },
            (b"l", []) => InboxEvent::PartnerLeft { room: id()? },
            (b"t", []) => InboxEvent::PartnerTimedOut { room: id()? },
            // It happened in no room.
            (b"n", [text]) => InboxEvent::Notice(BroadcastText::kept(&self.open(text)?)),
            _ => return None,
        };
        Some(Item { number: number(own)?, at: Timestamp::from_millis(number(at)?), news })
    }

    fn kept(&self, packed: &[u8]) -> Option<HistoryMessage> {
        let fields = fields(packed)?;
        let [own, at, sender, from, text] = fields.as_slice() else { return None };
        Some(HistoryMessage {
            number: number(own)?,
            at: Timestamp::from_millis(number(at)?),
            sender: user(sender)?,
            from: self.nickname(from)?,
            text: self.masked(text)?,
        })
    }
}

/// The parts of an answer that is a list.
pub fn list(value: &Value) -> Option<&[Value]> {
    if let Value::Array(values) = value { Some(values) } else { None }
}

pub fn bytes(value: &Value) -> Option<&[u8]> {
    if let Value::BulkString(bytes) = value { Some(bytes) } else { None }
}

/// A number, which a script returns as such or as its digits.
pub fn int(value: &Value) -> Option<u64> {
    match value {
        Value::Int(number) => u64::try_from(*number).ok(),
        Value::BulkString(digits) => number(digits),
        _ => None,
    }
}

fn flag(value: &Value) -> Option<bool> {
    int(value).map(|flag| flag == 1)
}

fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn place(position: &Value, usual: &Value) -> Option<QueuePosition> {
    let usual = match usual {
        Value::BulkString(none) if none.is_empty() => None,
        usual => Some(Duration::from_millis(int(usual)?)),
    };
    Some(QueuePosition { position: usize::try_from(int(position)?).ok()?, estimate: usual })
}

/// A language by its code; none where none is known yet.
fn language(value: &Value) -> Option<Language> {
    Language::parse(std::str::from_utf8(bytes(value)?).ok()?)
}

fn user(code: &[u8]) -> Option<UserId> {
    UserId::parse(std::str::from_utf8(code).ok()?)
}

/// A person's code as a part of an answer.
pub fn person(value: &Value) -> Option<UserId> {
    user(bytes(value)?)
}

fn room(code: &[u8]) -> Option<RoomId> {
    RoomId::parse(std::str::from_utf8(code).ok()?)
}

/// Fields one after the other, each behind its length and a colon.
fn fields(packed: &[u8]) -> Option<Vec<&[u8]>> {
    let (mut all, mut rest) = (Vec::new(), packed);
    while !rest.is_empty() {
        let colon = rest.iter().position(|byte| *byte == b':')?;
        let length = usize::try_from(number(&rest[..colon])?).ok()?;
        let (field, tail) = rest[colon + 1..].split_at_checked(length)?;
        all.push(field);
        rest = tail;
    }
    Some(all)
}

/// A word over the wire: a person's code alone, or with a room's code and whether is typed there.
pub fn word(payload: &[u8]) -> Option<Effect> {
    let text = std::str::from_utf8(payload).ok()?;
    let (who, rest) = text.split_at_checked(32)?;
    let who = UserId::parse(who)?;
    if rest.is_empty() {
        return Some(Effect::News(who));
    }
    let (room, typing) = rest.split_at_checked(32)?;
    Some(Effect::Typing { to: who, room: RoomId::parse(room)?, typing: typing == "1" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_fields_are_read_whatever_they_hold() {
        assert_eq!(fields(b"2:ab0:3:\x00:9"), Some(vec![&b"ab"[..], b"", b"\x00:9"]));
        assert_eq!(fields(b""), Some(vec![]));
        for broken in [&b"x"[..], b"2:a", b":a", b"-1:a", b"99999999999999999999:a"] {
            assert_eq!(fields(broken), None);
        }
    }

    #[test]
    fn a_word_that_is_none_is_not_heard() {
        let code = "0123456789abcdef0123456789abcdef";
        assert!(word(code.as_bytes()).is_some());
        assert!(word(format!("{code}{code}1").as_bytes()).is_some());
        for broken in ["", "x", &code[1..], &format!("{code}x")] {
            assert_eq!(word(broken.as_bytes()), None);
        }
    }
}
