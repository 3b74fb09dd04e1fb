//! [`ModeratedLobby`]: the use cases of a user, with blocks, suspensions, the notice and rate
//! limits applied to any [`Lobby`].
//!
//! Every transport acts through this layer, so that no call bypasses moderation. The moderation
//! store is written before the lobby acts, so that a confirmed block or report survives a crash in
//! between. The rules themselves are in [`moderation`](crate::moderation).

pub mod action;
pub mod notice_mailbox;
pub mod refusals;

use std::sync::Arc;

use tracing::{Instrument, Span};

use self::action::{ModeratedAction, ModeratedOutcome, ModeratedResult, UnsavedPart};
use self::notice_mailbox::show_notice;
use self::refusals::{RefusalCause, RefusalCounts};
use super::lobby::Lobby;
use super::lobby::action::{
    Action, Call, ChatWriters, LastPartner, MatchConstraints, Outcome, SenderState,
};
use crate::kernel::clock::Timestamp;
use crate::kernel::id::{IdempotencyKey, UserId};
use crate::kernel::store::StoreError;
use crate::moderation::evidence::ReportReason;
use crate::moderation::history::ChatActivity;
use crate::moderation::penalty::Suspension;
use crate::moderation::service::{Complaint, ModerationService, NoticePolicy};
use crate::moderation::store::NoticeState;
use crate::rate_limit::gcra::LimitedAction;

/// A lobby with moderation.
pub struct ModeratedLobby {
    lobby: Arc<dyn Lobby>,
    moderation: Arc<ModerationService>,
    notice_policy: NoticePolicy,
    refusals: Arc<RefusalCounts>,
}

impl ModeratedLobby {
    #[must_use]
    pub fn new(
        lobby: Arc<dyn Lobby>,
        moderation: Arc<ModerationService>,
        notice_policy: NoticePolicy,
    ) -> Self {
        Self { lobby, moderation, notice_policy, refusals: Arc::default() }
    }

    /// Counts of refused actions.
    #[must_use]
    pub const fn refusals(&self) -> &Arc<RefusalCounts> {
        &self.refusals
    }

    /// Executes an action of a user, and leases the user's inbox for the answer as
    /// [`Lobby::perform`] does.
    ///
    /// # Errors
    /// Returns [`StoreError`] if a store is unavailable.
    pub async fn perform(
        &self,
        call: Call,
        action: impl Into<ModeratedAction>,
    ) -> Result<ModeratedResult, StoreError> {
        let span = call_span(call.user);
        self.perform_in_span(call, action.into()).instrument(span).await
    }

    /// Performs a further step of a call that the rate limits have counted.
    ///
    /// # Errors
    /// Returns [`StoreError`] if a store is unavailable.
    pub async fn perform_counted(
        &self,
        call: Call,
        action: Action,
    ) -> Result<ModeratedResult, StoreError> {
        let span = call_span(call.user);
        self.perform_in_lobby(call, action).instrument(span).await
    }

    /// [`ModeratedLobby::perform`] for a caller that is inside a [`call_span`].
    pub(super) async fn perform_in_span(
        &self,
        call: Call,
        action: ModeratedAction,
    ) -> Result<ModeratedResult, StoreError> {
        let (user, now) = (call.user, call.now);
        let result = self.perform_limited(call, action).await;
        if let Some(cause) = RefusalCause::of(&result) {
            self.refusals.record(cause);
        }
        let result = result?;
        let in_outcome = matches!(&result.outcome,
            ModeratedOutcome::Lobby(Outcome::Connected { chat, .. }) if chat.is_first_chat);
        if in_outcome || show_notice(&result.lease.items) {
            // After a failure, which the store has logged, the user sees the notice again.
            let _ = self.moderation.record_notice(user, NoticeState::Shown, now).await;
        }
        Ok(result)
    }

