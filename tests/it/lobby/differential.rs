//! Differential test: seeded random steps of a few users, played on the manager and on Redis.
//!
//! After each step the outcomes of both must be equal. A step of one side only does not belong
//! here. To add a step, extend [`Game::step`] or [`Game::action`].

use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use random_connect::connect::lobby::action::{Action, Call, SenderState};
use random_connect::connect::lobby::broadcast::{Broadcast, BroadcastText, MAX_FIND_RESULTS};
use random_connect::connect::lobby::chat::MatchPreferences;
use random_connect::connect::lobby::manager::RandomConnectManager;
use random_connect::connect::lobby::store_redis::{Keyring, RedisLobby};
use random_connect::connect::lobby::{Directory, Lobby, Mailbox, Upkeep};
use random_connect::connect::profile::interest::Interests;
use random_connect::connect::profile::language::{LANGUAGES, Language};
use random_connect::connect::profile::nickname::Nickname;
use random_connect::content::{Masking, SanitizedText};
use random_connect::guard::Guard;
use random_connect::kernel::clock::Timestamp;
use random_connect::kernel::id::{IdHasher, UserId};
use random_connect::mask::{Masked, Memory, mask_next};

use super::differential_side::Side;
use crate::support::redis_server::RedisServer;
use crate::support::redis_wire::command;

const IDLE: Duration = Duration::from_secs(1_800);
/// Number of games; all of them have more than 100,000 steps together.
const GAMES: u64 = 420;
/// Number of steps in a game.
const STEPS: usize = 250;

/// One seeded game of a few users on both sides.
struct Game {
    manager: RandomConnectManager,
    rng: StdRng,
    redis: RedisLobby,
    now: Timestamp,
    /// The manager's side, then that of Redis.
    sides: [Side; 2],
    dice: StdRng,
    ids: IdHasher,
    users: Vec<UserId>,
}

const INTERESTS: [&str; 5] = ["", "", "tea", "tea, music", "music, chess"];
const TEXTS: [&str; 5] = ["hi", "98765", "43210", "call 9876543210", "नमस्ते\nzwei"];

/// A text of a sender who has switched the masker off.
fn unmasked(text: &str) -> (Masked, Memory) {
    let text = SanitizedText::new(text).expect("a visible text");
    text.check(Guard::default()).expect("an accepted text").mask(Masking::Waived, true)
}

impl Game {
    fn random_user(&mut self) -> UserId {
        *self.users.choose(&mut self.dice).expect("a user")
    }

    fn random_language(&mut self) -> Language {
        LANGUAGES.choose(&mut self.dice).expect("an element").language
    }

    /// Chooses the next action of a user.
    async fn action(&mut self, user: UserId) -> Action {
        match self.dice.random_range(0..28) {
            0..=4 => Action::Meet(MatchPreferences {
                interests: Interests::parse(INTERESTS.choose(&mut self.dice).expect("an element"))
                    .expect("valid interests"),
                keep_history: self.dice.random_bool(0.7),
            }),
            5 | 6 => Action::Again,
            7 => Action::Leave,
            8 => Action::SetMasking(
                *[None, Some(true), Some(false)].choose(&mut self.dice).expect("an element"),
            ),
            9 => Action::Who,
            10 => {
                let name = ["Ann", "Ben", "Cid"].choose(&mut self.dice).expect("an element");
                Action::SetNickname(Nickname::parse(name).expect("a name"))
            }
            11 => Action::SetTyping(true),
            12 => Action::ReadHistory(self.dice.random_range(0..4)),
            13 => Action::GetStatus,
            14 => Action::ReadInbox,
            15 => Action::LookUpLastPartner { with_transcript: self.dice.random_bool(0.8) },
            16 => Action::Block(self.random_user()),
            17 => Action::Icebreaker(self.dice.random_range(0..16)),
            18 => Action::SetLanguage(self.random_language()),
            27 => Action::Forget,
            _ => {
                let sender = self.manager.sender_state(user);
                let actual = self.redis.sender_state(user).await.expect("the store is up");
                let expected = self.sides[0].sender_state(&sender);
                assert_eq!(self.sides[1].sender_state(&actual), expected);
                let text = *TEXTS.choose(&mut self.dice).expect("an element");
                let long = "long ".repeat(1_200);
                let text = if self.dice.random_bool(0.02) { &long } else { text };
                let (text, memory) =
                    if sender.masking { mask_next(text, &sender.memory) } else { unmasked(text) };
                let stale = self.dice.random_bool(0.05);
                let mut sender = if stale { SenderState::default() } else { sender };
                // The room has another id on each side.
                sender.chat = None;
                if self.dice.random_bool(0.2) {
                    sender.language = Some(self.random_language());
                }
                Action::Relay { text, sender, memory }
            }
        }
    }

    /// Creates the call for each side, because the same room has a different id on each.
    fn calls(&mut self, user: UserId, action: &Action) -> [Call; 2] {
        let mut call = Call::new(user, self.now);
        if self.dice.random_bool(0.3) {
            let id = self.dice.random_range(0..6).to_string();
            call.idempotency_key = Some(self.ids.idempotency_key(user, &id, ""));
        }
        if self.dice.random_bool(0.1) {
            call.caller_nickname = Nickname::parse("Given").ok();
        }
        if self.dice.random_bool(0.1) {
            let millis = self.now.as_millis() - 1_000 * self.dice.random_range(0..40);
            call.written_by = Some(Timestamp::from_millis(millis));
        }
        if matches!(action, Action::Meet(_) | Action::Again) && self.dice.random_bool(0.04) {
            call.constraints.blocked = vec![self.random_user()];
            call.constraints.notice_seen = self.dice.random_bool(0.5);
            call.constraints.poorly_rated = self.dice.random_bool(0.5);
            return [call.clone(), call];
        }
        // Redis would wait for the end of an active lease.
        let is_leased = self.manager.has_active_lease(user);
        call.include_inbox = !is_leased && self.dice.random_bool(0.7);
        let in_room_of = if self.dice.random_bool(0.2) { Some(self.random_user()) } else { None };
        [0, 1].map(|side| {
            let room = in_room_of.and_then(|user| self.sides[side].rooms.get(&user).copied());
            Call { room, ..call.clone() }
        })
    }

