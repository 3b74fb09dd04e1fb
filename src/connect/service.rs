//! The use cases: a message comes in, is checked and carried out, and an answer goes out.
//!
//! Parsing, masking and wording happen here, above the storage seam, so that they are written once
//! for every backend.

use std::sync::{Arc, OnceLock};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use super::command;
use super::command::Command;
use super::lobby::action::{Action, ActionResult, Call, LobbyStats, Outcome};
use super::lobby::chat::MatchPreferences;
use super::lobby::inbox::{Lease, LeaseId};
use super::lobby::{Lobby, LobbyError};
use super::profile::interest::Interests;
use super::profile::language::Language;
use super::profile::nickname::Nickname;
use super::relay::{Relay, RelayOutcome};
use super::reply;
use super::reply::ICEBREAKER_COUNT;
use super::reply::compose::{MAX_MESSAGE_CHARS, compose_reply};
use super::reply::local::LocalReply;
use super::reply::messages;
use crate::guard::Guard;
use crate::kernel::clock::{Clock, Timestamp};
use crate::kernel::id::{IdHasher, Realm, UserId};
use crate::kernel::receipt::Receipt;
use crate::kernel::toolset::Subject;
use crate::moderation::service::ReportReason;

/// The most characters of a `puch_user_id` or a `message_id`.
pub const MAX_ID_CHARS: usize = 256;

/// The most characters of the reason of a report.
pub const MAX_REASON_CHARS: usize = 300;

/// A call of `handle_message`. Unknown arguments are ignored.
#[derive(Deserialize, JsonSchema)]
pub struct HandleMessageParams {
    /// The user's message exactly as they typed it, at most 4,096 characters.
    pub message: String,
    /// The id of the Puch user who wrote the message, at most 256 characters.
    pub puch_user_id: String,
    /// The user's nickname, if known.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub user_nickname: Option<Value>,
    /// Idempotency key: repeating a call with the same `message_id` within ten minutes returns the first answer and has no further effect.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub message_id: Option<Value>,
}

/// What somebody typed whose news are brought to them at once.
#[derive(Clone, Copy)]
pub struct PushInput<'a> {
    pub user: UserId,
    /// Names the message among theirs: one that comes again within ten minutes is not carried out
    /// again.
    pub message_id: &'a str,
    /// What they are called where they come from.
    pub name: Option<&'a str>,
    pub text: &'a str,
}

/// What came of something that was typed.
pub struct PushReply {
    /// What to tell whoever typed it, if anything.
    pub reply: Option<String>,
    /// The message that was passed on, if one was.
    pub relayed: Option<RelayedMessage>,
}

/// A message that was passed on: to whom, under which number, and how much of it is hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelayedMessage {
    pub to: UserId,
    pub seq: u64,
    pub masked_count: u32,
}

/// Is told who calls, by the id their caller has for them: whoever could bring news to them has to
/// know it. Nothing below the edge keeps it.
pub trait CallerObserver: Send + Sync {
    fn on_call(&self, who: UserId, raw_id: &str);
}

/// An answer; its receipt wants to know whether it arrived.
pub struct Reply {
    pub text: String,
    pub receipt: Receipt,
}

