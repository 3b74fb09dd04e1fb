//! A chat as one side sees it: what was typed, what came, and what is to be shown of it. Pure: it
//! neither reads nor sends.
//!
//! **Invariant:** what was typed is sent in its order, one at a time, under one id however often it is
//! sent; news that come twice are shown once.

use std::collections::VecDeque;

use super::wire::{
    WireDeliveryMode, WireEndReason, WireEvent, WireQueueStatus, WireRejoinResult, WireSayResult,
    WireStatus,
};

/// The longest message the server takes, in characters.
const MAX_INPUT_CHARS: usize = 4_096;
/// How many of the last news are remembered in case they come again.
const MAX_SHOWN_IDS: usize = 512;

/// Something to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputLine {
    /// What the partner wrote.
    Partner { name: String, text: String },
    /// What the server says.
    Server(String),
    /// What the terminal says of itself.
    Local(String),
    /// What went wrong.
    Error(String),
}

impl OutputLine {
    fn server(text: impl Into<String>) -> Self {
        Self::Server(text.into())
    }

    /// Says something of the terminal's own.
    pub fn local(text: impl Into<String>) -> Self {
        Self::Local(text.into())
    }
}

/// What was typed and is not answered yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingInput {
    pub text: String,
    /// The same for each attempt, so that the server carries it out once.
    pub message_id: String,
}

/// One side of a chat.
#[derive(Default)]
pub struct ChatSession {
    status: WireQueueStatus,
    outgoing: VecDeque<PendingInput>,
    /// Ids of news that were shown.
    shown_ids: VecDeque<String>,
    /// News of a room that the answer on its way has yet to tell of.
    deferred_events: Vec<WireEvent>,
}

impl ChatSession {
    /// Whether there is a chat, or a place in the queue, to leave.
    #[must_use]
    pub fn can_leave(&self) -> bool {
        self.status.status != WireStatus::Idle
    }

    /// What is to be sent next, until it is answered.
    #[must_use]
    pub fn next(&self) -> Option<&PendingInput> {
        self.outgoing.front()
    }

    /// How much waits to be sent or answered.
    #[must_use]
    pub fn pending_count(&self) -> usize {
        self.outgoing.len()
    }

    /// Takes in what was typed.
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

    /// Takes back what was not answered.
    pub fn drop_pending(&mut self) {
        self.outgoing.clear();
    }

    /// The server answered what was sent.
    pub fn on_reply(
        &mut self,
        WireSayResult { told, sent, queue_status: standing }: WireSayResult,
    ) -> Vec<OutputLine> {
        self.outgoing.pop_front();
        self.status = standing;
        let mut lines = Vec::new();
        match (sent, told) {
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
            (None, Some(told)) => lines.push(OutputLine::Server(told)),
            (None, None) => {}
        }
        let early = std::mem::take(&mut self.deferred_events);
        lines.extend(early.into_iter().flat_map(|news| self.show(news)));
        lines
    }

    /// The server refused what was sent.
    pub fn on_error(&mut self, reason: String) -> Vec<OutputLine> {
        self.outgoing.pop_front();
        let early = std::mem::take(&mut self.deferred_events);
        let early = early.into_iter().flat_map(|news| self.show(news)).collect::<Vec<_>>();
        [OutputLine::Error(reason)].into_iter().chain(early).collect()
    }

