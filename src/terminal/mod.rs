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
use crate::kernel::id::unguessable;

/// The pause before the second attempt to connect again, doubled with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How long leaving the chat may take when somebody wants out.
const GOODBYE: Duration = Duration::from_secs(3);
/// How much may be typed ahead of the server.
const AHEAD: usize = 64;

/// Chats with whoever is there until the input ends or a signal comes, and leaves the chat then.
///
/// # Errors
/// A [`Problem`] that says what to do.
pub async fn chat(server: &ServerTarget, rng: StdRng) -> Result<(), ChatError> {
    let link = ServerLink::open(server).await?;
    let signals = Signals::new().map_err(|error| ChatError::Terminal(error.to_string()))?;
    let mut terminal = TerminalClient::new(Console::open()?, signals, rng);
    match terminal.run(server, link).await {
        Err(ChatEnd::By(problem)) => Err(problem),
        // Whoever read the output has seen enough.
        Ok(()) | Err(ChatEnd::Unread) => Ok(()),
    }
}

/// Why a conversation ended before its end.
enum ChatEnd {
    /// Nobody reads what is shown.
    Unread,
    By(ChatError),
}

impl From<ChatError> for ChatEnd {
    fn from(problem: ChatError) -> Self {
        Self::By(problem)
    }
}

impl From<io::Error> for ChatEnd {
    fn from(_: io::Error) -> Self {
        Self::Unread
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
    Soon,
    /// At once.
    Now,
}

/// One side of a chat, with everything around it.
struct TerminalClient {
    desk: Console,
    signals: Signals,
    talk: ChatSession,
    /// Who this is to the server: made for this run, so that nobody can guess it.
    user_id: String,
    leaving: ExitRequest,
    rng: StdRng,
}

impl TerminalClient {
    fn new(desk: Console, signals: Signals, mut rng: StdRng) -> Self {
        let user_id = format!("terminal-{}", unguessable(&mut rng));
        Self { desk, signals, talk: ChatSession::default(), user_id, leaving: ExitRequest::No, rng }
    }

    async fn run(&mut self, server: &ServerTarget, mut link: ServerLink) -> Result<(), ChatEnd> {
        let hello = if self.desk.is_edited() {
            format!("Connected to {server}. #meet finds somebody, Tab completes, Ctrl-D leaves.")
        } else {
            format!("Connected to {server}.")
        };
        // Before anybody is told that Tab completes.
        if let Ok(help) = link.caller().text("help").await {
            self.desk.learn(commands::listed(&help));
        }
        self.note(&hello)?;
        loop {
            let conversed = self.converse(&mut link).await;
            if conversed.is_err() {
                // Nobody sees the answer, but somebody may be in the chat.
                self.bye(&link).await;
            }
            match conversed? {
                LinkEnd::Done => {
                    link.close().await;
                    return Ok(());
                }
                LinkEnd::Lost if self.leaving == ExitRequest::No => {
                    self.note("The connection was lost. Trying again…")?;
                }
                LinkEnd::Lost => {}
            }
            let Some(again) = self.reconnect(server).await? else { return Ok(()) };
            link = again;
            self.note("Connected again.")?;
        }
    }

    fn note(&mut self, text: &str) -> io::Result<()> {
        self.desk.show(&[OutputLine::note(text)])
    }

    /// Sends and shows until the connection or the conversation ends.
    async fn converse(&mut self, link: &mut ServerLink) -> Result<LinkEnd, ChatEnd> {
        let rejoin = json!({ "user_id": self.user_id });
        match link.caller().call::<WireRejoinResult>("rejoin", rejoin).await {
            Ok(rejoined) => {
                let lines = self.talk.joined(rejoined);
                self.desk.show(&lines)?;
            }
            Err(CallError::Refused(reason)) => self.desk.show(&[OutputLine::Wrong(reason)])?,
            Err(CallError::Lost) => return Ok(LinkEnd::Lost),
        }
        let mut call = None;
        loop {
            if call.is_none() {
                call = self.next_call(link);
            }
            if call.is_none() && self.leaving != ExitRequest::No {
                return Ok(self.goodbye(link).await?);
            }
            let (idle, open) = (self.talk.waiting() < AHEAD, self.leaving == ExitRequest::No);
            let answered: OptionFuture<_> = call.as_mut().into();
            tokio::select! {
                biased;
                () = self.signals.come() => self.leave_now(),
                news = link.news.recv() => {
                    let Some(news) = news else { return Ok(LinkEnd::Lost) };
                    let lines = self.talk.news(news);
                    self.desk.show(&lines)?;
                }
                Some(answer) = answered => {
                    call = None;
                    let lines = match answer {
                        Ok(said) => self.talk.said(said),
                        Err(CallError::Refused(reason)) => self.talk.refused(reason),
                        Err(CallError::Lost) => return Ok(LinkEnd::Lost),
                    };
                    self.desk.show(&lines)?;
                }
                input = self.desk.inputs.recv(), if open && idle => self.take(input)?,
            }
        }
    }

