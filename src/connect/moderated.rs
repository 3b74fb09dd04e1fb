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
    warden: Arc<ModerationService>,
    notice: NoticePolicy,
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
        warden: Arc<ModerationService>,
        notice: NoticePolicy,
    ) -> Self {
        Self { lobby, warden, notice }
    }

    /// Whether all that calls need is there: the lobby's store, the ledger's and that of the limits.
    ///
    /// # Errors
    /// When one of them is not.
    pub async fn check(&self, now: Timestamp) -> Result<(), LobbyError> {
        self.lobby.stats(now).await?;
        Ok(self.warden.check().await?)
    }

    /// Ends somebody's chat, or takes them out of the queue.
    ///
    /// # Errors
    /// When the lobby's store fails.
    pub async fn expel(&self, who: UserId, now: Timestamp) -> Result<(), LobbyError> {
        let call = Call { takes_inbox: false, ..Call::new(who, now) };
        self.lobby.perform(call, Action::Leave).await.map(drop)
    }

    /// Looks for a partner, for whoever may.
    async fn search(&self, mut call: Call, action: Action) -> Result<ActionResult, LobbyError> {
        let admitted =
            self.warden.admit(call.who, call.key, || vec![LimitedAction::Search], call.now);
        // The look at their rights changes nothing, so neither waits for the other.
        let rights = self.warden.rights(call.who, call.now);
        let (admitted, rights) = tokio::try_join!(admitted, rights)?;
        if let Err(early) = admitted {
            return self.hold(call, Outcome::TooOften(early)).await;
        }
        if let Some(bar) = rights.bar {
            let outcome = barred(bar, call.now);
            return self.hold(call, outcome).await;
        }
        if self.notice == NoticePolicy::Require && rights.consent < Some(NoticeState::Agreed) {
            return self.hold(call, Outcome::MustAgree).await;
        }
        let informed = self.notice == NoticePolicy::Off || rights.consent.is_some();
        let avoid = rights.apart.into_iter().collect();
        call.terms = MatchConstraints { avoid, informed, shunned: rights.shunned };
        self.lobby.perform(call, action).await
    }

    /// Does nothing but hand out the inbox. That is not remembered: the same call is carried out
    /// when its time has come.
    async fn hold(&self, call: Call, outcome: Outcome) -> Result<ActionResult, LobbyError> {
        let read = self.lobby.perform(Call { key: None, ..call }, Action::Read).await?;
        Ok(ActionResult { outcome, ..read })
    }

    /// Keeps that somebody agreed; where that was wanted of them, they look for a partner with it.
    async fn agree(&self, call: Call) -> Result<ActionResult, LobbyError> {
        self.warden.inform(call.who, NoticeState::Agreed, call.now).await?;
        match self.notice {
            NoticePolicy::Require => self.search(call, Action::meet()).await,
            NoticePolicy::On | NoticePolicy::Off => self.hold(call, Outcome::Agreed).await,
        }
    }

    /// Keeps what somebody says of the chat they have, or had last.
    async fn rate(&self, call: Call, good: bool) -> Result<ActionResult, LobbyError> {
        let key = call.key.map(IdempotencyKey::before);
        let look = Call { key, takes_inbox: false, ..call.clone() };
        let action = Action::Encounter { quoted: false };
        let outcome = match self.lobby.perform(look, action).await?.outcome {
            Outcome::Encounter(Some(met)) => {
                self.warden.rate(call.who, met.partner, good, call.now).await?;
                Outcome::Rated
            }
            _ => Outcome::NobodyToRate,
        };
        self.hold(call, outcome).await
    }

    /// Once somebody is handed their first partner, and what everybody should know with it, that is
    /// kept. If it can't be, they are told again some day.
    async fn keep_informed(
        &self,
        who: UserId,
        outcome: Option<&Outcome>,
        items: &[Item],
        now: Timestamp,
    ) {
        let answered = matches!(outcome, Some(Outcome::Connected { chat, .. }) if chat.first);
        let first =
            |item: &Item| matches!(&item.news, InboxEvent::Connected { chat } if chat.first);
        if answered || items.iter().any(first) {
            let _ = self.warden.inform(who, NoticeState::Told, now).await;
        }
    }

    /// Sends a text; whoever has no partner because they are barred is told so.
    async fn relay(&self, call: Call, action: Action) -> Result<ActionResult, LobbyError> {
        let (who, now) = (call.who, call.now);
        if let Err(early) = self.warden.admit(who, call.key, || said(&action), now).await? {
            return self.hold(call, Outcome::TooOften(early)).await;
        }
        let mut performed = self.lobby.perform(call, action).await?;
        if let Outcome::NobodyToSendTo { .. } = performed.outcome
            && let Some(bar) = self.warden.rights(who, now).await?.bar
        {
            performed.outcome = barred(bar, now);
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
        let key = call.key.map(IdempotencyKey::before);
        let look = Call { key, takes_inbox: false, ..call.clone() };
        let action = Action::Encounter { quoted: grounds.is_some() };
        let met = match self.lobby.perform(look, action).await?.outcome {
            Outcome::Encounter(met) => met,
            _ => None,
        };
        let (who, now) = (call.who, call.now);
        let mut barred = None;
        let whom = met.as_ref().map(|met| met.partner);
        if let Some(LastPartner { partner, said }) = met {
            self.warden.block(who, partner, now).await?;
            if let Some(grounds) = grounds.clone() {
                let said = said.iter().map(|text| text.as_str().to_owned()).collect();
                let is_barred = self.warden.report(who, partner, grounds, said, now).await?;
                barred = is_barred.then_some(partner);
            }
        }
        let performed = self.lobby.perform(call, Action::Block { whom, grounds }).await?;
        if let Some(whom) = barred {
            self.expel(whom, now).await?;
        }
        Ok(performed)
    }
}

