//! Every channel with every other: people who come in by any two of them meet, talk and part.

use std::collections::{HashMap, VecDeque};

use rmcp::model::ProtocolVersion;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::whatsapp::{FAST_POLICY, WhatsAppFixture};
use crate::support::graph_api::StandIn;
use crate::support::live_client::{LiveClient, LiveTransport, string};
use crate::support::server::{McpClient, TEST_TIMEOUT, TestServer};

/// Where somebody comes from, and how they are reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ChannelKind {
    /// Only in the answers to their own calls.
    Puch,
    /// Calls like Puch; news are posted.
    Bridge,
    WhatsApp,
    /// An agent that asks for what is new.
    Poll,
    /// An agent that stays connected.
    Live(LiveTransport),
}

const AGENTS: [ChannelKind; 4] = [
    ChannelKind::Poll,
    ChannelKind::Live(LiveTransport::Session),
    ChannelKind::Live(LiveTransport::WebSocket),
    ChannelKind::Live(LiveTransport::Sse),
];

struct ChannelFixture {
    whatsapp: WhatsAppFixture,
    bridge: StandIn,
    /// What was posted while something for somebody else was awaited.
    posted: HashMap<String, VecDeque<Value>>,
}

/// Somebody; the id is a telephone number on WhatsApp, and for an agent the server's choice.
struct ChannelUser {
    id: String,
    room: String,
    way: UserHandle,
}

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
        Self { whatsapp, bridge, posted: HashMap::new() }
    }

    const fn server(&self) -> &TestServer {
        &self.whatsapp.server
    }

    async fn person(&self, channel: ChannelKind, number: usize) -> ChannelUser {
        let way = match channel {
            ChannelKind::Puch => UserHandle::Puch,
            ChannelKind::Bridge => UserHandle::Bridge,
            ChannelKind::WhatsApp => UserHandle::WhatsApp,
            ChannelKind::Poll => {
                UserHandle::Poll(self.server().client(ProtocolVersion::V_2025_06_18).await)
            }
            ChannelKind::Live(way) => {
                UserHandle::Live(Box::new(LiveClient::connect(self.server(), way).await))
            }
        };
        ChannelUser { id: format!("9198765{number:05}"), room: String::new(), way }
    }

    async fn posted(&mut self, to: &str) -> Value {
        loop {
            if let Some(item) = self.posted.entry(to.to_owned()).or_default().pop_front() {
                return item;
            }
            let asked = self.bridge.next().await;
            let item: Value = serde_json::from_slice(&asked.body).expect("JSON");
            let to = item["user_id"].as_str().expect("an id").to_owned();
            self.posted.entry(to).or_default().push_back(item);
        }
    }

    /// Looks for a partner; says whether there was one at once.
    async fn meets(&mut self, one: &mut ChannelUser) -> bool {
        let status = match &mut one.way {
            UserHandle::Puch | UserHandle::Bridge => {
                return self.server().say(&one.id, "#meet").await.contains("Connected!");
            }
            UserHandle::WhatsApp => {
                self.whatsapp.write(&one.id, "#meet").await;
                let first = self.whatsapp.graph.next(&one.id).await;
                return first.contains("Connected!");
            }
            UserHandle::Poll(client) => {
                let entered = client.call("enter_queue", json!({})).await;
                let entered = entered.structured_content.expect("an answer");
                one.id = string(&entered["user_id"]);
                one.room = string(&entered["room_id"]);
                entered["status"].clone()
            }
            UserHandle::Live(agent) => agent.enter(json!({})).await["status"].clone(),
        };
        status == "matched"
    }

    /// Is told that there is a partner now.
    async fn is_found(&mut self, one: &mut ChannelUser) {
        match &mut one.way {
            UserHandle::Live(agent) => drop(agent.match_notification().await),
            UserHandle::Bridge => assert_eq!(self.posted(&one.id).await["type"], "chatroom.found"),
            UserHandle::Poll(_) => {
                let events = self.news(one).await;
                one.room = string(&events[0]["room_id"]);
            }
            UserHandle::Puch | UserHandle::WhatsApp => self.reads(one, "Connected!").await,
        }
    }

    async fn says(&mut self, one: &mut ChannelUser, text: &str) {
        match &mut one.way {
            UserHandle::Puch | UserHandle::Bridge => {
                let answer = self.server().say(&one.id, text).await;
                assert!(answer.contains("Message sent"), "{answer}");
            }
            UserHandle::WhatsApp => self.whatsapp.write(&one.id, text).await,
            UserHandle::Poll(client) => {
                let message = json!({ "room_id": one.room, "user_id": one.id, "message": text });
                let sent = client.call("send_message", message).await;
                assert_ne!(sent.is_error, Some(true), "{sent:?}");
            }
            UserHandle::Live(agent) => drop(agent.say(text).await),
        }
    }

    /// Reads this next, whatever words are around it.
    async fn reads(&mut self, one: &mut ChannelUser, text: &str) {
        match &mut one.way {
            UserHandle::Puch => {
                // What was written over another channel may be a moment later.
                let reading = async {
                    while !self.server().say(&one.id, "#m").await.contains(text) {
                        tokio::task::yield_now().await;
                    }
                };
                timeout(TEST_TIMEOUT, reading).await.expect("it comes in time");
            }
            UserHandle::WhatsApp => drop(self.whatsapp.graph.until(&one.id, text).await),
            UserHandle::Bridge => {
                let item = self.posted(&one.id).await;
                assert!(item["text"].as_str().is_some_and(|all| all.contains(text)), "{item}");
            }
            UserHandle::Live(agent) => {
                assert_eq!(agent.notification("message.received").await["message"], text);
            }
            UserHandle::Poll(_) => assert_eq!(self.news(one).await[0]["message"], text),
        }
    }

    async fn news(&self, one: &ChannelUser) -> Value {
        let UserHandle::Poll(client) = &one.way else { panic!("only those who ask") };
        let wait = json!({ "user_id": one.id, "timeout_seconds": 30 });
        let answer = client.call("wait_for_message", wait).await.structured_content;
        answer.expect("an answer")["events"].clone()
    }

    async fn leaves(&mut self, one: &mut ChannelUser) {
        match &mut one.way {
            UserHandle::Puch | UserHandle::Bridge => {
                assert!(self.server().say(&one.id, "#bye").await.contains("Chat ended"));
            }
            UserHandle::WhatsApp => drop(self.whatsapp.ask(&one.id, "#bye", "Chat ended").await),
            UserHandle::Poll(client) => {
                let room = json!({ "room_id": one.room, "user_id": one.id });
                client.call("leave_chat", room).await;
            }
            UserHandle::Live(agent) => {
                let room = json!({ "room_id": agent.room_id, "user_id": agent.user_id });
                agent.call("leave_chat", room).await;
            }
        }
    }

    async fn is_left(&mut self, one: &mut ChannelUser) {
        match &mut one.way {
            UserHandle::Live(agent) => {
                assert_eq!(agent.notification("partner.disconnected").await["reason"], "left");
            }
            UserHandle::Poll(_) => assert_eq!(self.news(one).await[0]["reason"], "left"),
            UserHandle::Puch | UserHandle::Bridge | UserHandle::WhatsApp => {
                self.reads(one, "Your partner left").await;
            }
        }
    }

    async fn journey(&mut self, channels: [ChannelKind; 2], number: usize) {
        let mut ann = self.person(channels[0], 2 * number).await;
        let mut ben = self.person(channels[1], 2 * number + 1).await;
        assert!(!self.meets(&mut ann).await, "{channels:?}: nobody else waits");
        assert!(self.meets(&mut ben).await, "{channels:?}: they meet");
        self.is_found(&mut ann).await;
        for text in ["hello", "how are you?"] {
            self.says(&mut ann, text).await;
            self.reads(&mut ben, text).await;
            self.says(&mut ben, text).await;
            self.reads(&mut ann, text).await;
        }
        self.leaves(&mut ben).await;
        self.is_left(&mut ann).await;
    }
}

#[tokio::test]
async fn cross_channel_any_two_channels_chat() {
    let mut world = ChannelFixture::start(false).await;
    let channels = [&[ChannelKind::Puch, ChannelKind::WhatsApp][..], &AGENTS].concat();
    let pairs = channels.iter().flat_map(|one| channels.iter().map(|other| [*one, *other]));
    for (number, pair) in pairs.enumerate() {
        world.journey(pair, number).await;
    }
}

#[tokio::test]
async fn cross_channel_bridge_users_meet_every_channel() {
    let mut world = ChannelFixture::start(true).await;
    let others = [&[ChannelKind::Bridge, ChannelKind::WhatsApp][..], &AGENTS].concat();
    let pairs =
        others.iter().flat_map(|&one| [[ChannelKind::Bridge, one], [one, ChannelKind::Bridge]]);
    for (number, pair) in pairs.enumerate() {
        world.journey(pair, number).await;
    }
}
