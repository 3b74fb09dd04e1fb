//! The operator's operations on [`RedisLobby`](super::RedisLobby): find users, read a presence,
//! send a broadcast. Only calls of scripts live here; `broadcast.rs` beside the manager has the
//! rules.

use super::scripts::SCRIPTS;
use super::values::{as_bytes, as_list, as_user_ids, as_usize, user_id_value};
use super::{RedisLobbyInner, SWEEP_BATCH, ScriptArgs};
use crate::connect::lobby::broadcast::{Broadcast, BroadcastProgress, MAX_FIND_RESULTS, Presence};
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;
use crate::kernel::redis::Unanswered;
use crate::kernel::store::StoreError;

impl RedisLobbyInner {
    pub(super) async fn find_by_prefix(&self, prefix: &str) -> Result<Vec<UserId>, StoreError> {
        let args = ScriptArgs::default().arg(prefix).arg(MAX_FIND_RESULTS.to_string());
        let reply = self.eval(&SCRIPTS.find_by_prefix, &args, Unanswered::Repeat).await?;
        as_user_ids(&reply).ok_or_else(|| self.undecodable("find_by_prefix"))
    }

    pub(super) async fn presence(&self, user: UserId) -> Result<Option<Presence>, StoreError> {
        let args = ScriptArgs::default().arg(user.to_hex());
        match as_bytes(&self.eval(&SCRIPTS.presence, &args, Unanswered::Repeat).await?) {
            Some(b"") => Ok(None),
            Some(b"idle") => Ok(Some(Presence::Idle)),
            Some(b"waiting") => Ok(Some(Presence::Waiting)),
            Some(b"chatting") => Ok(Some(Presence::Chatting)),
            _ => Err(self.undecodable("presence")),
        }
    }

    pub(super) async fn broadcast(
        &self,
        broadcast: &Broadcast,
        after: Option<UserId>,
        now: Timestamp,
    ) -> Result<BroadcastProgress, StoreError> {
        let sealed_text = self.codec.seal_broadcast(&broadcast.text);
        let sealed_text = sealed_text.ok_or_else(|| self.unsealable())?;
        let args = ScriptArgs::default()
            .arg(self.test_now(now))
            .arg(after.map(UserId::to_hex).unwrap_or_default())
            .arg(SWEEP_BATCH.to_string())
            .arg(broadcast.key.to_hex())
            .arg(sealed_text);
        let reply = self.eval(&SCRIPTS.broadcast, &args, Unanswered::Fail).await?;
        let decode = || {
            let [delivered, already_delivered, inbox_full, cursor] = as_list(&reply)? else {
                return None;
            };
            let cursor = match as_bytes(cursor)? {
                [] => None,
                _ => Some(user_id_value(cursor)?),
            };
            Some(BroadcastProgress {
                delivered: as_usize(delivered)?,
                already_delivered: as_usize(already_delivered)?,
                inbox_full: as_usize(inbox_full)?,
                cursor,
            })
        };
        decode().ok_or_else(|| self.undecodable("broadcast"))
    }
}
