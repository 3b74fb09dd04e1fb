//! [`ServerProcess`]: the server in a separate process, so that the load does not count as its
//! memory.

use std::env;
use std::fs;
use std::io::Write;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use random_connect::app::App;
use random_connect::app::toolsets::TOOLSETS;
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

/// The argument of the server process; the idle limits of sessions and users follow, in seconds.
const SERVE_ARG: &str = "--serve";

/// The session limit of the server.
///
/// It is larger than the default, because abandoned sessions count until their idle limit: the
/// faster the machine, the more of them there are.
const SESSION_CAPACITY: usize = 60_000;

/// A server process, which is killed when dropped.
pub struct ServerProcess {
    process: Child,
    pub target: Arc<LoadTarget>,
}

/// Gauges from the metrics of the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerFigures {
    pub sessions: u64,
    /// Number of users with a push channel.
    pub reachable: u64,
    pub users: u64,
}

impl ServerProcess {
    /// Starts the server and waits until it listens.
    pub async fn start(session_idle: Duration, user_idle: Duration) -> BenchResult<Self> {
        let mut process = Command::new(env::current_exe()?)
            .arg(SERVE_ARG)
            .args([session_idle, user_idle].map(|limit| limit.as_secs().to_string()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut line = String::new();
        let output = process.stdout.take().ok_or("no output")?;
        timeout(LOSS_TIMEOUT, BufReader::new(output).read_line(&mut line)).await??;
        let (address, token) = line.trim().split_once(' ').ok_or("the server did not start")?;
        let target = LoadTarget { address: address.parse()?, token: token.to_owned() };
        Ok(Self { process, target: Arc::new(target) })
    }

    /// Returns the resident memory in KiB.
    pub fn memory(&self) -> BenchResult<u64> {
        let id = self.process.id().ok_or("the server has exited")?;
        let status = fs::read_to_string(format!("/proc/{id}/status"))?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = resident.and_then(|line| line.trim().strip_suffix(" kB"));
        Ok(kib.ok_or("no resident memory in the status")?.trim().parse()?)
    }

    /// Reads the gauges.
    pub async fn figures(&self) -> BenchResult<ServerFigures> {
        let mut connection = HttpConnection::open(&self.target).await?;
        let text = connection.send("GET", "/metrics", None, "").await?.message;
        let gauge = |name: &str| -> BenchResult<u64> {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            Ok(line.ok_or("no such metric")?.trim().parse()?)
        };
        Ok(ServerFigures {
            sessions: gauge("random_connect_live_sessions ")?,
            reachable: gauge("random_connect_reachable_users ")?,
            users: gauge("random_connect_active_users ")?,
        })
    }

    /// Waits until all sessions have ended and the memory is stable.
    pub async fn wait_empty(&self) -> BenchResult<()> {
        let empty = async {
            loop {
                let ServerFigures { sessions, reachable, .. } = self.figures().await?;
                if sessions == 0 && reachable == 0 {
                    return BenchResult::Ok(());
                }
                sleep(Duration::from_millis(200)).await;
            }
        };
        timeout(LOSS_TIMEOUT, empty).await??;
        self.settle().await
    }

    /// Waits until the memory is stable, for at most 20 seconds.
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

/// Runs the server if [`SERVE_ARG`] is present, until the parent process exits.
///
/// Returns `false` if the argument is absent.
pub fn serve_if_requested() -> BenchResult<bool> {
    let arguments: Vec<String> = env::args().collect();
    let Some(index) = arguments.iter().position(|argument| argument == SERVE_ARG) else {
        return Ok(false);
    };
    let [session_idle, user_idle] = &arguments[index + 1..] else {
        return Err("two idle limits are required".into());
    };
    let session_idle = Duration::from_secs(session_idle.parse()?);
    let user_idle = user_idle.clone();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(session_idle, user_idle))?;
    // Without waiting, because a read of standard input can't be cancelled.
    runtime.shutdown_background();
    Ok(true)
}

/// Serves until standard input ends; prints address and token first.
async fn serve(session_idle: Duration, user_idle: String) -> BenchResult<()> {
    let setting = |name: &str| match name {
        "TOOLSETS" => Some("penpal".into()),
        // High enough that no call is limited, but the state of all users is stored.
        "RATE_LIMITS" => {
            Some("messages=10000,same=10000,searches=10000,newcomers=0".to_owned().into())
        }
        "MAX_SESSIONS" => Some(SESSION_CAPACITY.to_string().into()),
        "IDLE_TIMEOUT_SECS" => Some(user_idle.clone().into()),
        "REAP_INTERVAL_SECS" => Some("2".into()),
        _ => None,
    };
    let config = Config::from_lookup(TOOLSETS, setting).map_err(|_| "invalid settings")?;
    let app = App::new(config, &(Arc::new(SystemClock::new()) as Arc<dyn Clock>))?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let tokens = AuthTokens::generate(&mut seeded_rng());
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} {}", listener.local_addr()?, tokens.current())?;
    out.flush()?;
    drop(out);
    let limits =
        ConnectionLimits { session_idle, ..ConnectionLimits::with_sessions(SESSION_CAPACITY) }
            .within_fd_limit(0);
    let shutdown = CancellationToken::new();
    let parent_exited = shutdown.clone();
    tokio::spawn(async move {
        // Standard input ends with the parent process.
        let _ = tokio::io::stdin().read(&mut [0]).await;
        parent_exited.cancel();
    });
    app.serve_http(listener, tokens, limits, shutdown).await;
    Ok(())
}
