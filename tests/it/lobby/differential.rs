//! The same on both: seeded random steps of a few people, played on the manager and on Redis.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use random_connect::connect::lobby::Lobby;
use random_connect::connect::lobby::action::{
    Action, ActionResult, Call, LobbyStats, Outcome, SenderState, UserStatus,
};
use random_connect::connect::lobby::broadcast::{Broadcast, BroadcastText, MAX_FIND_RESULTS};
use random_connect::connect::lobby::chat::{Chat, MatchPreferences};
use random_connect::connect::lobby::inbox::{InboxEvent, Item, Lease};
use random_connect::connect::lobby::manager::RandomConnectManager;
use random_connect::connect::lobby::store_redis::{Keyring, RedisLobby};
use random_connect::connect::profile::interest::Interests;
use random_connect::connect::profile::language::{LANGUAGES, Language};
use random_connect::connect::profile::nickname::Nickname;
use random_connect::kernel::clock::Timestamp;
use random_connect::kernel::id::{IdHasher, RoomId, UserId};
use random_connect::mask::{Masked, Memory, mask_next};
use random_connect::moderation::service::ReportReason;

use crate::support::redis_server::RedisServer;
use crate::support::redis_wire::command;

const IDLE: Duration = Duration::from_secs(1_800);
/// Together more than 100,000 steps.
const GAMES: u64 = 420;
const STEPS: usize = 250;

/// What stands for what on one side: rooms, names and numbers are made up by each, so the first room
/// that is seen is room 0 on both.
#[derive(Default)]
struct Names {
    rooms: HashMap<RoomId, usize>,
    random: HashMap<String, usize>,
    numbers: HashMap<u64, usize>,
}

impl Names {
    fn room(&mut self, room: RoomId) -> usize {
        let next = self.rooms.len();
        *self.rooms.entry(room).or_insert(next)
    }

    fn name(&mut self, name: &Nickname) -> String {
        if !name.as_str().starts_with("User_") {
            return name.to_string();
        }
        let next = self.random.len();
        format!("random {}", self.random.entry(name.to_string()).or_insert(next))
    }

    fn number(&mut self, number: u64) -> usize {
        let next = self.numbers.len();
        *self.numbers.entry(number).or_insert(next)
    }

    fn chat(&mut self, chat: &Chat) -> String {
        let Chat { room, partner, partner_name, common_interests: common, is_first_chat: first } =
            chat;
        format!("{} {partner} {} {common} {first}", self.room(*room), self.name(partner_name))
    }

    fn item(&mut self, item: &Item) -> String {
        let news = match &item.event {
            InboxEvent::Message { room, from, text } => {
                let (text, hidden) = (text.as_str(), text.hidden());
                format!("{} {}: {text} ({hidden})", self.room(*room), self.name(from))
            }
            InboxEvent::Connected { chat } => format!("connected {}", self.chat(chat)),
            InboxEvent::PartnerLeft { room } => format!("left {}", self.room(*room)),
            InboxEvent::PartnerTimedOut { room } => format!("timed out {}", self.room(*room)),
            InboxEvent::Icebreaker { room, question: number } => {
                format!("asked {number} {}", self.room(*room))
            }
            InboxEvent::Nudge { room } => format!("nudged {}", self.room(*room)),
            InboxEvent::Broadcast(notice) => format!("notice {}", notice.as_str()),
        };
        format!("#{} {} {news}", self.number(item.seq), item.at.as_millis())
    }

    fn lease(&mut self, lease: &Lease) -> String {
        let mut told = format!("lease {} {:?}", lease.id.is_some(), lease.language);
        for item in &lease.items {
            write!(told, " [{}]", self.item(item)).expect("a string");
        }
        told
    }

