//! [`ModeratedLobby`]: wraps any [`Lobby`] and applies blocks, suspensions, the notice and rate
//! limits.
//!
//! Every transport uses the lobby through this wrapper, so that no call bypasses moderation. The
//! moderation store is written before the lobby acts, so that a confirmed block or report survives
//! a crash in between. The rules themselves are in [`moderation`](crate::moderation).

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use async_trait::async_trait;

use super::lobby::action::{
    Action, ActionResult, Call, LastPartner, LobbyStats, MatchConstraints, NudgeResult, Outcome,
    SenderState, SweepResult,
};
use super::lobby::broadcast::{Broadcast, BroadcastProgress, Presence};
use super::lobby::inbox::{InboxEvent, Item, Lease, LeaseId};
use super::lobby::signal::Listener;
use super::lobby::{Lobby, LobbyError};
use crate::kernel::clock::Timestamp;
use crate::kernel::id::{IdempotencyKey, UserId};
use crate::kernel::store::StoreError;
use crate::moderation::penalty::Suspension;
use crate::moderation::service::{ModerationService, NoticePolicy, ReportReason};
use crate::moderation::store::NoticeState;
use crate::rate_limit::gcra::LimitedAction;

/// A lobby with moderation.
pub struct ModeratedLobby {
    lobby: Arc<dyn Lobby>,
    moderation: Arc<ModerationService>,
    notice_policy: NoticePolicy,
}

impl From<StoreError> for LobbyError {
    fn from(_: StoreError) -> Self {
        Self
    }
}

impl ModeratedLobby {
    #[must_use]
    pub fn new(
        lobby: Arc<dyn Lobby>,
        moderation: Arc<ModerationService>,
        notice_policy: NoticePolicy,
    ) -> Self {
        Self { lobby, moderation, notice_policy }
    }

    /// Checks every store that calls need: the lobby's, the moderation store and the rate
    /// limiter's.
    ///
    /// # Errors
    /// Returns [`LobbyError`] if one of them is unavailable.
    pub async fn check(&self, now: Timestamp) -> Result<(), LobbyError> {
        self.lobby.stats(now).await?;
        Ok(self.moderation.check().await?)
    }

    /// Ends the user's chat, or removes the user from the queue.
    ///
    /// # Errors
    /// Returns [`LobbyError`] if the lobby's store is unavailable.
    pub async fn expel(&self, user: UserId, now: Timestamp) -> Result<(), LobbyError> {
        let call = Call { include_inbox: false, ..Call::new(user, now) };
        self.lobby.perform(call, Action::Leave).await.map(drop)
    }

