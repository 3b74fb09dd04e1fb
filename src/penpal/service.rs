//! [`PenPalService`]: the use cases of the `penpal` toolset.
//!
//! Each checks its arguments, calls the lobby and converts the outcome. Blocking is in
//! `blocking.rs`, waiting in `waiting.rs`; text for people and commands are the concern of [`connect`](crate::connect).

use std::sync::Arc;

use parking_lot::Mutex;
use rand::rngs::StdRng;
use rmcp::model::CallToolRequestParams;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::args::EnterQueueArgs;
use super::departure::{DepartureLog, SessionDepartures};
use super::error::{PenPalError, not_chatting};
use super::event::{Event, Partner};
use super::output::{
    DeliveryMode, HistoryEntry, HistoryResult, MatchStatus, QueueStatus, RejoinResult, SayDelivery,
    SayResult, SendResult,
};
use super::session_user::SessionUser;
use crate::connect::dto::{MAX_ID_CHARS, PushContent, PushInput, PushReply};
use crate::connect::lobby::action::{Action, Call, Outcome, QueuePosition, UserStatus};
use crate::connect::lobby::chat::{Chat, MAX_HISTORY, MatchPreferences};
use crate::connect::lobby::inbox::Item;
use crate::connect::lobby::{Mailbox, Upkeep, lease_receipt};
use crate::connect::moderated::ModeratedLobby;
use crate::connect::moderated::action::{ModeratedOutcome, ModeratedResult};
use crate::connect::profile::interest::Interests;
use crate::connect::profile::language::Language;
use crate::connect::profile::nickname::Nickname;
use crate::connect::relay::RelayOutcome;
use crate::connect::reply::compose::MAX_MESSAGE_CHARS;
use crate::connect::service::ConnectService;
use crate::delivery::courier::Couriers;
use crate::kernel::clock::{Clock, Timestamp};
use crate::kernel::id::{IdHasher, Realm, RoomId, UserId, random_hex};
use crate::kernel::receipt::Receipt;
use crate::kernel::session::Session;
use crate::kernel::wiped::Wiped;

/// A user and the raw id that answers repeat.
pub struct NamedUser {
    pub id: UserId,
    pub name: String,
}

/// The use cases of the toolset.
pub struct PenPalService {
    lobby: Arc<ModeratedLobby>,
    mailbox: Arc<dyn Mailbox>,
    connect: Arc<ConnectService>,
    couriers: Arc<Couriers>,
    clock: Arc<dyn Clock>,
    ids: IdHasher,
    rng: Mutex<StdRng>,
    /// Ends waits when it is cancelled.
    shutdown: CancellationToken,
    /// `None` if the end of a session has no effect on its users.
    departures: Option<DepartureLog>,
}

impl PenPalService {
    #[must_use]
    pub fn new(
        lobby: Arc<ModeratedLobby>,
        mailbox: Arc<dyn Mailbox>,
        connect: Arc<ConnectService>,
        couriers: Arc<Couriers>,
        clock: Arc<dyn Clock>,
        ids: IdHasher,
        rng: StdRng,
    ) -> Self {
        let (rng, shutdown) = (Mutex::new(rng), CancellationToken::new());
        let departures = None;
        Self { lobby, mailbox, connect, couriers, clock, ids, rng, shutdown, departures }
    }

    /// Records in `upkeep` when the session of a user ends.
    #[must_use]
    pub fn with_departures(self, upkeep: Arc<dyn Upkeep>) -> Self {
        let clock = Arc::clone(&self.clock);
        Self { departures: Some(DepartureLog { upkeep, clock }), ..self }
    }

    /// Records the departure of `user` when `session` ends.
    pub(super) fn watch_departure(&self, session: &Session, user: UserId) {
        if let Some(log) = &self.departures {
            session.state::<SessionDepartures>().watch(user, log);
        }
    }

    /// Records that `user` entered the queue or rejoined in `session`.
    pub(super) fn enter_session(&self, session: &Session, user: UserId) {
        session.state::<SessionUser>().enter(user);
        self.watch_departure(session, user);
    }

