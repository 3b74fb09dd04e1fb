//! An agent keeps its person apart from somebody, or reports them: what `#block` and `#report` do.

use super::output::BlockResult;
use super::service::{PenPalError, PenPalService, not_chatting};
use crate::connect::dto::MAX_REASON_CHARS;
use crate::connect::lobby::action::{Action, Call, Outcome};
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
            return Err(PenPalError::EmptyReason);
        }
        if reason.is_some_and(|reason| reason.chars().count() > MAX_REASON_CHARS) {
            return Err(PenPalError::ReasonTooLong);
        }
        let call = match room_id {
            Some(room_id) => self.room_call(user_id, room_id)?,
            None => Call { include_inbox: false, ..self.call(self.user_id(user_id)?) },
        };
        let block = Action::Block { target: None, reason: reason.map(ReportReason::parse) };
        match self.lobby().perform(call, block).await?.outcome {
            Outcome::Blocked { chat_ended: ended, reported } => {
                Ok(BlockResult { chat_ended: ended, reported })
            }
            Outcome::NoBlockTarget => Err(PenPalError::NoTarget),
            other => Err(not_chatting(&other)),
        }
    }
}
