//! Latency of a relay over HTTP by the credential of its caller: the fixed token, or the API keys or
//! JWTs of 1,000 principals in turn. Fails if a ratio exceeds its limit.
//!
//! One server serves all callers, with its keys in an SQLite database. Rounds alternate, so that other
//! work of the machine affects each credential equally. Server and client share one thread, because the
//! wake-ups of threads vary more than the work that is compared.

mod common;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use random_connect::app::App;
use random_connect::app::keys;
use random_connect::app::toolsets::TOOLSETS;
use random_connect::config::Config;
use random_connect::credentials::api_keys::record::{ApiKeyPolicy, ApiKeyRequest};
use random_connect::credentials::api_keys::service::ApiKeys;
use random_connect::credentials::signed_tokens::jwt::{JwtRequest, JwtSecrets, JwtSettings};
use random_connect::kernel::clock::{Clock, Stopwatch, SystemClock};
use random_connect::kernel::permissions::{AccessLevel, Globs};
use random_connect::kernel::principal::Owner;
use random_connect::kernel::token::AuthTokens;
use random_connect::transport::channels::outbound::SendPolicy;
use random_connect::transport::http::limits::ConnectionLimits;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio_util::sync::CancellationToken;

use common::{BenchResult, Latencies, float, grouped, latencies, machine, median, micros, record};

// The allocator of the binary, so that the results apply to it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Number of users, who chat in pairs, and of the principals of each kind.
const USERS: usize = 1_000;
/// Calls of each user in a round.
const CALLS: usize = 15;
/// Number of measured rounds of each credential.
const ROUNDS: usize = 11;
/// Maximum median ratio of a p50 to that of the fixed token in the same round.
const LIMIT: f64 = 1.1;
const TOKEN: &str = "a-fixed-token-of-many-callers";
const JWT_SECRET: &str = "a-secret-that-has-at-least-32-bytes";

/// The calls with one kind of credential.
struct Caller {
    name: &'static str,
    requests: Vec<Vec<u8>>,
    /// Latencies of each round.
    rounds: Vec<Latencies>,
}

impl Caller {
    /// Matches the users in pairs.
    async fn new(
        name: &'static str,
        stream: &mut TcpStream,
        callers: Vec<(String, Option<String>)>,
    ) -> BenchResult<Self> {
        let mut requests = Vec::new();
        for (token, user) in &callers {
            call(stream, &request(token, user.as_deref(), "#meet")).await?;
            requests.push(request(token, user.as_deref(), "hello, how are you today?"));
        }
        Ok(Self { name, requests, rounds: Vec::new() })
    }

    async fn round(&self, stream: &mut TcpStream) -> BenchResult<Latencies> {
        let mut latencies = latencies();
        for request in self.requests.iter().cycle().take(USERS * CALLS) {
            let stopwatch = Stopwatch::start();
            let response = call(stream, request).await?;
            record(&mut latencies, stopwatch.elapsed());
            if !response.contains("📤 Message sent") {
                return Err(format!("no relay: {response}").into());
            }
        }
        Ok(latencies)
    }
}

fn request(token: &str, user: Option<&str>, message: &str) -> Vec<u8> {
    let mut arguments = json!({ "message": message });
    if let Some(user) = user {
        arguments["puch_user_id"] = Value::from(user);
    }
    let body = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": { "name": "handle_message", "arguments": arguments },
    })
    .to_string();
    format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Sends a request and returns its response, which the server writes in one piece.
async fn call(stream: &mut TcpStream, request: &[u8]) -> BenchResult<String> {
    stream.write_all(request).await?;
    let mut response = vec![0; 4_096];
    let length = stream.read(&mut response).await?;
    response.truncate(length);
    let response = String::from_utf8(response)?;
    if response.starts_with("HTTP/1.1 200") && response.ends_with('}') {
        Ok(response)
    } else {
        Err(format!("a response is incomplete or not 200: {response}").into())
    }
}