    /// Ends waits with the events that they have when `shutdown` is cancelled.
    #[must_use]
    pub fn with_shutdown(self, shutdown: CancellationToken) -> Self {
        Self { shutdown, ..self }
    }

    #[must_use]
    pub const fn couriers(&self) -> &Arc<Couriers> {
        &self.couriers
    }

    #[must_use]
    pub const fn ids(&self) -> &IdHasher {
        &self.ids
    }

    #[must_use]
    pub const fn mailbox(&self) -> &Arc<dyn Mailbox> {
        &self.mailbox
    }

    pub(super) const fn shutdown(&self) -> &CancellationToken {
        &self.shutdown
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) const fn lobby(&self) -> &Arc<ModeratedLobby> {
        &self.lobby
    }

    /// Hashes a raw user id.
    ///
    /// # Errors
    /// Returns [`PenPalError::EmptyUserId`] or [`PenPalError::UserIdTooLong`].
    pub fn user_id(&self, user_id: &str) -> Result<UserId, PenPalError> {
        let id = user_id.trim();
        if id.is_empty() {
            return Err(PenPalError::EmptyUserId);
        }
        if id.chars().count() > MAX_ID_CHARS {
            return Err(PenPalError::UserIdTooLong);
        }
        Ok(self.ids.user_id(Realm::PenPal, id))
    }

    /// Creates an unguessable raw user id.
    #[must_use]
    pub fn new_user_id(&self) -> String {
        format!("pal-{}", random_hex(&mut *self.rng.lock()))
    }

    /// Checks the name and the interests of a search.
    ///
    /// # Errors
    /// Returns [`PenPalError`] if one of them can't be used.
    pub fn check_search(
        display_name: Option<&str>,
        interests: &[Wiped],
    ) -> Result<(Option<Nickname>, Interests), PenPalError> {
        let name = display_name.map(Nickname::parse).transpose();
        let interests = Interests::from_entries(interests.iter().map(|interest| &**interest));
        Ok((
            name.map_err(PenPalError::InvalidDisplayName)?,
            interests.map_err(PenPalError::InvalidInterest)?,
        ))
    }

    /// Searches for a partner, or returns the chat if the user is already matched.
    ///
    /// # Errors
    /// Returns [`PenPalError`] with nothing changed.
    pub async fn enter_queue(
        &self,
        user: NamedUser,
        display_name: Option<&str>,
        interests: &[Wiped],
        keep_history: bool,
    ) -> Result<QueueStatus, PenPalError> {
        let (name, interests) = Self::check_search(display_name, interests)?;
        let call = Call { caller_nickname: name, include_inbox: false, ..self.call(user.id) };
        let preferences = MatchPreferences { interests, keep_history };
        let result = self.lobby.perform(call, Action::Meet(preferences)).await?;
        let status = match result.outcome {
            ModeratedOutcome::Lobby(
                Outcome::Connected { chat, .. } | Outcome::AlreadyChatting(chat),
            ) => UserStatus::Chatting(chat),
            ModeratedOutcome::Lobby(Outcome::Waiting { place, .. }) => UserStatus::Waiting(place),
            outcome => return Err(not_chatting(&outcome)),
        };
        Ok(self.queue_status(user.name, status))
    }

    /// Returns the user's status and the events that the user missed.
    ///
    /// Stops the courier of an earlier connection, which counts as lost. The items leased to it are
    /// among the missed events.
    ///
    /// # Errors
    /// Returns [`PenPalError`] with nothing changed.
    pub async fn rejoin(&self, user: NamedUser) -> Result<(RejoinResult, Receipt), PenPalError> {
        let NamedUser { id: user, name } = user;
        self.couriers.release(user);
        let ModeratedResult { outcome, lease } =
            self.lobby.perform(self.call(user), Action::GetStatus).await?;
        let status = match outcome {
            ModeratedOutcome::Lobby(Outcome::Status(status)) => status,
            ModeratedOutcome::RateLimited(_) => {
                // Returns the items to the inbox.
                drop(lease_receipt(&self.mailbox, user, &lease));
                return Err(not_chatting(&outcome));
            }
            _ => UserStatus::Idle,
        };
        let missed = self.events(lease.language.unwrap_or_default(), &lease.items);
        let queue_status = self.queue_status(name, status);
        Ok((RejoinResult { queue_status, missed }, lease_receipt(&self.mailbox, user, &lease)))
    }

