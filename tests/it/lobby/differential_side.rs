//! [`Side`]: the results of one side of the differential test as text that is equal on both sides.

use std::collections::HashMap;
use std::fmt::Write as _;

use random_connect::connect::lobby::action::{ActionResult, Outcome, SenderState, UserStatus};
use random_connect::connect::lobby::chat::Chat;
use random_connect::connect::lobby::inbox::{InboxEvent, Item, Lease};
use random_connect::connect::profile::nickname::Nickname;
use random_connect::kernel::id::{RoomId, UserId};

/// Replaces generated values of one side by their order of appearance.
///
/// Each side generates its own rooms, names and sequence numbers; the first room of either is room
/// 0.
#[derive(Default)]
pub(super) struct Names {
    rooms: HashMap<RoomId, usize>,
    generated: HashMap<String, usize>,
    seqs: HashMap<u64, usize>,
}

impl Names {
    pub(super) fn room(&mut self, room: RoomId) -> usize {
        let next = self.rooms.len();
        *self.rooms.entry(room).or_insert(next)
    }

    pub(super) fn name(&mut self, name: &Nickname) -> String {
        if !name.as_str().starts_with("User_") {
            return name.to_string();
        }
        let next = self.generated.len();
        format!("random {}", self.generated.entry(name.to_string()).or_insert(next))
    }

    pub(super) fn seq(&mut self, seq: u64) -> usize {
        let next = self.seqs.len();
        *self.seqs.entry(seq).or_insert(next)
    }

    pub(super) fn chat(&mut self, chat: &Chat) -> String {
        let Chat { room, partner, partner_name, common_interests, is_first_chat } = chat;
        let (room, name) = (self.room(*room), self.name(partner_name));
        format!("{room} {partner} {name} {common_interests} {is_first_chat}")
    }

    pub(super) fn item(&mut self, item: &Item) -> String {
        let event = match &item.event {
            InboxEvent::Message { room, from, text } => {
                let (text, hidden) = (text.as_str(), text.hidden());
                format!("{} {}: {text} ({hidden})", self.room(*room), self.name(from))
            }
            InboxEvent::Connected { chat } => format!("connected {}", self.chat(chat)),
            InboxEvent::PartnerLeft { room } => format!("left {}", self.room(*room)),
            InboxEvent::PartnerTimedOut { room } => format!("timed out {}", self.room(*room)),
            InboxEvent::Icebreaker { room, question } => {
                format!("icebreaker {question} {}", self.room(*room))
            }
            InboxEvent::Nudge { room } => format!("nudged {}", self.room(*room)),
            InboxEvent::Broadcast(text) => format!("broadcast {}", text.as_str()),
        };
        format!("#{} {} {event}", self.seq(item.seq), item.at.as_millis())
    }

    pub(super) fn lease(&mut self, lease: &Lease) -> String {
        let mut text = format!("lease {} {:?}", lease.id.is_some(), lease.language);
        for item in &lease.items {
            write!(text, " [{}]", self.item(item)).expect("a string");
        }
        text
    }

    pub(super) fn outcome(&mut self, outcome: &Outcome) -> String {
        match outcome {
            Outcome::Connected { chat, again } => format!("connected {} {again}", self.chat(chat)),
            Outcome::AlreadyChatting(chat) => format!("already {}", self.chat(chat)),
            Outcome::Sent { to, seq, from, text, completes_exchange } => {
                let (text, hidden) = (text.as_str(), text.hidden());
                let (seq, from) = (self.seq(*seq), self.name(from));
                format!("sent {to} {seq} {from} {text} {hidden} {completes_exchange}")
            }
            Outcome::PartnerName(Some(name)) => format!("partner {}", self.name(name)),
            Outcome::NicknameSet(name) => format!("renamed {name}"),
            Outcome::Waiting { place, interests, cause, again } => {
                format!("waiting {place:?} {interests} {cause:?} {again}")
            }
            Outcome::History(Some(messages)) => {
                let mut history = "history".to_owned();
                for message in messages {
                    let (seq, from) = (self.seq(message.seq), self.name(&message.sender_name));
                    let (at, sender) = (message.at.as_millis(), message.sender);
                    let text = message.text.as_str();
                    write!(history, " {seq} {at} {sender} {from} {text}").expect("a string");
                }
                history
            }
            Outcome::LastPartner(Some(last)) => {
                let transcript = last.transcript.iter().map(|text| (text.as_str(), text.hidden()));
                let transcript = transcript.collect::<Vec<_>>();
                format!("last partner {} {:?} {transcript:?}", last.partner, last.wrote)
            }
            Outcome::Status(UserStatus::Chatting(chat)) => format!("in {}", self.chat(chat)),
            plain => format!("{plain:?}"),
        }
    }

    pub(super) fn result(&mut self, result: &ActionResult) -> String {
        format!("{}; {}", self.outcome(&result.outcome), self.lease(&result.lease))
    }
}

/// The active leases of one side and the last room of each user.
#[derive(Default)]
pub(super) struct Side {
    pub(super) names: Names,
    pub(super) leases: HashMap<UserId, Lease>,
    pub(super) rooms: HashMap<UserId, RoomId>,
}

impl Side {
    /// Stores the lease and room of a result; returns the result as text.
    pub(super) fn record(&mut self, user: UserId, result: &ActionResult) -> String {
        let chat = match &result.outcome {
            Outcome::Connected { chat, .. }
            | Outcome::AlreadyChatting(chat)
            | Outcome::Status(UserStatus::Chatting(chat)) => Some(chat),
            _ => None,
        };
        if let Some(chat) = chat {
            self.rooms.insert(user, chat.room);
            self.rooms.insert(chat.partner, chat.room);
        }
        self.store_lease(user, &result.lease);
        self.names.result(result)
    }

    /// Returns a sender state, its name plain or numbered, and its chat with a numbered room.
    pub(super) fn sender_state(
        &mut self,
        sender: &SenderState,
    ) -> (SenderState, Option<String>, Option<(usize, UserId)>) {
        let own_name = sender.own_name.as_ref().map(|name| self.names.name(name));
        let chat = sender.chat.map(|(room, partner)| (self.names.room(room), partner));
        (SenderState { own_name: None, chat: None, ..sender.clone() }, own_name, chat)
    }

    pub(super) fn store_lease(&mut self, user: UserId, lease: &Lease) {
        if lease.id.is_some() {
            self.leases.insert(user, lease.clone());
        }
    }
}