/// Starts the server; returns its address and its keys.
async fn start(file: &str) -> BenchResult<(SocketAddr, Arc<ApiKeys>)> {
    let url = format!("sqlite:{file}");
    let setting = |name: &str| match name {
        "RATE_LIMITS" => Some("off".into()),
        "DATABASE_URL" => Some(url.clone().into()),
        "JWT_SECRET" => Some(JWT_SECRET.into()),
        _ => None,
    };
    let mut config = Config::from_lookup(TOOLSETS, setting).map_err(|_| "invalid settings")?;
    let (keys, database) = keys::open(&mut config).await?;
    let clock = Arc::new(SystemClock::new()) as Arc<dyn Clock>;
    let app = App::with_database(config, &clock, SendPolicy::default(), Some(database))?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let tokens = AuthTokens::parse(TOKEN)?;
    tokio::spawn(async move {
        let stop = CancellationToken::new();
        app.serve_http(listener, tokens, ConnectionLimits::default(), stop).await;
    });
    Ok((address, keys))
}

async fn api_key(keys: &ApiKeys, number: usize) -> BenchResult<String> {
    let request = ApiKeyRequest {
        name: "a laptop".parse()?,
        owner: Owner::named(&format!("key-owner-{number}"))?,
        policy: ApiKeyPolicy { level: AccessLevel::ReadWrite, globs: Globs::default() },
        days: 365.try_into()?,
    };
    Ok(keys.create(keys.generate(), &request).await?.key.expose_secret().to_owned())
}

fn jwt(number: usize) -> BenchResult<String> {
    let secrets = JwtSecrets::parse(JWT_SECRET)?;
    let settings = JwtSettings { secrets, issuer: None, audience: None };
    let request = JwtRequest {
        subject: format!("jwt-owner-{number}"),
        role: Some("user".to_owned()),
        scope: None,
        lifetime: Duration::from_secs(3_600),
    };
    Ok(request.sign(&settings, SystemClock::new().now())?.expose_secret().to_owned())
}

async fn run(file: &str) -> BenchResult<Vec<Caller>> {
    let (address, keys) = start(file).await?;
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut fixed, mut with_key, mut with_jwt) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..USERS {
        fixed.push((TOKEN.to_owned(), Some(format!("user-{number}"))));
        with_key.push((api_key(&keys, number).await?, None));
        with_jwt.push((jwt(number)?, None));
    }
    let mut callers = vec![
        Caller::new("fixed token", &mut stream, fixed).await?,
        Caller::new("API keys", &mut stream, with_key).await?,
        Caller::new("JWTs", &mut stream, with_jwt).await?,
    ];
    for round in 0..=ROUNDS {
        for caller in &mut callers {
            let latencies = caller.round(&mut stream).await?;
            // The first round is not measured.
            if round > 0 {
                caller.rounds.push(latencies);
            }
        }
    }
    Ok(callers)
}

fn main() -> BenchResult<()> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let file = folder.path().join("principals.db");
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let callers = runtime.block_on(run(&file.to_string_lossy()))?;
    let p50s = |caller: &Caller| -> Vec<f64> {
        caller.rounds.iter().map(|round| micros(round, 0.5)).collect()
    };
    let base = p50s(&callers[0]);
    let mut exceeded = Vec::new();
    println!("| Caller | p50 | relative to the fixed token | lowest and highest |");
    println!("|---|---:|---:|---:|");
    for caller in &callers {
        let own = p50s(caller);
        let mut ratios: Vec<f64> = own.iter().zip(&base).map(|(own, base)| own / base).collect();
        ratios.sort_by(f64::total_cmp);
        let (ratio, last) = (median(ratios.clone()), ratios.len() - 1);
        println!(
            "| {} | {:.1} µs | {ratio:.2} | {:.2} and {:.2} |",
            caller.name,
            median(own),
            ratios[0],
            ratios[last]
        );
        if ratio > LIMIT {
            exceeded.push(caller.name);
        }
    }
    println!(
        "\n{} {ROUNDS} alternating rounds of {} calls each.",
        machine(),
        grouped(float(u64::try_from(USERS * CALLS)?))
    );
    if exceeded.is_empty() { Ok(()) } else { Err(exceeded.join(", ").into()) }
}
