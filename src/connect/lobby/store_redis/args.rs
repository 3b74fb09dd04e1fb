//! What a script is given: a call and its action as a list of bytes, in the order in which the scripts'
//! headers name them.

use super::RedisLobbyInner;
use crate::connect::lobby::action::{Action, Call};
use crate::connect::lobby::chat::MatchPreferences;
use crate::connect::lobby::inbox::MAX_ITEM_CHARS;
use crate::connect::profile::interest::MAX_INTERESTS;
use crate::connect::profile::language::Language;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::{IdempotencyKey, RoomId, UserId};
use crate::mask::Masked;

/// Arguments of a script.
#[derive(Default)]
pub(super) struct ScriptArgs(pub Vec<Vec<u8>>);

impl ScriptArgs {
    pub fn arg(mut self, argument: impl Into<Vec<u8>>) -> Self {
        self.0.push(argument.into());
        self
    }

    pub fn args(mut self, more: Vec<Vec<u8>>) -> Self {
        self.0.extend(more);
        self
    }
}

pub(super) fn millis(now: Timestamp) -> String {
    now.as_millis().to_string()
}

impl RedisLobbyInner {
    fn action_args(&self, call: &Call, action: &Action) -> Option<(&'static str, Vec<Vec<u8>>)> {
        let switch = |on: bool| if on { b"1".to_vec() } else { b"0".to_vec() };
        let avoid =
            || call.constraints.blocked.iter().flat_map(|who| who.to_hex().into_bytes()).collect();
        let terms = || {
            [switch(call.constraints.notice_seen), switch(call.constraints.poorly_rated)].concat()
        };
        Some(match action {
            Action::Meet(MatchPreferences { interests, keep_history }) => {
                let mut own = vec![switch(*keep_history), avoid(), terms()];
                own.extend(self.codec.seal_interests(interests)?);
                debug_assert!(own.len() <= 3 + 2 * MAX_INTERESTS);
                ("meet", own)
            }
            Action::Again => ("again", vec![avoid(), terms()]),
            Action::Leave => ("leave", Vec::new()),
            Action::Relay { text, sender, memory } => {
                let (_, expected) = self.codec.seal_memory(&sender.memory)?;
                let (memory, digest) = self.codec.seal_memory(memory)?;
                let hidden = text.hidden().to_string().into_bytes();
                let language = sender.language.map_or("", Language::code).as_bytes().to_vec();
                let treated = [switch(sender.masking), switch(sender.trusted), language];
                let mut own = vec![treated.concat(), expected.into_bytes(), memory];
                own.extend([digest.into_bytes(), hidden, self.codec.seal_text(text)?]);
                let pieces = text.clone().split_at(MAX_ITEM_CHARS);
                if pieces.len() > 1 {
                    let sealed = |piece: &Masked| self.codec.seal_text(piece);
                    own.extend(pieces.iter().map(sealed).collect::<Option<Vec<_>>>()?);
                }
                ("relay", own)
            }
            Action::ToggleMasking => ("mask", Vec::new()),
            Action::Who => ("who", Vec::new()),
            Action::SetNickname(name) => ("rename", vec![self.codec.seal_nickname(name)?]),
            Action::SetTyping(typing) => ("type", vec![switch(*typing)]),
            Action::ReadHistory(limit) => ("history", vec![limit.to_string().into_bytes()]),
            Action::LookUpLastPartner { with_transcript: quoted } => {
                ("encounter", vec![switch(*quoted)])
            }
            Action::Block { target: whom, reason: grounds } => {
                let whom = whom.map(UserId::to_hex).unwrap_or_default();
                ("block", vec![whom.into_bytes(), switch(grounds.is_some())])
            }
            Action::Icebreaker(number) => ("icebreaker", vec![number.to_string().into_bytes()]),
            Action::SetLanguage(language) => ("speak", vec![language.code().as_bytes().to_vec()]),
            Action::Rate { .. } => ("rate", Vec::new()),
            Action::Agree => ("agree", Vec::new()),
            Action::GetStatus => ("look", Vec::new()),
            Action::ReadInbox => ("read", Vec::new()),
        })
    }

    /// Two names that differ, and a room, for a pair that has none.
    pub(super) fn pair_args(&self) -> Option<Vec<Vec<u8>>> {
        let name = self.codec.random_nickname();
        let mut other = self.codec.random_nickname();
        while other == name {
            other = self.codec.random_nickname();
        }
        let room = self.codec.random_room_id().to_hex().into_bytes();
        Some(vec![self.codec.seal_nickname(&name)?, self.codec.seal_nickname(&other)?, room])
    }

    pub(super) fn call_args(
        &self,
        call: &Call,
        action: &Action,
        waits: bool,
    ) -> Option<ScriptArgs> {
        let given = match &call.caller_nickname {
            Some(name) => self.codec.seal_nickname(name)?,
            None => Vec::new(),
        };
        let (name, own) = self.action_args(call, action)?;
        let switch = |on: bool| if on { "1" } else { "0" };
        let arguments = ScriptArgs::default()
            .arg(millis(call.now))
            .arg(call.user.to_hex())
            .arg(call.idempotency_key.map(IdempotencyKey::to_hex).unwrap_or_default())
            .arg(given)
            .arg(call.room.map(RoomId::to_hex).unwrap_or_default())
            .arg(switch(call.include_inbox))
            .arg(switch(waits))
            .arg(name);
        let pair = match action {
            Action::Meet(_) | Action::Again => self.pair_args()?,
            _ => vec![Vec::new(); 3],
        };
        Some(arguments.args(pair).args(own))
    }
}
