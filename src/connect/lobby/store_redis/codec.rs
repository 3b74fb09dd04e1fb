//! [`Codec`]: seals the values that scripts store, and decodes the replies of scripts.
//!
//! No connection lives here, and no rule. A malformed reply decodes to `None` and counts as a store
//! outage. A new outcome or event adds an arm to `decode_outcome` or `decode_item`.

use std::time::Duration;

use parking_lot::Mutex;
use rand::rngs::StdRng;
use redis::Value;

use super::places::{NameOwner, interest_place, memory_place, text_place};
use super::values::{
    as_bool, as_bytes, as_list, as_u64, as_usize, parse_u64, room_id, unpack_fields, user_id,
    user_id_value,
};
use crate::connect::lobby::action::{
    ChatWriters, Effect, LastPartner, Outcome, QueuePosition, SenderState, UserStatus, WaitCause,
};
use crate::connect::lobby::broadcast::BroadcastText;
use crate::connect::lobby::chat::{Chat, HistoryMessage};
use crate::connect::lobby::inbox::{InboxEvent, Item, Lease};
use crate::connect::profile::interest::{Interest, Interests};
use crate::connect::profile::language::Language;
use crate::connect::profile::nickname::Nickname;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::{IdHasher, RoomId, UserId};
use crate::kernel::keyring::{Keyring, Place};
use crate::mask::{Masked, Memory};

/// Seals with the keyring, hashes interests and mask memory for comparison, and draws random names.
pub struct Codec {
    keyring: Keyring,
    ids: IdHasher,
    rng: Mutex<StdRng>,
}

impl Codec {
    pub fn new(keyring: Keyring, ids: IdHasher, rng: StdRng) -> Self {
        Self { keyring, ids, rng: Mutex::new(rng) }
    }

    /// Seals a nickname that belongs to `owner`.
    pub fn seal_nickname(&self, nickname: &Nickname, owner: NameOwner) -> Option<Vec<u8>> {
        self.seal(nickname.as_str().as_bytes(), &owner.place())
    }

    pub fn random_nickname(&self) -> Nickname {
        Nickname::random(&mut *self.rng.lock())
    }

    pub fn random_room_id(&self) -> RoomId {
        RoomId::random(&mut *self.rng.lock())
    }

    /// Seals a text of `sender` to `recipient` in a room.
    pub fn seal_text(
        &self,
        text: &Masked,
        sender: UserId,
        (room, recipient): (RoomId, UserId),
    ) -> Option<Vec<u8>> {
        self.seal(&text.to_stored()?, &text_place(room, sender, recipient))
    }

    pub fn seal_broadcast(&self, text: &BroadcastText) -> Option<Vec<u8>> {
        self.seal(text.as_str().as_bytes(), &Place::new("broadcast"))
    }

    /// For each interest of `user` its hash, which the scripts compare, then its sealed name.
    pub fn seal_interests(&self, interests: &Interests, user: UserId) -> Option<Vec<Vec<u8>>> {
        let mut args = Vec::new();
        for interest in interests.iter() {
            args.push(self.ids.hash_text(interest).into_bytes());
            args.push(self.seal(interest.as_bytes(), &interest_place(user))?);
        }
        Some(args)
    }

    /// The sealed memory of `user` and its digest, which the scripts compare. Both are empty for an empty
    /// memory.
    pub fn seal_memory(&self, memory: &Memory, user: UserId) -> Option<(Vec<u8>, String)> {
        if memory.is_empty() {
            return Some(Default::default());
        }
        let json = serde_json::to_string(memory).ok()?;
        Some((self.seal(json.as_bytes(), &memory_place(user))?, self.ids.hash_text(&json)))
    }