    /// Sends a message to the partner.
    ///
    /// # Errors
    /// Returns [`PenPalError`] with nothing changed.
    pub async fn send_message(
        &self,
        user: UserId,
        room_id: &str,
        message: &str,
    ) -> Result<SendResult, PenPalError> {
        if message.chars().count() > MAX_MESSAGE_CHARS {
            return Err(PenPalError::MessageTooLong);
        }
        let call = self.room_call(user, room_id)?;
        let outcome = match self.connect.relay().send(&call, message).await? {
            RelayOutcome::Performed(result) => result.outcome,
            RelayOutcome::Empty => return Err(PenPalError::EmptyMessage),
            RelayOutcome::Rejected(reason) => return Err(PenPalError::ContentRejected(reason)),
        };
        match outcome {
            ModeratedOutcome::Lobby(Outcome::Sent { to, seq, .. }) => Ok(self.send_result(to, seq)),
            ModeratedOutcome::Lobby(Outcome::PartnerInboxFull) => Err(PenPalError::InboxFull),
            outcome => Err(not_chatting(&outcome)),
        }
    }

    /// Ends the chat in this room.
    ///
    /// # Errors
    /// Returns [`PenPalError`] with nothing changed.
    pub async fn leave_chat(&self, user: UserId, room_id: &str) -> Result<(), PenPalError> {
        let call = self.room_call(user, room_id)?;
        match self.lobby.perform(call, Action::Leave).await?.outcome {
            ModeratedOutcome::Lobby(Outcome::ChatEnded) => Ok(()),
            outcome => Err(not_chatting(&outcome)),
        }
    }

    /// Shows or hides the typing indicator for the partner.
    ///
    /// # Errors
    /// Returns [`PenPalError`] with nothing changed.
    pub async fn set_typing(
        &self,
        user: UserId,
        room_id: &str,
        typing: bool,
    ) -> Result<(), PenPalError> {
        let call = self.room_call(user, room_id)?;
        match self.lobby.perform(call, Action::SetTyping(typing)).await?.outcome {
            ModeratedOutcome::Lobby(Outcome::TypingSet) => Ok(()),
            outcome => Err(not_chatting(&outcome)),
        }
    }

    /// Returns the latest messages of a chat, oldest first, if both users set `keep_history`.
    ///
    /// # Errors
    /// Returns [`PenPalError`] with nothing changed.
    pub async fn get_history(
        &self,
        user: UserId,
        room_id: &str,
        limit: usize,
    ) -> Result<HistoryResult, PenPalError> {
        let call = self.room_call(user, room_id)?;
        let action = Action::ReadHistory(limit.min(MAX_HISTORY));
        match self.lobby.perform(call, action).await?.outcome {
            ModeratedOutcome::Lobby(Outcome::History(Some(messages))) => {
                let entries = messages.into_iter().map(|message| HistoryEntry {
                    message_id: self.ids.item_id(message.seq),
                    own: message.sender == user,
                    message: message.text.as_str().to_owned(),
                    timestamp: message.at.as_millis(),
                    sent_at: message.at.to_iso_8601(),
                });
                Ok(HistoryResult { messages: entries.collect() })
            }
            ModeratedOutcome::Lobby(Outcome::History(None)) => Err(PenPalError::NoHistory),
            outcome => Err(not_chatting(&outcome)),
        }
    }

