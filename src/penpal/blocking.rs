//! An agent keeps its person apart from somebody, or reports them: what `#block` and `#report` do.

use super::output::BlockResult;
use super::service::{PenPalError, PenPalService, no_chat};
use crate::connect::lobby::action::{Action, Call, Outcome};
use crate::connect::service::MAX_REASON_CHARS;
use crate::moderation::service::ReportReason;

impl PenPalService {
    /// Never lets somebody meet again whom they talk with, or for twenty minutes whom they talked with
    /// last; with a reason, reports them as well. With a room it is only who they talk with there.
    ///
    /// # Errors
    /// A [`Refusal`], with nothing changed.
    pub async fn block(
        &self,
        user_id: &str,
        room_id: Option<&str>,
        reason: Option<&str>,
    ) -> Result<BlockResult, PenPalError> {
        let reason = reason.map(str::trim);
        if reason == Some("") {
            return Err(PenPalError::NoReason);
        }
        if reason.is_some_and(|reason| reason.chars().count() > MAX_REASON_CHARS) {
            return Err(PenPalError::LongReason);
        }
        let call = match room_id {
            Some(room_id) => self.call_in(user_id, room_id)?,
            None => Call { takes_inbox: false, ..self.call(self.person(user_id)?) },
        };
        let block = Action::Block { whom: None, grounds: reason.map(ReportReason::parse) };
        match self.lobby().perform(call, block).await?.outcome {
            Outcome::Blocked { ended, reported } => Ok(BlockResult { chat_ended: ended, reported }),
            Outcome::NobodyToBlock => Err(PenPalError::Nobody),
            other => Err(no_chat(&other)),
        }
    }
}
