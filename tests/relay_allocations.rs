//! Heap allocations of one relay, in blocks and bytes.
//!
//! The upper bounds are close to the measured values, so that one unnecessary copy fails the test.
//! Measurements of time belong in `benches/`. This binary must have only one test, because the
//! allocator counts for the whole process.

#[path = "it/support/moderated.rs"]
mod moderated;

use std::sync::Arc;
use std::time::Duration;

use dhat::{HeapStats, Profiler};
use random_connect::connect::dto::HandleMessageParams;
use random_connect::connect::lobby::LobbyBackend;
use random_connect::connect::lobby::store_memory::MemoryLobby;
use random_connect::connect::service::{ConnectOptions, ConnectService};
use random_connect::kernel::clock::{ManualClock, seeded_rng};
use random_connect::kernel::id::IdHasher;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// Number of measured relays. The result is their mean, because tables grow only now and then.
const MEASURED_RELAYS: u64 = 512;

/// Maximum number of blocks that one relay may allocate; 27 were measured.
const MAX_BLOCKS: u64 = 28;
/// Maximum size of those blocks in bytes; 3,239 were measured.
const MAX_BYTES: u64 = 3_450;

/// Handles a message as the MCP tool does; returns the reply.
async fn say(service: &ConnectService, user: &str, message: String) -> String {
    let puch_user_id = user.to_owned();
    let params = HandleMessageParams {
        message: message.into(),
        puch_user_id: puch_user_id.into(),
        user_nickname: None,
        message_id: None,
    };
    let reply =
        service.handle(service.subject(&params.puch_user_id), params).await.expect("a reply");
    reply.receipt.confirm();
    reply.text
}

#[tokio::test]
async fn relay_allocations_stay_within_bounds() {
    let _profiler = Profiler::builder().testing().build();
    random_connect::mask::warm_up();
    let lobby = Arc::new(MemoryLobby::new(Duration::from_secs(1_800), seeded_rng()));
    let backend = LobbyBackend::new(lobby);
    let lobby = moderated::moderated(Arc::clone(&backend.lobby));
    let ids = IdHasher::random(&mut seeded_rng());
    let clock = Arc::new(ManualClock::default());
    let service = ConnectService::new(lobby, backend, clock, ids, ConnectOptions::default());
    let sender = |number: u64| if number.is_multiple_of(2) { "ann" } else { "ben" };
    for user in ["ann", "ben", "ann"] {
        say(&service, user, "#meet".to_owned()).await;
    }
    let mut before = HeapStats::get();
    for number in 0..2 * MEASURED_RELAYS {
        if number == MEASURED_RELAYS {
            before = HeapStats::get();
        }
        let reply =
            say(&service, sender(number), format!("hello, how are you today? {number}")).await;
        assert!(number == 0 || reply.contains(&format!("today? {}", number - 1)), "{reply}");
    }
    let after = HeapStats::get();
    let blocks = (after.total_blocks - before.total_blocks) / MEASURED_RELAYS;
    let bytes = (after.total_bytes - before.total_bytes) / MEASURED_RELAYS;
    println!("a relay allocates {blocks} blocks of {bytes} bytes in total");
    assert!(blocks <= MAX_BLOCKS, "{blocks} blocks");
    assert!(bytes <= MAX_BYTES, "{bytes} bytes");
}
