//! The chat in a terminal: a client like any other, which knows nothing of the server but its
//! protocol. Read `talk.rs` first: it is the chat itself, without reading or sending.
//!
//! `server.rs` is where to go and with what token, `link.rs` the connection, `wire.rs` what comes over
//! it; `input.rs` reads and prints, `helper.rs` completes (with `commands.rs`), `words.rs` colours.
//! `demo.rs` shows two of them talking.
//!
//! **Invariant:** this folder uses nothing of the lobby or of the transports: whatever it can do,
//! anybody's client can.

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

/// The pause before the second attempt to connect again, doubled with each further one.
const INITIAL_BACKOFF: Duration = Duration::from_millis(200);
const MAX_BACKOFF: Duration = Duration::from_secs(10);
/// How long leaving the chat may take when somebody wants out.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(3);
/// How much may be typed ahead of the server.
const MAX_PENDING_INPUT: usize = 64;

/// Chats with whoever is there until the input ends or a signal comes, and leaves the chat then.
///
/// # Errors
/// A [`Problem`] that says what to do.
pub async fn chat(server: &ServerTarget, rng: StdRng) -> Result<(), ChatError> {
    let link = ServerLink::open(server).await?;
    let signals = Signals::new().map_err(|error| ChatError::Terminal(error.to_string()))?;
    let mut terminal = TerminalClient::new(Console::open()?, signals, rng);
    match terminal.run(server, link).await {
        Err(ChatEnd::Failed(problem)) => Err(problem),
        // Whoever read the output has seen enough.
        Ok(()) | Err(ChatEnd::OutputClosed) => Ok(()),
    }
}

/// Why a conversation ended before its end.
enum ChatEnd {
    /// Nobody reads what is shown.
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

/// What became of a connection.
enum LinkEnd {
    /// Whoever writes is done.
    Done,
    /// The connection was lost.
    Lost,
}

/// How far somebody is from leaving.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ExitRequest {
    No,
    /// When what was written is answered.
    WhenAnswered,
    /// At once.
    Now,
}

/// One side of a chat, with everything around it.
struct TerminalClient {
    console: Console,
    signals: Signals,
    session: ChatSession,
    /// Who this is to the server: made for this run, so that nobody can guess it.
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
        // Before anybody is told that Tab completes.
        if let Ok(help) = link.tool_caller().call_text("help").await {
            self.console.set_commands(commands::parse_help(&help));
        }
        self.print_local(&hello)?;
        loop {
            let conversed = self.run_connected(&mut link).await;
            if conversed.is_err() {
                // Nobody sees the answer, but somebody may be in the chat.
                self.send_bye(&link).await;
            }
            match conversed? {
                LinkEnd::Done => {
                    link.close().await;
                    return Ok(());
                }
                LinkEnd::Lost if self.leaving == ExitRequest::No => {
                    self.print_local("Connection lost. Reconnecting…")?;
                }
                LinkEnd::Lost => {}
            }
            let Some(again) = self.reconnect(server).await? else { return Ok(()) };
            link = again;
            self.print_local("Reconnected.")?;
        }
    }

    fn print_local(&mut self, text: &str) -> io::Result<()> {
        self.console.show(&[OutputLine::local(text)])
    }

    /// Sends and shows until the connection or the conversation ends.
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
            let answered: OptionFuture<_> = call.as_mut().into();
            tokio::select! {
                biased;
                () = self.signals.received() => self.leave_now(),
                news = link.events.recv() => {
                    let Some(news) = news else { return Ok(LinkEnd::Lost) };
                    let lines = self.session.on_event(news);
                    self.console.show(&lines)?;
                }
                Some(answer) = answered => {
                    call = None;
                    let lines = match answer {
                        Ok(said) => self.session.on_reply(said),
                        Err(CallError::Refused(reason)) => self.session.on_error(reason),
                        Err(CallError::Lost) => return Ok(LinkEnd::Lost),
                    };
                    self.console.show(&lines)?;
                }
                input = self.console.input.recv(), if open && idle => self.on_input(input)?,
            }
        }
    }

    /// Says what is to be said next.
    fn next_call(
        &self,
        link: &ServerLink,
    ) -> Option<BoxFuture<'static, Result<WireSayResult, CallError>>> {
        let next = self.session.next()?;
        let said = json!({
            "user_id": self.user_id, "message": next.text, "message_id": next.message_id,
        });
        Some(Box::pin(link.tool_caller().call("say", said)))
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

    /// Leaves the chat or the queue, so that nobody writes to somebody who is gone.
    async fn drain_and_leave(&mut self, link: &mut ServerLink) -> io::Result<LinkEnd> {
        while let Ok(news) = link.events.try_recv() {
            let lines = self.session.on_event(news);
            self.console.show(&lines)?;
        }
        if let Some(said) = self.send_bye(link).await {
            let lines = self.session.on_reply(said);
            self.console.show(&lines)?;
        }
        Ok(LinkEnd::Done)
    }

    /// Ends the chat or the search, if there is one.
    async fn send_bye(&self, link: &ServerLink) -> Option<WireSayResult> {
        if !self.session.can_leave() {
            return None;
        }
        let bye = json!({ "user_id": self.user_id, "message": "#bye" });
        timeout(LEAVE_TIMEOUT, link.tool_caller().call("say", bye)).await.ok()?.ok()
    }

    /// Connects again, with longer and longer pauses; `None` when nobody waits for it any more.
    async fn reconnect(&mut self, server: &ServerTarget) -> Result<Option<ServerLink>, ChatEnd> {
        let mut pause = Duration::ZERO;
        loop {
            // What was written before the end of the input is worth an attempt, and no more.
            if self.leaving == ExitRequest::Now
                || self.leaving == ExitRequest::WhenAnswered && !pause.is_zero()
            {
                return match self.session.pending_count() {
                    0 => Ok(None),
                    unanswered => Err(ChatEnd::Failed(ChatError::Unanswered(unanswered))),
                };
            }
            let attempt = async {
                sleep(pause).await;
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
                    Err(_) => pause = next_pause(pause, &mut self.rng),
                },
            }
        }
    }
}

/// The pause after one that was in vain: twice as long and a little more or less, so that not all who
/// lost their connection together come back together.
fn next_pause(pause: Duration, rng: &mut StdRng) -> Duration {
    let next = (pause * 2).clamp(INITIAL_BACKOFF, MAX_BACKOFF);
    next.mul_f64(rng.random_range(0.75..1.0))
}

/// The signals that end a conversation.
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
        let mut pause = Duration::ZERO;
        for attempt in 0..20 {
            let next = next_pause(pause, &mut rng);
            assert!(next >= INITIAL_BACKOFF.mul_f64(0.75) && next <= MAX_BACKOFF, "{attempt}");
            assert!(next > pause || next >= MAX_BACKOFF.mul_f64(0.75), "{attempt}");
            pause = next;
        }
    }
}
