//! Every pair of channels: users of any two of them match, chat and leave.
//!
//! To add a channel, add a variant to [`ChannelKind`] and [`UserHandle`] and an arm to each step of
//! [`ChannelFixture`].

use std::collections::{HashMap, VecDeque};

use rmcp::model::ProtocolVersion;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::whatsapp::{FAST_POLICY, WhatsAppFixture};
use crate::support::graph_api::StandIn;
use crate::support::live_client::{LiveClient, LiveTransport, string};
use crate::support::server::{McpClient, TEST_TIMEOUT, TestServer};

/// A channel, by how its users receive events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ChannelKind {
    /// In the answers to their own calls only.
    Puch,
    /// Calls like Puch; events are posted to the bridge.
    Bridge,
    /// Messages through the WhatsApp API.
    WhatsApp,
    /// An agent that polls with `wait_for_message`.
    Poll,
    /// An agent in a live session.
    Live(LiveTransport),
}

/// The channels of agents.
const AGENTS: [ChannelKind; 4] = [
    ChannelKind::Poll,
    ChannelKind::Live(LiveTransport::Session),
    ChannelKind::Live(LiveTransport::WebSocket),
    ChannelKind::Live(LiveTransport::Sse),
];

/// A server with all channels, WhatsApp and the bridge as stand-ins.
struct ChannelFixture {
    whatsapp: WhatsAppFixture,
    bridge: StandIn,
    /// Items posted while [`Self::next_posted`] waited for one to another user.
    pending: HashMap<String, VecDeque<Value>>,
}

/// A user of one channel.
struct ChannelUser {
    /// A phone number on WhatsApp; the server chooses an agent's id.
    id: String,
    /// The room of an agent that polls; empty for others.
    room: String,
    handle: UserHandle,
}

/// The client that acts for a user, where one is needed.
enum UserHandle {
    Puch,
    Bridge,
    WhatsApp,
    Poll(McpClient),
    Live(Box<LiveClient>),
}

impl ChannelFixture {
    async fn start(with_bridge: bool) -> Self {
        let bridge = StandIn::start().await;
        let mut variables = vec![("TOOLSETS", "connect,penpal")];
        if with_bridge {
            variables
                .extend([("CALLBACK_URL", bridge.url.as_str()), ("CALLBACK_SECRET", "s3cret")]);
        }
        let whatsapp = WhatsAppFixture::with(&variables, FAST_POLICY).await;
        Self { whatsapp, bridge, pending: HashMap::new() }
    }

    const fn server(&self) -> &TestServer {
        &self.whatsapp.server
    }

    /// Creates a user of this channel.
    async fn user(&self, channel: ChannelKind, number: usize) -> ChannelUser {
        let handle = match channel {
            ChannelKind::Puch => UserHandle::Puch,
            ChannelKind::Bridge => UserHandle::Bridge,
            ChannelKind::WhatsApp => UserHandle::WhatsApp,
            ChannelKind::Poll => {
                UserHandle::Poll(self.server().client(ProtocolVersion::V_2025_06_18).await)
            }
            ChannelKind::Live(transport) => {
                UserHandle::Live(Box::new(LiveClient::connect(self.server(), transport).await))
            }
        };
        ChannelUser { id: format!("9198765{number:05}"), room: String::new(), handle }
    }

    /// Waits for the next item that is posted for a user.
    async fn next_posted(&mut self, to: &str) -> Value {
        loop {
            if let Some(item) = self.pending.entry(to.to_owned()).or_default().pop_front() {
                return item;
            }
            let request = self.bridge.next().await;
            let item: Value = serde_json::from_slice(&request.body).expect("JSON");
            let to = item["user_id"].as_str().expect("an id").to_owned();
            self.pending.entry(to).or_default().push_back(item);
        }
    }

    /// Searches for a partner; returns `true` if the user is matched immediately.
    async fn search(&mut self, user: &mut ChannelUser) -> bool {
        let status = match &mut user.handle {
            UserHandle::Puch | UserHandle::Bridge => {
                return self.server().say(&user.id, "#meet").await.contains("Connected!");
            }
            UserHandle::WhatsApp => {
                self.whatsapp.write(&user.id, "#meet").await;
                let first = self.whatsapp.graph.next(&user.id).await;
                return first.contains("Connected!");
            }
            UserHandle::Poll(client) => {
                let entered = client.call("enter_queue", json!({})).await;
                let entered = entered.structured_content.expect("a result");
                user.id = string(&entered["user_id"]);
                user.room = string(&entered["room_id"]);
                entered["status"].clone()
            }
            UserHandle::Live(agent) => agent.enter(json!({})).await["status"].clone(),
        };
        status == "matched"
    }

    /// Waits until a waiting user is notified of the match.
    async fn expect_match(&mut self, user: &mut ChannelUser) {
        match &mut user.handle {
            UserHandle::Live(agent) => drop(agent.match_notification().await),
            UserHandle::Bridge => {
                assert_eq!(self.next_posted(&user.id).await["type"], "chatroom.found");
            }
            UserHandle::Poll(_) => {
                let events = self.poll(user).await;
                user.room = string(&events[0]["room_id"]);
            }
            UserHandle::Puch | UserHandle::WhatsApp => self.expect_text(user, "Connected!").await,
        }
    }