    fn outcome(&mut self, outcome: &Outcome) -> String {
        match outcome {
            Outcome::Connected { chat, again } => format!("connected {} {again}", self.chat(chat)),
            Outcome::AlreadyChatting(chat) => format!("already {}", self.chat(chat)),
            Outcome::Sent { to, seq: number, from, text } => {
                let (text, hidden) = (text.as_str(), text.hidden());
                let (number, from) = (self.number(*number), self.name(from));
                format!("sent {to} {number} {from} {text} {hidden}")
            }
            Outcome::PartnerName(Some(name)) => format!("partner {}", self.name(name)),
            Outcome::NicknameSet(name) => format!("renamed {name}"),
            Outcome::Waiting { place, interests, again } => {
                format!("waiting {place:?} {interests} {again}")
            }
            Outcome::History(Some(kept)) => {
                let mut told = "kept".to_owned();
                for kept in kept {
                    let (number, from) = (self.number(kept.seq), self.name(&kept.sender_name));
                    let (at, sender) = (kept.at.as_millis(), kept.sender);
                    let text = kept.text.as_str();
                    write!(told, " {number} {at} {sender} {from} {text}").expect("a string");
                }
                told
            }
            Outcome::LastPartner(Some(met)) => {
                let said = met.transcript.iter().map(|text| (text.as_str(), text.hidden()));
                format!("met {} {:?}", met.partner, said.collect::<Vec<_>>())
            }
            Outcome::Status(UserStatus::Chatting(chat)) => format!("in {}", self.chat(chat)),
            plain => format!("{plain:?}"),
        }
    }

    fn performed(&mut self, performed: &ActionResult) -> String {
        format!("{}; {}", self.outcome(&performed.outcome), self.lease(&performed.lease))
    }
}

/// One side's leases that are on their way, and the room each person was last in.
#[derive(Default)]
struct Side {
    names: Names,
    leases: HashMap<UserId, Lease>,
    rooms: HashMap<UserId, RoomId>,
}

impl Side {
    fn saw(&mut self, who: UserId, performed: &ActionResult) -> String {
        let chat = match &performed.outcome {
            Outcome::Connected { chat, .. }
            | Outcome::AlreadyChatting(chat)
            | Outcome::Status(UserStatus::Chatting(chat)) => Some(chat),
            _ => None,
        };
        if let Some(chat) = chat {
            self.rooms.insert(who, chat.room);
            self.rooms.insert(chat.partner, chat.room);
        }
        self.keep(who, &performed.lease);
        self.names.performed(performed)
    }

    fn keep(&mut self, who: UserId, lease: &Lease) {
        if lease.id.is_some() {
            self.leases.insert(who, lease.clone());
        }
    }
}

struct Game {
    manager: RandomConnectManager,
    rng: StdRng,
    redis: RedisLobby,
    now: Timestamp,
    /// The manager's side, and Redis's.
    sides: [Side; 2],
    dice: StdRng,
    ids: IdHasher,
    people: Vec<UserId>,
}

const LIKES: [&str; 5] = ["", "", "tea", "tea, music", "music, chess"];
const TEXTS: [&str; 5] = ["hi", "98765", "43210", "call 9876543210", "नमस्ते\nzwei"];

impl Game {
    fn who(&mut self) -> UserId {
        *self.people.choose(&mut self.dice).expect("there are people")
    }

    fn language(&mut self) -> Language {
        LANGUAGES.choose(&mut self.dice).expect("some").language
    }

