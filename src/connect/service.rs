//! [`ConnectService`]: the use cases of the `connect` toolset.
//!
//! A message is checked, parsed and executed, and its result becomes the text of an answer.
//! Parsing, masking and wording happen here, above the lobby, so that they are written once for all
//! backends. Matching and delivery rules belong in the lobby; transports belong above the service.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde_json::Value;

use super::dto::{
    HandleError, HandleMessageParams, MAX_ID_CHARS, NotRelayed, PushContent, PushInput, PushReply,
    RelayedMessage, Reply, Stats,
};
use super::interpret::{Request, interpret};
use super::lobby::action::{Action, Call, LobbyStats, Outcome};
use super::lobby::inbox::Lease;
use super::lobby::{Deduplicator, Directory, LobbyBackend, Mailbox, lease_receipt};
use super::moderated::ModeratedLobby;
use super::moderated::action::{ModeratedOutcome, ModeratedResult};
use super::profile::language::Language;
use super::profile::nickname::Nickname;
use super::relay::{Relay, RelayOutcome};
use super::reply;
use super::reply::compose::{MAX_MESSAGE_CHARS, compose_reply};
use super::reply::local::LocalReply;
use super::reply::messages;
use crate::guard::Guard;
use crate::kernel::admission::Subject;
use crate::kernel::clock::{Clock, Timestamp};
use crate::kernel::id::{IdHasher, Realm, UserId};
use crate::kernel::receipt::Receipt;
use crate::kernel::store::StoreError;

/// Possible difference between the time of a message and the lobby's clock when it was written.
/// Messengers send whole seconds, and clocks differ by less than a second.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(2);

/// Observes calls together with the raw id of their user.
///
/// A bridge needs the raw id to post events to the user. No layer below the transports stores it.
pub trait CallerObserver: Send + Sync {
    /// Runs after each successful call of `handle_message`.
    fn on_call(&self, user: UserId, raw_id: &str);
}

/// The operator's settings for this toolset.
#[derive(Clone, Copy, Debug, Default)]
pub struct ConnectOptions {
    /// Whether to use the `user_nickname` that a caller passes. Off by default, because it may be a
    /// real name.
    pub use_caller_nicknames: bool,
    /// Policies for links and profanity in relayed texts.
    pub guard: Guard,
    /// Age of a pushed message above which it has no effect; `None` if age does not matter.
    pub max_push_age: Option<Duration>,
}

