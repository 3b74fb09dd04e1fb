//! Money under faults: many requests against a small credit, with clients that leave, providers that fail, a server that
//! is killed, and a PostgreSQL that crashes.
//!
//! `TORTURE_REQUESTS` changes the number of requests; the credit grows with it. With more than the normal suite has, the
//! answers are slower, and the leases of the killed server end by themselves.

mod client;
mod database;
mod figures;

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use random_connect::gateway::money::MicroCredits;
use random_connect::kernel::clock::{Clock, SystemClock};
use serde_json::json;
use tempfile::NamedTempFile;
use tokio::time::timeout;

use self::client::{ClientReport, TortureClient};
use self::database::TortureDatabase;
use self::figures::{TortureFigures, check_books};
use crate::support::backends::memory_only;
use crate::support::gateway_socket::{JWT_SECRET, gateway_token};
use crate::support::provider_stand_in::{
    AnswerScript, ProviderStandIn, StandInFault, StandInState,
};
use crate::support::server_process::ServerProcess;
use crate::support::temp_database::TempDatabase;

/// Number of requests in the normal suite.
const REQUESTS: usize = 100;

/// The credit for each request, in millionths: half of what an answer costs.
const CREDIT: i64 = 5_000;

/// Prices in millionths of a credit per token, also those of [`PRICES`].
const INPUT_PRICE: i64 = 20;
const OUTPUT_PRICE: i64 = 100;

/// Models of both providers with [`INPUT_PRICE`] and [`OUTPUT_PRICE`].
const PRICES: &str = r#"
[models.first]
provider = "openai"
max_input_tokens = 100000
max_output_tokens = 4000
equivalents = ["second"]
tokenizer = "vendor"
price = { input = "20", output = "100" }

[models.second]
provider = "claude"
max_input_tokens = 100000
max_output_tokens = 4000
tokenizer = "vendor"
price = { input = "20", output = "100" }

[roles.admin]
sockets = 2000
"#;

/// Words of a prompt, and of an answer.
const PROMPT: usize = 200;
const ANSWER: usize = 60;

/// Maximum time for all requests.
const TIME_LIMIT: Duration = Duration::from_secs(400);

async fn pause(time: Duration) {
    let _ = timeout(time, std::future::pending::<()>()).await;
}

fn requests() -> usize {
    let set = std::env::var("TORTURE_REQUESTS").ok();
    set.map_or(REQUESTS, |count| count.parse().expect("TORTURE_REQUESTS is a number"))
}

fn is_full() -> bool {
    requests() > REQUESTS
}

/// The answers of a provider: 10 % overloaded, 5 % broken.
fn script(rng: &mut StdRng) -> AnswerScript {
    let mut script = AnswerScript::of(vec!["word "; ANSWER]);
    let pace = if is_full() { 300..600 } else { 20..60 };
    script.pace = Duration::from_millis(rng.random_range(pace));
    match rng.random_range(0..100) {
        0..10 => {
            let body = json!({ "error": { "type": "overloaded_error", "message": "x" } });
            script.fault(StandInFault::Status { status: 529, headers: Vec::new(), body })
        }
        10..15 => script.fault(StandInFault::TruncateAfter(ANSWER / 2)),
        _ => script,
    }
}

/// Waits until a provider has completed this number of answers.
async fn completed(state: &StandInState, count: usize) {
    let completed = async {
        while state.invoice().iter().filter(|row| row.complete).count() < count {
            pause(Duration::from_millis(20)).await;
        }
    };
    timeout(TIME_LIMIT, completed).await.expect("answers");
}

/// Starts all clients; 30 % of them leave.
fn clients(rng: &mut StdRng, port: &Arc<AtomicU16>) -> Vec<tokio::task::JoinHandle<ClientReport>> {
    let token = gateway_token("ann", SystemClock::new().now() + Duration::from_secs(3_600));
    let client = |number| TortureClient {
        port: Arc::clone(port),
        token: token.clone(),
        number,
        leaves: rng.random_bool(0.3),
        pause: Duration::from_millis(requests().try_into().expect("a number")),
    };
    (0..requests()).map(client).map(|client| tokio::spawn(client.run())).collect()
}

async fn torture(mut database: TortureDatabase, seed: u64) {
    let mut rng = StdRng::seed_from_u64(seed);
    let (openai, claude) = (ProviderStandIn::start().await, ProviderStandIn::start().await);
    for _ in 0..requests() * 10 {
        openai.state.add(script(&mut rng));
        claude.state.add(script(&mut rng));
    }
    let mut file = NamedTempFile::new().expect("a file");
    file.write_all(PRICES.as_bytes()).expect("written");
    let credit = CREDIT * i64::try_from(requests()).expect("a number");
    let start_credits = MicroCredits::from_micros(credit).to_string();
    let url = database.url();
    let settings = [
        ("TOOLSETS", "gateway"),
        ("JWT_SECRET", JWT_SECRET),
        ("DATABASE_URL", &url),
        ("OPENAI_BASE_URL", &openai.url),
        ("OPENAI_API_KEY", "sk-openai"),
        ("CLAUDE_BASE_URL", &claude.url),
        ("CLAUDE_API_KEY", "sk-claude"),
        ("GATEWAY_CONFIG", file.path().to_str().expect("a path")),
        ("GATEWAY_START_CREDITS", &start_credits),
        ("RATE_LIMITS", "off"),
    ];
    let mut server = ServerProcess::start(0, &settings).await;
    database.log_states().await;
    let port = Arc::new(AtomicU16::new(server.port));
    let clients = clients(&mut rng, &port);
    // In the middle: a few answers are complete, and many are not.
    completed(&openai.state, requests().div_ceil(50)).await;
    port.store(0, Ordering::SeqCst);
    server.kill().await;
    if !is_full() {
        database.end_leases().await;
    }
    let server = ServerProcess::start(0, &settings).await;
    port.store(server.port, Ordering::SeqCst);
    completed(&openai.state, requests() / 10).await;
    database.restart();
    let reports = timeout(TIME_LIMIT, join_all(clients)).await.expect("ends in time");
    let reports: Vec<_> = reports.into_iter().map(|report| report.expect("no panic")).collect();
    let accounts = database.accounts().await;
    let open_holds = TortureDatabase::wait_until_settled(accounts.as_ref()).await;
    let mut invoice = openai.state.invoice();
    invoice.extend(claude.state.invoice());
    let figures = TortureFigures::of(&database, accounts.as_ref(), &reports, invoice).await;
    figures.check(open_holds);
    check_books(accounts.as_ref(), &reports, &figures).await;
    drop(server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gateway_money_adds_up_in_sqlite_after_faults_and_a_kill() {
    torture(TortureDatabase::Sqlite(TempDatabase::new()), 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gateway_money_adds_up_in_postgresql_after_faults_and_two_crashes() {
    if memory_only() {
        return;
    }
    torture(TortureDatabase::postgres().await, 2).await;
}
