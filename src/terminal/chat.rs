//! [`ChatSession`]: one side of a chat as a pure state machine. Typed lines, replies and events go in; lines to
//! show and calls to send come out. It neither reads nor sends.
//!
//! **Invariant:** typed lines are sent in order, one at a time, each under one id for all attempts; an event that
//! arrives twice is shown once.

use std::collections::VecDeque;

use super::wire::{
    WireDeliveryMode, WireEndReason, WireEvent, WireQueueStatus, WireRejoinResult, WireSayResult,
    WireStatus,
};

/// Maximum length of a message at the server, in characters.
const MAX_INPUT_CHARS: usize = 4_096;
/// Number of recent event ids stored to detect repeats.
const MAX_SHOWN_IDS: usize = 512;

/// A line to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputLine {
    /// A message of the partner.
    Partner { name: String, text: String },
    /// A text of the server.
    Server(String),
    /// A text of this client.
    Local(String),
    /// An error.
    Error(String),
}

impl OutputLine {
    fn server(text: impl Into<String>) -> Self {
        Self::Server(text.into())
    }

    /// Creates a line of this client.
    pub fn local(text: impl Into<String>) -> Self {
        Self::Local(text.into())
    }
}

/// A typed line without an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingInput {
    pub text: String,
    /// The same for each attempt, so that the server executes it once.
    pub message_id: String,
}

/// One side of a chat.
#[derive(Default)]
pub struct ChatSession {
    status: WireQueueStatus,
    outgoing: VecDeque<PendingInput>,
    /// Ids of events that were shown.
    shown_ids: VecDeque<String>,
    /// Events of a room that the pending reply has yet to introduce.
    deferred_events: Vec<WireEvent>,
}

impl ChatSession {
    /// Returns `true` if the user is in a chat or in the queue.
    #[must_use]
    pub fn can_leave(&self) -> bool {
        self.status.status != WireStatus::Idle
    }

    /// Returns the line to send next; the same one until it is answered.
    #[must_use]
    pub fn next(&self) -> Option<&PendingInput> {
        self.outgoing.front()
    }

    /// Returns the number of lines without an answer.
    #[must_use]
    pub fn pending_count(&self) -> usize {
        self.outgoing.len()
    }

    /// Handles a typed line. Returns a line to show if it can't be sent.
    pub fn on_input(&mut self, text: &str, message_id: String) -> Option<OutputLine> {
        let text = text.trim();
        if text.chars().count() > MAX_INPUT_CHARS {
            let long = format!("Not sent: longer than {MAX_INPUT_CHARS} characters.");
            return Some(OutputLine::Error(long));
        }
        if !text.is_empty() {
            self.outgoing.push_back(PendingInput { text: text.to_owned(), message_id });
        }
        None
    }

    /// Drops the lines without an answer.
    pub fn drop_pending(&mut self) {
        self.outgoing.clear();
    }

    /// Handles the reply to the line sent last.
    pub fn on_reply(
        &mut self,
        WireSayResult { told: text, sent, queue_status }: WireSayResult,
    ) -> Vec<OutputLine> {
        self.outgoing.pop_front();
        self.status = queue_status;
        let mut lines = Vec::new();
        match (sent, text) {
            (Some(sent), _) => {
                if sent.hidden > 0 {
                    lines.push(OutputLine::local(
                        "🔒 Your partner sees [hidden] in place of the number.",
                    ));
                }
                if sent.delivered == WireDeliveryMode::Queued {
                    lines.push(OutputLine::local("✓ Queued until your partner is back."));
                }
            }
            (None, Some(text)) => lines.push(OutputLine::Server(text)),
            (None, None) => {}
        }
        let deferred = std::mem::take(&mut self.deferred_events);
        lines.extend(deferred.into_iter().flat_map(|event| self.show(event)));
        lines
    }

    /// Handles the rejection of the line sent last.
    pub fn on_error(&mut self, reason: String) -> Vec<OutputLine> {
        self.outgoing.pop_front();
        let deferred = std::mem::take(&mut self.deferred_events);
        let deferred = deferred.into_iter().flat_map(|event| self.show(event)).collect::<Vec<_>>();
        [OutputLine::Error(reason)].into_iter().chain(deferred).collect()
    }

