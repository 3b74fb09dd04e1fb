//! [`Scripts`]: the Lua scripts, assembled from the constants of the rules, `lua/shared/` and one
//! file for each operation.
//!
//! Only assembly lives here: `args.rs` builds the arguments and `codec.rs` decodes the replies. To
//! add a script, write its file and add a field. To add an action, write
//! `lua/actions/<action>.lua`, add it to [`ACTIONS`] and build its arguments in `args.rs`.

use std::time::Duration;

use once_cell::sync::Lazy;
use redis::Script;

use crate::connect::lobby::chat::MAX_HISTORY;
use crate::connect::lobby::inbox::{INBOX_CAPACITY, LEASE_TIME};
use crate::connect::lobby::queue::RecentWaits;
use crate::connect::lobby::replay::{MAX_REPLAY_ITEMS, MAX_REPLAYS, REPLAY_TTL};
use crate::connect::lobby::rules::{
    AVOID_RECENT_FOR, CHAT_GRACE, CLAIM_TTL, INTEREST_ONLY_FOR, NUDGE_AFTER, QUEUE_GRACE,
    RECENT_PARTNER_TTL, RECENT_PARTNERS, TRUST_AFTER_MESSAGES,
};
use crate::connect::lobby::transcript::{TRANSCRIPT_FIRST, TRANSCRIPT_LAST};

/// TTL of the keys whose TTL no rule sets. Use renews it, so that only an unused lobby expires.
const KEY_TTL: Duration = Duration::from_secs(24 * 60 * 60);
/// Maximum advance of the lobby's time between two scripts. The upkeep of one instance already runs a
/// script every few seconds, so a longer pause means that the clock jumped, or that no instance ran.
const MAX_CLOCK_STEP: Duration = Duration::from_secs(60);
/// Maximum number of users of a queue that a search checks, so that a script stays short. A search
/// rejects few candidates.
const MAX_CANDIDATES: usize = 64;

macro_rules! lua {
    ($file:literal) => {
        include_str!(concat!("lua/", $file, ".lua"))
    };
}

/// Every action but `relay`.
const ACTIONS: [&str; 15] = [
    lua!("actions/meet"),
    lua!("actions/again"),
    lua!("actions/leave"),
    lua!("actions/forget"),
    lua!("actions/set_masking"),
    lua!("actions/who"),
    lua!("actions/set_nickname"),
    lua!("actions/set_typing"),
    lua!("actions/read_history"),
    lua!("actions/look_up_last_partner"),
    lua!("actions/block"),
    lua!("actions/icebreaker"),
    lua!("actions/set_language"),
    lua!("actions/get_status"),
    lua!("actions/read_inbox"),
];

/// One script for each operation of the lobby.
pub(super) struct Scripts {
    /// [`Action::Relay`](crate::connect::lobby::action::Action::Relay), the most frequent action.
    pub relay: Script,
    /// All other actions.
    pub act: Script,
    pub collect: Script,
    pub settle: Script,
    pub put_back: Script,
    pub sender_state: Script,
    pub claim_delivery: Script,
    pub sweep: Script,
    pub pair_waiting: Script,
    pub nudge_silent: Script,
    pub note_departure: Script,
    pub departed: Script,
    pub end_departed: Script,
    pub stats: Script,
    pub find_by_prefix: Script,
    pub presence: Script,
    pub broadcast: Script,
}

pub(super) static SCRIPTS: Lazy<Scripts> = Lazy::new(|| {
    let millis = |duration: Duration| duration.as_millis().to_string();
    let constants: String = [
        ("KEY_TTL", millis(KEY_TTL)),
        ("MAX_CLOCK_STEP", millis(MAX_CLOCK_STEP)),
        ("CLAIM_TTL", millis(CLAIM_TTL)),
        ("LEASE_TIME", millis(LEASE_TIME)),
        ("INTEREST_ONLY_FOR", millis(INTEREST_ONLY_FOR)),
        ("AVOID_RECENT_FOR", millis(AVOID_RECENT_FOR)),
        ("NUDGE_AFTER", millis(NUDGE_AFTER)),
        ("QUEUE_GRACE", millis(QUEUE_GRACE)),
        ("CHAT_GRACE", millis(CHAT_GRACE)),
        ("RECENT_PARTNER_TTL", millis(RECENT_PARTNER_TTL)),
        ("RECENT_PARTNERS", RECENT_PARTNERS.to_string()),
        ("REPLAY_TTL", millis(REPLAY_TTL)),
        ("TRUST_AFTER_MESSAGES", TRUST_AFTER_MESSAGES.to_string()),
        ("INBOX_CAPACITY", INBOX_CAPACITY.to_string()),
        ("MAX_HISTORY", MAX_HISTORY.to_string()),
        ("TRANSCRIPT_FIRST", TRANSCRIPT_FIRST.to_string()),
        ("TRANSCRIPT_LAST", TRANSCRIPT_LAST.to_string()),
        ("RECENT_WAITS", RecentWaits::SAMPLES.to_string()),
        ("MAX_CANDIDATES", MAX_CANDIDATES.to_string()),
        ("MAX_REPLAYS", MAX_REPLAYS.to_string()),
        ("MAX_REPLAY_ITEMS", MAX_REPLAY_ITEMS.to_string()),
    ]
    .map(|(name, value)| format!("local {name} = {value}\n"))
    .concat();
    let script = |parts: &[&str]| {
        let base = [constants.as_str(), lua!("shared/base"), lua!("shared/inbox")];
        Script::new(&[&base, parts].concat().concat())
    };
    let matching = [lua!("shared/queue"), lua!("shared/chats"), lua!("shared/matching")].concat();
    let (begin, finish) = (lua!("begin"), lua!("finish"));
    Scripts {
        relay: script(&[begin, lua!("actions/relay"), finish]),
        act: script(&[&matching, lua!("shared/search"), begin, &ACTIONS.concat(), finish]),
        collect: script(&[lua!("collect")]),
        settle: script(&[lua!("settle")]),
        put_back: script(&[lua!("put_back")]),
        sender_state: script(&[lua!("sender_state")]),
        claim_delivery: script(&[lua!("claim_delivery")]),
        sweep: script(&[&matching, lua!("sweep")]),
        pair_waiting: script(&[&matching, lua!("pair_waiting")]),
        nudge_silent: script(&[lua!("nudge_silent")]),
        note_departure: script(&[lua!("note_departure")]),
        departed: script(&[lua!("departed")]),
        end_departed: script(&[&matching, lua!("end_departed")]),
        stats: script(&[lua!("stats")]),
        find_by_prefix: script(&[lua!("find_by_prefix")]),
        presence: script(&[lua!("presence")]),
        broadcast: script(&[lua!("broadcast")]),
    }
});
