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

    pub fn seal_nickname(&self, name: &Nickname) -> Option<Vec<u8>> {
        self.seal(name.as_str().as_bytes())
    }

    pub fn random_nickname(&self) -> Nickname {
        Nickname::random(&mut *self.rng.lock())
    }

    pub fn random_room_id(&self) -> RoomId {
        RoomId::random(&mut *self.rng.lock())
    }

    pub fn seal_text(&self, text: &Masked) -> Option<Vec<u8>> {
        self.seal(&serde_json::to_vec(text).ok()?)
    }

    pub fn seal_broadcast(&self, notice: &BroadcastText) -> Option<Vec<u8>> {
        self.seal(notice.as_str().as_bytes())
    }

    /// Interests as the scripts compare them, each with its sealed name behind it.
    pub fn seal_interests(&self, interests: &Interests) -> Option<Vec<Vec<u8>>> {
        let mut all = Vec::new();
        for interest in interests.iter() {
            all.push(self.ids.hash_text(interest).into_bytes());
            all.push(self.seal(interest.as_bytes())?);
        }
        Some(all)
    }

    /// A memory sealed, and a digest by which the scripts compare it; both empty when it is.
    pub fn seal_memory(&self, memory: &Memory) -> Option<(Vec<u8>, String)> {
        if memory.is_empty() {
            return Some(Default::default());
        }
        let written = serde_json::to_string(memory).ok()?;
        Some((self.seal(written.as_bytes())?, self.ids.hash_text(&written)))
    }

    pub fn decode_sender_state(&self, value: &Value) -> Option<SenderState> {
        let [mask, memory, familiar, language] = as_list(value)? else { return None };
        let memory = match as_bytes(memory)? {
            [] => Memory::default(),
            sealed => serde_json::from_slice(&self.seal.open(sealed)?).ok()?,
        };
        let trusted = as_bytes(familiar)? == b"1";
        let (masking, language) = (as_bytes(mask)? == b"1", self::language_from_code(language));
        Some(SenderState { masking, memory, trusted, language })
    }

    pub fn decode_lease(&self, id: &Value, items: &Value, language: &Value) -> Option<Lease> {
        let id = as_bytes(id)?;
        let id = if id.is_empty() { None } else { Some(parse_u64(id)?) };
        let items = as_list(items)?.iter().map(|item| self.decode_item(as_bytes(item)?));
        let language = self::language_from_code(language);
        Some(Lease { id, items: items.collect::<Option<_>>()?, language })
    }

    /// An outcome; `busy` is none.
    pub fn decode_outcome(&self, value: &Value) -> Option<Outcome> {
        let (kind, rest) = as_list(value)?.split_first()?;
        Some(match (as_bytes(kind)?, rest) {
            (b"connected", [chat, again]) => {
                Outcome::Connected { chat: self.decode_chat(chat)?, again: as_bool(again)? }
            }
            (b"waiting", [position, usual, interests, again]) => Outcome::Waiting {
                place: queue_position(position, usual)?,
                interests: self.open_interests(as_bytes(interests)?)?,
                again: as_bool(again)?,
            },
            (b"already", [chat]) => Outcome::AlreadyChatting(self.decode_chat(chat)?),
            (b"elsewhere", [ended]) => Outcome::NotInRoom { ended: as_bool(ended)? },
            (b"ended", []) => Outcome::ChatEnded,
            (b"left", []) => Outcome::LeftQueue,
            (b"nothing", []) => Outcome::NothingToLeave,
            (b"sent", [to, number, from, text]) => Outcome::Sent {
                to: user_id(as_bytes(to)?)?,
                seq: as_u64(number)?,
                from: self.open_nickname(as_bytes(from)?)?,
                text: self.open_masked(as_bytes(text)?)?,
            },
            (b"nobody", [waiting]) => Outcome::NoPartner { waiting: as_bool(waiting)? },
            (b"full", []) => Outcome::PartnerInboxFull,
            (b"changed", []) => Outcome::SenderChanged,
            (b"masking", [on]) => Outcome::Masking(as_bool(on)?),
            (b"partner", [name]) => Outcome::PartnerName(match as_bytes(name)? {
                [] => None,
                name => Some(self.open_nickname(name)?),
            }),
            (b"renamed", [name]) => Outcome::NicknameSet(self.open_nickname(as_bytes(name)?)?),
            (b"typing", []) => Outcome::TypingSet,
            (b"nothing_kept", []) => Outcome::History(None),
            (b"history", [kept]) => {
                let kept =
                    as_list(kept)?.iter().map(|kept| self.decode_history_message(as_bytes(kept)?));
                Outcome::History(Some(kept.collect::<Option<_>>()?))
            }
            (b"idle", []) => Outcome::Status(UserStatus::Idle),
            (b"queued", [position, usual]) => {
                Outcome::Status(UserStatus::Waiting(queue_position(position, usual)?))
            }
            (b"chatting", [chat]) => Outcome::Status(UserStatus::Chatting(self.decode_chat(chat)?)),
            (b"blocked", [ended, reported]) => {
                Outcome::Blocked { chat_ended: as_bool(ended)?, reported: as_bool(reported)? }
            }
            (b"nobody_to_block", []) => Outcome::NoBlockTarget,
            (b"encounter", []) => Outcome::LastPartner(None),
            (b"encounter", [partner, said]) => {
                let said = as_list(said)?.iter().map(|text| self.open_masked(as_bytes(text)?));
                let said = said.collect::<Option<_>>()?;
                Outcome::LastPartner(Some(LastPartner {
                    partner: user_id(as_bytes(partner)?)?,
                    transcript: said,
                }))
            }
            (b"ice", [number]) => Outcome::Icebreaker(u8::try_from(as_u64(number)?).ok()?),
            (b"speaks", [spoken]) => Outcome::LanguageSet(language_from_code(spoken)?),
            (b"unrated", []) => Outcome::NoRateTarget,
            (b"agreed", []) => Outcome::Agreed,
            (b"read", []) => Outcome::InboxRead,
            _ => return None,
        })
    }

    fn seal(&self, text: &[u8]) -> Option<Vec<u8>> {
        self.seal.seal(text, &mut *self.rng.lock())
    }

    fn open(&self, sealed: &[u8]) -> Option<String> {
        String::from_utf8(self.seal.open(sealed)?).ok()
    }

    fn open_nickname(&self, sealed: &[u8]) -> Option<Nickname> {
        self.open(sealed).map(|name| Nickname::from_stored(&name))
    }

    fn open_masked(&self, sealed: &[u8]) -> Option<Masked> {
        serde_json::from_slice(&self.seal.open(sealed)?).ok()
    }

    fn open_interests(&self, packed: &[u8]) -> Option<Interests> {
        let labels =
            unpack_fields(packed)?.into_iter().map(|label| self.open(label).map(Interest::from));
        labels.collect::<Option<_>>().map(Interests::from_stored)
    }

    fn decode_chat(&self, value: &Value) -> Option<Chat> {
        let parts = as_list(value)?.iter().map(as_bytes).collect::<Option<Vec<_>>>()?;
        self.chat_from_fields(&parts)
    }

    /// A chat of its room, the partner, their name, what both like and whether it is the first.
    fn chat_from_fields(&self, parts: &[&[u8]]) -> Option<Chat> {
        let [room, partner, name, common, first] = parts else { return None };
        Some(Chat {
            room: self::room_id(room)?,
            partner: user_id(partner)?,
            partner_name: self.open_nickname(name)?,
            common_interests: self.open_interests(common)?,
            is_first_chat: *first == b"1",
        })
    }

    fn decode_item(&self, packed: &[u8]) -> Option<Item> {
        let fields = unpack_fields(packed)?;
        let [own, at, kind, room, rest @ ..] = fields.as_slice() else { return None };
        let id = || self::room_id(room);
        let news = match (*kind, rest) {
            (b"m", [from, text]) => InboxEvent::Message {
                room: id()?,
                from: self.open_nickname(from)?,
                text: self.open_masked(text)?,
            },
            (b"c", rest) => {
                InboxEvent::Connected { chat: self.chat_from_fields(&[&[*room], rest].concat())? }
            }
            (b"i", [asked]) => InboxEvent::Icebreaker {
                room: id()?,
                question: u8::try_from(parse_u64(asked)?).ok()?,
            },
            (b"q", []) => InboxEvent::Nudge { room: id()? },
            (b"l", []) => InboxEvent::PartnerLeft { room: id()? },
            (b"t", []) => InboxEvent::PartnerTimedOut { room: id()? },
            // It happened in no room.
            (b"n", [text]) => InboxEvent::Broadcast(BroadcastText::from_stored(&self.open(text)?)),
            _ => return None,
        };
        Some(Item { seq: parse_u64(own)?, at: Timestamp::from_millis(parse_u64(at)?), event: news })
    }

    fn decode_history_message(&self, packed: &[u8]) -> Option<HistoryMessage> {
        let fields = unpack_fields(packed)?;
        let [own, at, sender, from, text] = fields.as_slice() else { return None };
        Some(HistoryMessage {
            seq: parse_u64(own)?,
            at: Timestamp::from_millis(parse_u64(at)?),
            sender: user_id(sender)?,
            sender_name: self.open_nickname(from)?,
            text: self.open_masked(text)?,
        })
    }
}

