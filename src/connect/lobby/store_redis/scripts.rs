//! The scripts, put together from the files in `lua/`: the constants of the rules, what all scripts
//! share, and what each does. To add one, write its file and name it here.

use std::time::Duration;

use once_cell::sync::Lazy;
use redis::Script;

use crate::connect::lobby::REDELIVERY;
use crate::connect::lobby::chat::HISTORY;
use crate::connect::lobby::inbox::{CAPACITY, LEASE_TIME};
use crate::connect::lobby::manager::matching::RecentWaits;
use crate::connect::lobby::person::{
    CHOOSY_FOR, FAMILIAR, PATIENCE, QUIET, RECENT_FOR, RECENT_PARTNERS,
};
use crate::connect::lobby::replay::REMEMBERED_FOR;
use crate::connect::lobby::transcript::QUOTED;

/// After so long nothing is left of a lobby that nobody uses.
const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
/// How many of a line are looked at for somebody to pair with: all but a few of them will do.
const LOOKED_AT: usize = 64;

/// The scripts with what they share before them.
pub(super) struct Scripts {
    pub relay: Script,
    /// Every other action.
    pub act: Script,
    pub collect: Script,
    pub settle: Script,
    pub sender: Script,
    pub first: Script,
    pub sweep: Script,
    pub pair_waiting: Script,
    pub nudge_silent: Script,
    pub stats: Script,
    pub find: Script,
    pub presence: Script,
    pub announce: Script,
}

pub(super) static SCRIPTS: Lazy<Scripts> = Lazy::new(|| {
    let millis = |span: Duration| span.as_millis().to_string();
    let constants: String = [
        ("LIFETIME", millis(LIFETIME)),
        ("REDELIVERY", millis(REDELIVERY)),
        ("LEASE_TIME", millis(LEASE_TIME)),
        ("CHOOSY_FOR", millis(CHOOSY_FOR)),
        ("PATIENCE", millis(PATIENCE)),
        ("QUIET", millis(QUIET)),
        ("RECENT_FOR", millis(RECENT_FOR)),
        ("RECENT_PARTNERS", RECENT_PARTNERS.to_string()),
        ("REMEMBERED_FOR", millis(REMEMBERED_FOR)),
        ("FAMILIAR", FAMILIAR.to_string()),
        ("CAPACITY", CAPACITY.to_string()),
        ("HISTORY", HISTORY.to_string()),
        ("QUOTED", QUOTED.to_string()),
        ("WAITS", RecentWaits::KEPT.to_string()),
        ("LOOKED_AT", LOOKED_AT.to_string()),
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
        sender: script(&[include_str!("lua/sender.lua")]),
        first: script(&[include_str!("lua/first.lua")]),
        sweep: script(&[queue, include_str!("lua/sweep.lua")]),
        pair_waiting: script(&[queue, include_str!("lua/pair_waiting.lua")]),
        nudge_silent: script(&[include_str!("lua/nudge_silent.lua")]),
        stats: script(&[include_str!("lua/stats.lua")]),
        find: script(&[include_str!("lua/find.lua")]),
        presence: script(&[include_str!("lua/presence.lua")]),
        announce: script(&[include_str!("lua/announce.lua")]),
    }
});