    /// Counts an action against the user's limits, and performs it within them.
    async fn perform_limited(
        &self,
        call: Call,
        action: ModeratedAction,
    ) -> Result<ModeratedResult, StoreError> {
        if let Some(limited) = limited_action(&action) {
            let Call { user, now, idempotency_key: key, typed_text: text, .. } = call;
            let actions = || with_duplicate(limited, text, &action);
            let admitted = self.moderation.admit(user, key, actions, now).await?;
            if let Err(rate_limited) = admitted {
                return self.answer_with(call, ModeratedOutcome::RateLimited(rate_limited)).await;
            }
        }
        match action {
            ModeratedAction::Lobby(action @ (Action::Meet(_) | Action::Again)) => {
                self.search(call, action).await
            }
            ModeratedAction::Lobby(action @ (Action::Relay { .. } | Action::Icebreaker(_))) => {
                self.relay(call, action).await
            }
            ModeratedAction::Lobby(Action::Forget) => self.forget(call).await,
            ModeratedAction::Lobby(action) => self.perform_in_lobby(call, action).await,
            ModeratedAction::Block { reason } => self.block(call, reason).await,
            ModeratedAction::Rate { good } => self.rate(call, good).await,
            ModeratedAction::Agree => self.agree(call).await,
        }
    }

    /// Returns the state that a text of `user` must be prepared for: see [`Lobby::sender_state`].
    ///
    /// # Errors
    /// Returns [`StoreError`] if the lobby's store is unavailable.
    pub async fn sender_state(&self, user: UserId) -> Result<SenderState, StoreError> {
        self.sender_state_in_span(user).instrument(call_span(user)).await
    }

    /// [`ModeratedLobby::sender_state`] for a caller that is inside a [`call_span`].
    pub(super) async fn sender_state_in_span(
        &self,
        user: UserId,
    ) -> Result<SenderState, StoreError> {
        self.lobby.sender_state(user).await
    }

    /// Ends the user's chat, or removes the user from the queue.
    ///
    /// # Errors
    /// Returns [`StoreError`] if the lobby's store is unavailable.
    pub async fn expel(&self, user: UserId, now: Timestamp) -> Result<(), StoreError> {
        let call = Call { include_inbox: false, ..Call::new(user, now) };
        self.lobby.perform(call, Action::Leave).await.map(drop)
    }

    async fn perform_in_lobby(
        &self,
        call: Call,
        action: Action,
    ) -> Result<ModeratedResult, StoreError> {
        let result = self.lobby.perform(call, action).await?;
        Ok(ModeratedResult { outcome: result.outcome.into(), lease: result.lease })
    }

    /// Returns the inbox with `outcome`, without another effect.
    ///
    /// The idempotency key is removed, so that a repeat of the call is evaluated again.
    async fn answer_with(
        &self,
        call: Call,
        outcome: ModeratedOutcome,
    ) -> Result<ModeratedResult, StoreError> {
        let call = Call { idempotency_key: None, ..call };
        let lease = self.lobby.perform(call, Action::ReadInbox).await?.lease;
        Ok(ModeratedResult { outcome, lease })
    }

    /// Searches for a partner if the user is permitted to.
    async fn search(&self, mut call: Call, action: Action) -> Result<ModeratedResult, StoreError> {
        let admitted = self.moderation.admit(
            call.user,
            call.idempotency_key,
            || vec![LimitedAction::Search],
            call.now,
        );
        // Both run concurrently, because reading the permissions has no side effect.
        let permissions = self.moderation.permissions(call.user, call.now);
        let (admitted, permissions) = tokio::try_join!(admitted, permissions)?;
        if let Err(rate_limited) = admitted {
            return self.answer_with(call, ModeratedOutcome::RateLimited(rate_limited)).await;
        }
        if let Some(suspension) = permissions.suspension {
            let outcome = suspended(suspension, call.now);
            return self.answer_with(call, outcome).await;
        }
        if self.notice_policy == NoticePolicy::Require
            && permissions.notice < Some(NoticeState::Accepted)
        {
            return self.answer_with(call, ModeratedOutcome::MustAgree).await;
        }
        let notice_seen = self.notice_policy == NoticePolicy::Off || permissions.notice.is_some();
        call.constraints = MatchConstraints {
            blocked: permissions.blocked.into_iter().collect(),
            notice_seen,
            poorly_rated: permissions.poorly_rated,
        };
        self.perform_in_lobby(call, action).await
    }

