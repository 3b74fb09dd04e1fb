//! A hostile host against the binary in 256 MiB of memory: a neighbor's calls are answered within a
//! second throughout.
//!
//! `tests/python/attacks.py` opens the connections, in two processes for their file descriptors. The
//! neighbor has another address of this machine. To add an attack, add it there and to [`ATTACKS`].

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpSocket;
use tokio::process::{Child, Command};
use tokio::time::{interval, timeout};

use crate::support::server::{TEST_TIMEOUT, TOKEN};

/// The attacks, and the number of connections in each of the two processes.
const ATTACKS: [(&str, usize); 8] = [
    ("idle", 10_000),
    ("small-head", 2_500),
    ("head", 1_000),
    ("webhook", 1_000),
    ("webhook-chunks", 100),
    ("body", 500),
    ("frame", 500),
    ("wait", 5_000),
];
/// Memory of the server, in bytes.
const MAX_MEMORY: u64 = 256 << 20;
/// Time limit for a neighbor's call.
const CALL_TIMEOUT: Duration = Duration::from_secs(1);
/// Interval of the neighbor's calls.
const CALL_INTERVAL: Duration = Duration::from_millis(20);
/// Number of the neighbor's calls after an attack has opened its connections.
const CALLS_WHILE_OPEN: usize = 20;

/// The binary, in a memory group where the system permits to create one.
struct Server {
    process: Child,
    address: SocketAddr,
    _group: Option<MemoryGroup>,
}

impl Server {
    async fn start() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_random-connect"))
            .env_clear()
            .current_dir(std::env::temp_dir())
            .envs([("AUTH_TOKEN", TOKEN), ("HOST", "127.0.0.1"), ("PORT", "0")])
            .envs([("TOOLSETS", "connect,penpal"), ("RATE_LIMITS", "off")])
            .envs([("WHATSAPP_TOKEN", "token"), ("WHATSAPP_PHONE_NUMBER_ID", "1")])
            .envs([("WHATSAPP_VERIFY_TOKEN", "verify"), ("WHATSAPP_APP_SECRET", "secret")])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the binary starts");
        let group = process.id().and_then(MemoryGroup::create);
        let mut lines = BufReader::new(process.stdout.take().expect("standard output")).lines();
        let line = timeout(TEST_TIMEOUT, lines.next_line()).await.expect("in time");
        let line = line.expect("a line").expect("a line");
        let (_, url) = line.split_once("http://").expect("the address");
        let address = url.trim_end_matches("/mcp").parse().expect("an address");
        Self { process, address, _group: group }
    }

    fn proc_path(&self, name: &str) -> PathBuf {
        Path::new("/proc").join(self.process.id().expect("it runs").to_string()).join(name)
    }

    /// The most memory that the server has used, in bytes.
    fn peak_memory(&self) -> u64 {
        let status = fs::read_to_string(self.proc_path("status")).expect("the server runs");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
        peak.trim_end_matches("kB").trim().parse::<u64>().expect("a number") * 1024
    }

    fn open_files(&self) -> usize {
        fs::read_dir(self.proc_path("fd")).expect("the server runs").count()
    }

    /// Makes a call from another address than that of the attacks, on a new connection.
    async fn call_as_neighbor(&self) -> String {
        let arguments = json!({ "message": "#who", "puch_user_id": "neighbor" });
        let body = json!({ "method": "handle_message", "params": arguments }).to_string();
        let request = format!(
            "POST /mcp HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {TOKEN}\r\n\
             Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let call = async {
            let socket = TcpSocket::new_v4()?;
            socket.bind(SocketAddr::from(([127, 0, 0, 2], 0)))?;
            let mut stream = socket.connect(self.address).await?;
            stream.write_all(request.as_bytes()).await?;
            let mut response = String::new();
            stream.read_to_string(&mut response).await?;
            std::io::Result::Ok(response)
        };
        let response = timeout(CALL_TIMEOUT, call).await.expect("an answer within a second");
        response.expect("an answer")
    }

    /// Makes calls for ever; each must be answered in time.
    async fn call_repeatedly(&self) -> ! {
        let mut ticks = interval(CALL_INTERVAL);
        loop {
            ticks.tick().await;
            let response = self.call_as_neighbor().await;
            assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
        }
    }
}

/// A memory group of cgroup v2. Dropping it removes the group.
struct MemoryGroup(PathBuf);

impl MemoryGroup {
    /// `None` if the system has no such groups or does not permit to create one.
    fn create(process: u32) -> Option<Self> {
        let group = Self(PathBuf::from(format!("/sys/fs/cgroup/random-connect-{process}")));
        let root = group.0.parent()?;
        let controllers = fs::read_to_string(root.join("cgroup.subtree_control")).ok()?;
        controllers.split_whitespace().find(|name| *name == "memory")?;
        fs::create_dir(&group.0).ok()?;
        fs::write(group.0.join("memory.max"), MAX_MEMORY.to_string()).ok()?;
        fs::write(group.0.join("cgroup.procs"), process.to_string()).ok()?;
        Some(group)
    }
}

impl Drop for MemoryGroup {
    fn drop(&mut self) {
        // A group can be removed once its process has ended, which may take a moment.
        while fs::remove_dir(&self.0)
            .is_err_and(|error| error.kind() == std::io::ErrorKind::ResourceBusy)
        {
            std::thread::yield_now();
        }
    }
}

/// Starts a client that opens connections; it closes them when dropped.
fn start_client(server: &Server, attack: &str, connections: usize) -> Child {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join("target/python/bin/python");
    assert!(python.exists(), "Python is not installed: run `make tools`");
    Command::new(python)
        .arg(root.join("tests/python/attacks.py"))
        .args([&server.address.to_string(), attack, &connections.to_string()])
        .env("TOKEN", TOKEN)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("Python starts")
}

/// Reads the number of connections that a client has opened.
async fn opened_by(client: &mut Child) -> usize {
    let stdout = client.stdout.as_mut().expect("standard output");
    let mut line = String::new();
    let read = timeout(2 * TEST_TIMEOUT, BufReader::new(stdout).read_line(&mut line)).await;
    read.expect("in time").expect("a line");
    line.trim().parse().expect("the number of connections")
}

#[tokio::test]
async fn hostile_host_does_not_delay_a_neighbor_in_256_mib() {
    let server = Server::start().await;
    server.call_as_neighbor().await;
    let open_files = server.open_files();
    for (attack, connections) in ATTACKS {
        let mut clients = [(); 2].map(|()| start_client(&server, attack, connections));
        let opening = async {
            let mut opened = 0;
            for client in &mut clients {
                opened += opened_by(client).await;
            }
            opened
        };
        let opened = tokio::select! {
            opened = opening => opened,
            never = server.call_repeatedly() => never,
        };
        if opened < 2 * connections {
            println!("{attack}: the limit of open files permits {opened} connections only");
        }
        for _ in 0..CALLS_WHILE_OPEN {
            server.call_as_neighbor().await;
        }
        let peak = server.peak_memory();
        println!("{attack}: {opened} connections, peak memory {} MiB", peak >> 20);
        assert!(peak <= MAX_MEMORY, "{attack}: {} MiB", peak >> 20);
    }
    // Nothing is left of connections and of the calls that they cancelled.
    let closed = async {
        while server.open_files() > open_files + 2 {
            server.call_as_neighbor().await;
        }
    };
    timeout(TEST_TIMEOUT, closed).await.expect("the server closes what the clients have closed");
}