    /// Searches for a partner if the user is permitted to.
    async fn search(&self, mut call: Call, action: Action) -> Result<ActionResult, LobbyError> {
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
            return self.reject_with(call, Outcome::RateLimited(rate_limited)).await;
        }
        if let Some(suspension) = permissions.suspension {
            let outcome = suspended(suspension, call.now);
            return self.reject_with(call, outcome).await;
        }
        if self.notice_policy == NoticePolicy::Require
            && permissions.notice < Some(NoticeState::Accepted)
        {
            return self.reject_with(call, Outcome::MustAgree).await;
        }
        let notice_seen = self.notice_policy == NoticePolicy::Off || permissions.notice.is_some();
        call.constraints = MatchConstraints {
            blocked: permissions.blocked.into_iter().collect(),
            notice_seen,
            poorly_rated: permissions.poorly_rated,
        };
        self.lobby.perform(call, action).await
    }

    /// Returns the inbox with `outcome`, without another effect.
    ///
    /// The idempotency key is removed, so that a repeat of the call is evaluated again.
    async fn reject_with(&self, call: Call, outcome: Outcome) -> Result<ActionResult, LobbyError> {
        let call = Call { idempotency_key: None, ..call };
        let result = self.lobby.perform(call, Action::ReadInbox).await?;
        Ok(ActionResult { outcome, ..result })
    }

    /// Stores that the user accepted the chat rules. If that is required, also starts a search.
    async fn agree(&self, call: Call) -> Result<ActionResult, LobbyError> {
        self.moderation.record_notice(call.user, NoticeState::Accepted, call.now).await?;
        match self.notice_policy {
            NoticePolicy::Require => self.search(call, Action::meet()).await,
            NoticePolicy::On | NoticePolicy::Off => self.reject_with(call, Outcome::Agreed).await,
        }
    }

    /// Stores the user's rating of the current or last chat.
    async fn rate(&self, call: Call, good: bool) -> Result<ActionResult, LobbyError> {
        let key = call.idempotency_key.map(IdempotencyKey::for_lookup);
        let lookup = Call { idempotency_key: key, include_inbox: false, ..call.clone() };
        let action = Action::LookUpLastPartner { with_transcript: false };
        let outcome = match self.lobby.perform(lookup, action).await?.outcome {
            Outcome::LastPartner(Some(last_partner)) => {
                let partner = last_partner.partner;
                self.moderation.rate(call.user, partner, good, call.now).await?;
                Outcome::Rated
            }
            _ => Outcome::NoRateTarget,
        };
        self.reject_with(call, outcome).await
    }

    /// Stores that the user was shown the notice, which comes with the first partner.
    ///
    /// Store failures are ignored; the user then sees the notice again in a later chat.
    async fn record_notice_shown(
        &self,
        user: UserId,
        outcome: Option<&Outcome>,
        items: &[Item],
        now: Timestamp,
    ) {
        let in_outcome =
            matches!(outcome, Some(Outcome::Connected { chat, .. }) if chat.is_first_chat);
        let in_item = |item: &Item| matches!(&item.event, InboxEvent::Connected { chat } if chat.is_first_chat);
        if in_outcome || items.iter().any(in_item) {
            let _ = self.moderation.record_notice(user, NoticeState::Shown, now).await;
        }
    }

    /// Sends a text or an icebreaker. A suspended user without a partner learns of the suspension.
    async fn relay(&self, call: Call, action: Action) -> Result<ActionResult, LobbyError> {
        let (user, now) = (call.user, call.now);
        let limited_actions = || rate_limited_actions(&action);
        let admitted =
            self.moderation.admit(user, call.idempotency_key, limited_actions, now).await?;
        if let Err(rate_limited) = admitted {
            return self.reject_with(call, Outcome::RateLimited(rate_limited)).await;
        }
        let mut result = self.lobby.perform(call, action).await?;
        if let Outcome::NoPartner { .. } = result.outcome
            && let Some(suspension) = self.moderation.permissions(user, now).await?.suspension
        {
            result.outcome = suspended(suspension, now);
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
    ) -> Result<ActionResult, LobbyError> {
        // The lookup has its own key, so that a repeated call means the same partner even after a
        // new match.
        let key = call.idempotency_key.map(IdempotencyKey::for_lookup);
        let lookup = Call { idempotency_key: key, include_inbox: false, ..call.clone() };
        let action = Action::LookUpLastPartner { with_transcript: reason.is_some() };
        let last_partner = match self.lobby.perform(lookup, action).await?.outcome {
            Outcome::LastPartner(last_partner) => last_partner,
            _ => None,
        };
        let (user, now) = (call.user, call.now);
        let mut suspended_partner = None;
        let target = last_partner.as_ref().map(|last_partner| last_partner.partner);
        if let Some(LastPartner { partner, transcript }) = last_partner {
            self.moderation.block(user, partner, now).await?;
            if let Some(reason) = reason.clone() {
                let transcript = transcript.iter().map(|text| text.as_str().to_owned()).collect();
                let is_suspended =
                    self.moderation.report(user, partner, reason, transcript, now).await?;
                suspended_partner = is_suspended.then_some(partner);
            }
        }
        let result = self.lobby.perform(call, Action::Block { target, reason }).await?;
        if let Some(partner) = suspended_partner {
            self.expel(partner, now).await?;
        }
        Ok(result)
    }
}