    /// Executes a message, which is a command or text for the partner, and returns the user's
    /// status. A repeat with the same `message_id` within ten minutes has no further effect.
    ///
    /// # Errors
    /// Returns [`PenPalError`]. After [`PenPalError::Unavailable`] the caller may repeat the
    /// message.
    pub async fn say(
        &self,
        user: NamedUser,
        message: &str,
        message_id: Option<&str>,
        network: Option<UserId>,
    ) -> Result<SayResult, PenPalError> {
        let NamedUser { id: user, name } = user;
        let message_id = match message_id.filter(|id| !id.is_empty()) {
            Some(id) if id.chars().count() > MAX_ID_CHARS => {
                return Err(PenPalError::MessageIdTooLong);
            }
            Some(id) => id.to_owned(),
            None => random_hex(&mut *self.rng.lock()),
        };
        let content = PushContent::Text(message);
        let message_id = message_id.as_str();
        let input = PushInput { user, message_id, name: None, sent_at: None, network, content };
        let PushReply { reply, relayed, .. } = self.connect.handle_push(input).await;
        let sent = relayed.map(|relayed| SayDelivery {
            sent: self.send_result(relayed.to, relayed.seq),
            hidden: relayed.masked_count,
        });
        let call = Call { include_inbox: false, ..self.call(user) };
        let status = match self.lobby.perform_counted(call, Action::GetStatus).await?.outcome {
            ModeratedOutcome::Lobby(Outcome::Status(status)) => status,
            _ => UserStatus::Idle,
        };
        Ok(SayResult { reply, sent, queue_status: self.queue_status(name, status) })
    }

    /// Converts inbox items to events.
    #[must_use]
    pub fn events(&self, language: Language, items: &[Item]) -> Vec<Event> {
        items.iter().map(|item| Event::from_item(item, language, &self.ids)).collect()
    }

    pub(super) fn call(&self, user: UserId) -> Call {
        Call::new(user, self.clock.now())
    }

    /// Creates a call for one room, whose answer omits the inbox.
    pub(super) fn room_call(&self, user: UserId, room_id: &str) -> Result<Call, PenPalError> {
        let room = Some(RoomId::from_hex(room_id).ok_or(PenPalError::UnknownRoom)?);
        Ok(Call { room, include_inbox: false, ..self.call(user) })
    }

    fn send_result(&self, to: UserId, seq: u64) -> SendResult {
        let is_reachable = self.couriers.is_reachable(to);
        let delivered = if is_reachable { DeliveryMode::Pushed } else { DeliveryMode::Queued };
        SendResult { delivered, message_id: self.ids.item_id(seq) }
    }

    fn queue_status(&self, user_id: String, status: UserStatus) -> QueueStatus {
        let (status, queued, chat): (_, Option<QueuePosition>, Option<Chat>) = match status {
            UserStatus::Idle => (MatchStatus::Idle, None, None),
            UserStatus::Waiting(queued) => (MatchStatus::Waiting, Some(queued), None),
            UserStatus::Chatting(chat) => (MatchStatus::Matched, None, Some(chat)),
        };
        let interests = chat.iter().flat_map(|chat| chat.common_interests.iter());
        let estimated_wait = queued.and_then(|queued| queued.estimated_wait);
        QueueStatus {
            user_id,
            status,
            position: queued.map(|queued| queued.position),
            estimated_wait_seconds: estimated_wait.map(|estimate| estimate.as_secs()),
            room_id: chat.as_ref().map(|chat| chat.room.to_hex()),
            common_interests: interests.map(ToString::to_string).collect(),
            partner: chat.as_ref().map(|chat| Partner::of(chat, &self.ids)),
        }
    }
}

/// Returns `true` for a call of `enter_queue` with valid arguments, which creates a user.
#[must_use]
pub fn enters_queue(request: &CallToolRequestParams) -> bool {
    if request.name != "enter_queue" {
        return false;
    }
    let arguments = Value::Object(request.arguments.clone().unwrap_or_default());
    let Ok(args) = serde_json::from_value::<EnterQueueArgs>(arguments) else { return false };
    let name = args.display_name.as_deref().filter(|name| !name.trim().is_empty());
    PenPalService::check_search(name, &args.interests).is_ok()
}
