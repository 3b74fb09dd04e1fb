//! [`GatewayProcess`]: a gateway, on the second core.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use random_connect::kernel::clock::Stopwatch;
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::BenchResult;

/// The core of the gateways; the provider and the load generator have core 0.
const CORE: &str = "1";

/// Maximum time until a gateway accepts connections.
const START_TIME: Duration = Duration::from_secs(120);

/// A process. Dropping it kills it.
pub struct GatewayProcess(Child);

pub fn free_address() -> BenchResult<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

impl GatewayProcess {
    /// Starts a program with its arguments and variables, and waits until it accepts connections.
    pub async fn start(
        address: SocketAddr,
        program: &Path,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> BenchResult<Self> {
        let process = Command::new("taskset")
            .args(["-c", CORE])
            .arg(program)
            .args(arguments)
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let mut process = Self(process);
        let started = Stopwatch::start();
        while TcpStream::connect(address).await.is_err() {
            if process.0.try_wait()?.is_some() || started.elapsed() > START_TIME {
                return Err(format!("{} does not start", program.display()).into());
            }
            sleep(Duration::from_millis(50)).await;
        }
        Ok(process)
    }

    /// Starts a program that prints its address, as a URL.
    pub fn start_announced(program: &Path, arguments: &[&str]) -> BenchResult<(Self, SocketAddr)> {
        let mut process = Command::new("taskset")
            .args(["-c", CORE])
            .arg(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let output = process.stdout.take().ok_or("no output")?;
        let process = Self(process);
        let mut lines = BufReader::new(output).lines();
        let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let address = line.trim().strip_prefix("http://")?.split('/').next()?;
            address.replace("0.0.0.0", "127.0.0.1").replace("localhost", "127.0.0.1").parse().ok()
        });
        // The program must not wait for a reader of its log.
        thread::spawn(move || lines.for_each(drop));
        Ok((process, address.ok_or("no address")?))
    }

    /// The CPU time since the start, in nanoseconds.
    pub fn cpu(&self) -> BenchResult<u64> {
        let mut nanos = 0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.0.id()))? {
            let stat = fs::read_to_string(thread?.path().join("schedstat"))?;
            nanos += stat.split(' ').next().ok_or("an empty schedstat")?.parse::<u64>()?;
        }
        Ok(nanos)
    }

    /// The resident memory, in MiB.
    pub fn memory(&self) -> BenchResult<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().split(' ').next()).ok_or("no VmRSS")?;
        Ok(kib.parse::<f64>()? / 1_024.0)
    }
}

impl Drop for GatewayProcess {
    fn drop(&mut self) {
        // The process may have exited already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
