//! The server in a process of its own, so that its memory is not the load's.

use std::env;
use std::fs;
use std::io::Write;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use random_connect::app::App;
use random_connect::config::Config;
use random_connect::kernel::clock::{Clock, SystemClock, seeded_rng};
use random_connect::kernel::token::AuthTokens;
use random_connect::transport::http::limits::ConnectionLimits;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::http::{HttpConnection, LoadTarget};
use crate::{BenchResult, LOSS_TIMEOUT};

/// The argument with which this program calls itself to be the server; the idle limits of sessions and
/// of people follow, in seconds.
const SERVE_ARG: &str = "--serve";

/// The places for sessions: the default for those that are open, and room for those that were left without
/// a word and whose time is not over, of whom there are the more the faster the machine is.
const SESSION_CAPACITY: usize = 60_000;

pub struct ServerProcess {
    process: Child,
    pub target: Arc<LoadTarget>,
}

/// What the server is busy with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerFigures {
    pub sessions: u64,
    pub reachable: u64,
    pub people: u64,
}

impl ServerProcess {
    pub async fn start(session_idle: Duration, people_idle: Duration) -> BenchResult<Self> {
        let mut process = Command::new(env::current_exe()?)
            .arg(SERVE_ARG)
            .args([session_idle, people_idle].map(|time| time.as_secs().to_string()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut told = String::new();
        let output = process.stdout.take().ok_or("no output")?;
        timeout(LOSS_TIMEOUT, BufReader::new(output).read_line(&mut told)).await??;
        let (at, token) = told.trim().split_once(' ').ok_or("the server did not start")?;
        let target = LoadTarget { at: at.parse()?, token: token.to_owned() };
        Ok(Self { process, target: Arc::new(target) })
    }

    /// The memory it has, in KiB.
    pub fn memory(&self) -> BenchResult<u64> {
        let id = self.process.id().ok_or("the server has ended")?;
        let status = fs::read_to_string(format!("/proc/{id}/status"))?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = resident.and_then(|line| line.trim().strip_suffix(" kB"));
        Ok(kib.ok_or("no figure of the memory")?.trim().parse()?)
    }

    pub async fn figures(&self) -> BenchResult<ServerFigures> {
        let mut connection = HttpConnection::open(&self.target).await?;
        let text = connection.send("GET", "/metrics", None, "").await?.message;
        let figure = |name: &str| -> BenchResult<u64> {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            Ok(line.ok_or("no such figure")?.trim().parse()?)
        };
        Ok(ServerFigures {
            sessions: figure("random_connect_live_sessions ")?,
            reachable: figure("random_connect_reachable_users ")?,
            people: figure("random_connect_active_users ")?,
        })
    }

    /// Waits until nobody is connected any more, and memory has been given back.
    pub async fn empty(&self) -> BenchResult<()> {
        let emptied = async {
            loop {
                let ServerFigures { sessions, reachable, .. } = self.figures().await?;
                if sessions == 0 && reachable == 0 {
                    return BenchResult::Ok(());
                }
                sleep(Duration::from_millis(200)).await;
            }
        };
        timeout(LOSS_TIMEOUT, emptied).await??;
        self.settle().await
    }

    /// Waits until the memory changes no more.
    pub async fn settle(&self) -> BenchResult<()> {
        let mut before = self.memory()?;
        for _ in 0..20 {
            sleep(Duration::from_secs(1)).await;
            let now = self.memory()?;
            if now.abs_diff(before) <= before / 200 {
                break;
            }
            before = now;
        }
        Ok(())
    }
}

/// Is the server, if this program was called to be it, until whoever called it has ended.
pub fn serve_if_asked() -> BenchResult<bool> {
    let arguments: Vec<String> = env::args().collect();
    let Some(at) = arguments.iter().position(|argument| argument == SERVE_ARG) else {
        return Ok(false);
    };
    let [session_idle, people_idle] = &arguments[at + 1..] else { return Err("two times".into()) };
    let session_idle = Duration::from_secs(session_idle.parse()?);
    let people_idle = people_idle.clone();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(session_idle, people_idle))?;
    // A read of standard input can't be cancelled.
    runtime.shutdown_background();
    Ok(true)
}

async fn serve(session_idle: Duration, people_idle: String) -> BenchResult<()> {
    let setting = |name: &str| match name {
        "TOOLSETS" => Some("penpal".into()),
        // Limits are kept of everybody, and hold nobody up.
        "RATE_LIMITS" => {
            Some("messages=10000,same=10000,searches=10000,newcomers=0".to_owned().into())
        }
        "MAX_SESSIONS" => Some(SESSION_CAPACITY.to_string().into()),
        "IDLE_TIMEOUT_SECS" => Some(people_idle.clone().into()),
        "REAP_INTERVAL_SECS" => Some("2".into()),
        _ => None,
    };
    let config = Config::from_lookup(setting).map_err(|_| "the settings are refused")?;
    let app = App::new(config, &(Arc::new(SystemClock::new()) as Arc<dyn Clock>))?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let tokens = AuthTokens::generate(&mut seeded_rng());
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} {}", listener.local_addr()?, tokens.current())?;
    out.flush()?;
    drop(out);
    let limits =
        ConnectionLimits { session_idle, ..ConnectionLimits::with_sessions(SESSION_CAPACITY) }
            .within_fd_limit();
    let shutdown = CancellationToken::new();
    let told = shutdown.clone();
    tokio::spawn(async move {
        // It ends when whoever started this does.
        let _ = tokio::io::stdin().read(&mut [0]).await;
        told.cancel();
    });
    app.serve_http(listener, tokens, limits, shutdown).await;
    Ok(())
}