    /// Sends a text or an icebreaker that the rate limits have admitted. A suspended user without a partner learns of the suspension.
    pub(super) async fn relay(
        &self,
        call: Call,
        action: Action,
    ) -> Result<ModeratedResult, StoreError> {
        let (user, now) = (call.user, call.now);
        let mut result = self.perform_in_lobby(call, action).await?;
        if let ModeratedOutcome::Lobby(Outcome::NoPartner { .. }) = result.outcome
            && let Some(suspension) = self.moderation.permissions(user, now).await?.suspension
        {
            result.outcome = suspended(suspension, now);
        }
        if let ModeratedOutcome::Lobby(Outcome::Sent { to, completes_exchange: true, .. }) =
            result.outcome
        {
            // The text is sent. After a failure, which the store has logged, the chat is not counted.
            let _ = self.moderation.count_chat(user, to, now).await;
        }
        Ok(result)
    }

    /// Blocks the current or last partner, and reports them if a reason is given.
    ///
    /// A report that suspends the partner also ends their chat or search.
    async fn block(
        &self,
        call: Call,
        reason: Option<ReportReason>,
    ) -> Result<ModeratedResult, StoreError> {
        let (user, now) = (call.user, call.now);
        let LastPartner { partner, wrote, transcript } =
            match self.last_partner(&call, reason.is_some()).await? {
                Outcome::LastPartner(Some(last_partner)) => last_partner,
                Outcome::LastPartner(None) => {
                    return self.answer_with(call, ModeratedOutcome::NoBlockTarget).await;
                }
                refusal => return self.answer_with(call, refusal.into()).await,
            };
        if reason.is_some() {
            let actions = || vec![LimitedAction::Report];
            let admitted = self.moderation.admit(user, call.idempotency_key, actions, now).await?;
            if let Err(limited) = admitted {
                return self.answer_with(call, ModeratedOutcome::RateLimited(limited)).await;
            }
        }
        // A store that can't write must not keep the user in the chat.
        let is_block_saved = self.moderation.block(user, partner, now).await;
        let (mut reported, mut is_suspended, wants_report) = (false, false, reason.is_some());
        if let Some(reason) = reason {
            let transcript = transcript.iter().map(|text| text.as_str().to_owned()).collect();
            let complaint = Complaint {
                reporter: user,
                reported: partner,
                reason,
                transcript,
                activity: activity(wrote),
                network: call.network,
            };
            if let Ok(suspends) = self.moderation.report(complaint, now).await {
                (reported, is_suspended) = (true, suspends);
            }
        }
        let result = self.perform_in_lobby(call, Action::Block(partner)).await?;
        if is_suspended {
            self.expel(partner, now).await?;
        }
        let outcome = match result.outcome {
            ModeratedOutcome::Lobby(Outcome::Blocked { chat_ended }) => {
                let unsaved = match (is_block_saved, wants_report == reported) {
                    (false, _) => Some(UnsavedPart::Block),
                    (true, false) => Some(UnsavedPart::Report),
                    (true, true) => None,
                };
                ModeratedOutcome::Blocked { chat_ended, reported, unsaved }
            }
            refusal => refusal,
        };
        Ok(ModeratedResult { outcome, ..result })
    }

