//! What a script is given: a call and its action as a list of bytes, in the order in which the scripts'
//! headers name them.

use super::RedisLobbyInner;
use crate::connect::lobby::action::{Action, Call};
use crate::connect::lobby::chat::MatchPreferences;
use crate::connect::lobby::manager::ITEM_CHARS;
use crate::connect::profile::interest::MAX as MAX_INTERESTS;
use crate::connect::profile::language::Language;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::{IdempotencyKey, RoomId, UserId};
use crate::mask::Masked;

/// Arguments of a script.
#[derive(Default)]
pub(super) struct ScriptArgs(pub Vec<Vec<u8>>);

impl ScriptArgs {
    pub fn with(mut self, argument: impl Into<Vec<u8>>) -> Self {
        self.0.push(argument.into());
        self
    }

    pub fn and(mut self, more: Vec<Vec<u8>>) -> Self {
        self.0.extend(more);
        self
    }
}

pub(super) fn millis(now: Timestamp) -> String {
    now.as_millis().to_string()
}

impl RedisLobbyInner {
    fn action(&self, call: &Call, action: &Action) -> Option<(&'static str, Vec<Vec<u8>>)> {
        let switch = |on: bool| if on { b"1".to_vec() } else { b"0".to_vec() };
        let avoid = || call.terms.avoid.iter().flat_map(|who| who.code().into_bytes()).collect();
        let terms = || [switch(call.terms.informed), switch(call.terms.shunned)].concat();
        Some(match action {
            Action::Meet(MatchPreferences { interests, keep_history }) => {
                let mut own = vec![switch(*keep_history), avoid(), terms()];
                own.extend(self.codec.interests(interests)?);
                debug_assert!(own.len() <= 3 + 2 * MAX_INTERESTS);
                ("meet", own)
            }
            Action::Again => ("again", vec![avoid(), terms()]),
            Action::Leave => ("leave", Vec::new()),
            Action::Relay { text, sender, memory } => {
                let (_, expected) = self.codec.memory(&sender.memory)?;
                let (memory, digest) = self.codec.memory(memory)?;
                let hidden = text.hidden().to_string().into_bytes();
                let language = sender.language.map_or("", Language::code).as_bytes().to_vec();
                let treated = [switch(sender.masking), switch(sender.trusted), language];
                let mut own = vec![treated.concat(), expected.into_bytes(), memory];
                own.extend([digest.into_bytes(), hidden, self.codec.text(text)?]);
                let pieces = text.clone().pieces(ITEM_CHARS);
                if pieces.len() > 1 {
                    let sealed = |piece: &Masked| self.codec.text(piece);
                    own.extend(pieces.iter().map(sealed).collect::<Option<Vec<_>>>()?);
                }
                ("relay", own)
            }
            Action::ToggleMasking => ("mask", Vec::new()),
            Action::Who => ("who", Vec::new()),
            Action::Rename(name) => ("rename", vec![self.codec.name(name)?]),
            Action::Type(typing) => ("type", vec![switch(*typing)]),
            Action::History(limit) => ("history", vec![limit.to_string().into_bytes()]),
            Action::Encounter { quoted } => ("encounter", vec![switch(*quoted)]),
            Action::Block { whom, grounds } => {
                let whom = whom.map(UserId::code).unwrap_or_default();
                ("block", vec![whom.into_bytes(), switch(grounds.is_some())])
            }
            Action::Icebreaker(number) => ("icebreaker", vec![number.to_string().into_bytes()]),
            Action::Speak(language) => ("speak", vec![language.code().as_bytes().to_vec()]),
            Action::Rate { .. } => ("rate", Vec::new()),
            Action::Agree => ("agree", Vec::new()),
            Action::Look => ("look", Vec::new()),
            Action::Read => ("read", Vec::new()),
        })
    }

    /// Two names that differ, and a room, for a pair that has none.
    pub(super) fn for_a_pair(&self) -> Option<Vec<Vec<u8>>> {
        let name = self.codec.random_name();
        let mut other = self.codec.random_name();
        while other == name {
            other = self.codec.random_name();
        }
        let room = self.codec.random_room().code().into_bytes();
        Some(vec![self.codec.name(&name)?, self.codec.name(&other)?, room])
    }

    pub(super) fn arguments(
        &self,
        call: &Call,
        action: &Action,
        waits: bool,
    ) -> Option<ScriptArgs> {
        let given = match &call.given_name {
            Some(name) => self.codec.name(name)?,
            None => Vec::new(),
        };
        let (name, own) = self.action(call, action)?;
        let switch = |on: bool| if on { "1" } else { "0" };
        let arguments = ScriptArgs::default()
            .with(millis(call.now))
            .with(call.who.code())
            .with(call.key.map(IdempotencyKey::code).unwrap_or_default())
            .with(given)
            .with(call.room.map(RoomId::code).unwrap_or_default())
            .with(switch(call.takes_inbox))
            .with(switch(waits))
            .with(name);
        let pair = match action {
            Action::Meet(_) | Action::Again => self.for_a_pair()?,
            _ => vec![Vec::new(); 3],
        };
        Some(arguments.and(pair).and(own))
    }
}
