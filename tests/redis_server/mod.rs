//! A Redis of a test's own: on a loopback port, in a folder that goes with it.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::yield_now;
use std::time::Duration;

/// A running server, ended when dropped.
pub struct RedisServer {
    process: Option<Child>,
    port: u16,
    folder: PathBuf,
    durable: bool,
}

impl RedisServer {
    /// Starts one that keeps all in memory.
    pub fn start() -> Self {
        Self::with(false)
    }

    /// Starts one that writes down what it is told, so that a restart loses nothing.
    pub fn durable() -> Self {
        Self::with(true)
    }

    fn with(durable: bool) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let folder = std::env::temp_dir().join(format!("redis-{}-{port}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let mut server = Self { process: None, port, folder, durable };
        server.run();
        server
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Sends a command of plain words; returns the answer's first bytes.
    pub fn command(&self, words: &[&str]) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("a server");
        let mut request = format!("*{}\r\n", words.len());
        for word in words {
            write!(request, "${}\r\n{word}\r\n", word.len()).expect("a string");
        }
        stream.write_all(request.as_bytes()).expect("a server");
        let mut answer = vec![0; 65_536];
        let read = stream.read(&mut answer).expect("an answer");
        String::from_utf8_lossy(&answer[..read]).into_owned()
    }

    /// The names of all keys.
    pub fn keys(&self) -> Vec<String> {
        let answer = self.command(&["KEYS", "*"]);
        answer.lines().filter(|line| !line.starts_with(['*', '$'])).map(str::to_owned).collect()
    }

    /// All that is kept, as the file that it is written down in shows it.
    pub fn dump(&self) -> String {
        let folder = self.folder.join("appendonlydir");
        let files =
            fs::read_dir(folder).expect("a folder").map(|file| file.expect("a file").path());
        let all = files.map(|file| fs::read(file).expect("readable"));
        all.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).collect()
    }

    /// Ends it as a crash would.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("it runs");
            process.wait().expect("it ends");
        }
    }

    /// Starts it, on the same port with what it had written down.
    pub fn run(&mut self) {
        let process = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--save", "", "--port", &self.port.to_string()])
            .args(["--appendfsync", "always"])
            .args(["--appendonly", if self.durable { "yes" } else { "no" }])
            .current_dir(&self.folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server is installed: run `make tools`");
        self.process = Some(process);
        while !self.answers() {
            yield_now();
        }
    }

    /// Whether it is up and has read what it had written down.
    fn answers(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return false };
        let mut answer = [0; 5];
        stream.set_read_timeout(Some(Duration::from_secs(5))).is_ok()
            && stream.write_all(b"PING\r\n").is_ok()
            && stream.read_exact(&mut answer).is_ok()
            && &answer == b"+PONG"
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
        // A folder that stays does no harm.
        let _ = fs::remove_dir_all(&self.folder);
    }
}