    async fn action(&mut self, who: UserId) -> Action {
        match self.dice.random_range(0..28) {
            0..=4 => Action::Meet(MatchPreferences {
                interests: Interests::parse(LIKES.choose(&mut self.dice).expect("some")),
                keep_history: self.dice.random_bool(0.7),
            }),
            5 | 6 => Action::Again,
            7 => Action::Leave,
            8 => Action::ToggleMasking,
            9 => Action::Who,
            10 => {
                let name = ["Ann", "Ben", "Cid"].choose(&mut self.dice).expect("some");
                Action::SetNickname(Nickname::parse(name).expect("a name"))
            }
            11 => Action::SetTyping(true),
            12 => Action::ReadHistory(self.dice.random_range(0..4)),
            13 => Action::GetStatus,
            14 => Action::ReadInbox,
            15 => Action::LookUpLastPartner { with_transcript: self.dice.random_bool(0.8) },
            16 => Action::Block {
                target: if self.dice.random_bool(0.2) { Some(self.who()) } else { None },
                reason: self.dice.random_bool(0.5).then(|| ReportReason::parse("spam")),
            },
            17 => Action::Icebreaker(self.dice.random_range(0..16)),
            18 => Action::SetLanguage(self.language()),
            19 => [Action::Rate { good: true }, Action::Agree]
                .choose(&mut self.dice)
                .cloned()
                .expect("some"),
            _ => {
                let sender = self.manager.sender_state(who);
                assert_eq!(self.redis.sender_state(who).await.expect("up"), sender);
                let text = *TEXTS.choose(&mut self.dice).expect("some");
                let long = "long ".repeat(1_200);
                let text = if self.dice.random_bool(0.02) { &long } else { text };
                let (text, memory) = if sender.masking {
                    mask_next(text, &sender.memory)
                } else {
                    (Masked::waived(text), Memory::default())
                };
                let stale = self.dice.random_bool(0.05);
                let mut sender = if stale { SenderState::default() } else { sender };
                if self.dice.random_bool(0.2) {
                    sender.language = Some(self.language());
                }
                Action::Relay { text, sender, memory }
            }
        }
    }

    /// A call for each side: they know the same room by different ids.
    fn calls(&mut self, who: UserId, action: &Action) -> [Call; 2] {
        let mut call = Call::new(who, self.now);
        if self.dice.random_bool(0.3) {
            let id = self.dice.random_range(0..6).to_string();
            call.idempotency_key = Some(self.ids.idempotency_key(who, &id, ""));
        }
        if self.dice.random_bool(0.1) {
            call.caller_nickname = Nickname::parse("Given").ok();
        }
        if matches!(action, Action::Meet(_) | Action::Again) && self.dice.random_bool(0.04) {
            call.constraints.blocked = vec![self.who()];
            call.constraints.notice_seen = self.dice.random_bool(0.5);
            call.constraints.poorly_rated = self.dice.random_bool(0.5);
            return [call.clone(), call];
        }
        // Redis would wait for what is on its way.
        let on_its_way = self.manager.has_active_lease(who);
        call.include_inbox = !on_its_way && self.dice.random_bool(0.7);
        let whose = if self.dice.random_bool(0.2) { Some(self.who()) } else { None };
        [0, 1].map(|side| {
            let room = whose.and_then(|other| self.sides[side].rooms.get(&other).copied());
            Call { room, ..call.clone() }
        })
    }