    /// Handles a new connection, the first one or another.
    pub fn on_rejoin(
        &mut self,
        WireRejoinResult { queue_status, missed }: WireRejoinResult,
    ) -> Vec<OutputLine> {
        let before = std::mem::replace(&mut self.status, queue_status.clone());
        let mut lines: Vec<OutputLine> =
            missed.into_iter().flat_map(|event| self.show(event)).collect();
        // The missed events are older than this status.
        self.status = queue_status;
        if before.status != WireStatus::Idle
            && self.status.status == WireStatus::Idle
            && lines.is_empty()
        {
            let gone = match before.status {
                WireStatus::Waiting => "You are no longer in the queue: type #meet to look again.",
                _ => {
                    "The chat is over (the server no longer has it): type #meet to find someone new."
                }
            };
            lines.push(OutputLine::local(gone));
        }
        lines
    }

    /// Handles an event.
    pub fn on_event(&mut self, event: WireEvent) -> Vec<OutputLine> {
        let elsewhere = event.dedupe_key().is_some_and(|(_, room)| Some(room) != self.room());
        let found = matches!(event, WireEvent::Matched { .. });
        if elsewhere && !found && !self.outgoing.is_empty() {
            self.deferred_events.push(event);
            return Vec::new();
        }
        self.show(event)
    }

    fn room(&self) -> Option<&str> {
        self.status.room_id.as_deref()
    }