/// What of something that is said to a partner is limited.
fn said(action: &Action) -> Vec<LimitedAction> {
    // Keyless: a text that collides with another is only counted with it.
    let mut hasher = DefaultHasher::new();
    match action {
        Action::Relay { text, .. } => text.as_str().hash(&mut hasher),
        Action::Icebreaker(number) => number.hash(&mut hasher),
        _ => return Vec::new(),
    }
    vec![LimitedAction::Message, LimitedAction::Same(hasher.finish())]
}

fn barred(bar: Suspension, now: Timestamp) -> Outcome {
    let left = match bar {
        Suspension::Until(until) => Some(until.since(now)),
        Suspension::UntilReviewed => None,
    };
    Outcome::Barred { left }
}

#[async_trait]
impl Lobby for ModeratedLobby {
    async fn perform(&self, call: Call, action: Action) -> Result<ActionResult, LobbyError> {
        let (who, now) = (call.who, call.now);
        let performed = match action {
            Action::Meet(_) | Action::Again => self.search(call, action).await,
            Action::Relay { .. } | Action::Icebreaker(_) => self.relay(call, action).await,
            Action::Block { whom: None, grounds } => self.block(call, grounds).await,
            Action::Rate { good } => self.rate(call, good).await,
            Action::Agree => self.agree(call).await,
            action => self.lobby.perform(call, action).await,
        }?;
        let ActionResult { outcome, lease } = &performed;
        self.keep_informed(who, Some(outcome), &lease.items, now).await;
        Ok(performed)
    }

    async fn sender(&self, who: UserId) -> Result<SenderState, LobbyError> {
        self.lobby.sender(who).await
    }

    async fn collect(&self, who: UserId, now: Timestamp) -> Result<Lease, LobbyError> {
        let lease = self.lobby.collect(who, now).await?;
        self.keep_informed(who, None, &lease.items, now).await;
        Ok(lease)
    }

    fn listen(&self, who: UserId) -> Listener {
        self.lobby.listen(who)
    }

    async fn keep_back(&self, who: UserId, lease: &Lease, shown: usize) -> Result<(), LobbyError> {
        self.lobby.keep_back(who, lease, shown).await
    }

    fn settle(&self, who: UserId, lease: LeaseId, delivered: bool) {
        self.lobby.settle(who, lease, delivered);
    }

    async fn first(&self, message: IdempotencyKey, now: Timestamp) -> Result<bool, LobbyError> {
        self.lobby.first(message, now).await
    }

    /// Also deletes what is too old to be kept in the ledger.
    async fn sweep(&self, now: Timestamp) -> Result<SweepResult, LobbyError> {
        let swept = self.lobby.sweep(now).await?;
        if !swept.more {
            self.warden.purge(now).await?;
        }
        Ok(swept)
    }

    async fn pair_waiting(&self, now: Timestamp) -> Result<usize, LobbyError> {
        self.lobby.pair_waiting(now).await
    }

    async fn nudge_silent(&self, now: Timestamp) -> Result<NudgeResult, LobbyError> {
        self.lobby.nudge_silent(now).await
    }

    async fn find(&self, prefix: &str) -> Result<Vec<UserId>, LobbyError> {
        self.lobby.find(prefix).await
    }

    async fn presence(&self, who: UserId) -> Result<Option<Presence>, LobbyError> {
        self.lobby.presence(who).await
    }

    async fn announce(
        &self,
        announcement: &Broadcast,
        after: Option<UserId>,
        now: Timestamp,
    ) -> Result<BroadcastProgress, LobbyError> {
        self.lobby.announce(announcement, after, now).await
    }

    async fn stats(&self, now: Timestamp) -> Result<LobbyStats, LobbyError> {
        self.lobby.stats(now).await
    }
}
