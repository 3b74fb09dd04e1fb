//! Users whose last connection has ended: the two scripts that end what they have left.

use super::scripts::SCRIPTS;
use super::values::{as_list, as_usize, user_id_value};
use super::{RedisLobbyInner, ScriptArgs};
use crate::kernel::clock::Timestamp;
use crate::kernel::redis::Unanswered;
use crate::kernel::store::StoreError;

/// Maximum number of departed users that one step checks. All of them depart within the grace of a
/// chat.
const MAX_DEPARTED: usize = 1_024;

impl RedisLobbyInner {
    /// Ends what departed users have left, except those with a listener on this instance.
    pub(super) async fn end_departed(&self, now: Timestamp) -> Result<usize, StoreError> {
        let limit = MAX_DEPARTED.to_string();
        let args = ScriptArgs::default().arg(limit.clone());
        let reply = self.eval(&SCRIPTS.departed, &args, Unanswered::Repeat).await?;
        let departed = as_list(&reply).ok_or_else(|| self.undecodable("departed"))?;
        if departed.is_empty() {
            return Ok(0);
        }
        let users = departed.iter().filter_map(user_id_value);
        let connected = users.filter(|user| self.listeners.has_listener(*user));
        let args = ScriptArgs::default().arg(self.test_now(now)).arg(limit);
        let args = args.args(connected.map(|user| user.to_hex().into_bytes()).collect());
        let reply = self.eval(&SCRIPTS.end_departed, &args, Unanswered::Fail).await?;
        as_usize(&reply).ok_or_else(|| self.undecodable("end_departed"))
    }
}