    async fn step(&mut self) -> (String, String) {
        let who = self.who();
        match self.dice.random_range(0..23) {
            0 => {
                let seconds =
                    *[1, 9, 31, 61, 190, 700, 1_300].choose(&mut self.dice).expect("some");
                self.now = self.now + Duration::from_secs(seconds);
                Default::default()
            }
            1 => {
                let here = self.manager.sweep(self.now, 128).evicted;
                let there = self.redis.sweep(self.now).await.expect("up").evicted;
                (here.to_string(), there.to_string())
            }
            2 => {
                let here = self.manager.pair_waiting(self.now, 128, &mut self.rng);
                let there = self.redis.pair_waiting(self.now).await.expect("up");
                (here.to_string(), there.to_string())
            }
            3 => {
                let here = self.manager.collect(who, self.now);
                let there = self.redis.collect(who, self.now).await.expect("up");
                self.sides[0].keep(who, &here);
                self.sides[1].keep(who, &there);
                (self.sides[0].names.lease(&here), self.sides[1].names.lease(&there))
            }
            4..=8 => {
                self.settle(who).await;
                Default::default()
            }
            12 => {
                let here = self.manager.nudge_silent(self.now, 128);
                let there = self.redis.nudge_silent(self.now).await.expect("up");
                (format!("{here:?}"), format!("{there:?}"))
            }
            9 => (
                told(self.manager.stats(self.now)),
                told(self.redis.stats(self.now).await.expect("up")),
            ),
            10 => {
                let text = *["one", "two"].choose(&mut self.dice).expect("some");
                let notice = BroadcastText::parse(text).expect("a notice");
                let announcement = Broadcast { key: self.ids.broadcast_key(text), text: notice };
                let after = if self.dice.random_bool(0.3) { Some(self.who()) } else { None };
                let here = self.manager.broadcast(&announcement, after, self.now, 128);
                let there = self.redis.broadcast(&announcement, after, self.now).await;
                (format!("{here:?}"), format!("{:?}", there.expect("up")))
            }
            11 => {
                let prefix = &who.to_hex()[..self.dice.random_range(0..=32)];
                let here =
                    (self.manager.find(prefix, MAX_FIND_RESULTS), self.manager.presence(who));
                let found = self.redis.find_by_prefix(prefix).await.expect("up");
                let there = (found, self.redis.presence(who).await.expect("up"));
                (format!("{here:?}"), format!("{there:?}"))
            }
            _ => {
                let action = self.action(who).await;
                let [one, other] = self.calls(who, &action);
                let here = self.manager.perform(one, action.clone(), &mut self.rng);
                let there = self.redis.perform(other, action).await.expect("up");
                (self.sides[0].saw(who, &here), self.sides[1].saw(who, &there))
            }
        }
    }

    /// The fate of what is on its way to somebody.
    async fn settle(&mut self, who: UserId) {
        let [here, there] = [0, 1].map(|side| self.sides[side].leases.remove(&who));
        let (Some(here), Some(there)) = (here, there) else { return };
        let (Some(own), Some(other)) = (here.id, there.id) else { return };
        if self.dice.random_bool(0.2) {
            let shown = self.dice.random_range(0..3);
            self.manager.put_back(who, &here, shown);
            self.redis.put_back(who, &there, shown).await.expect("up");
        }
        let delivered = self.dice.random_bool(0.7);
        self.manager.settle(who, own, delivered);
        self.redis.settle(who, other, delivered);
        // Its task has sent the command before ours, on the same connection.
        for _ in 0..8 {
            tokio::task::yield_now().await;
        }
    }
}

fn told(stats: LobbyStats) -> String {
    format!("{stats:?}")
}

#[tokio::test]
async fn differential_memory_and_redis_agree_on_random_steps() {
    let server = RedisServer::start(&[]);
    let ids = IdHasher::from_salt(b"salt");
    let seal = Keyring::new(&[[7; 32]]);
    // With this seed no two people of a game get the same random name, as now and then they would: that
    // looks like a difference.
    let rng = StdRng::seed_from_u64(GAMES);
    let redis = RedisLobby::new(&server.url(), IDLE, seal, ids.clone(), rng).expect("an address");
    let mut compared = 0;
    for seed in 0..GAMES {
        command(&server, &["FLUSHALL"]);
        let mut dice = StdRng::seed_from_u64(seed);
        let people = dice.random_range(2..=6_u8);
        let mut game = Game {
            manager: RandomConnectManager::new(IDLE),
            rng: StdRng::seed_from_u64(seed),
            redis: redis.clone(),
            now: Timestamp::from_millis(1_700_000_000_000),
            sides: Default::default(),
            dice,
            ids: ids.clone(),
            people: (0..people).map(|n| UserId::from_bytes([n; 16])).collect(),
        };
        for step in 0..STEPS {
            let (here, there) = game.step().await;
            assert_eq!(here, there, "game {seed}, step {step}");
            compared += 1;
        }
    }
    assert!(compared >= 100_000);
}