    /// Sends a message to the partner.
    async fn send(&mut self, user: &mut ChannelUser, text: &str) {
        match &mut user.handle {
            UserHandle::Puch | UserHandle::Bridge => {
                let reply = self.server().say(&user.id, text).await;
                assert!(reply.contains("Message sent"), "{reply}");
            }
            UserHandle::WhatsApp => self.whatsapp.write(&user.id, text).await,
            UserHandle::Poll(client) => {
                let message = json!({ "room_id": user.room, "user_id": user.id, "message": text });
                let sent = client.call("send_message", message).await;
                assert_ne!(sent.is_error, Some(true), "{sent:?}");
            }
            UserHandle::Live(agent) => drop(agent.say(text).await),
        }
    }

    /// Asserts that the next event of a user contains this text.
    async fn expect_text(&mut self, user: &mut ChannelUser, text: &str) {
        match &mut user.handle {
            UserHandle::Puch => {
                // A message from another channel may arrive a moment later.
                let received = async {
                    while !self.server().say(&user.id, "#m").await.contains(text) {
                        tokio::task::yield_now().await;
                    }
                };
                timeout(TEST_TIMEOUT, received).await.expect("a message in time");
            }
            UserHandle::WhatsApp => drop(self.whatsapp.graph.until(&user.id, text).await),
            UserHandle::Bridge => {
                let item = self.next_posted(&user.id).await;
                assert!(item["text"].as_str().is_some_and(|shown| shown.contains(text)), "{item}");
            }
            UserHandle::Live(agent) => {
                assert_eq!(agent.notification("message.received").await["message"], text);
            }
            UserHandle::Poll(_) => assert_eq!(self.poll(user).await[0]["message"], text),
        }
    }

    /// Polls for the next events of an agent.
    async fn poll(&self, user: &ChannelUser) -> Value {
        let UserHandle::Poll(client) = &user.handle else { panic!("only an agent that polls") };
        let wait = json!({ "user_id": user.id, "timeout_seconds": 30 });
        let result = client.call("wait_for_message", wait).await.structured_content;
        result.expect("a result")["events"].clone()
    }

    /// Leaves the chat.
    async fn leave(&mut self, user: &mut ChannelUser) {
        match &mut user.handle {
            UserHandle::Puch | UserHandle::Bridge => {
                assert!(self.server().say(&user.id, "#bye").await.contains("Chat ended"));
            }
            UserHandle::WhatsApp => drop(self.whatsapp.ask(&user.id, "#bye", "Chat ended").await),
            UserHandle::Poll(client) => {
                let room = json!({ "room_id": user.room, "user_id": user.id });
                client.call("leave_chat", room).await;
            }
            UserHandle::Live(agent) => {
                let room = json!({ "room_id": agent.room_id, "user_id": agent.user_id });
                agent.call("leave_chat", room).await;
            }
        }
    }

    /// Asserts that the next event of a user is that the partner left.
    async fn expect_partner_left(&mut self, user: &mut ChannelUser) {
        match &mut user.handle {
            UserHandle::Live(agent) => {
                assert_eq!(agent.notification("partner.disconnected").await["reason"], "left");
            }
            UserHandle::Poll(_) => assert_eq!(self.poll(user).await[0]["reason"], "left"),
            UserHandle::Puch | UserHandle::Bridge | UserHandle::WhatsApp => {
                self.expect_text(user, "Your partner left").await;
            }
        }
    }

    /// Has a user of each channel match, chat and leave.
    async fn chat(&mut self, channels: [ChannelKind; 2], number: usize) {
        let mut ann = self.user(channels[0], 2 * number).await;
        let mut ben = self.user(channels[1], 2 * number + 1).await;
        assert!(!self.search(&mut ann).await, "{channels:?}: the queue is empty");
        assert!(self.search(&mut ben).await, "{channels:?}: a match");
        self.expect_match(&mut ann).await;
        for text in ["hello", "how are you?"] {
            self.send(&mut ann, text).await;
            self.expect_text(&mut ben, text).await;
            self.send(&mut ben, text).await;
            self.expect_text(&mut ann, text).await;
        }
        self.leave(&mut ben).await;
        self.expect_partner_left(&mut ann).await;
    }
}

#[tokio::test]
async fn cross_channel_any_two_channels_chat() {
    let mut fixture = ChannelFixture::start(false).await;
    let channels = [&[ChannelKind::Puch, ChannelKind::WhatsApp][..], &AGENTS].concat();
    let pairs = channels.iter().flat_map(|first| channels.iter().map(|second| [*first, *second]));
    for (number, pair) in pairs.enumerate() {
        fixture.chat(pair, number).await;
    }
}

#[tokio::test]
async fn cross_channel_bridge_users_meet_every_channel() {
    let mut fixture = ChannelFixture::start(true).await;
    let others = [&[ChannelKind::Bridge, ChannelKind::WhatsApp][..], &AGENTS].concat();
    let pairs = others
        .iter()
        .flat_map(|&other| [[ChannelKind::Bridge, other], [other, ChannelKind::Bridge]]);
    for (number, pair) in pairs.enumerate() {
        fixture.chat(pair, number).await;
    }
}
