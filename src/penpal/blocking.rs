//! [`PenPalService::block`]: blocks or reports a partner, like `#block` and `#report` in a chat.

use super::error::{PenPalError, not_chatting};
use super::output::BlockResult;
use super::service::PenPalService;
use crate::connect::dto::MAX_REASON_CHARS;
use crate::connect::lobby::action::Call;
use crate::connect::moderated::action::{ModeratedAction, ModeratedOutcome};
use crate::kernel::id::UserId;
use crate::moderation::evidence::ReportReason;

impl PenPalService {
    /// Blocks the current partner, or the last one for up to twenty minutes. With a `reason`, also
    /// reports them. With a `room_id`, applies only to the partner in that room.
    ///
    /// # Errors
    /// Returns [`PenPalError`] with nothing changed.
    pub async fn block(
        &self,
        user: UserId,
        room_id: Option<&str>,
        reason: Option<&str>,
        network: Option<UserId>,
    ) -> Result<BlockResult, PenPalError> {
        let reason = reason.map(str::trim);
        if reason == Some("") {
            return Err(PenPalError::EmptyReason);
        }
        if reason.is_some_and(|reason| reason.chars().count() > MAX_REASON_CHARS) {
            return Err(PenPalError::ReasonTooLong);
        }
        let call = match room_id {
            Some(room_id) => self.room_call(user, room_id)?,
            None => Call { include_inbox: false, ..self.call(user) },
        };
        let call = Call { network, ..call };
        let block = ModeratedAction::Block { reason: reason.map(ReportReason::parse) };
        match self.lobby().perform(call, block).await?.outcome {
            ModeratedOutcome::Blocked { chat_ended, reported, unsaved } => {
                Ok(BlockResult { chat_ended, reported, saved: unsaved.is_none() })
            }
            ModeratedOutcome::NoBlockTarget => Err(PenPalError::NoTarget),
            outcome => Err(not_chatting(&outcome)),
        }
    }
}