    /// Plays one step; returns the outcomes of the manager and of Redis as text.
    async fn step(&mut self) -> (String, String) {
        let user = self.random_user();
        match self.dice.random_range(0..23) {
            0 => {
                let seconds =
                    *[1, 9, 31, 61, 190, 700, 1_300].choose(&mut self.dice).expect("an element");
                self.now = self.now + Duration::from_secs(seconds);
                Default::default()
            }
            1 => {
                let expected = self.manager.sweep(self.now, 128).evicted.len();
                let actual = self.redis.sweep(self.now).await.expect("the store is up");
                (expected.to_string(), actual.evicted.len().to_string())
            }
            2 => {
                let expected = self.manager.pair_waiting(self.now, 128, &mut self.rng);
                let actual = self.redis.pair_waiting(self.now).await.expect("the store is up");
                (expected.to_string(), actual.to_string())
            }
            3 => {
                let expected = self.manager.collect(user, self.now);
                let actual = self.redis.collect(user, self.now).await.expect("the store is up");
                self.sides[0].store_lease(user, &expected);
                self.sides[1].store_lease(user, &actual);
                (self.sides[0].names.lease(&expected), self.sides[1].names.lease(&actual))
            }
            4..=8 => {
                self.settle(user).await;
                Default::default()
            }
            12 => {
                let expected = self.manager.nudge_silent(self.now, 128);
                let actual = self.redis.nudge_silent(self.now).await.expect("the store is up");
                (format!("{expected:?}"), format!("{actual:?}"))
            }
            9 => {
                let expected = self.manager.stats(self.now);
                let actual = self.redis.stats(self.now).await.expect("the store is up");
                (format!("{expected:?}"), format!("{actual:?}"))
            }
            10 => {
                let text = *["one", "two"].choose(&mut self.dice).expect("an element");
                let key = self.ids.broadcast_key(text);
                let text = BroadcastText::parse(text).expect("a valid text");
                let broadcast = Broadcast { key, text };
                let after =
                    if self.dice.random_bool(0.3) { Some(self.random_user()) } else { None };
                let expected = self.manager.broadcast(&broadcast, after, self.now, 128);
                let actual = self.redis.broadcast(&broadcast, after, self.now).await;
                (format!("{expected:?}"), format!("{:?}", actual.expect("the store is up")))
            }
            11 => {
                let prefix = &user.to_hex()[..self.dice.random_range(0..=32)];
                let expected =
                    (self.manager.find(prefix, MAX_FIND_RESULTS), self.manager.presence(user));
                let found = self.redis.find_by_prefix(prefix).await.expect("the store is up");
                let actual = (found, self.redis.presence(user).await.expect("the store is up"));
                (format!("{expected:?}"), format!("{actual:?}"))
            }
            _ => {
                let action = self.action(user).await;
                let [manager_call, redis_call] = self.calls(user, &action);
                let expected = self.manager.perform(manager_call, action.clone(), &mut self.rng);
                let actual = self.redis.perform(redis_call, action).await.expect("the store is up");
                (self.sides[0].record(user, &expected), self.sides[1].record(user, &actual))
            }
        }
    }

    /// Settles the active lease of a user on both sides, with the same result.
    async fn settle(&mut self, user: UserId) {
        let [expected, actual] = [0, 1].map(|side| self.sides[side].leases.remove(&user));
        let (Some(expected), Some(actual)) = (expected, actual) else { return };
        let (Some(expected_id), Some(actual_id)) = (expected.id, actual.id) else { return };
        if self.dice.random_bool(0.2) {
            let shown = self.dice.random_range(0..3);
            self.manager.put_back(user, &expected, shown);
            self.redis.put_back(user, &actual, shown).await.expect("the store is up");
        }
        let delivered = self.dice.random_bool(0.7);
        self.manager.settle(user, expected_id, delivered);
        self.redis.settle(user, actual_id, delivered);
        // Lets the task of `settle` send its command before the next step sends one on the same
        // connection.
        for _ in 0..8 {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn differential_memory_and_redis_agree_on_random_steps() {
    let server = RedisServer::start(&[]);
    let ids = IdHasher::from_salt(b"salt");
    let keyring = Keyring::new(&[[7; 32]]);
    // With this seed, no two users of a game get the same random name, which would look like a
    // difference.
    let rng = StdRng::seed_from_u64(GAMES);
    let redis = RedisLobby::new(server.connection(), IDLE, keyring, ids.clone(), rng);
    let mut compared = 0;
    for seed in 0..GAMES {
        command(&server, &["FLUSHALL"]);
        let mut dice = StdRng::seed_from_u64(seed);
        let users = dice.random_range(2..=6_u8);
        let mut game = Game {
            manager: RandomConnectManager::new(IDLE),
            rng: StdRng::seed_from_u64(seed),
            redis: redis.clone(),
            now: Timestamp::from_millis(1_700_000_000_000),
            sides: Default::default(),
            dice,
            ids: ids.clone(),
            users: (0..users).map(|n| UserId::from_bytes([n; 16])).collect(),
        };
        for step in 0..STEPS {
            let (expected, actual) = game.step().await;
            assert_eq!(expected, actual, "game {seed}, step {step}");
            compared += 1;
        }
    }
    assert!(compared >= 100_000);
}
