//! The use cases of pen pals: arguments are checked, the lobby is asked, and shapes come out.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rand::rngs::StdRng;
use thiserror::Error;
use tokio::time::timeout;

use super::event::{Event, Partner};
use super::output::{
    DeliveryMode, HistoryEntry, HistoryResult, MatchStatus, QueueStatus, RejoinResult, SayDelivery,
    SayResult, SendResult, WaitResult,
};
use crate::connect::delivery::courier::Couriers;
use crate::connect::dto::{MAX_ID_CHARS, MAX_REASON_CHARS, PushInput, PushReply};
use crate::connect::lobby::action::{
    Action, ActionResult, Call, Outcome, QueuePosition, UserStatus,
};
use crate::connect::lobby::chat::{Chat, MAX_HISTORY, MatchPreferences};
use crate::connect::lobby::inbox::{Item, Lease};
use crate::connect::lobby::{Lobby, LobbyError};
use crate::connect::profile::interest::Interests;
use crate::connect::profile::language::Language;
use crate::connect::profile::nickname::{Nickname, NicknameError};
use crate::connect::relay::{Relay, RelayOutcome};
use crate::connect::reply;
use crate::connect::reply::compose::MAX_MESSAGE_CHARS;
use crate::connect::service::ConnectService;
use crate::guard;
use crate::kernel::clock::Clock;
use crate::kernel::id::{IdHasher, Realm, RoomId, UserId, random_hex};
use crate::kernel::receipt::Receipt;

/// The longest that a caller may wait for news, in seconds.
pub const MAX_WAIT_SECS: u64 = 60;

/// Why a call was not carried out. Nothing changed.
#[derive(Debug, Error)]
pub enum PenPalError {
    #[error("The user_id is empty: pass the one that enter_queue returned.")]
    EmptyUserId,
    #[error("The user_id is longer than {MAX_ID_CHARS} characters.")]
    UserIdTooLong,
    #[error("The message_id is longer than {MAX_ID_CHARS} characters.")]
    MessageIdTooLong,
    #[error("The display_name can't be used: {0}.")]
    InvalidDisplayName(NicknameError),
    #[error("The room_id is not one of yours: pass the room_id returned with your partner.")]
    UnknownRoom,
    #[error("The chat in this room has ended. Call enter_queue to meet someone else.")]
    ChatEnded,
    #[error("You are not in a chat. Call enter_queue to meet someone.")]
    NotChatting,
    #[error("The message is empty.")]
    EmptyMessage,
    #[error("The message must be at most {MAX_MESSAGE_CHARS} characters. Please split it.")]
    MessageTooLong,
    #[error("The message was not sent: {0}")]
    ContentRejected(guard::ContentRejected),
    #[error("The message was not sent: your partner has too many unread messages.")]
    InboxFull,
    #[error("{0}")]
    NotPermitted(String),
    #[error("The reason is empty: pass spam, abuse, minor, scam, other, or a few words.")]
    EmptyReason,
    #[error("The reason is longer than {MAX_REASON_CHARS} characters.")]
    ReasonTooLong,
    #[error(
        "There is no one to block or report: you haven't chatted with anyone in the last 20 minutes."
    )]
    NoTarget,
    #[error("The timeout_seconds must be between 0 and {MAX_WAIT_SECS}.")]
    InvalidTimeout,
    #[error("No history for this chat: both sides must pass keep_history to enter_queue.")]
    NoHistory,
    #[error("Random Connect can't be reached right now. Please try again shortly.")]
    Unavailable(#[from] LobbyError),
}

/// What the toolset can do, over whichever lobby it is given.
pub struct PenPalService {
    lobby: Arc<dyn Lobby>,
    connect: Arc<ConnectService>,
    relay: Relay,
    couriers: Arc<Couriers>,
    clock: Arc<dyn Clock>,
    ids: IdHasher,
    rng: Mutex<StdRng>,
}

