//! What an operator asks of the lobby: see `operator.rs` beside the manager for the rules.

use super::codec::{as_list, as_u64};
use super::scripts::SCRIPTS;
use super::{LobbyError, RedisLobbyInner, SWEEP_BATCH, ScriptArgs, codec, millis};
use crate::connect::lobby::broadcast::{Broadcast, BroadcastProgress, MAX_FIND_RESULTS, Presence};
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;

impl RedisLobbyInner {
    pub(super) async fn find_by_prefix(&self, prefix: &str) -> Result<Vec<UserId>, LobbyError> {
        let arguments = ScriptArgs::default().arg(prefix).arg(MAX_FIND_RESULTS.to_string());
        let answer = self.eval(&SCRIPTS.find_by_prefix, &arguments).await?;
        let codes = as_list(&answer).ok_or(LobbyError)?;
        codes.iter().map(codec::user_id_value).collect::<Option<_>>().ok_or(LobbyError)
    }

    pub(super) async fn presence(&self, who: UserId) -> Result<Option<Presence>, LobbyError> {
        let arguments = ScriptArgs::default().arg(who.to_hex());
        match codec::as_bytes(&self.eval(&SCRIPTS.presence, &arguments).await?) {
            Some(b"") => Ok(None),
            Some(b"i") => Ok(Some(Presence::Idle)),
            Some(b"w") => Ok(Some(Presence::Waiting)),
            Some(b"c") => Ok(Some(Presence::Chatting)),
            _ => Err(LobbyError),
        }
    }

    pub(super) async fn broadcast(
        &self,
        announcement: &Broadcast,
        after: Option<UserId>,
        now: Timestamp,
    ) -> Result<BroadcastProgress, LobbyError> {
        let notice = self.codec.seal_broadcast(&announcement.text).ok_or(LobbyError)?;
        let arguments = ScriptArgs::default()
            .arg(millis(now))
            .arg(after.map(UserId::to_hex).unwrap_or_default())
            .arg(SWEEP_BATCH.to_string())
            .arg(announcement.key.to_hex())
            .arg(notice);
        let answer = self.eval(&SCRIPTS.broadcast, &arguments).await?;
        let read = || {
            let [told, before, full, last] = as_list(&answer)? else { return None };
            let count = |value| as_u64(value).and_then(|n| usize::try_from(n).ok());
            let last = match codec::as_bytes(last)? {
                [] => None,
                _ => Some(codec::user_id_value(last)?),
            };
            Some(BroadcastProgress {
                delivered: count(told)?,
                already_delivered: count(before)?,
                inbox_full: count(full)?,
                cursor: last,
            })
        };
        read().ok_or(LobbyError)
    }
}