    pub fn decode_sender_state(&self, value: &Value, user: UserId) -> Option<SenderState> {
        let [masking, memory, trusted, language, own_name, room, partner] = as_list(value)? else {
            return None;
        };
        let memory = match as_bytes(memory)? {
            [] => Memory::default(),
            sealed => {
                serde_json::from_slice(&self.keyring.open(sealed, &memory_place(user))?).ok()?
            }
        };
        let (masking, trusted) = (as_bytes(masking)? == b"1", as_bytes(trusted)? == b"1");
        let chat = match as_bytes(room)? {
            [] => None,
            room => Some((room_id(room)?, user_id_value(partner)?)),
        };
        let own_name = match chat {
            None => None,
            Some((room, _)) => Some(self.open_nickname(as_bytes(own_name)?, user, Some(room))?),
        };
        let language = language_from_code(language);
        Some(SenderState { masking, memory, chat, own_name, trusted, language })
    }

    /// A lease of `user`.
    pub fn decode_lease(
        &self,
        user: UserId,
        id: &Value,
        items: &Value,
        language: &Value,
    ) -> Option<Lease> {
        let id = as_bytes(id)?;
        let id = if id.is_empty() { None } else { Some(parse_u64(id)?) };
        let items = as_list(items)?.iter().map(|item| self.decode_item(user, as_bytes(item)?));
        let items = items.collect::<Option<_>>()?;
        Some(Lease { id, items, language: language_from_code(language) })
    }

    /// An outcome for `user`, whose tag is the variant's name in snake case. `None` for `lease_busy`, which
    /// the caller handles.
    pub fn decode_outcome(&self, user: UserId, value: &Value) -> Option<Outcome> {
        let (tag, fields) = as_list(value)?.split_first()?;
        Some(match (as_bytes(tag)?, fields) {
            (b"connected", [chat, again]) => {
                Outcome::Connected { chat: self.decode_chat(user, chat)?, again: as_bool(again)? }
            }
            (b"waiting", [position, median_wait, interests, again, cause @ ..]) => {
                Outcome::Waiting {
                    place: queue_position(position, median_wait)?,
                    interests: self.open_interests(user, as_bytes(interests)?)?,
                    cause: wait_cause(cause),
                    again: as_bool(again)?,
                }
            }
            (b"already_chatting", [chat]) => {
                Outcome::AlreadyChatting(self.decode_chat(user, chat)?)
            }
            (b"not_in_room", [ended]) => Outcome::NotInRoom { ended: as_bool(ended)? },
            (b"written_before", []) => Outcome::WrittenBefore,
            (b"chat_ended", []) => Outcome::ChatEnded,
            (b"left_queue", []) => Outcome::LeftQueue,
            (b"nothing_to_leave", []) => Outcome::NothingToLeave,
            (b"sent", [to, seq, from, text, completes_exchange, room]) => {
                let (to, room) = (user_id_value(to)?, room_id(as_bytes(room)?)?);
                Outcome::Sent {
                    to,
                    seq: as_u64(seq)?,
                    from: self.open_nickname(as_bytes(from)?, user, Some(room))?,
                    text: self.open_masked(as_bytes(text)?, &text_place(room, user, to))?,
                    completes_exchange: as_bool(completes_exchange)?,
                }
            }
            (b"no_partner", [waiting]) => Outcome::NoPartner { waiting: as_bool(waiting)? },
            (b"partner_inbox_full", []) => Outcome::PartnerInboxFull,
            (b"sender_changed", []) => Outcome::SenderChanged,
            (b"masking", [on]) => Outcome::Masking(as_bool(on)?),
            (b"partner_name", []) => Outcome::PartnerName(None),
            (b"partner_name", [nickname, partner, room]) => {
                let (partner, room) = (user_id_value(partner)?, room_id(as_bytes(room)?)?);
                let nickname = self.open_nickname(as_bytes(nickname)?, partner, Some(room))?;
                Outcome::PartnerName(Some(nickname))
            }
            (b"nickname_set", [nickname]) => {
                Outcome::NicknameSet(self.open_nickname(as_bytes(nickname)?, user, None)?)
            }
            (b"typing_set", []) => Outcome::TypingSet,
            (b"forgotten", []) => Outcome::Forgotten,
            (b"no_history", []) => Outcome::History(None),
            (b"history", [messages, partner, room]) => {
                let (partner, room) = (user_id_value(partner)?, room_id(as_bytes(room)?)?);
                let messages = as_list(messages)?.iter().map(|message| {
                    self.decode_history_message(as_bytes(message)?, room, [user, partner])
                });
                Outcome::History(Some(messages.collect::<Option<_>>()?))
            }
            (b"status_idle", []) => Outcome::Status(UserStatus::Idle),
            (b"status_waiting", [position, median_wait]) => {
                Outcome::Status(UserStatus::Waiting(queue_position(position, median_wait)?))
            }
            (b"status_chatting", [chat]) => {
                Outcome::Status(UserStatus::Chatting(self.decode_chat(user, chat)?))
            }
            (b"blocked", [chat_ended]) => Outcome::Blocked { chat_ended: as_bool(chat_ended)? },
            (b"last_partner", []) => Outcome::LastPartner(None),
            (b"last_partner", [partner, user_wrote, partner_wrote, transcript, room]) => {
                let partner = user_id_value(partner)?;
                let place = text_place(room_id(as_bytes(room)?)?, partner, user);
                let texts = as_list(transcript)?.iter();
                let texts = texts.map(|text| self.open_masked(as_bytes(text)?, &place));
                Outcome::LastPartner(Some(LastPartner {
                    partner,
                    wrote: ChatWriters {
                        user: as_bool(user_wrote)?,
                        partner: as_bool(partner_wrote)?,
                    },
                    transcript: texts.collect::<Option<_>>()?,
                }))
            }
            (b"icebreaker", [question]) => {
                Outcome::Icebreaker(u8::try_from(as_u64(question)?).ok()?)
            }
            (b"language_set", [language]) => Outcome::LanguageSet(language_from_code(language)?),
            (b"inbox_read", []) => Outcome::InboxRead,
            _ => return None,
        })
    }

