//! A Redis of a test's own: on a loopback port, in a folder that goes with it.

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
    options: &'static [&'static str],
}

impl RedisServer {
    /// Starts one with these options; without any it keeps all in memory alone.
    pub fn start(options: &'static [&'static str]) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let folder = std::env::temp_dir().join(format!("redis-{}-{port}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let mut server = Self { process: None, port, folder, options };
        server.run();
        server
    }

    pub fn url(&self) -> String {
        format!("redis://{}", self.address())
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
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
            .args(self.options)
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
