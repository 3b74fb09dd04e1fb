//! The terminal client: an MCP client that uses only the server's protocol.
//!
//! Read `chat.rs` first, the pure state of a chat. `target.rs` holds the server's URL and token,
//! `connection.rs` the WebSocket, `wire.rs` the messages on it. `console.rs` reads and prints, `helper.rs`
//! completes commands (parsed by `commands.rs`), `render.rs` styles lines, and `demo.rs` plays a scripted chat.
//!
//! **Invariant:** this folder imports neither the lobby nor the transports, because every feature must work
//! for any other client.

mod chat;
mod commands;
mod connection;
mod console;
pub mod demo;
pub mod error;
mod helper;
mod render;
pub mod target;
mod wire;

use std::io;
use std::time::Duration;

use futures_util::future::{BoxFuture, OptionFuture};
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::json;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{sleep, timeout};

use self::chat::{ChatSession, OutputLine};
use self::connection::{CallError, ServerLink};
use self::console::{Console, Input};
use self::error::ChatError;
use self::target::ServerTarget;
use self::wire::{WireRejoinResult, WireSayResult};
use crate::kernel::id::random_hex;

/// Delay before the second attempt to reconnect; doubles with each attempt.
const INITIAL_BACKOFF: Duration = Duration::from_millis(200);
const MAX_BACKOFF: Duration = Duration::from_secs(10);
/// Timeout of leaving the chat at the end.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(3);
/// Maximum number of typed lines without an answer.
const MAX_PENDING_INPUT: usize = 64;

/// Chats until the input ends or a signal arrives, then leaves the chat.
///
/// # Errors
/// Returns a [`ChatError`] whose text says what to do.
pub async fn chat(server: &ServerTarget, rng: StdRng) -> Result<(), ChatError> {
    let link = ServerLink::open(server).await?;
    let signals = Signals::new().map_err(|error| ChatError::Terminal(error.to_string()))?;
    let mut terminal = TerminalClient::new(Console::open()?, signals, rng);
    match terminal.run(server, link).await {
        Err(ChatEnd::Failed(problem)) => Err(problem),
        // A reader that closes the pipe ends the chat, as in any pipeline.
        Ok(()) | Err(ChatEnd::OutputClosed) => Ok(()),
    }
}

/// Why the chat ended early.
enum ChatEnd {
    /// The output was closed.
    OutputClosed,
    Failed(ChatError),
}

impl From<ChatError> for ChatEnd {
    fn from(problem: ChatError) -> Self {
        Self::Failed(problem)
    }
}

impl From<io::Error> for ChatEnd {
    fn from(_: io::Error) -> Self {
        Self::OutputClosed
    }
}

/// How a connection ended.
enum LinkEnd {
    /// The user is done.
    Done,
    /// The connection was lost.
    Lost,
}

/// Whether and when to leave.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ExitRequest {
    No,
    /// After all typed lines are answered.
    WhenAnswered,
    /// Immediately.
    Now,
}

/// One side of a chat with its console and signals.
struct TerminalClient {
    console: Console,
    signals: Signals,
    session: ChatSession,
    /// The user's id at the server: random for this run, so that it can't be guessed.
    user_id: String,
    leaving: ExitRequest,
    rng: StdRng,
}

impl TerminalClient {
    fn new(console: Console, signals: Signals, mut rng: StdRng) -> Self {
        let user_id = format!("terminal-{}", random_hex(&mut rng));
        Self {
            console,
            signals,
            session: ChatSession::default(),
            user_id,
            leaving: ExitRequest::No,
            rng,
        }
    }

    async fn run(&mut self, server: &ServerTarget, mut link: ServerLink) -> Result<(), ChatEnd> {
        let hello = if self.console.has_editor() {
            format!(
                "Connected to {server}. Type #meet to find a partner; Tab completes, Ctrl-D leaves."
            )
        } else {
            format!("Connected to {server}.")
        };
        // Completion must work before the greeting mentions it.
        if let Ok(help) = link.tool_caller().call_text("help").await {
            self.console.set_commands(commands::parse_help(&help));
        }
        self.print_local(&hello)?;
        loop {
            let result = self.run_connected(&mut link).await;
            if result.is_err() {
                // The answer is not shown, but a partner may be waiting in the chat.
                self.send_bye(&link).await;
            }
            match result? {
                LinkEnd::Done => {
                    link.close().await;
                    return Ok(());
                }
                LinkEnd::Lost if self.leaving == ExitRequest::No => {
                    self.print_local("Connection lost. Reconnecting…")?;
                }
                LinkEnd::Lost => {}
            }
            let Some(new_link) = self.reconnect(server).await? else { return Ok(()) };
            link = new_link;
            self.print_local("Reconnected.")?;
        }
    }

    fn print_local(&mut self, text: &str) -> io::Result<()> {
        self.console.show(&[OutputLine::local(text)])
    }

