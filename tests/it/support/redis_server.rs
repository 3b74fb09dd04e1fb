//! [`RedisServer`]: a Redis process for one test, on a free loopback port and in a temporary
//! folder.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::yield_now;
use std::time::Duration;

use random_connect::kernel::redis::RedisConnection;

/// A Redis process. Dropping it kills the process and removes its folder.
pub struct RedisServer {
    process: Option<Child>,
    host: &'static str,
    port: u16,
    folder: PathBuf,
    options: &'static [&'static str],
}

impl RedisServer {
    /// Starts Redis with these options; with none, it stores data in memory only.
    pub fn start(options: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        Self::start_at("127.0.0.1", port, options)
    }

    /// Starts another Redis on the port of this one and another loopback address.
    pub fn start_beside(&self, host: &'static str) -> Self {
        Self::start_at(host, self.port, self.options)
    }

    fn start_at(host: &'static str, port: u16, options: &'static [&'static str]) -> Self {
        let folder =
            std::env::temp_dir().join(format!("redis-{}-{host}-{port}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let mut server = Self { process: None, host, port, folder, options };
        server.run();
        server
    }

    /// Returns the address as a URL.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address())
    }

    /// Connects as an instance does, but with the time of the test.
    pub fn connection(&self) -> RedisConnection {
        RedisConnection::open_with_callers_time(&self.url()).expect("a valid URL")
    }

    /// Returns host and port.
    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Kills the process, as a crash would.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("Redis runs");
            process.wait().expect("Redis exits");
        }
    }

    /// Stops the process without ending it: its connections stay open, and it answers nothing.
    pub fn freeze(&self) {
        let pid = self.process.as_ref().expect("Redis runs").id().to_string();
        let status = Command::new("kill").args(["-STOP", &pid]).status().expect("kill runs");
        assert!(status.success());
    }

    /// Starts Redis again on the same port and waits until it has loaded its data.
    pub fn run(&mut self) {
        let process = Command::new("redis-server")
            .args(["--bind", self.host, "--save", "", "--port", &self.port.to_string()])
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

    /// Returns `true` if Redis accepts commands; while it loads its data, it does not.
    fn answers(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect((self.host, self.port)) else { return false };
        let mut reply = [0; 5];
        stream.set_read_timeout(Some(Duration::from_secs(5))).is_ok()
            && stream.write_all(b"PING\r\n").is_ok()
            && stream.read_exact(&mut reply).is_ok()
            && &reply == b"+PONG"
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
        // A folder that is left behind does no harm.
        let _ = fs::remove_dir_all(&self.folder);
    }
}
