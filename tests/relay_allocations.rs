//! What a relay allocates, counted block by block.
//!
//! What lives here: upper bounds close to what was measured, so that a copy too many is seen on the
//! day it comes in. What must not: time (see `benches/`). A test here must be the only one: the
//! count is of the whole process.

use std::sync::Arc;
use std::time::Duration;

use dhat::{HeapStats, Profiler};
use random_connect::connect::dto::HandleMessageParams;
use random_connect::connect::lobby::store_memory::MemoryLobby;
use random_connect::connect::service::{ConnectOptions, ConnectService};
use random_connect::kernel::clock::{ManualClock, seeded_rng};
use random_connect::kernel::id::IdHasher;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// Relays that are counted together. Tables that grow now and then are shared out among them.
const MEASURED_RELAYS: u64 = 512;

/// What one relay may allocate: 27 blocks of 3,239 bytes were measured.
const MAX_BLOCKS: u64 = 28;
const MAX_BYTES: u64 = 3_450;

async fn say(service: &ConnectService, who: &str, message: String) -> String {
    let puch_user_id = who.to_owned();
    let incoming =
        HandleMessageParams { message, puch_user_id, user_nickname: None, message_id: None };
    let answer = service.handle(incoming).await.expect("an answer");
    answer.receipt.confirm();
    answer.text
}

#[tokio::test]
async fn relay_allocations_stay_within_bounds() {
    let _profiler = Profiler::builder().testing().build();
    random_connect::mask::warm_up();
    let lobby = MemoryLobby::new(Duration::from_secs(1_800), seeded_rng());
    let ids = IdHasher::random(&mut seeded_rng());
    let clock = Arc::new(ManualClock::default());
    let service = ConnectService::new(Arc::new(lobby), clock, ids, ConnectOptions::default());
    let turn = |number: u64| if number.is_multiple_of(2) { "ann" } else { "ben" };
    for who in ["ann", "ben", "ann"] {
        say(&service, who, "#meet".to_owned()).await;
    }
    let mut before = HeapStats::get();
    for number in 0..2 * MEASURED_RELAYS {
        if number == MEASURED_RELAYS {
            before = HeapStats::get();
        }
        let told = say(&service, turn(number), format!("hello, how are you today? {number}")).await;
        assert!(number == 0 || told.contains(&format!("today? {}", number - 1)), "{told}");
    }
    let after = HeapStats::get();
    let blocks = (after.total_blocks - before.total_blocks) / MEASURED_RELAYS;
    let bytes = (after.total_bytes - before.total_bytes) / MEASURED_RELAYS;
    println!("a relay allocates {blocks} blocks of {bytes} bytes altogether");
    assert!(blocks <= MAX_BLOCKS, "{blocks} blocks");
    assert!(bytes <= MAX_BYTES, "{bytes} bytes");
}