/// Why a call was not carried out. Nothing changed.
#[derive(Debug, Error)]
pub enum HandleError {
    #[error("The puch_user_id is empty: pass the id of the user who wrote the message.")]
    EmptyUserId,
    #[error("The {0} must be at most {MAX_ID_CHARS} characters.")]
    IdTooLong(&'static str),
    #[error("The message must be at most {MAX_MESSAGE_CHARS} characters. Please split it.")]
    MessageTooLong,
    #[error("Random Connect can't be reached right now. Please try again shortly.")]
    Unavailable(#[from] LobbyError),
}

/// The figures of `get_stats`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Stats {
    pub status: &'static str,
    pub version: &'static str,
    pub uptime_seconds: u64,
    /// Users active within the idle timeout.
    pub active_users: usize,
    pub waiting_users: usize,
    pub active_pairs: usize,
    /// Messages relayed since the server started.
    pub messages_relayed: u64,
    /// How long the longest waiter has waited; 0 when nobody waits.
    pub longest_wait_seconds: u64,
}

/// The operator's choices.
#[derive(Clone, Copy, Debug, Default)]
pub struct ConnectOptions {
    /// Use the `user_nickname` that a caller passes. Off by default: it may be a real name.
    pub use_caller_nicknames: bool,
    /// What may be passed on, and how.
    pub guard: Guard,
}

/// What the toolset can do, over whichever lobby it is given.
pub struct ConnectService {
    lobby: Arc<dyn Lobby>,
    relay: Relay,
    clock: Arc<dyn Clock>,
    ids: IdHasher,
    options: ConnectOptions,
    caller_observer: OnceLock<Arc<dyn CallerObserver>>,
    started_at: Timestamp,
}

impl ConnectService {
    #[must_use]
    pub fn new(
        lobby: Arc<dyn Lobby>,
        clock: Arc<dyn Clock>,
        ids: IdHasher,
        options: ConnectOptions,
    ) -> Self {
        let started_at = clock.now();
        let relay = Relay::new(Arc::clone(&lobby), options.guard);
        Self { lobby, relay, clock, ids, options, caller_observer: OnceLock::new(), started_at }
    }

    /// Tells `arrivals` of everybody who calls from now on. The first that is named stays: it can
    /// only be made when this service is there already.
    pub fn set_caller_observer(&self, arrivals: Arc<dyn CallerObserver>) {
        self.caller_observer.get_or_init(|| arrivals);
    }

    /// Carries out what a person typed and answers with what waits for them and what came of it.
    ///
    /// # Errors
    /// A [`Refusal`], with nothing changed.
    pub async fn handle(&self, incoming: HandleMessageParams) -> Result<Reply, HandleError> {
        let call = self.parse_call(&incoming)?;
        let who = call.user;
        let (performed, own) = self.execute(call, &incoming.message).await?;
        if let Some(arrivals) = self.caller_observer.get() {
            arrivals.on_call(who, incoming.puch_user_id.trim());
        }
        Ok(self.build_reply(who, performed.lease, &own).await)
    }

    /// Carries out what a person typed to whom everything is brought at once, and returns what to
    /// tell them of it, if anything: they see their own message as they sent it.
    pub async fn handle_push(&self, spoken: PushInput<'_>) -> PushReply {
        let PushInput { user: who, message_id, name, text } = spoken;
        let only = |told| PushReply { reply: Some(told), relayed: None };
        if exceeds(text, MAX_MESSAGE_CHARS) {
            let language = self.language_of(who).await;
            return only(reply::too_long(language, "refused-length", MAX_MESSAGE_CHARS));
        }
        let call = Call {
            idempotency_key: Some(self.ids.idempotency_key(who, message_id, text)),
            caller_nickname: self.caller_nickname(name),
            include_inbox: false,
            ..Call::new(who, self.clock.now())
        };
        match self.execute(call, text).await {
            Ok((
                ActionResult { outcome: Outcome::Sent { to, seq: number, text, .. }, lease },
                _,
            )) => {
                let language = lease.language.unwrap_or_default();
                let hidden = text.hidden();
                let told = (hidden > 0).then(|| messages::text(language, "number-hidden"));
                PushReply {
                    reply: told,
                    relayed: Some(RelayedMessage { to, seq: number, masked_count: hidden }),
                }
            }
            Ok((performed, own)) if own.is_empty() => {
                let language = performed.lease.language.unwrap_or_default();
                only(messages::text(language, "nothing-waits"))
            }
            Ok((_, own)) => only(own),
            Err(HandleError::Unavailable(_)) => {
                only(messages::text(Language::default(), "refused-store"))
            }
            Err(_) => only(messages::text(self.language_of(who).await, "refused-call")),
        }
    }

    /// What to tell somebody who sent a picture, a voice message or the like.
    pub async fn text_only_reply(&self, who: UserId) -> String {
        messages::text(self.language_of(who).await, "only-text")
    }

