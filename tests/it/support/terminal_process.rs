//! [`TerminalProcess`]: the binary with its input and output, through pipes or a pseudo-terminal.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;

use nix::pty::{Winsize, openpty};
use tokio::sync::mpsc;
use tokio::task::yield_now;
use tokio::time::timeout;

use super::server::TEST_TIMEOUT;

const BINARY: &str = env!("CARGO_BIN_EXE_random-connect");

/// A process of the binary, with its input and output. Dropping it kills the process.
pub struct TerminalProcess {
    pub child: Child,
    /// `None` once the input is closed.
    pub input: Option<Box<dyn Write + Send>>,
    output: mpsc::UnboundedReceiver<Vec<u8>>,
    /// Output after the last text of [`Self::expect_output`].
    seen: String,
}

impl TerminalProcess {
    /// Builds a command of the binary with these environment variables only.
    pub fn command(arguments: &[&str], variables: &[(&str, &str)]) -> Command {
        let mut command = Command::new(BINARY);
        command.args(arguments).env_clear().envs(variables.iter().copied());
        command.current_dir(std::env::temp_dir());
        command
    }

    /// Starts a process whose standard input and output are pipes.
    pub fn piped(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = Self::command(arguments, variables);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the binary starts");
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let input = input.map(|input| Box::new(input) as Box<dyn Write + Send>);
        Self { child, input, output: read(output.expect("an output")), seen: String::new() }
    }

    /// Starts a process in a pseudo-terminal; also returns the process's end of it.
    pub fn in_terminal(arguments: &[&str], variables: &[(&str, &str)]) -> (Self, OwnedFd) {
        let size = Winsize { ws_row: 24, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(&size, None).expect("a pseudo-terminal");
        let end = || pty.slave.try_clone().expect("a file descriptor");
        let mut command = Self::command(arguments, variables);
        let child = command.stdin(end()).stdout(end()).stderr(end()).env("TERM", "xterm").spawn();
        let child = child.expect("the binary starts");
        drop(command);
        let master = File::from(pty.master);
        let input = master.try_clone().expect("an input");
        let input = Some(Box::new(input) as Box<dyn Write + Send>);
        (Self { child, input, output: read(master), seen: String::new() }, pty.slave)
    }

    /// Types a text.
    pub fn write(&mut self, text: &str) {
        let input = self.input.as_mut().expect("an input");
        input.write_all(text.as_bytes()).expect("typed");
    }

    /// Waits until this text is printed; returns the output before it.
    pub async fn expect_output(&mut self, text: &str) -> String {
        loop {
            if let Some((before, after)) = self.seen.split_once(text) {
                let (before, after) = (before.to_owned(), after.to_owned());
                self.seen = after;
                return before;
            }
            let chunk = timeout(TEST_TIMEOUT, self.output.recv()).await;
            let Ok(Some(bytes)) = chunk else { panic!("no {text:?} in {:?}", self.seen) };
            self.seen.push_str(&String::from_utf8_lossy(&bytes));
        }
    }

    /// Waits until the process exits.
    pub async fn wait_exit(&mut self) -> ExitStatus {
        let exited = async {
            loop {
                if let Some(status) = self.child.try_wait().expect("a status") {
                    return status;
                }
                yield_now().await;
            }
        };
        timeout(TEST_TIMEOUT, exited).await.expect("the process exits")
    }
}

impl Drop for TerminalProcess {
    fn drop(&mut self) {
        // The process may have exited already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads the output in a thread until the end, which a terminal reports as an error.
fn read(mut output: impl Read + Send + 'static) -> mpsc::UnboundedReceiver<Vec<u8>> {
    let (sender, receiver) = mpsc::unbounded_channel();
    thread::spawn(move || {
        let mut bytes = [0; 4_096];
        while let Ok(read @ 1..) = output.read(&mut bytes) {
            if sender.send(bytes[..read].to_vec()).is_err() {
                return;
            }
        }
    });
    receiver
}