/// The use cases of the toolset.
pub struct ConnectService {
    lobby: Arc<ModeratedLobby>,
    mailbox: Arc<dyn Mailbox>,
    directory: Arc<dyn Directory>,
    deduplicator: Arc<dyn Deduplicator>,
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
        lobby: Arc<ModeratedLobby>,
        backend: LobbyBackend,
        clock: Arc<dyn Clock>,
        ids: IdHasher,
        options: ConnectOptions,
    ) -> Self {
        let LobbyBackend { mailbox, directory, deduplicator, .. } = backend;
        Self {
            relay: Relay::new(Arc::clone(&lobby), ids.clone(), options.guard),
            lobby,
            mailbox,
            directory,
            deduplicator,
            started_at: clock.now(),
            clock,
            ids,
            options,
            caller_observer: OnceLock::new(),
        }
    }

    /// Sends the texts of all toolsets to partners.
    #[must_use]
    pub const fn relay(&self) -> &Relay {
        &self.relay
    }

    /// Sets the observer of calls; only the first call has an effect.
    ///
    /// It is not an argument of [`ConnectService::new`], because an observer may need the service.
    pub fn set_caller_observer(&self, observer: Arc<dyn CallerObserver>) {
        self.caller_observer.get_or_init(|| observer);
    }

    /// Executes a message of `subject`. The answer contains the inbox and the reply to the message.
    ///
    /// # Errors
    /// Returns [`HandleError`] if the arguments are invalid or the lobby's store is unavailable.
    pub async fn handle(
        &self,
        subject: Subject,
        params: HandleMessageParams,
    ) -> Result<Reply, HandleError> {
        let call = self.parse_call(subject, &params)?;
        let user = call.user;
        let (result, reply) = self.execute(call, &params.message).await?;
        // A bridge knows the users that its connector names.
        if let (Subject::Known(_), Some(observer)) = (subject, self.caller_observer.get()) {
            observer.on_call(user, params.puch_user_id.trim());
        }
        Ok(self.build_reply(user, result.lease, &reply).await)
    }

    /// Executes a message of a user with a push channel, which delivers the inbox separately.
    ///
    /// A text that was relayed unchanged needs no reply, because the user sees it in their
    /// messenger.
    pub async fn handle_push(&self, input: PushInput<'_>) -> PushReply {
        let PushInput { user, message_id, name, sent_at, network, content } = input;
        let reply_only = |text| PushReply { reply: Some(text), relayed: None, is_late: false };
        let now = self.clock.now();
        let age = sent_at.map(|at| now.since(at));
        if age.zip(self.options.max_push_age).is_some_and(|(age, max)| age > max) {
            let reply = messages::text(self.language_of(user).await, "arrived-late");
            return PushReply { is_late: true, ..reply_only(reply) };
        }
        let text = match content {
            PushContent::Text(text) => text,
            PushContent::NotRelayed(kind) => {
                let id = not_relayed_message(kind);
                return reply_only(messages::text(self.language_of(user).await, id));
            }
        };
        if exceeds(text, MAX_MESSAGE_CHARS) {
            let language = self.language_of(user).await;
            return reply_only(reply::too_long(language, "refused-length", MAX_MESSAGE_CHARS));
        }
        let call = Call {
            idempotency_key: Some(self.ids.idempotency_key(user, message_id, text)),
            caller_nickname: self.caller_nickname(name),
            // A time in the future proves nothing.
            written_by: sent_at.map(|at| at + CLOCK_TOLERANCE).filter(|at| *at < now),
            include_inbox: false,
            network,
            ..Call::new(user, now)
        };
        match self.execute(call, text).await {
            Ok((
                ModeratedResult {
                    outcome: ModeratedOutcome::Lobby(Outcome::Sent { to, seq, text, .. }),
                    lease,
                },
                _,
            )) => {
                let language = lease.language.unwrap_or_default();
                let masked_count = text.hidden();
                let reply = (masked_count > 0).then(|| messages::text(language, "number-hidden"));
                let relayed = Some(RelayedMessage { to, seq, masked_count });
                PushReply { reply, relayed, is_late: false }
            }
            Ok((result, reply)) if result.outcome == Outcome::WrittenBefore.into() => {
                PushReply { is_late: true, ..reply_only(reply) }
            }
            Ok((result, reply)) if reply.is_empty() => {
                let language = result.lease.language.unwrap_or_default();
                reply_only(messages::text(language, "nothing-waits"))
            }
            Ok((_, reply)) => reply_only(reply),
            Err(HandleError::Unavailable(_)) => {
                reply_only(messages::text(Language::default(), "refused-store"))
            }
            Err(_) => reply_only(messages::text(self.language_of(user).await, "refused-call")),
        }
    }

    async fn language_of(&self, user: UserId) -> Language {
        let sender = self.lobby.sender_state(user).await;
        sender.ok().and_then(|sender| sender.language).unwrap_or_default()
    }

    /// Returns `true` on the first call for a message within seven days, on any instance.
    ///
    /// Also returns `true` while the store is unavailable, because the reply then reports the
    /// outage.
    pub async fn claim_delivery(&self, user: UserId, message_id: &str) -> bool {
        let key = self.ids.idempotency_key(user, message_id, "");
        self.deduplicator.claim_delivery(key, self.clock.now()).await.unwrap_or(true)
    }

    /// Executes a message, which is a command or text for the partner. Returns the result and the
    /// text of the reply.
    async fn execute(
        &self,
        call: Call,
        message: &str,
    ) -> Result<(ModeratedResult, String), HandleError> {
        let (action, local_reply, ignored_text) = match interpret(message, call.now) {
            Request::Relay(text) => return self.relay_text(call, text).await,
            Request::Perform { action, ignored_text } => (action, None, ignored_text),
            Request::Reply(local_reply) => (Action::ReadInbox.into(), Some(local_reply), false),
        };
        let result = self.lobby.perform(call, action).await?;
        let language = result.lease.language.unwrap_or_default();
        let mut reply = match local_reply.filter(|_| !is_rate_limited(&result)) {
            Some(local_reply) => local_reply.text(language),
            None => reply::moderated_outcome(language, &result.outcome),
        };
        if ignored_text {
            reply = reply::with_ignored_text(language, &reply);
        }
        Ok((result, reply))
    }

    /// Returns the subject of a call with this `puch_user_id`.
    #[must_use]
    pub fn subject(&self, raw_id: &str) -> Subject {
        match raw_id.trim() {
            "" => Subject::Anonymous,
            // The call is refused, so that its id needs no hash.
            id if exceeds(id, MAX_ID_CHARS) => Subject::Anonymous,
            id => Subject::Known(self.ids.user_id(Realm::Puch, id)),
        }
    }

    /// Returns the statistics of the server.
    ///
    /// # Errors
    /// Returns [`StoreError`] if the lobby's store is unavailable.
    pub async fn stats(&self) -> Result<Stats, StoreError> {
        let lobby = self.lobby_stats().await?;
        Ok(Stats {
            status: "ok",
            version: env!("CARGO_PKG_VERSION"),
            uptime_seconds: self.uptime().as_secs(),
            active_users: lobby.people,
            waiting_users: lobby.waiting,
            active_pairs: lobby.pairs,
            messages_relayed: lobby.relayed,
            longest_wait_seconds: lobby.longest_wait_secs,
        })
    }

    /// Returns the time since the start of the server.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        self.clock.now().since(self.started_at)
    }

    /// Returns the statistics of the lobby, for monitoring.
    ///
    /// # Errors
    /// Returns [`StoreError`] if the lobby's store is unavailable.
    pub async fn lobby_stats(&self) -> Result<LobbyStats, StoreError> {
        self.directory.stats(self.clock.now()).await
    }

    /// Checks the arguments. The layers below never see the raw ids.
    fn parse_call(
        &self,
        subject: Subject,
        params: &HandleMessageParams,
    ) -> Result<Call, HandleError> {
        let Some(user) = subject.user() else {
            let is_empty = params.puch_user_id.trim().is_empty();
            let too_long = HandleError::IdTooLong("puch_user_id");
            return Err(if is_empty { HandleError::EmptyUserId } else { too_long });
        };
        // A message id is a string or a number; other JSON values are ignored.
        let message_id = match &params.message_id {
            Some(Value::String(id)) if !id.is_empty() => Some(id.clone()),
            Some(Value::Number(id)) => Some(id.to_string()),
            _ => None,
        };
        if message_id.as_ref().is_some_and(|id| exceeds(id, MAX_ID_CHARS)) {
            return Err(HandleError::IdTooLong("message_id"));
        }
        if exceeds(&params.message, MAX_MESSAGE_CHARS) {
            return Err(HandleError::MessageTooLong);
        }
        let name = params.user_nickname.as_ref().and_then(Value::as_str);
        Ok(Call {
            idempotency_key: message_id
                .map(|id| self.ids.idempotency_key(user, &id, &params.message)),
            caller_nickname: self.caller_nickname(name),
            ..Call::new(user, self.clock.now())
        })
    }

    async fn relay_text(
        &self,
        call: Call,
        text: &str,
    ) -> Result<(ModeratedResult, String), HandleError> {
        let local_reply = match self.relay.send(&call, text).await? {
            RelayOutcome::Performed(result) => {
                let language = result.lease.language.unwrap_or_default();
                let reply = reply::moderated_outcome(language, &result.outcome);
                return Ok((result, reply));
            }
            RelayOutcome::Empty => LocalReply::NoText,
            RelayOutcome::Rejected(reason) => LocalReply::ContentRejected(reason),
        };
        let result = self.lobby.perform(call, Action::ReadInbox).await?;
        let language = result.lease.language.unwrap_or_default();
        let reply = if is_rate_limited(&result) {
            reply::moderated_outcome(language, &result.outcome)
        } else {
            local_reply.text(language)
        };
        Ok((result, reply))
    }

    /// Parses the name that a caller passes. `None` if such names are disabled or it is invalid.
    fn caller_nickname(&self, name: Option<&str>) -> Option<Nickname> {
        let name = name.filter(|_| self.options.use_caller_nicknames)?;
        Nickname::parse(name).ok()
    }

    /// Composes the answer. It never fails, because the action has already been performed.
    async fn build_reply(&self, user: UserId, lease: Lease, reply: &str) -> Reply {
        let receipt = lease_receipt(&self.mailbox, user, &lease);
        let language = lease.language.unwrap_or_default();
        let composed = compose_reply(language, &lease.items, reply);
        tracing::debug!(%user, items = composed.items_shown, "answered");
        let is_partial = composed.items_shown < lease.items.len();
        if is_partial && self.mailbox.put_back(user, &lease, composed.items_shown).await.is_err() {
            // Dropping the receipt returns all items to the inbox, so the answer shows none of
            // them.
            let text = compose_reply(language, &[], reply).text;
            return Reply { text, receipt: Receipt::none() };
        }
        Reply { text: composed.text, receipt }
    }
}

/// Returns the id of the reply to content that is not relayed.
const fn not_relayed_message(kind: NotRelayed) -> &'static str {
    match kind {
        NotRelayed::Media => "only-text",
        NotRelayed::Edit => "edit-not-sent",
        NotRelayed::Deletion => "deletion-not-sent",
        NotRelayed::Reaction => "reaction-not-sent",
    }
}

const fn is_rate_limited(result: &ModeratedResult) -> bool {
    matches!(result.outcome, ModeratedOutcome::RateLimited(_))
}

/// Returns `true` if a text has more than `limit` characters. Counts them only if its byte length
/// exceeds the limit.
fn exceeds(text: &str, limit: usize) -> bool {
    text.len() > limit && text.chars().count() > limit
}