    async fn language_of(&self, who: UserId) -> Language {
        let sender = self.lobby.sender_state(who).await;
        sender.ok().and_then(|sender| sender.language).unwrap_or_default()
    }

    /// Whether a message has not come before, at whichever process, within seven days. While the
    /// store is down every message has not: the answer to it then says so.
    pub async fn claim_delivery(&self, who: UserId, message_id: &str) -> bool {
        let key = self.ids.idempotency_key(who, message_id, "");
        self.lobby.claim_delivery(key, self.clock.now()).await.unwrap_or(true)
    }

    /// Reads a message as a command or as text for the partner and carries it out. Returns with what
    /// came of it the words for it.
    async fn execute(
        &self,
        call: Call,
        message: &str,
    ) -> Result<(ActionResult, String), HandleError> {
        let typed = command::parse(message);
        let (action, told) = match typed.map(|typed| typed.command) {
            Some(Command::Meet(list)) => {
                let interests = Interests::parse(list);
                (Action::Meet(MatchPreferences { interests, keep_history: false }), None)
            }
            Some(Command::Again) => (Action::Again, None),
            Some(Command::Bye) => (Action::Leave, None),
            Some(Command::Hide) => (Action::ToggleMasking, None),
            Some(Command::Who) => (Action::Who, None),
            Some(Command::Inbox) => (Action::ReadInbox, None),
            Some(Command::Help) => (Action::ReadInbox, Some(LocalReply::Help)),
            Some(Command::Nick(name)) => match Nickname::parse(name) {
                Ok(name) => (Action::SetNickname(name), None),
                Err(why) => (Action::ReadInbox, Some(LocalReply::InvalidNickname(why))),
            },
            Some(Command::Block) => (Action::Block { target: None, reason: None }, None),
            Some(Command::Report("")) => (Action::ReadInbox, Some(LocalReply::ReasonRequired)),
            Some(Command::Report(reason)) if exceeds(reason, MAX_REASON_CHARS) => {
                (Action::ReadInbox, Some(LocalReply::ReasonTooLong))
            }
            Some(Command::Report(reason)) => {
                let grounds = Some(ReportReason::parse(reason));
                (Action::Block { target: None, reason: grounds }, None)
            }
            // Which question it is matters little, so the time's last digits choose it.
            Some(Command::Icebreaker) => {
                let number = call.now.as_millis() % u64::from(ICEBREAKER_COUNT);
                (Action::Icebreaker(u8::try_from(number).unwrap_or_default()), None)
            }
            Some(Command::Rate(good)) => (Action::Rate { good }, None),
            Some(Command::Agree) => (Action::Agree, None),
            Some(Command::Lang(language)) => match Language::parse(language) {
                Some(language) => (Action::SetLanguage(language), None),
                None => (Action::ReadInbox, Some(LocalReply::Languages)),
            },
            Some(Command::Relay(text)) => return self.relay(call, text).await,
            None => return self.relay(call, message).await,
        };
        let performed = self.lobby.perform(call, action).await?;
        let language = performed.lease.language.unwrap_or_default();
        let mut own = match told {
            Some(told) => told.text(language),
            None => reply::outcome(language, &performed.outcome),
        };
        if typed.is_some_and(|typed| typed.has_trailing_text) {
            own = reply::with_ignored_text(language, &own);
        }
        Ok((performed, own))
    }

    /// Whose a call with this `puch_user_id` is.
    #[must_use]
    pub fn subject(&self, raw_id: &str) -> Subject {
        match raw_id.trim() {
            "" => Subject::Anonymous,
            id => Subject::Known(self.ids.user_id(Realm::Puch, id)),
        }
    }

    /// How the server does.
    ///
    /// # Errors
    /// When the lobby's store fails.
    pub async fn stats(&self) -> Result<Stats, LobbyError> {
        let lobby = self.lobby_stats().await?;
        Ok(Stats {
            status: "ok",
            version: env!("CARGO_PKG_VERSION"),
            uptime_seconds: self.clock.now().since(self.started_at).as_secs(),
            active_users: lobby.people,
            waiting_users: lobby.waiting,
            active_pairs: lobby.pairs,
            messages_relayed: lobby.relayed,
            longest_wait_seconds: lobby.longest_wait_secs,
        })
    }