    /// Stores the user's rating of the current or last chat.
    async fn rate(&self, call: Call, good: bool) -> Result<ModeratedResult, StoreError> {
        let outcome = match self.last_partner(&call, false).await? {
            Outcome::LastPartner(Some(LastPartner { partner, wrote, .. })) => {
                self.moderation.rate(call.user, partner, good, activity(wrote), call.now).await?;
                ModeratedOutcome::Rated
            }
            refusal @ Outcome::WrittenBefore => refusal.into(),
            _ => ModeratedOutcome::NoRateTarget,
        };
        self.answer_with(call, outcome).await
    }

    /// Deletes what is stored about the user. The answer does not show the inbox, which is deleted,
    /// too.
    async fn forget(&self, call: Call) -> Result<ModeratedResult, StoreError> {
        let user = call.user;
        let call = Call { include_inbox: false, caller_nickname: None, ..call };
        let result = self.perform_in_lobby(call, Action::Forget).await?;
        // After a failure here, a repeat of the call gets here again.
        if result.outcome == Outcome::Forgotten.into() {
            self.moderation.forget(user).await?;
        }
        Ok(result)
    }

    /// Looks up the current or last partner for a call.
    ///
    /// The lookup has its own key, so that a repeated call means the same partner even after a new
    /// match.
    async fn last_partner(
        &self,
        call: &Call,
        with_transcript: bool,
    ) -> Result<Outcome, StoreError> {
        let key = call.idempotency_key.map(IdempotencyKey::for_lookup);
        let lookup = Call { idempotency_key: key, include_inbox: false, ..call.clone() };
        let action = Action::LookUpLastPartner { with_transcript };
        Ok(self.lobby.perform(lookup, action).await?.outcome)
    }

    /// Stores that the user accepted the chat rules. If that is required, also starts a search.
    async fn agree(&self, call: Call) -> Result<ModeratedResult, StoreError> {
        self.moderation.record_notice(call.user, NoticeState::Accepted, call.now).await?;
        match self.notice_policy {
            NoticePolicy::Require => self.search(call, Action::meet()).await,
            NoticePolicy::On | NoticePolicy::Off => {
                self.answer_with(call, ModeratedOutcome::Agreed).await
            }
        }
    }
}

/// The span of a call, so that lines of the stores name the user whose call failed.
pub(super) fn call_span(user: UserId) -> Span {
    tracing::info_span!("call", %user)
}

/// Returns the rate limit of an action. `None` for a search and a report, which are counted together
/// with their other checks.
const fn limited_action(action: &ModeratedAction) -> Option<LimitedAction> {
    match action {
        ModeratedAction::Lobby(Action::Meet(_) | Action::Again)
        | ModeratedAction::Block { reason: Some(_) } => None,
        ModeratedAction::Lobby(Action::Relay { .. } | Action::Icebreaker(_)) => {
            Some(LimitedAction::Message)
        }
        ModeratedAction::Lobby(Action::SetTyping(_)) => Some(LimitedAction::Typing),
        _ => Some(LimitedAction::Command),
    }
}

/// Returns `limited`, and the limit of equal texts for an action that sends one.
fn with_duplicate(
    limited: LimitedAction,
    typed_text: Option<u64>,
    action: &ModeratedAction,
) -> Vec<LimitedAction> {
    let duplicate = match action {
        ModeratedAction::Lobby(Action::Relay { .. }) => typed_text,
        ModeratedAction::Lobby(Action::Icebreaker(index)) => Some(u64::from(*index)),
        _ => None,
    };
    std::iter::once(limited).chain(duplicate.map(LimitedAction::DuplicateText)).collect()
}

/// The part of each user in a chat, for moderation.
const fn activity(wrote: ChatWriters) -> ChatActivity {
    ChatActivity { user_wrote: wrote.user, partner_wrote: wrote.partner }
}

fn suspended(suspension: Suspension, now: Timestamp) -> ModeratedOutcome {
    let remaining = match suspension {
        Suspension::Until(until) => Some(until.since(now)),
        Suspension::UntilReviewed => None,
    };
    ModeratedOutcome::Suspended { remaining }
}