impl PenPalService {
    #[must_use]
    pub fn new(
        lobby: Arc<dyn Lobby>,
        connect: Arc<ConnectService>,
        relay: Relay,
        couriers: Arc<Couriers>,
        clock: Arc<dyn Clock>,
        ids: IdHasher,
        rng: StdRng,
    ) -> Self {
        Self { lobby, connect, relay, couriers, clock, ids, rng: Mutex::new(rng) }
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
    pub const fn lobby(&self) -> &Arc<dyn Lobby> {
        &self.lobby
    }

    /// The person whom a caller means.
    ///
    /// # Errors
    /// When the id can't be one.
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

    /// An id that nobody can guess.
    #[must_use]
    pub fn new_user_id(&self) -> String {
        format!("pal-{}", random_hex(&mut *self.rng.lock()))
    }

    /// Looks for a partner; somebody who has one learns who it is.
    ///
    /// # Errors
    /// A [`Refusal`], with nothing changed.
    pub async fn enter_queue(
        &self,
        user_id: String,
        display_name: Option<&str>,
        interests: &[String],
        keep_history: bool,
    ) -> Result<QueueStatus, PenPalError> {
        let who = self.user_id(&user_id)?;
        let name = display_name
            .map(Nickname::parse)
            .transpose()
            .map_err(PenPalError::InvalidDisplayName)?;
        let interests = Interests::from_entries(interests.iter().map(String::as_str));
        let call = Call { caller_nickname: name, include_inbox: false, ..self.call(who) };
        let search = MatchPreferences { interests, keep_history };
        let performed = self.lobby.perform(call, Action::Meet(search)).await?;
        let standing = match performed.outcome {
            Outcome::Connected { chat, .. } | Outcome::AlreadyChatting(chat) => {
                UserStatus::Chatting(chat)
            }
            Outcome::Waiting { place, .. } => UserStatus::Waiting(place),
            held => return Err(not_chatting(&held)),
        };
        Ok(self.queue_status(user_id, standing))
    }

    /// Tells how somebody stands, and what they missed. News that were on their way over another
    /// connection are among that: it counts as lost.
    ///
    /// # Errors
    /// A [`Refusal`], with nothing changed.
    pub async fn rejoin(&self, user_id: String) -> Result<(RejoinResult, Receipt), PenPalError> {
        let who = self.user_id(&user_id)?;
        self.couriers.release(who);
        let ActionResult { outcome, lease } =
            self.lobby.perform(self.call(who), Action::GetStatus).await?;
        let standing = match outcome {
            Outcome::Status(standing) => standing,
            _ => UserStatus::Idle,
        };
        let missed = self.events(lease.language.unwrap_or_default(), &lease.items);
        let standing = self.queue_status(user_id, standing);
        Ok((RejoinResult { queue_status: standing, missed }, self.receipt(who, &lease)))
    }

    /// Sends a message to the partner.
    ///
    /// # Errors
    /// A [`Refusal`], with nothing changed.
    pub async fn send_message(
        &self,
        user_id: &str,
        room_id: &str,
        message: &str,
    ) -> Result<SendResult, PenPalError> {
        if message.chars().count() > MAX_MESSAGE_CHARS {
            return Err(PenPalError::MessageTooLong);
        }
        let call = self.room_call(user_id, room_id)?;
        let outcome = match self.relay.send(&call, message).await? {
            RelayOutcome::Performed(performed) => performed.outcome,
            RelayOutcome::Empty => return Err(PenPalError::EmptyMessage),
            RelayOutcome::Rejected(reason) => return Err(PenPalError::ContentRejected(reason)),
        };
        match outcome {
            Outcome::Sent { to, seq: number, .. } => Ok(self.send_result(to, number)),
            Outcome::PartnerInboxFull => Err(PenPalError::InboxFull),
            other => Err(not_chatting(&other)),
        }
    }

    /// Waits for news, at most for `seconds`. Without a room it waits for a partner as well.
    ///
    /// # Errors
    /// A [`Refusal`], with nothing changed.
    pub async fn wait_for_message(
        &self,
        user_id: &str,
        room_id: Option<&str>,
        seconds: f64,
    ) -> Result<(WaitResult, Receipt), PenPalError> {
        let patience =
            Duration::try_from_secs_f64(seconds).map_err(|_| PenPalError::InvalidTimeout)?;
        if patience > Duration::from_secs(MAX_WAIT_SECS) {
            return Err(PenPalError::InvalidTimeout);
        }
        let call = match room_id {
            Some(room_id) => Call { include_inbox: true, ..self.room_call(user_id, room_id)? },
            None => self.call(self.user_id(user_id)?),
        };
        let who = call.user;
        // Listens before it looks, so that nothing falls in between.
        let mut listener = self.lobby.listen(who);
        let ActionResult { outcome, mut lease } =
            self.lobby.perform(call, Action::GetStatus).await?;
        if let (Outcome::NotInRoom { .. }, true) = (&outcome, lease.items.is_empty()) {
            return Err(not_chatting(&outcome));
        }
        let news = async {
            while lease.items.is_empty() {
                listener.recv().await;
                lease = self.lobby.collect(who, self.clock.now()).await?;
            }
            Ok::<_, LobbyError>(())
        };
        // When the time is over, nothing is the answer.
        timeout(patience, news).await.unwrap_or(Ok(()))?;
        let events = self.events(lease.language.unwrap_or_default(), &lease.items);
        Ok((WaitResult { events }, self.receipt(who, &lease)))
    }

    /// Leaves a chat.
    ///
    /// # Errors
    /// A [`Refusal`], with nothing changed.
    pub async fn leave_chat(&self, user_id: &str, room_id: &str) -> Result<(), PenPalError> {
        let call = self.room_call(user_id, room_id)?;
        match self.lobby.perform(call, Action::Leave).await?.outcome {
            Outcome::ChatEnded => Ok(()),
            other => Err(not_chatting(&other)),
        }
    }

    /// Lets the partner know whether something is being typed.
    ///
    /// # Errors
    /// A [`Refusal`], with nothing changed.
    pub async fn set_typing(
        &self,
        user_id: &str,
        room_id: &str,
        typing: bool,
    ) -> Result<(), PenPalError> {
        let call = self.room_call(user_id, room_id)?;
        match self.lobby.perform(call, Action::SetTyping(typing)).await?.outcome {
            Outcome::TypingSet => Ok(()),
            other => Err(not_chatting(&other)),
        }
    }

    /// The last messages of a chat that both wanted kept.
    ///
    /// # Errors
    /// A [`Refusal`], with nothing changed.
    pub async fn get_history(
        &self,
        user_id: &str,
        room_id: &str,
        limit: usize,
    ) -> Result<HistoryResult, PenPalError> {
        let call = self.room_call(user_id, room_id)?;
        let who = call.user;
        let action = Action::ReadHistory(limit.min(MAX_HISTORY));
        match self.lobby.perform(call, action).await?.outcome {
            Outcome::History(Some(kept)) => {
                let remembered = kept.into_iter().map(|kept| HistoryEntry {
                    message_id: self.ids.item_id(kept.seq),
                    own: kept.sender == who,
                    message: kept.text.as_str().to_owned(),
                    timestamp: kept.at.as_millis(),
                });
                Ok(HistoryResult { messages: remembered.collect() })
            }
            Outcome::History(None) => Err(PenPalError::NoHistory),
            other => Err(not_chatting(&other)),
        }
    }

    /// Carries out what a person typed, a command or text for the partner, and tells how they stand
    /// now. A message that comes again within ten minutes under the same id is not carried out again.
    ///
    /// # Errors
    /// A [`Refusal`]; after [`Refusal::Unavailable`] the same message may be said again.
    pub async fn say(
        &self,
        user_id: String,
        message: &str,
        message_id: Option<&str>,
    ) -> Result<SayResult, PenPalError> {
        let who = self.user_id(&user_id)?;
        let message_id = match message_id.filter(|id| !id.is_empty()) {
            Some(id) if id.chars().count() > MAX_ID_CHARS => {
                return Err(PenPalError::MessageIdTooLong);
            }
            Some(id) => id.to_owned(),
            None => random_hex(&mut *self.rng.lock()),
        };
        let spoken = PushInput { user: who, message_id: &message_id, name: None, text: message };
        let PushReply { reply: told, relayed: passed } = self.connect.handle_push(spoken).await;
        let sent = passed.map(|passed| SayDelivery {
            sent: self.send_result(passed.to, passed.seq),
            hidden: passed.masked_count,
        });
        let look = Call { include_inbox: false, ..self.call(who) };
        let standing = match self.lobby.perform(look, Action::GetStatus).await?.outcome {
            Outcome::Status(standing) => standing,
            _ => UserStatus::Idle,
        };
        Ok(SayResult { told, sent, queue_status: self.queue_status(user_id, standing) })
    }

    /// Items as an agent sees them.
    #[must_use]
    pub fn events(&self, language: Language, items: &[Item]) -> Vec<Event> {
        items.iter().map(|item| Event::from_item(item, language, &self.ids)).collect()
    }

    pub(super) fn call(&self, who: UserId) -> Call {
        Call::new(who, self.clock.now())
    }

    /// A call that means a room and shows nothing of the inbox.
    pub(super) fn room_call(&self, user_id: &str, room_id: &str) -> Result<Call, PenPalError> {
        let who = self.user_id(user_id)?;
        let room = Some(RoomId::from_hex(room_id).ok_or(PenPalError::UnknownRoom)?);
        Ok(Call { room, include_inbox: false, ..self.call(who) })
    }

    fn send_result(&self, to: UserId, number: u64) -> SendResult {
        let pushed = self.couriers.is_reachable(to);
        let delivered = if pushed { DeliveryMode::Pushed } else { DeliveryMode::Queued };
        SendResult { delivered, message_id: self.ids.item_id(number) }
    }

    fn queue_status(&self, user_id: String, standing: UserStatus) -> QueueStatus {
        let (status, place, chat): (_, Option<QueuePosition>, Option<Chat>) = match standing {
            UserStatus::Idle => (MatchStatus::Idle, None, None),
            UserStatus::Waiting(place) => (MatchStatus::Waiting, Some(place), None),
            UserStatus::Chatting(chat) => (MatchStatus::Matched, None, Some(chat)),
        };
        let common = chat.iter().flat_map(|chat| chat.common_interests.iter());
        QueueStatus {
            user_id,
            status,
            position: place.map(|place| place.position),
            estimated_wait_seconds: place
                .and_then(|place| place.estimated_wait)
                .map(|e| e.as_secs()),
            room_id: chat.as_ref().map(|chat| chat.room.to_hex()),
            common_interests: common.map(ToString::to_string).collect(),
            partner: chat.as_ref().map(|chat| Partner::of(chat, &self.ids)),
        }
    }

    fn receipt(&self, who: UserId, lease: &Lease) -> Receipt {
        let Some(id) = lease.id else { return Receipt::none() };
        let lobby = Arc::clone(&self.lobby);
        Receipt::new(move |delivered| lobby.settle(who, id, delivered))
    }
}

/// What to say where a chat was needed.
pub(super) fn not_chatting(outcome: &Outcome) -> PenPalError {
    match outcome {
        Outcome::NotInRoom { ended: true } => PenPalError::ChatEnded,
        Outcome::NotInRoom { ended: false } => PenPalError::UnknownRoom,
        Outcome::Suspended { .. } | Outcome::RateLimited(_) | Outcome::MustAgree => {
            PenPalError::NotPermitted(reply::outcome(Language::English, outcome))
        }
        _ => PenPalError::NotChatting,
    }
}
