//! Sealed texts that someone with write access to Redis moves into their own data: none of them
//! opens there.

use std::time::Duration;

use random_connect::connect::lobby::action::{Action, ActionResult, Call, Outcome, SenderState};
use random_connect::connect::lobby::chat::MatchPreferences;
use random_connect::connect::lobby::store_redis::{Keyring, RedisLobby};
use random_connect::connect::lobby::{Lobby, Mailbox};
use random_connect::connect::profile::interest::Interests;
use random_connect::connect::profile::nickname::Nickname;
use random_connect::kernel::clock::{Timestamp, seeded_rng};
use random_connect::kernel::id::{IdHasher, UserId};
use random_connect::kernel::store::{StoreError, StoreErrorKind};
use random_connect::mask::{Memory, mask};

use crate::support::redis_server::RedisServer;
use crate::support::redis_wire::command;

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
const ANN: UserId = UserId::from_bytes([1; 16]);
const BEN: UserId = UserId::from_bytes([2; 16]);
/// Has write access to Redis.
const EVE: UserId = UserId::from_bytes([3; 16]);
const FAY: UserId = UserId::from_bytes([4; 16]);

fn key(name: &str) -> String {
    format!("{{random-connect}}:2:{name}")
}

fn user_key(kind: &str, user: UserId) -> String {
    key(&format!("{kind}:{}", user.to_hex()))
}

/// Replaces `target` with a copy of `source`.
fn copy(server: &RedisServer, source: &str, target: &str) {
    assert_eq!(command(server, &["COPY", source, target, "REPLACE"]), ["1"]);
}

/// Replaces a field of Eve with the one of `user`.
fn copy_field(server: &RedisServer, user: UserId, field: &str) {
    let script =
        "return redis.call('HSET', KEYS[2], ARGV[1], redis.call('HGET', KEYS[1], ARGV[1]))";
    let (source, target) = (user_key("user", user), user_key("user", EVE));
    command(server, &["EVAL", script, "2", &source, &target, field]);
}

struct Chats {
    server: RedisServer,
    lobby: RedisLobby,
}

impl Chats {
    /// Two chats, of Ann and Ben, and of Eve and Fay.
    async fn start() -> Self {
        let server = RedisServer::start(&[]);
        let ids = IdHasher::from_salt(b"salt");
        let keyring = Keyring::new(&[[7; 32]]);
        let idle = Duration::from_secs(1_800);
        let lobby = RedisLobby::new(server.connection(), idle, keyring, ids, seeded_rng());
        let chats = Self { server, lobby };
        for (user, name) in [(ANN, "Zanzibar"), (EVE, "Eve")] {
            let name = Nickname::parse(name).expect("a name");
            chats.act(user, Action::SetNickname(name)).await.expect("up");
        }
        for (user, partner) in [(ANN, BEN), (EVE, FAY)] {
            for user in [user, partner] {
                let interests = Interests::parse("elephants").expect("valid interests");
                let search = MatchPreferences { interests, keep_history: true };
                chats.act(user, Action::Meet(search)).await.expect("up");
            }
            chats.say(partner, user, "hello").await;
        }
        chats
    }

    async fn act(&self, user: UserId, action: Action) -> Result<ActionResult, StoreError> {
        let call = Call { include_inbox: false, ..Call::new(user, NOW) };
        self.lobby.perform(call, action).await
    }

    async fn say(&self, user: UserId, partner: UserId, text: &str) {
        let sender = self.lobby.sender_state(user).await.expect("up");
        assert_eq!(sender.chat.map(|(_, partner)| partner), Some(partner));
        let relay = Action::Relay { text: mask(text), sender, memory: Memory::default() };
        let result = self.act(user, relay).await.expect("up");
        assert!(matches!(result.outcome, Outcome::Sent { .. }));
    }

    async fn room(&self, user: UserId) -> String {
        let sender = self.lobby.sender_state(user).await.expect("up");
        sender.chat.expect("a chat").0.to_hex()
    }

    /// Asserts that Eve's action fails because a text can't be opened.
    async fn assert_sealed(&self, action: Action) {
        let result = self.act(EVE, action.clone()).await;
        let error = result.expect_err("the text must not open");
        assert_eq!(error.kind, StoreErrorKind::Decode, "{action:?}");
    }
}

#[tokio::test]
async fn sealed_inbox_item_does_not_open_in_another_inbox() {
    let chats = Chats::start().await;
    copy(&chats.server, &user_key("inbox", ANN), &user_key("inbox", EVE));
    let error = chats.lobby.collect(EVE, NOW).await.expect_err("the item must not open");
    assert_eq!(error.kind, StoreErrorKind::Decode);
    let items = chats.lobby.collect(ANN, NOW).await.expect("up").items;
    assert!(!items.is_empty(), "it opens where it belongs");
}

#[tokio::test]
async fn sealed_transcript_does_not_open_in_another_chat() {
    let chats = Chats::start().await;
    let look_up = Action::LookUpLastPartner { with_transcript: true };
    chats.act(EVE, look_up.clone()).await.expect("her own opens");
    copy(&chats.server, &user_key("transcript", ANN), &user_key("transcript", EVE));
    chats.assert_sealed(look_up).await;
}

#[tokio::test]
async fn sealed_history_does_not_open_in_another_room() {
    let chats = Chats::start().await;
    let (room, own_room) = (chats.room(ANN).await, chats.room(EVE).await);
    chats.act(EVE, Action::ReadHistory(9)).await.expect("her own opens");
    let (source, target) = (key(&format!("history:{room}")), key(&format!("history:{own_room}")));
    copy(&chats.server, &source, &target);
    chats.assert_sealed(Action::ReadHistory(9)).await;
}

#[tokio::test]
async fn sealed_names_and_interests_do_not_open_for_another_user() {
    let chats = Chats::start().await;
    copy_field(&chats.server, ANN, "own_name");
    let error = chats.lobby.sender_state(EVE).await.expect_err("the name must not open");
    assert_eq!(error.kind, StoreErrorKind::Decode);
    chats.act(EVE, Action::GetStatus).await.expect("her own chat opens");
    copy_field(&chats.server, ANN, "common_interests");
    chats.assert_sealed(Action::GetStatus).await;
    copy_field(&chats.server, BEN, "partner_name");
    chats.assert_sealed(Action::Who).await;
}

#[tokio::test]
async fn sealed_replay_does_not_open_under_another_key() {
    let chats = Chats::start().await;
    let ids = IdHasher::from_salt(b"salt");
    let call = |user| {
        let key = ids.idempotency_key(user, "m1", "giraffes");
        Call { idempotency_key: Some(key), include_inbox: false, ..Call::new(user, NOW) }
    };
    let replay_key = |user| {
        let key = call(user).idempotency_key.expect("a key");
        self::key(&format!("replay:{}", key.to_hex()))
    };
    let relay = || Action::Relay {
        text: mask("giraffes"),
        sender: SenderState::default(),
        memory: Memory::default(),
    };
    chats.lobby.perform(call(ANN), relay()).await.expect("up");
    chats.lobby.perform(call(ANN), relay()).await.expect("the replay opens for its sender");
    copy(&chats.server, &replay_key(ANN), &replay_key(EVE));
    let error = chats.lobby.perform(call(EVE), relay()).await.expect_err("must not open");
    assert_eq!(error.kind, StoreErrorKind::Decode);
}