    fn seal(&self, text: &[u8], place: &Place) -> Option<Vec<u8>> {
        self.keyring.seal(text, place, &mut *self.rng.lock())
    }

    fn open(&self, sealed: &[u8], place: &Place) -> Option<String> {
        String::from_utf8(self.keyring.open(sealed, place)?).ok()
    }

    /// A nickname of `user`, or a random one in `room`.
    fn open_nickname(&self, sealed: &[u8], user: UserId, room: Option<RoomId>) -> Option<Nickname> {
        let chosen = self.open(sealed, &NameOwner::User(user).place());
        let random = || self.open(sealed, &NameOwner::Room(room?).place());
        chosen.or_else(random).map(|nickname| Nickname::from_stored(&nickname))
    }

    fn open_masked(&self, sealed: &[u8], place: &Place) -> Option<Masked> {
        Masked::from_stored(&self.keyring.open(sealed, place)?)
    }

    /// Interests that `user` named.
    fn open_interests(&self, user: UserId, packed: &[u8]) -> Option<Interests> {
        let place = interest_place(user);
        let interests = unpack_fields(packed)?
            .into_iter()
            .map(|sealed| self.open(sealed, &place).map(Interest::from));
        interests.collect::<Option<_>>().map(Interests::from_stored)
    }

    fn decode_chat(&self, user: UserId, value: &Value) -> Option<Chat> {
        let fields = as_list(value)?.iter().map(as_bytes).collect::<Option<Vec<_>>>()?;
        self.chat_from_fields(user, &fields)
    }

    /// A chat of `user` from its room, partner, partner's name, common interests and first-chat flag.
    fn chat_from_fields(&self, user: UserId, fields: &[&[u8]]) -> Option<Chat> {
        let [room, partner, partner_name, interests, is_first_chat] = fields else { return None };
        let (room, partner) = (room_id(room)?, user_id(partner)?);
        Some(Chat {
            room,
            partner,
            partner_name: self.open_nickname(partner_name, partner, Some(room))?,
            common_interests: self.open_interests(user, interests)?,
            is_first_chat: *is_first_chat == b"1",
        })
    }

