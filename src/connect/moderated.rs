//! A lobby whose people are protected from each other: before it acts it asks the warden who may meet
//! whom, and who may meet anyone.
//!
//! All ways in use the lobby through here, so that none goes around it. The ledger is written before
//! the lobby acts: what was promised to somebody holds also when the process dies in between.

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

/// Any lobby, and who watches over it.
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

    /// Whether all that calls need is there: the lobby's store, the ledger's and that of the limits.
    ///
    /// # Errors
    /// When one of them is not.
    pub async fn check(&self, now: Timestamp) -> Result<(), LobbyError> {
        self.lobby.stats(now).await?;
        Ok(self.moderation.check().await?)
    }

    /// Ends somebody's chat, or takes them out of the queue.
    ///
    /// # Errors
    /// When the lobby's store fails.
    pub async fn expel(&self, who: UserId, now: Timestamp) -> Result<(), LobbyError> {
        let call = Call { include_inbox: false, ..Call::new(who, now) };
        self.lobby.perform(call, Action::Leave).await.map(drop)
    }

    /// Looks for a partner, for whoever may.
    async fn search(&self, mut call: Call, action: Action) -> Result<ActionResult, LobbyError> {
        let admitted = self.moderation.admit(
            call.user,
            call.idempotency_key,
            || vec![LimitedAction::Search],
            call.now,
        );
        // The look at their rights changes nothing, so neither waits for the other.
        let rights = self.moderation.permissions(call.user, call.now);
        let (admitted, rights) = tokio::try_join!(admitted, rights)?;
        if let Err(early) = admitted {
            return self.reject_with(call, Outcome::RateLimited(early)).await;
        }
        if let Some(bar) = rights.suspension {
            let outcome = suspended(bar, call.now);
            return self.reject_with(call, outcome).await;
        }
        if self.notice_policy == NoticePolicy::Require
            && rights.notice < Some(NoticeState::Accepted)
        {
            return self.reject_with(call, Outcome::MustAgree).await;
        }
        let informed = self.notice_policy == NoticePolicy::Off || rights.notice.is_some();
        let avoid = rights.blocked.into_iter().collect();
        call.constraints = MatchConstraints {
            blocked: avoid,
            notice_seen: informed,
            poorly_rated: rights.poorly_rated,
        };
        self.lobby.perform(call, action).await
    }

    /// Does nothing but hand out the inbox. That is not remembered: the same call is carried out
    /// when its time has come.
    async fn reject_with(&self, call: Call, outcome: Outcome) -> Result<ActionResult, LobbyError> {
        let read =
            self.lobby.perform(Call { idempotency_key: None, ..call }, Action::ReadInbox).await?;
        Ok(ActionResult { outcome, ..read })
    }

    /// Keeps that somebody agreed; where that was wanted of them, they look for a partner with it.
    async fn agree(&self, call: Call) -> Result<ActionResult, LobbyError> {
        self.moderation.record_notice(call.user, NoticeState::Accepted, call.now).await?;
        match self.notice_policy {
            NoticePolicy::Require => self.search(call, Action::meet()).await,
            NoticePolicy::On | NoticePolicy::Off => self.reject_with(call, Outcome::Agreed).await,
        }
    }

    /// Keeps what somebody says of the chat they have, or had last.
    async fn rate(&self, call: Call, good: bool) -> Result<ActionResult, LobbyError> {
        let key = call.idempotency_key.map(IdempotencyKey::for_lookup);
        let look = Call { idempotency_key: key, include_inbox: false, ..call.clone() };
        let action = Action::LookUpLastPartner { with_transcript: false };
        let outcome = match self.lobby.perform(look, action).await?.outcome {
            Outcome::LastPartner(Some(met)) => {
                self.moderation.rate(call.user, met.partner, good, call.now).await?;
                Outcome::Rated
            }
            _ => Outcome::NoRateTarget,
        };
        self.reject_with(call, outcome).await
    }

    /// Once somebody is handed their first partner, and what everybody should know with it, that is
    /// kept. If it can't be, they are told again some day.
    async fn record_notice_shown(
        &self,
        who: UserId,
        outcome: Option<&Outcome>,
        items: &[Item],
        now: Timestamp,
    ) {
        let answered =
            matches!(outcome, Some(Outcome::Connected { chat, .. }) if chat.is_first_chat);
        let first = |item: &Item| matches!(&item.event, InboxEvent::Connected { chat } if chat.is_first_chat);
        if answered || items.iter().any(first) {
            let _ = self.moderation.record_notice(who, NoticeState::Shown, now).await;
        }
    }

    /// Sends a text; whoever has no partner because they are barred is told so.
    async fn relay(&self, call: Call, action: Action) -> Result<ActionResult, LobbyError> {
        let (who, now) = (call.user, call.now);
        if let Err(early) = self
            .moderation
            .admit(who, call.idempotency_key, || rate_limited_actions(&action), now)
            .await?
        {
            return self.reject_with(call, Outcome::RateLimited(early)).await;
        }
        let mut performed = self.lobby.perform(call, action).await?;
        if let Outcome::NoPartner { .. } = performed.outcome
            && let Some(bar) = self.moderation.permissions(who, now).await?.suspension
        {
            performed.outcome = suspended(bar, now);
        }
        Ok(performed)
    }

    /// Keeps the caller apart for good from whom they talk with, or talked with last.
    async fn block(
        &self,
        call: Call,
        grounds: Option<ReportReason>,
    ) -> Result<ActionResult, LobbyError> {
        // A call that is repeated means the same person, whomever they met since.
        let key = call.idempotency_key.map(IdempotencyKey::for_lookup);
        let look = Call { idempotency_key: key, include_inbox: false, ..call.clone() };
        let action = Action::LookUpLastPartner { with_transcript: grounds.is_some() };
        let met = match self.lobby.perform(look, action).await?.outcome {
            Outcome::LastPartner(met) => met,
            _ => None,
        };
        let (who, now) = (call.user, call.now);
        let mut barred = None;
        let whom = met.as_ref().map(|met| met.partner);
        if let Some(LastPartner { partner, transcript: said }) = met {
            self.moderation.block(who, partner, now).await?;
            if let Some(grounds) = grounds.clone() {
                let said = said.iter().map(|text| text.as_str().to_owned()).collect();
                let is_barred = self.moderation.report(who, partner, grounds, said, now).await?;
                barred = is_barred.then_some(partner);
            }
        }
        let performed =
            self.lobby.perform(call, Action::Block { target: whom, reason: grounds }).await?;
        if let Some(whom) = barred {
            self.expel(whom, now).await?;
        }
        Ok(performed)
    }
}