    fn show(&mut self, event: WireEvent) -> Vec<OutputLine> {
        if let Some((id, _)) = event.dedupe_key() {
            if self.shown_ids.iter().any(|shown| shown == id) {
                return Vec::new();
            }
            self.shown_ids.push_back(id.to_owned());
            if self.shown_ids.len() > MAX_SHOWN_IDS {
                self.shown_ids.pop_front();
            }
        }
        match event {
            WireEvent::Matched { room_id, partner, common_interests, notice, .. } => {
                let name = &partner.display_name;
                let common = match common_interests.join(", ") {
                    common if common.is_empty() => common,
                    common => format!(" You both like: {common}."),
                };
                let text = format!("🎉 You're now chatting with {name}.{common} Say hello!");
                let (room_id, partner) = (Some(room_id), Some(partner));
                self.status = WireQueueStatus { status: WireStatus::Matched, room_id, partner };
                [text].into_iter().chain(notice).map(OutputLine::Server).collect()
            }
            WireEvent::RoomNotice { text, .. } => vec![OutputLine::Server(text)],
            WireEvent::OperatorNotice { message, .. } => {
                vec![OutputLine::Server(format!("📢 {message}"))]
            }
            WireEvent::Message { room_id, message, .. } => {
                let of_now = self.room() == Some(&room_id);
                let partner = self.status.partner.as_ref().filter(|_| of_now);
                let name = partner.map_or("Your partner", |partner| &partner.display_name);
                vec![OutputLine::Partner { name: name.to_owned(), text: message }]
            }
            WireEvent::Disconnected { room_id, reason, .. } => {
                if self.room() == Some(&room_id) {
                    self.status = WireQueueStatus::default();
                }
                let how = match reason {
                    WireEndReason::Left => "Your partner left the chat.",
                    WireEndReason::Timeout => "Your partner timed out.",
                };
                vec![OutputLine::server(format!("{how} Type #meet to find someone new."))]
            }
            WireEvent::Other => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reply(value: serde_json::Value) -> WireSayResult {
        serde_json::from_value(value).expect("an answer")
    }

    fn matched() -> serde_json::Value {
        json!({ "told": "🎉 Connected!", "sent": null, "status": "matched", "room_id": "r",
            "partner": { "display_name": "User_A" } })
    }

    fn message(id: &str, text: &str) -> WireEvent {
        let (room_id, message_id) = ("r".to_owned(), id.to_owned());
        WireEvent::Message { room_id, message_id, message: text.to_owned() }
    }

    fn theirs(name: &str, text: &str) -> OutputLine {
        OutputLine::Partner { name: name.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn terminal_input_is_sent_in_order_until_acknowledged() {
        let mut session = ChatSession::default();
        assert_eq!(session.on_input("  #meet ", "1".to_owned()), None);
        assert_eq!(session.on_input("hello", "2".to_owned()), None);
        assert_eq!(session.on_input("   ", "3".to_owned()), None);
        assert_eq!(session.next().map(|next| next.text.as_str()), Some("#meet"));
        let again = session.next().cloned();
        assert_eq!(session.next(), again.as_ref(), "the same under the same id");
        assert_eq!(
            session.on_reply(reply(matched())),
            [OutputLine::Server("🎉 Connected!".to_owned())]
        );
        assert!(session.can_leave());
        assert_eq!(session.next().map(|next| next.text.as_str()), Some("hello"));
        assert!(matches!(session.on_error("no".to_owned())[..], [OutputLine::Error(_)]));
        assert_eq!(session.pending_count(), 0);
        let long = "x".repeat(MAX_INPUT_CHARS + 1);
        assert!(matches!(session.on_input(&long, "4".to_owned()), Some(OutputLine::Error(_))));
        assert_eq!(session.pending_count(), 0);
    }

    #[test]
    fn terminal_early_message_waits_for_the_partner_name() {
        let mut session = ChatSession::default();
        session.on_input("#meet", "1".to_owned());
        assert_eq!(session.on_event(message("7", "hi")), []);
        let lines = session.on_reply(reply(matched()));
        assert_eq!(lines, [OutputLine::Server("🎉 Connected!".to_owned()), theirs("User_A", "hi")]);
        assert_eq!(session.on_event(message("7", "hi")), [], "a repeat");
        assert_eq!(session.on_event(message("8", "hi")), [theirs("User_A", "hi")]);
    }

    #[test]
    fn terminal_notices_are_shown_once() {
        let mut session = ChatSession::default();
        let event =
            |method: &str, params| WireEvent::parse(method, Some(params)).expect("an event");
        let found = json!({ "room_id": "r", "message_id": "1", "notice": "be kind",
            "partner": { "display_name": "User_A" } });
        let lines = session.on_event(event("chatroom.found", found));
        assert_eq!(lines.last(), Some(&OutputLine::Server("be kind".to_owned())));
        let asked = json!({ "room_id": "r", "message_id": "2", "text": "🧊 Tea?" });
        let lines = session.on_event(event("room.notice", asked.clone()));
        assert_eq!(lines, [OutputLine::Server("🧊 Tea?".to_owned())]);
        assert_eq!(session.on_event(event("room.notice", asked)), []);
        let notice = json!({ "message_id": "3", "message": "at five", "timestamp": 1 });
        let lines = session.on_event(event("operator.notice", notice));
        assert_eq!(lines, [OutputLine::Server("📢 at five".to_owned())]);
    }

    #[test]
    fn terminal_rejoin_shows_missed_events_and_lost_chats() {
        let mut session = ChatSession::default();
        session.on_input("#meet", "1".to_owned());
        session.on_reply(reply(matched()));
        let queue_status = session.status.clone();
        let lines = session
            .on_rejoin(WireRejoinResult { queue_status, missed: vec![message("9", "there?")] });
        assert_eq!(lines, [theirs("User_A", "there?")]);
        let lines = session.on_rejoin(WireRejoinResult {
            queue_status: WireQueueStatus::default(),
            missed: Vec::new(),
        });
        assert!(
            matches!(&lines[..], [OutputLine::Local(note)] if note.starts_with("The chat is over"))
        );
        assert!(!session.can_leave());
        let lines = session.on_rejoin(WireRejoinResult {
            queue_status: WireQueueStatus::default(),
            missed: Vec::new(),
        });
        assert_eq!(lines, [], "it is shown once");
    }

    #[test]
    fn terminal_reports_hidden_numbers_and_queued_messages() {
        let answer = |delivered: &str, hidden: u32| {
            let mut answer = matched();
            answer["told"] = json!(null);
            answer["sent"] = json!({ "delivered": delivered, "hidden": hidden });
            reply(answer)
        };
        let mut session = ChatSession::default();
        assert_eq!(session.on_reply(answer("pushed", 0)), []);
        assert_eq!(session.on_reply(answer("queued", 2)).len(), 2);
    }

    #[test]
    fn terminal_partner_leaving_ends_the_chat() {
        let mut session = ChatSession::default();
        session.on_reply(reply(matched()));
        let left = |room: &str| WireEvent::Disconnected {
            room_id: room.to_owned(),
            message_id: room.to_owned(),
            reason: WireEndReason::Left,
        };
        session.on_event(left("of before"));
        assert!(session.can_leave());
        session.on_event(left("r"));
        assert!(!session.can_leave());
    }
}