    /// Says what is to be said next.
    fn next_call(
        &self,
        link: &ServerLink,
    ) -> Option<BoxFuture<'static, Result<WireSayResult, CallError>>> {
        let next = self.talk.next()?;
        let said = json!({
            "user_id": self.user_id, "message": next.text, "message_id": next.message_id,
        });
        Some(Box::pin(link.caller().call("say", said)))
    }

    fn take(&mut self, input: Option<Input>) -> io::Result<()> {
        match input {
            Some(Input::Line(text)) => {
                let id = unguessable(&mut self.rng);
                self.talk.typed(&text, id).map_or(Ok(()), |line| self.desk.show(&[line]))
            }
            Some(Input::Quit) => {
                self.leave_now();
                Ok(())
            }
            Some(Input::End) | None => {
                self.leaving = ExitRequest::Soon;
                Ok(())
            }
        }
    }

    fn leave_now(&mut self) {
        self.talk.forget_unsent();
        self.leaving = ExitRequest::Now;
    }

    /// Leaves the chat or the queue, so that nobody writes to somebody who is gone.
    async fn goodbye(&mut self, link: &mut ServerLink) -> io::Result<LinkEnd> {
        while let Ok(news) = link.news.try_recv() {
            let lines = self.talk.news(news);
            self.desk.show(&lines)?;
        }
        if let Some(said) = self.bye(link).await {
            let lines = self.talk.said(said);
            self.desk.show(&lines)?;
        }
        Ok(LinkEnd::Done)
    }

    /// Ends the chat or the search, if there is one.
    async fn bye(&self, link: &ServerLink) -> Option<WireSayResult> {
        if !self.talk.is_engaged() {
            return None;
        }
        let bye = json!({ "user_id": self.user_id, "message": "#bye" });
        timeout(GOODBYE, link.caller().call("say", bye)).await.ok()?.ok()
    }

    /// Connects again, with longer and longer pauses; `None` when nobody waits for it any more.
    async fn reconnect(&mut self, server: &ServerTarget) -> Result<Option<ServerLink>, ChatEnd> {
        let mut pause = Duration::ZERO;
        loop {
            // What was written before the end of the input is worth an attempt, and no more.
            if self.leaving == ExitRequest::Now
                || self.leaving == ExitRequest::Soon && !pause.is_zero()
            {
                return match self.talk.waiting() {
                    0 => Ok(None),
                    unanswered => Err(ChatEnd::By(ChatError::Unanswered(unanswered))),
                };
            }
            let attempt = async {
                sleep(pause).await;
                ServerLink::open(server).await
            };
            let (idle, open) = (self.talk.waiting() < AHEAD, self.leaving == ExitRequest::No);
            tokio::select! {
                biased;
                () = self.signals.come() => self.leave_now(),
                input = self.desk.inputs.recv(), if open && idle => self.take(input)?,
                opened = attempt => match opened {
                    Ok(link) => return Ok(Some(link)),
                    Err(problem) if problem.lasts() => return Err(ChatEnd::By(problem)),
                    Err(_) => pause = longer(pause, &mut self.rng),
                },
            }
        }
    }
}

/// The pause after one that was in vain: twice as long and a little more or less, so that not all who
/// lost their connection together come back together.
fn longer(pause: Duration, rng: &mut StdRng) -> Duration {
    let next = (pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
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

    async fn come(&mut self) {
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
    fn pauses_grow_to_a_limit() {
        let mut rng = seeded_rng();
        let mut pause = Duration::ZERO;
        for attempt in 0..20 {
            let next = longer(pause, &mut rng);
            assert!(next >= FIRST_PAUSE.mul_f64(0.75) && next <= LONGEST_PAUSE, "{attempt}");
            assert!(next > pause || next >= LONGEST_PAUSE.mul_f64(0.75), "{attempt}");
            pause = next;
        }
    }
}
