//! The scripts, put together from the files in `lua/`: the constants of the rules, what all scripts
//! share, and what each does. To add one, write its file and name it here.

use std::time::Duration;

use once_cell::sync::Lazy;
use redis::Script;

use crate::connect::lobby::chat::MAX_HISTORY;
use crate::connect::lobby::inbox::{INBOX_CAPACITY, LEASE_TIME};
use crate::connect::lobby::queue::RecentWaits;
use crate::connect::lobby::replay::REPLAY_TTL;
use crate::connect::lobby::rules::{
    AVOID_RECENT_FOR, CLAIM_TTL, INTEREST_ONLY_FOR, NUDGE_AFTER, RECENT_PARTNER_TTL,
    RECENT_PARTNERS, TRUST_AFTER_MESSAGES,
};
use crate::connect::lobby::transcript::TRANSCRIPT_LEN;

/// After so long nothing is left of a lobby that nobody uses.
const KEY_TTL: Duration = Duration::from_secs(24 * 60 * 60);
/// How many of a line are looked at for somebody to pair with: all but a few of them will do.
const MAX_CANDIDATES: usize = 64;

/// The scripts with what they share before them.
pub(super) struct Scripts {
    pub relay: Script,
    /// Every other action.
    pub act: Script,
    pub collect: Script,
    pub settle: Script,
    pub sender_state: Script,
    pub claim_delivery: Script,
    pub sweep: Script,
    pub pair_waiting: Script,
    pub nudge_silent: Script,
    pub stats: Script,
    pub find_by_prefix: Script,
    pub presence: Script,
    pub broadcast: Script,
}

pub(super) static SCRIPTS: Lazy<Scripts> = Lazy::new(|| {
    let millis = |span: Duration| span.as_millis().to_string();
    let constants: String = [
        ("LIFETIME", millis(KEY_TTL)),
        ("REDELIVERY", millis(CLAIM_TTL)),
        ("LEASE_TIME", millis(LEASE_TIME)),
        ("CHOOSY_FOR", millis(INTEREST_ONLY_FOR)),
        ("PATIENCE", millis(AVOID_RECENT_FOR)),
        ("QUIET", millis(NUDGE_AFTER)),
        ("RECENT_FOR", millis(RECENT_PARTNER_TTL)),
        ("RECENT_PARTNERS", RECENT_PARTNERS.to_string()),
        ("REMEMBERED_FOR", millis(REPLAY_TTL)),
        ("FAMILIAR", TRUST_AFTER_MESSAGES.to_string()),
        ("CAPACITY", INBOX_CAPACITY.to_string()),
        ("HISTORY", MAX_HISTORY.to_string()),
        ("QUOTED", TRANSCRIPT_LEN.to_string()),
        ("WAITS", RecentWaits::SAMPLES.to_string()),
        ("LOOKED_AT", MAX_CANDIDATES.to_string()),
    ]
    .map(|(name, value)| format!("local {name} = {value}\n"))
    .concat();
    let script = |parts: &[&str]| {
        let base = [constants.as_str(), include_str!("lua/base.lua")];
        Script::new(&[&base, parts].concat().concat())
    };
    let queue = include_str!("lua/queue.lua");
    let (call, answer) = (include_str!("lua/call.lua"), include_str!("lua/answer.lua"));
    Scripts {
        relay: script(&[call, include_str!("lua/relay.lua"), answer]),
        act: script(&[queue, call, include_str!("lua/act.lua"), answer]),
        collect: script(&[include_str!("lua/collect.lua")]),
        settle: script(&[include_str!("lua/settle.lua")]),
        sender_state: script(&[include_str!("lua/sender.lua")]),
        claim_delivery: script(&[include_str!("lua/first.lua")]),
        sweep: script(&[queue, include_str!("lua/sweep.lua")]),
        pair_waiting: script(&[queue, include_str!("lua/pair_waiting.lua")]),
        nudge_silent: script(&[include_str!("lua/nudge_silent.lua")]),
        stats: script(&[include_str!("lua/stats.lua")]),
        find_by_prefix: script(&[include_str!("lua/find.lua")]),
        presence: script(&[include_str!("lua/presence.lua")]),
        broadcast: script(&[include_str!("lua/announce.lua")]),
    }
});