    /// Sends lines and shows events until the connection or the chat ends.
    async fn run_connected(&mut self, link: &mut ServerLink) -> Result<LinkEnd, ChatEnd> {
        let rejoin = json!({ "user_id": self.user_id });
        match link.tool_caller().call::<WireRejoinResult>("rejoin", rejoin).await {
            Ok(rejoined) => {
                let lines = self.session.on_rejoin(rejoined);
                self.console.show(&lines)?;
            }
            Err(CallError::Refused(reason)) => self.console.show(&[OutputLine::Error(reason)])?,
            Err(CallError::Lost) => return Ok(LinkEnd::Lost),
        }
        let mut call = None;
        loop {
            if call.is_none() {
                call = self.next_call(link);
            }
            if call.is_none() && self.leaving != ExitRequest::No {
                return Ok(self.drain_and_leave(link).await?);
            }
            let (idle, open) =
                (self.session.pending_count() < MAX_PENDING_INPUT, self.leaving == ExitRequest::No);
            let reply: OptionFuture<_> = call.as_mut().into();
            tokio::select! {
                biased;
                () = self.signals.received() => self.leave_now(),
                event = link.events.recv() => {
                    let Some(event) = event else { return Ok(LinkEnd::Lost) };
                    let lines = self.session.on_event(event);
                    self.console.show(&lines)?;
                }
                Some(result) = reply => {
                    call = None;
                    let lines = match result {
                        Ok(reply) => self.session.on_reply(reply),
                        Err(CallError::Refused(reason)) => self.session.on_error(reason),
                        Err(CallError::Lost) => return Ok(LinkEnd::Lost),
                    };
                    self.console.show(&lines)?;
                }
                input = self.console.input.recv(), if open && idle => self.on_input(input)?,
            }
        }
    }

    /// Returns the call for the next typed line. `None` if all are answered.
    fn next_call(
        &self,
        link: &ServerLink,
    ) -> Option<BoxFuture<'static, Result<WireSayResult, CallError>>> {
        let next = self.session.next()?;
        let arguments = json!({
            "user_id": self.user_id, "message": next.text, "message_id": next.message_id,
        });
        Some(Box::pin(link.tool_caller().call("say", arguments)))
    }

    fn on_input(&mut self, input: Option<Input>) -> io::Result<()> {
        match input {
            Some(Input::Line(text)) => {
                let id = random_hex(&mut self.rng);
                self.session.on_input(&text, id).map_or(Ok(()), |line| self.console.show(&[line]))
            }
            Some(Input::Quit) => {
                self.leave_now();
                Ok(())
            }
            Some(Input::End) | None => {
                self.leaving = ExitRequest::WhenAnswered;
                Ok(())
            }
        }
    }

    fn leave_now(&mut self) {
        self.session.drop_pending();
        self.leaving = ExitRequest::Now;
    }

    /// Shows the remaining events and leaves the chat or the queue, so that no partner writes to a closed client.
    async fn drain_and_leave(&mut self, link: &mut ServerLink) -> io::Result<LinkEnd> {
        while let Ok(event) = link.events.try_recv() {
            let lines = self.session.on_event(event);
            self.console.show(&lines)?;
        }
        if let Some(reply) = self.send_bye(link).await {
            let lines = self.session.on_reply(reply);
            self.console.show(&lines)?;
        }
        Ok(LinkEnd::Done)
    }

    /// Ends the current chat or search. `None` if neither exists or the server does not answer.
    async fn send_bye(&self, link: &ServerLink) -> Option<WireSayResult> {
        if !self.session.can_leave() {
            return None;
        }
        let bye = json!({ "user_id": self.user_id, "message": "#bye" });
        timeout(LEAVE_TIMEOUT, link.tool_caller().call("say", bye)).await.ok()?.ok()
    }

    /// Reconnects with growing delays. `None` if the user has left in the meantime.
    async fn reconnect(&mut self, server: &ServerTarget) -> Result<Option<ServerLink>, ChatEnd> {
        let mut delay = Duration::ZERO;
        loop {
            // Lines typed before the end of the input justify one attempt.
            if self.leaving == ExitRequest::Now
                || self.leaving == ExitRequest::WhenAnswered && !delay.is_zero()
            {
                return match self.session.pending_count() {
                    0 => Ok(None),
                    unanswered => Err(ChatEnd::Failed(ChatError::Unanswered(unanswered))),
                };
            }
            let attempt = async {
                sleep(delay).await;
                ServerLink::open(server).await
            };
            let (idle, open) =
                (self.session.pending_count() < MAX_PENDING_INPUT, self.leaving == ExitRequest::No);
            tokio::select! {
                biased;
                () = self.signals.received() => self.leave_now(),
                input = self.console.input.recv(), if open && idle => self.on_input(input)?,
                opened = attempt => match opened {
                    Ok(link) => return Ok(Some(link)),
                    Err(problem) if problem.is_permanent() => return Err(ChatEnd::Failed(problem)),
                    Err(_) => delay = next_delay(delay, &mut self.rng),
                },
            }
        }
    }
}

/// Returns the delay after a failed attempt: doubled, with jitter, so that clients that lost their connection
/// together do not reconnect together.
fn next_delay(delay: Duration, rng: &mut StdRng) -> Duration {
    let next = (delay * 2).clamp(INITIAL_BACKOFF, MAX_BACKOFF);
    next.mul_f64(rng.random_range(0.75..1.0))
}

/// The signals that end a chat.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn received(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::clock::seeded_rng;

    #[test]
    fn terminal_reconnect_backoff_is_capped() {
        let mut rng = seeded_rng();
        let mut delay = Duration::ZERO;
        for attempt in 0..20 {
            let next = next_delay(delay, &mut rng);
            assert!(next >= INITIAL_BACKOFF.mul_f64(0.75) && next <= MAX_BACKOFF, "{attempt}");
            assert!(next > delay || next >= MAX_BACKOFF.mul_f64(0.75), "{attempt}");
            delay = next;
        }
    }
}