/// What of something that is said to a partner is limited.
fn rate_limited_actions(action: &Action) -> Vec<LimitedAction> {
    // Keyless: a text that collides with another is only counted with it.
    let mut hasher = DefaultHasher::new();
    match action {
        Action::Relay { text, .. } => text.as_str().hash(&mut hasher),
        Action::Icebreaker(number) => number.hash(&mut hasher),
        _ => return Vec::new(),
    }
    vec![LimitedAction::Message, LimitedAction::DuplicateText(hasher.finish())]
}

fn suspended(bar: Suspension, now: Timestamp) -> Outcome {
    let left = match bar {
        Suspension::Until(until) => Some(until.since(now)),
        Suspension::UntilReviewed => None,
    };
    Outcome::Suspended { remaining: left }
}

#[async_trait]
impl Lobby for ModeratedLobby {
    async fn perform(&self, call: Call, action: Action) -> Result<ActionResult, LobbyError> {
        let (who, now) = (call.user, call.now);
        let performed = match action {
            Action::Meet(_) | Action::Again => self.search(call, action).await,
            Action::Relay { .. } | Action::Icebreaker(_) => self.relay(call, action).await,
            Action::Block { target: None, reason: grounds } => self.block(call, grounds).await,
            Action::Rate { good } => self.rate(call, good).await,
            Action::Agree => self.agree(call).await,
            action => self.lobby.perform(call, action).await,
        }?;
        let ActionResult { outcome, lease } = &performed;
        self.record_notice_shown(who, Some(outcome), &lease.items, now).await;
        Ok(performed)
    }

    async fn sender_state(&self, who: UserId) -> Result<SenderState, LobbyError> {
        self.lobby.sender_state(who).await
    }

    async fn collect(&self, who: UserId, now: Timestamp) -> Result<Lease, LobbyError> {
        let lease = self.lobby.collect(who, now).await?;
        self.record_notice_shown(who, None, &lease.items, now).await;
        Ok(lease)
    }

    fn listen(&self, who: UserId) -> Listener {
        self.lobby.listen(who)
    }

    async fn put_back(&self, who: UserId, lease: &Lease, shown: usize) -> Result<(), LobbyError> {
        self.lobby.put_back(who, lease, shown).await
    }

    fn settle(&self, who: UserId, lease: LeaseId, delivered: bool) {
        self.lobby.settle(who, lease, delivered);
    }

    async fn claim_delivery(
        &self,
        message: IdempotencyKey,
        now: Timestamp,
    ) -> Result<bool, LobbyError> {
        self.lobby.claim_delivery(message, now).await
    }

    /// Also deletes what is too old to be kept in the ledger.
    async fn sweep(&self, now: Timestamp) -> Result<SweepResult, LobbyError> {
        let swept = self.lobby.sweep(now).await?;
        if !swept.more {
            self.moderation.purge(now).await?;
        }
        Ok(swept)
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

    async fn presence(&self, who: UserId) -> Result<Option<Presence>, LobbyError> {
        self.lobby.presence(who).await
    }

    async fn broadcast(
        &self,
        announcement: &Broadcast,
        after: Option<UserId>,
        now: Timestamp,
    ) -> Result<BroadcastProgress, LobbyError> {
        self.lobby.broadcast(announcement, after, now).await
    }

    async fn stats(&self, now: Timestamp) -> Result<LobbyStats, LobbyError> {
        self.lobby.stats(now).await
    }
}
