//! [`PythonServer`]: a server of the official Python SDK, in the environment that `make tools`
//! installs.

use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};

use tokio::net::TcpStream;
use tokio::task::yield_now;

use crate::{BenchResult, SENT};

/// The interpreter of that environment.
const PYTHON: &str = "target/python/bin/python";

/// A server with a tool of the same name that only answers.
const PROGRAM: &str = r#"
import sys
import uvicorn
from mcp.server import MCPServer

server = MCPServer("bench", log_level="ERROR")

@server.tool(structured_output=False)
async def handle_message(message: str, puch_user_id: str) -> str:
    return f"💬 User_ABCD: {message}\n\n{sys.argv[2]} to your partner from User_EFGH: {message}"

app = server.streamable_http_app(json_response=True, stateless_http=True)
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error", timeout_keep_alive=3600)
"#;

/// A server process. Dropping it kills the process.
pub struct PythonServer {
    process: Child,
    address: SocketAddr,
}

impl PythonServer {
    /// Starts the server and waits until it accepts connections.
    pub async fn start() -> BenchResult<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let process = Command::new(PYTHON)
            .args(["-c", PROGRAM, &address.port().to_string(), SENT])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|_| "no Python environment: run `make tools` first")?;
        let mut server = Self { process, address };
        while TcpStream::connect(address).await.is_err() {
            if server.process.try_wait()?.is_some() {
                return Err("the Python server exited".into());
            }
            yield_now().await;
        }
        Ok(server)
    }

    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for PythonServer {
    fn drop(&mut self) {
        // The process may have exited already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
