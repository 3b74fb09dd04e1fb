//! Throughput of the masker on chat and on hostile texts, and the memory of its tables.
//!
//! Run with `cargo bench --bench mask`; a path after `--` selects another corpus of JSON lines than
//! that of the tests. The results depend on the machine, so this file asserts nothing;
//! `tests/it/mask_linear.rs` guards the growth. To measure another text, add a row in `main`.

use std::hint::black_box;
use std::time::Duration;

use mimalloc::MiMalloc;
use random_connect::kernel::clock::Stopwatch;
use random_connect::mask;

// The allocator of the binary, because it affects the results.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Duration of the measurement of each group of texts.
const MEASURE_TIME: Duration = Duration::from_millis(1_500);
/// Approximate size of a measured batch.
const BATCH_BYTES: usize = 20_000;

/// Chat without digits or number words.
const CHAT: [&str; 8] = [
    "hey! how was your day?",
    "not bad, just got back from the gym and made some pasta",
    "nice :) what kind of music do you listen to?",
    "mostly indie and old hindi songs, you?",
    "haha same here, we should make a playlist together",
    "that would be fun, let me ask my brother for his list as well",
    "arre yaar kya bataun, aaj bahut thak gaya hu",
    "ok good night, talk to you later then 😊",
];

fn main() {
    let before = resident_memory_kb();
    let start = Stopwatch::start();
    mask::warm_up();
    let warm_up = start.elapsed();
    println!("warm-up                          {:9.1} ms", millis(warm_up));
    println!(
        "resident memory added            {:9.1} MB",
        (resident_memory_kb() - before) / 1024.0
    );

    throughput("chat without numbers", &CHAT.map(str::to_owned));
    throughput("the same as one text", &[CHAT.join("\n").repeat(100)]);
    throughput("corpus", &corpus());

    let size = 64 * 1024;
    let fill = |part: &str| part.repeat(size / part.len());
    for (name, text) in [
        ("digits", fill("7")),
        ("digits, spaced", fill("7 ")),
        ("digits in fives", fill("98765 ")),
        ("numbers", fill("98765 43210 ")),
        ("numbers with a plus", fill("+91 98765 43210 ")),
        ("separators", fill("-")),
        ("digits and separators", fill("1----")),
        ("number words", fill("nine ")),
        ("number words, various", fill("nine one four double two ")),
        ("number words, glued", fill("nine")),
        ("pieces", fill("12345 then ")),
        ("look-alikes", fill("7oIl8B ")),
        ("bars", fill("a|")),
        ("emoji", fill("😊")),
        ("keycaps", fill("7\u{fe0f}\u{20e3}")),
        ("at signs", fill("a@b ")),
        ("addresses", fill("a@b.co ")),
        ("profiles", fill("t.me/abc ")),
        ("profiles, glued", fill("t.me/")),
        ("links", fill("a.b/c ")),
        ("dots", fill("a.")),
    ] {
        println!("64 KiB of {name:<22} {:9.2} ms", millis(fastest(&text)));
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Prints the megabytes per second of the fastest batch of `texts`.
///
/// The fastest one, because other work on the machine can only slow a batch down.
fn throughput(name: &str, texts: &[String]) {
    let bytes: usize = texts.iter().map(String::len).sum();
    let rounds = (BATCH_BYTES / bytes).max(1);
    let (start, mut best) = (Stopwatch::start(), Duration::MAX);
    while start.elapsed() < MEASURE_TIME {
        let batch = Stopwatch::start();
        for text in (0..rounds).flat_map(|_| texts) {
            black_box(mask::mask(black_box(text)));
        }
        best = best.min(batch.elapsed());
    }
    let megabytes = f64::from(u32::try_from(bytes * rounds).unwrap_or(u32::MAX)) / 1e6;
    println!("{name:<32} {:9.1} MB/s", megabytes / best.as_secs_f64());
}

/// Returns the shortest of nine runs.
fn fastest(text: &str) -> Duration {
    let once = || {
        let start = Stopwatch::start();
        black_box(mask::mask(black_box(text)));
        start.elapsed()
    };
    (0..9).map(|_| once()).min().unwrap_or_default()
}

/// Reads the texts of the corpus.
fn corpus() -> Vec<String> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/dev.jsonl");
    let path = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
    let rows = std::fs::read_to_string(path.as_deref().unwrap_or(default)).expect("a corpus");
    let text = |row: &str| {
        let row: serde_json::Value = serde_json::from_str(row).expect("a JSON row");
        row["text"].as_str().unwrap_or_default().to_owned()
    };
    rows.lines().map(text).collect()
}

/// Returns the resident memory of the process in KiB; 0 without `/proc`.
fn resident_memory_kb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or_default()
}
