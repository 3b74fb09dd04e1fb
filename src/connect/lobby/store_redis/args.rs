//! [`ScriptArgs`]: the arguments of a script, in the order that the header of its file names.
//!
//! No sealing lives here: see `codec.rs`. To add an action, add an arm to `action_args` and name
//! its arguments in the header of `lua/actions/<action>.lua`.

use super::codec::Codec;
use super::places::NameOwner;
use crate::connect::lobby::action::{Action, Call};
use crate::connect::lobby::chat::MatchPreferences;
use crate::connect::lobby::inbox::MAX_ITEM_CHARS;
use crate::connect::profile::interest::MAX_INTERESTS;
use crate::connect::profile::language::Language;
use crate::kernel::id::{IdempotencyKey, RoomId};
use crate::mask::Masked;

/// Arguments of a script.
#[derive(Default)]
pub(super) struct ScriptArgs(pub Vec<Vec<u8>>);

impl ScriptArgs {
    pub fn arg(mut self, arg: impl Into<Vec<u8>>) -> Self {
        self.0.push(arg.into());
        self
    }

    pub fn args(mut self, args: Vec<Vec<u8>>) -> Self {
        self.0.extend(args);
        self
    }
}

/// A boolean as the scripts read it.
pub(super) const fn flag(value: bool) -> &'static str {
    if value { "1" } else { "0" }
}

/// Which chats and searches an action must not act on if they began after it was written.
const fn scope(action: &Action) -> &'static str {
    match (action.ends_search(), action.depends_on_chat()) {
        (true, _) => "search",
        (false, true) => "chat",
        (false, false) => "",
    }
}

impl Codec {
    /// The script's name of `action`, and its arguments. `None` if sealing fails.
    fn action_args(&self, call: &Call, action: &Action) -> Option<(&'static str, Vec<Vec<u8>>)> {
        let constraints = || {
            let blocked = call.constraints.blocked.iter();
            vec![
                blocked.flat_map(|user| user.to_hex().into_bytes()).collect(),
                flag(call.constraints.notice_seen).into(),
                flag(call.constraints.poorly_rated).into(),
            ]
        };
        Some(match action {
            Action::Meet(MatchPreferences { interests, keep_history }) => {
                let mut args = vec![flag(*keep_history).into()];
                args.extend(constraints());
                args.extend(self.seal_interests(interests, call.user)?);
                debug_assert!(args.len() <= 4 + 2 * MAX_INTERESTS);
                ("meet", args)
            }
            Action::Again => ("again", constraints()),
            Action::Leave => ("leave", Vec::new()),
            Action::Forget => ("forget", Vec::new()),
            Action::Relay { text, sender, memory } => {
                let (_, expected_digest) = self.seal_memory(&sender.memory, call.user)?;
                let (sealed_memory, digest) = self.seal_memory(memory, call.user)?;
                // Without a chat the script relays nothing, and stores no text.
                let seal = |text: &Masked| match sender.chat {
                    Some(chat) => self.seal_text(text, call.user, chat),
                    None => Some(Vec::new()),
                };
                let mut args = vec![
                    flag(sender.masking).into(),
                    flag(sender.trusted).into(),
                    sender.language.map_or("", Language::code).into(),
                    expected_digest.into_bytes(),
                    sender.chat.map(|(room, _)| room.to_hex()).unwrap_or_default().into_bytes(),
                    sealed_memory,
                    digest.into_bytes(),
                    text.hidden().to_string().into_bytes(),
                    seal(text)?,
                ];
                let pieces = text.clone().split_at(MAX_ITEM_CHARS);
                if pieces.len() > 1 {
                    args.extend(pieces.iter().map(seal).collect::<Option<Vec<_>>>()?);
                }
                ("relay", args)
            }
            Action::SetMasking(on) => ("set_masking", vec![on.map_or("", flag).into()]),
            Action::Who => ("who", Vec::new()),
            Action::SetNickname(nickname) => {
                let owner = NameOwner::User(call.user);
                ("set_nickname", vec![self.seal_nickname(nickname, owner)?])
            }
            Action::SetTyping(typing) => ("set_typing", vec![flag(*typing).into()]),
            Action::ReadHistory(limit) => ("read_history", vec![limit.to_string().into_bytes()]),
            Action::LookUpLastPartner { with_transcript } => {
                ("look_up_last_partner", vec![flag(*with_transcript).into()])
            }
            Action::Block(target) => ("block", vec![target.to_hex().into_bytes()]),
            Action::Icebreaker(question) => ("icebreaker", vec![question.to_string().into_bytes()]),
            Action::SetLanguage(language) => ("set_language", vec![language.code().into()]),
            Action::GetStatus => ("get_status", Vec::new()),
            Action::ReadInbox => ("read_inbox", Vec::new()),
        })
    }

    /// Two different random nicknames and a random room id, for a new pair. `None` if sealing
    /// fails.
    pub(super) fn pair_args(&self) -> Option<Vec<Vec<u8>>> {
        let nickname_a = self.random_nickname();
        let mut nickname_b = self.random_nickname();
        while nickname_b == nickname_a {
            nickname_b = self.random_nickname();
        }
        let room = self.random_room_id();
        let seal = |nickname| self.seal_nickname(nickname, NameOwner::Room(room));
        Some(vec![seal(&nickname_a)?, seal(&nickname_b)?, room.to_hex().into_bytes()])
    }

    /// Arguments of a call: see `lua/begin.lua`. `None` if sealing fails.
    pub(super) fn call_args(
        &self,
        call: &Call,
        action: &Action,
        wait_for_lease: bool,
        test_now: String,
    ) -> Option<ScriptArgs> {
        let caller_nickname = match &call.caller_nickname {
            Some(nickname) => self.seal_nickname(nickname, NameOwner::User(call.user))?,
            None => Vec::new(),
        };
        let (name, action_args) = self.action_args(call, action)?;
        let pair_args = match action {
            Action::Meet(_) | Action::Again => self.pair_args()?,
            _ => vec![Vec::new(); 3],
        };
        let args = ScriptArgs::default()
            .arg(test_now)
            .arg(call.user.to_hex())
            .arg(call.idempotency_key.map(IdempotencyKey::to_hex).unwrap_or_default())
            .arg(caller_nickname)
            .arg(call.room.map(RoomId::to_hex).unwrap_or_default())
            .arg(flag(call.include_inbox))
            .arg(flag(wait_for_lease))
            .arg(call.written_by.map(|date| date.as_millis().to_string()).unwrap_or_default())
            .arg(scope(action))
            .arg(name);
        Some(args.args(pair_args).args(action_args))
    }
}