    /// The lobby's own figures, for monitoring.
    ///
    /// # Errors
    /// When the lobby's store fails.
    pub async fn lobby_stats(&self) -> Result<LobbyStats, LobbyError> {
        self.lobby.stats(self.clock.now()).await
    }

    /// Checks the arguments and hashes the ids; from here on nobody knows the raw ones.
    fn parse_call(&self, incoming: &HandleMessageParams) -> Result<Call, HandleError> {
        let id = incoming.puch_user_id.trim();
        if id.is_empty() {
            return Err(HandleError::EmptyUserId);
        }
        if exceeds(id, MAX_ID_CHARS) {
            return Err(HandleError::IdTooLong("puch_user_id"));
        }
        // A number names a message as well as a text does; whatever else a caller may send is no id.
        let message_id = match &incoming.message_id {
            Some(Value::String(id)) if !id.is_empty() => Some(id.clone()),
            Some(Value::Number(id)) => Some(id.to_string()),
            _ => None,
        };
        if message_id.as_ref().is_some_and(|id| exceeds(id, MAX_ID_CHARS)) {
            return Err(HandleError::IdTooLong("message_id"));
        }
        if exceeds(&incoming.message, MAX_MESSAGE_CHARS) {
            return Err(HandleError::MessageTooLong);
        }
        let who = self.ids.user_id(Realm::Puch, id);
        let given = incoming.user_nickname.as_ref().and_then(Value::as_str);
        Ok(Call {
            idempotency_key: message_id
                .map(|id| self.ids.idempotency_key(who, &id, &incoming.message)),
            caller_nickname: self.caller_nickname(given),
            ..Call::new(who, self.clock.now())
        })
    }

    async fn relay(&self, call: Call, typed: &str) -> Result<(ActionResult, String), HandleError> {
        let told = match self.relay.send(&call, typed).await? {
            RelayOutcome::Performed(performed) => {
                let language = performed.lease.language.unwrap_or_default();
                let own = reply::outcome(language, &performed.outcome);
                return Ok((performed, own));
            }
            RelayOutcome::Empty => LocalReply::NoText,
            RelayOutcome::Rejected(reason) => LocalReply::ContentRejected(reason),
        };
        let performed = self.lobby.perform(call, Action::ReadInbox).await?;
        let own = told.text(performed.lease.language.unwrap_or_default());
        Ok((performed, own))
    }

    fn caller_nickname(&self, given: Option<&str>) -> Option<Nickname> {
        let given = given.filter(|_| self.options.use_caller_nicknames)?;
        Nickname::parse(given).ok()
    }

    /// Puts the answer together. From here on nothing fails: what was asked has been done.
    async fn build_reply(&self, who: UserId, lease: Lease, own: &str) -> Reply {
        let receipt = self.receipt(who, lease.id);
        let language = lease.language.unwrap_or_default();
        let answer = compose_reply(language, &lease.items, own);
        tracing::debug!(user = %who, items = answer.items_shown, "answered");
        let all_shown = answer.items_shown == lease.items.len();
        if !all_shown && self.lobby.put_back(who, &lease, answer.items_shown).await.is_err() {
            // The receipt is dropped: all of the items wait for a better moment.
            return Reply {
                text: compose_reply(language, &[], own).text,
                receipt: Receipt::none(),
            };
        }
        Reply { text: answer.text, receipt }
    }

    fn receipt(&self, who: UserId, lease: Option<LeaseId>) -> Receipt {
        let Some(lease) = lease else { return Receipt::none() };
        let lobby = Arc::clone(&self.lobby);
        Receipt::new(move |delivered| {
            if !delivered {
                tracing::debug!(user = %who, "answer lost, items returned to the inbox");
            }
            lobby.settle(who, lease, delivered);
        })
    }
}

fn exceeds(text: &str, limit: usize) -> bool {
    text.len() > limit && text.chars().count() > limit
}
