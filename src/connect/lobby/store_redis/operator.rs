//! What an operator asks of the lobby: see `operator.rs` beside the manager for the rules.

use super::codec::{int, list};
use super::scripts::SCRIPTS;
use super::{BATCH, LobbyError, RedisLobbyInner, ScriptArgs, codec, millis};
use crate::connect::lobby::broadcast::{Broadcast, BroadcastProgress, FOUND, Presence};
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;

impl RedisLobbyInner {
    pub(super) async fn find(&self, prefix: &str) -> Result<Vec<UserId>, LobbyError> {
        let arguments = ScriptArgs::default().with(prefix).with(FOUND.to_string());
        let answer = self.run(&SCRIPTS.find, &arguments).await?;
        let codes = list(&answer).ok_or(LobbyError)?;
        codes.iter().map(codec::person).collect::<Option<_>>().ok_or(LobbyError)
    }

    pub(super) async fn presence(&self, who: UserId) -> Result<Option<Presence>, LobbyError> {
        let arguments = ScriptArgs::default().with(who.code());
        match codec::bytes(&self.run(&SCRIPTS.presence, &arguments).await?) {
            Some(b"") => Ok(None),
            Some(b"i") => Ok(Some(Presence::Idle)),
            Some(b"w") => Ok(Some(Presence::Waiting)),
            Some(b"c") => Ok(Some(Presence::Chatting)),
            _ => Err(LobbyError),
        }
    }

    pub(super) async fn announce(
        &self,
        announcement: &Broadcast,
        after: Option<UserId>,
        now: Timestamp,
    ) -> Result<BroadcastProgress, LobbyError> {
        let notice = self.codec.notice(&announcement.notice).ok_or(LobbyError)?;
        let arguments = ScriptArgs::default()
            .with(millis(now))
            .with(after.map(UserId::code).unwrap_or_default())
            .with(BATCH.to_string())
            .with(announcement.key.code())
            .with(notice);
        let answer = self.run(&SCRIPTS.announce, &arguments).await?;
        let read = || {
            let [told, before, full, last] = list(&answer)? else { return None };
            let count = |value| int(value).and_then(|n| usize::try_from(n).ok());
            let last = match codec::bytes(last)? {
                [] => None,
                _ => Some(codec::person(last)?),
            };
            Some(BroadcastProgress {
                told: count(told)?,
                before: count(before)?,
                full: count(full)?,
                last,
            })
        };
        read().ok_or(LobbyError)
    }
}