    /// The connection is there, for the first time or again.
    pub fn on_rejoin(
        &mut self,
        WireRejoinResult { queue_status: standing, missed }: WireRejoinResult,
    ) -> Vec<OutputLine> {
        let before = std::mem::replace(&mut self.status, standing.clone());
        let mut lines: Vec<OutputLine> =
            missed.into_iter().flat_map(|news| self.show(news)).collect();
        // What was missed is older than this.
        self.status = standing;
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

    /// The server told something.
    pub fn on_event(&mut self, news: WireEvent) -> Vec<OutputLine> {
        let elsewhere = news.dedupe_key().is_some_and(|(_, room)| Some(room) != self.room());
        let found = matches!(news, WireEvent::Matched { .. });
        if elsewhere && !found && !self.outgoing.is_empty() {
            self.deferred_events.push(news);
            return Vec::new();
        }
        self.show(news)
    }

    fn room(&self) -> Option<&str> {
        self.status.room_id.as_deref()
    }

    fn show(&mut self, news: WireEvent) -> Vec<OutputLine> {
        if let Some((id, _)) = news.dedupe_key() {
            if self.shown_ids.iter().any(|known| known == id) {
                return Vec::new();
            }
            self.shown_ids.push_back(id.to_owned());
            if self.shown_ids.len() > MAX_SHOWN_IDS {
                self.shown_ids.pop_front();
            }
        }
        match news {
            WireEvent::Matched { room_id, partner, common_interests, notice, .. } => {
                let name = &partner.display_name;
                let common = match common_interests.join(", ") {
                    common if common.is_empty() => common,
                    common => format!(" You both like: {common}."),
                };
                let told = format!("🎉 You're now chatting with {name}.{common} Say hello!");
                let (room_id, partner) = (Some(room_id), Some(partner));
                self.status = WireQueueStatus { status: WireStatus::Matched, room_id, partner };
                [told].into_iter().chain(notice).map(OutputLine::Server).collect()
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

    fn said(value: serde_json::Value) -> WireSayResult {
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
        let mut talk = ChatSession::default();
        assert_eq!(talk.on_input("  #meet ", "1".to_owned()), None);
        assert_eq!(talk.on_input("hello", "2".to_owned()), None);
        assert_eq!(talk.on_input("   ", "3".to_owned()), None);
        assert_eq!(talk.next().map(|next| next.text.as_str()), Some("#meet"));
        let again = talk.next().cloned();
        assert_eq!(talk.next(), again.as_ref(), "the same under the same id");
        assert_eq!(
            talk.on_reply(said(matched())),
            [OutputLine::Server("🎉 Connected!".to_owned())]
        );
        assert!(talk.can_leave());
        assert_eq!(talk.next().map(|next| next.text.as_str()), Some("hello"));
        assert!(matches!(talk.on_error("no".to_owned())[..], [OutputLine::Error(_)]));
        assert_eq!(talk.pending_count(), 0);
        let long = "x".repeat(MAX_INPUT_CHARS + 1);
        assert!(matches!(talk.on_input(&long, "4".to_owned()), Some(OutputLine::Error(_))));
        assert_eq!(talk.pending_count(), 0);
    }

    #[test]
    fn terminal_early_message_waits_for_the_partner_name() {
        let mut talk = ChatSession::default();
        talk.on_input("#meet", "1".to_owned());
        assert_eq!(talk.on_event(message("7", "hi")), []);
        let lines = talk.on_reply(said(matched()));
        assert_eq!(lines, [OutputLine::Server("🎉 Connected!".to_owned()), theirs("User_A", "hi")]);
        assert_eq!(talk.on_event(message("7", "hi")), [], "a repeat");
        assert_eq!(talk.on_event(message("8", "hi")), [theirs("User_A", "hi")]);
    }

    #[test]
    fn terminal_notices_are_shown_once() {
        let mut talk = ChatSession::default();
        let told = |method: &str, params| WireEvent::parse(method, Some(params)).expect("news");
        let found = json!({ "room_id": "r", "message_id": "1", "notice": "be kind",
            "partner": { "display_name": "User_A" } });
        let lines = talk.on_event(told("chatroom.found", found));
        assert_eq!(lines.last(), Some(&OutputLine::Server("be kind".to_owned())));
        let asked = json!({ "room_id": "r", "message_id": "2", "text": "🧊 Tea?" });
        let lines = talk.on_event(told("room.notice", asked.clone()));
        assert_eq!(lines, [OutputLine::Server("🧊 Tea?".to_owned())]);
        assert_eq!(talk.on_event(told("room.notice", asked)), []);
        let notice = json!({ "message_id": "3", "message": "at five", "timestamp": 1 });
        let lines = talk.on_event(told("operator.notice", notice));
        assert_eq!(lines, [OutputLine::Server("📢 at five".to_owned())]);
    }

    #[test]
    fn terminal_rejoin_shows_missed_events_and_lost_chats() {
        let mut talk = ChatSession::default();
        talk.on_input("#meet", "1".to_owned());
        talk.on_reply(said(matched()));
        let standing = talk.status.clone();
        let lines = talk.on_rejoin(WireRejoinResult {
            queue_status: standing,
            missed: vec![message("9", "there?")],
        });
        assert_eq!(lines, [theirs("User_A", "there?")]);
        let lines = talk.on_rejoin(WireRejoinResult {
            queue_status: WireQueueStatus::default(),
            missed: Vec::new(),
        });
        assert!(
            matches!(&lines[..], [OutputLine::Local(note)] if note.starts_with("The chat is over"))
        );
        assert!(!talk.can_leave());
        let lines = talk.on_rejoin(WireRejoinResult {
            queue_status: WireQueueStatus::default(),
            missed: Vec::new(),
        });
        assert_eq!(lines, [], "it is said once");
    }

    #[test]
    fn terminal_reports_hidden_numbers_and_queued_messages() {
        let answer = |delivered: &str, hidden: u32| {
            let mut answer = matched();
            answer["told"] = json!(null);
            answer["sent"] = json!({ "delivered": delivered, "hidden": hidden });
            said(answer)
        };
        let mut talk = ChatSession::default();
        assert_eq!(talk.on_reply(answer("pushed", 0)), []);
        assert_eq!(talk.on_reply(answer("queued", 2)).len(), 2);
    }

    #[test]
    fn terminal_partner_leaving_ends_the_chat() {
        let mut talk = ChatSession::default();
        talk.on_reply(said(matched()));
        let left = |room: &str| WireEvent::Disconnected {
            room_id: room.to_owned(),
            message_id: room.to_owned(),
            reason: WireEndReason::Left,
        };
        talk.on_event(left("of before"));
        assert!(talk.can_leave());
        talk.on_event(left("r"));
        assert!(!talk.can_leave());
    }
}