/// The parts of an answer that is a list.
pub fn as_list(value: &Value) -> Option<&[Value]> {
    if let Value::Array(values) = value { Some(values) } else { None }
}

pub fn as_bytes(value: &Value) -> Option<&[u8]> {
    if let Value::BulkString(bytes) = value { Some(bytes) } else { None }
}

/// A number, which a script returns as such or as its digits.
pub fn as_u64(value: &Value) -> Option<u64> {
    match value {
        Value::Int(number) => u64::try_from(*number).ok(),
        Value::BulkString(digits) => parse_u64(digits),
        _ => None,
    }
}

fn as_bool(value: &Value) -> Option<bool> {
    as_u64(value).map(|flag| flag == 1)
}

fn parse_u64(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn queue_position(position: &Value, usual: &Value) -> Option<QueuePosition> {
    let usual = match usual {
        Value::BulkString(none) if none.is_empty() => None,
        usual => Some(Duration::from_millis(as_u64(usual)?)),
    };
    Some(QueuePosition {
        position: usize::try_from(as_u64(position)?).ok()?,
        estimated_wait: usual,
    })
}

/// A language by its code; none where none is known yet.
fn language_from_code(value: &Value) -> Option<Language> {
    Language::parse(std::str::from_utf8(as_bytes(value)?).ok()?)
}

fn user_id(code: &[u8]) -> Option<UserId> {
    UserId::from_hex(std::str::from_utf8(code).ok()?)
}

/// A person's code as a part of an answer.
pub fn user_id_value(value: &Value) -> Option<UserId> {
    user_id(as_bytes(value)?)
}

fn room_id(code: &[u8]) -> Option<RoomId> {
    RoomId::from_hex(std::str::from_utf8(code).ok()?)
}

/// Fields one after the other, each behind its length and a colon.
fn unpack_fields(packed: &[u8]) -> Option<Vec<&[u8]>> {
    let (mut all, mut rest) = (Vec::new(), packed);
    while !rest.is_empty() {
        let colon = rest.iter().position(|byte| *byte == b':')?;
        let length = usize::try_from(parse_u64(&rest[..colon])?).ok()?;
        let (field, tail) = rest[colon + 1..].split_at_checked(length)?;
        all.push(field);
        rest = tail;
    }
    Some(all)
}

/// A word over the wire: a person's code alone, or with a room's code and whether is typed there.
pub fn decode_signal(payload: &[u8]) -> Option<Effect> {
    let text = std::str::from_utf8(payload).ok()?;
    let (who, rest) = text.split_at_checked(32)?;
    let who = UserId::from_hex(who)?;
    if rest.is_empty() {
        return Some(Effect::InboxChanged(who));
    }
    let (room, typing) = rest.split_at_checked(32)?;
    Some(Effect::Typing { to: who, room: RoomId::from_hex(room)?, typing: typing == "1" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redis_codec_unpacks_arbitrary_fields() {
        assert_eq!(unpack_fields(b"2:ab0:3:\x00:9"), Some(vec![&b"ab"[..], b"", b"\x00:9"]));
        assert_eq!(unpack_fields(b""), Some(vec![]));
        for broken in [&b"x"[..], b"2:a", b":a", b"-1:a", b"99999999999999999999:a"] {
            assert_eq!(unpack_fields(broken), None);
        }
    }

    #[test]
    fn redis_codec_rejects_a_malformed_signal() {
        let code = "0123456789abcdef0123456789abcdef";
        assert!(decode_signal(code.as_bytes()).is_some());
        assert!(decode_signal(format!("{code}{code}1").as_bytes()).is_some());
        for broken in ["", "x", &code[1..], &format!("{code}x")] {
            assert_eq!(decode_signal(broken.as_bytes()), None);
        }
    }
}