/// Returns the rate limits that apply to an action which the partner sees.
fn rate_limited_actions(action: &Action) -> Vec<LimitedAction> {
    // An unkeyed hash suffices, because a collision only makes two texts share one limit.
    let mut hasher = DefaultHasher::new();
    match action {
        Action::Relay { text, .. } => text.as_str().hash(&mut hasher),
        Action::Icebreaker(index) => index.hash(&mut hasher),
        _ => return Vec::new(),
    }
    vec![LimitedAction::Message, LimitedAction::DuplicateText(hasher.finish())]
}

fn suspended(suspension: Suspension, now: Timestamp) -> Outcome {
    let remaining = match suspension {
        Suspension::Until(until) => Some(until.since(now)),
        Suspension::UntilReviewed => None,
    };
    Outcome::Suspended { remaining }
}

#[async_trait]
impl Lobby for ModeratedLobby {
    async fn perform(&self, call: Call, action: Action) -> Result<ActionResult, LobbyError> {
        let (user, now) = (call.user, call.now);
        let result = match action {
            Action::Meet(_) | Action::Again => self.search(call, action).await,
            Action::Relay { .. } | Action::Icebreaker(_) => self.relay(call, action).await,
            Action::Block { target: None, reason } => self.block(call, reason).await,
            Action::Rate { good } => self.rate(call, good).await,
            Action::Agree => self.agree(call).await,
            action => self.lobby.perform(call, action).await,
        }?;
        let ActionResult { outcome, lease } = &result;
        self.record_notice_shown(user, Some(outcome), &lease.items, now).await;
        Ok(result)
    }

    async fn sender_state(&self, user: UserId) -> Result<SenderState, LobbyError> {
        self.lobby.sender_state(user).await
    }

    async fn collect(&self, user: UserId, now: Timestamp) -> Result<Lease, LobbyError> {
        let lease = self.lobby.collect(user, now).await?;
        self.record_notice_shown(user, None, &lease.items, now).await;
        Ok(lease)
    }

    fn listen(&self, user: UserId) -> Listener {
        self.lobby.listen(user)
    }

    async fn put_back(&self, user: UserId, lease: &Lease, shown: usize) -> Result<(), LobbyError> {
        self.lobby.put_back(user, lease, shown).await
    }

    fn settle(&self, user: UserId, lease: LeaseId, delivered: bool) {
        self.lobby.settle(user, lease, delivered);
    }

    async fn claim_delivery(
        &self,
        message: IdempotencyKey,
        now: Timestamp,
    ) -> Result<bool, LobbyError> {
        self.lobby.claim_delivery(message, now).await
    }

    /// Also purges expired records from the moderation store once the lobby needs no more steps.
    async fn sweep(&self, now: Timestamp) -> Result<SweepResult, LobbyError> {
        let result = self.lobby.sweep(now).await?;
        if !result.more {
            self.moderation.purge(now).await?;
        }
        Ok(result)
    }

    async fn pair_waiting(&self, now: Timestamp) -> Result<usize, LobbyError> {
        self.lobby.pair_waiting(now).await
    }

    async fn nudge_silent(&self, now: Timestamp) -> Result<NudgeResult, LobbyError> {
        self.lobby.nudge_silent(now).await
    }

    async fn find_by_prefix(&self, prefix: &str) -> Result<Vec<UserId>, LobbyError> {
        self.lobby.find_by_prefix(prefix).await
    }

    async fn presence(&self, user: UserId) -> Result<Option<Presence>, LobbyError> {
        self.lobby.presence(user).await
    }

    async fn broadcast(
        &self,
        broadcast: &Broadcast,
        after: Option<UserId>,
        now: Timestamp,
    ) -> Result<BroadcastProgress, LobbyError> {
        self.lobby.broadcast(broadcast, after, now).await
    }

    async fn stats(&self, now: Timestamp) -> Result<LobbyStats, LobbyError> {
        self.lobby.stats(now).await
    }
}