    fn decode_item(&self, user: UserId, packed: &[u8]) -> Option<Item> {
        let fields = unpack_fields(packed)?;
        let [seq, at, kind, room, fields @ ..] = fields.as_slice() else { return None };
        // A broadcast has no room, so the id is parsed only where an event needs it.
        let parse_room = || room_id(room);
        let event = match (*kind, fields) {
            (b"message", [from, text, sender]) => {
                let (room, sender) = (parse_room()?, user_id(sender)?);
                InboxEvent::Message {
                    room,
                    from: self.open_nickname(from, sender, Some(room))?,
                    text: self.open_masked(text, &text_place(room, sender, user))?,
                }
            }
            (b"matched", fields) => {
                let chat = self.chat_from_fields(user, &[&[*room], fields].concat())?;
                InboxEvent::Connected { chat }
            }
            (b"icebreaker", [question]) => InboxEvent::Icebreaker {
                room: parse_room()?,
                question: u8::try_from(parse_u64(question)?).ok()?,
            },
            (b"nudge", []) => InboxEvent::Nudge { room: parse_room()? },
            (b"partner_left", []) => InboxEvent::PartnerLeft { room: parse_room()? },
            (b"partner_timed_out", []) => InboxEvent::PartnerTimedOut { room: parse_room()? },
            (b"broadcast", [text]) => InboxEvent::Broadcast(BroadcastText::from_stored(
                &self.open(text, &Place::new("broadcast"))?,
            )),
            _ => return None,
        };
        Some(Item { seq: parse_u64(seq)?, at: Timestamp::from_millis(parse_u64(at)?), event })
    }

    /// A stored message between two users of a room.
    fn decode_history_message(
        &self,
        packed: &[u8],
        room: RoomId,
        users: [UserId; 2],
    ) -> Option<HistoryMessage> {
        let fields = unpack_fields(packed)?;
        let [seq, at, sender, sender_name, text] = fields.as_slice() else { return None };
        let sender = user_id(sender)?;
        let recipient = users.into_iter().find(|user| *user != sender)?;
        Some(HistoryMessage {
            seq: parse_u64(seq)?,
            at: Timestamp::from_millis(parse_u64(at)?),
            sender,
            sender_name: self.open_nickname(sender_name, sender, Some(room))?,
            text: self.open_masked(text, &text_place(room, sender, recipient))?,
        })
    }
}

/// Decodes the cause of a wait. A stored outcome of an older version has none.
fn wait_cause(fields: &[Value]) -> WaitCause {
    match fields.first().and_then(as_bytes) {
        Some(b"alone") => WaitCause::Alone,
        Some(b"all_chatting") => WaitCause::AllChatting,
        Some(b"all_selective") => WaitCause::AllSelective,
        _ => WaitCause::NotEligible,
    }
}

fn queue_position(position: &Value, median_wait: &Value) -> Option<QueuePosition> {
    let estimated_wait = match median_wait {
        Value::BulkString(bytes) if bytes.is_empty() => None,
        millis => Some(Duration::from_millis(as_u64(millis)?)),
    };
    Some(QueuePosition { position: as_usize(position)?, estimated_wait })
}

/// A language from its code. `None` for `""`, which means that it is not known yet.
fn language_from_code(value: &Value) -> Option<Language> {
    Language::parse(std::str::from_utf8(as_bytes(value)?).ok()?)
}

/// A signal from the channel: a user id after an event; with a room id and a flag, whether that
/// user's partner is typing.
pub fn decode_signal(payload: &[u8]) -> Option<Effect> {
    let text = std::str::from_utf8(payload).ok()?;
    let (user, rest) = text.split_at_checked(32)?;
    let user = UserId::from_hex(user)?;
    if rest.is_empty() {
        return Some(Effect::InboxChanged(user));
    }
    let (room, typing) = rest.split_at_checked(32)?;
    Some(Effect::Typing { to: user, room: RoomId::from_hex(room)?, typing: typing == "1" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redis_codec_rejects_a_malformed_signal() {
        let id = "0123456789abcdef0123456789abcdef";
        assert!(decode_signal(id.as_bytes()).is_some());
        assert!(decode_signal(format!("{id}{id}1").as_bytes()).is_some());
        for malformed in ["", "x", &id[1..], &format!("{id}x")] {
            assert_eq!(decode_signal(malformed.as_bytes()), None);
        }
    }
}
