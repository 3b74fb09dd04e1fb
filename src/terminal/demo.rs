//! The demo: a scripted chat between two clients of a server, shown in two columns.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use rand::rngs::StdRng;
use serde_json::json;
use textwrap::core::display_width;
use textwrap::{Options, termwidth, wrap};
use tokio::time::{sleep, timeout};

use super::ChatEnd;
use super::chat::{ChatSession, OutputLine};
use super::connection::ServerLink;
use super::error::ChatError;
use super::render;
use super::render::Renderer;
use super::target::ServerTarget;
use super::wire::WireSayResult;
use crate::kernel::id::random_hex;

/// Delay before a message, as if it were typed, for a reader at a terminal.
const TYPING_DELAY: Duration = Duration::from_millis(1_500);
/// Timeout of an event.
const EVENT_TIMEOUT: Duration = Duration::from_secs(15);
/// Maximum width of both columns, in characters.
const MAX_WIDTH: usize = 100;
/// Minimum width of a column, in characters.
const MIN_COLUMN_WIDTH: usize = 24;
/// The masker's replacement of a number.
const HIDDEN_TEXT: &str = "[hidden]";
/// Separator of the columns.
const COLUMN_GAP: &str = " │ ";

const OWN_STYLE: Style = Style::new().bold();
const NARRATION_STYLE: Style = AnsiColor::Magenta.on_default().italic();
const FRAME_STYLE: Style = Style::new().dimmed();

/// A step of the script.
enum ScriptStep {
    /// A remark on what to notice.
    Narrate(&'static str),
    /// A user sends `text`; the other one receives `expected_events` events.
    Send { user: usize, text: &'static str, expected_events: usize },
}

use ScriptStep::{Narrate, Send};

const fn send(user: usize, text: &'static str, expected_events: usize) -> ScriptStep {
    Send { user, text, expected_events }
}

const SCRIPT: &[ScriptStep] = &[
    Narrate("Two strangers, each on their own phone. Neither learns who the other is."),
    send(0, "#meet music, hindi", 0),
    send(1, "#meet music", 1),
    send(0, "Hi! What are you listening to?", 1),
    send(1, "Old film songs, all evening. You?", 1),
    Narrate("Now Ann wants to give away her number. Watch what Ben gets."),
    send(0, "Same! Call me: 98334 12506", 1),
    Narrate("Spelled out, it is still a phone number."),
    send(0, "ok: nine eight double three four one two five zero six", 1),
    send(1, "Haha, hidden! Let's just talk here 🙂", 1),
    send(0, "Fine with me. Good night!", 1),
    send(1, "#bye", 1),
];

/// Shown at the end.
const OUTRO: &str = "That's it. Your turn: start random-connect and open the page it prints, or pass the \
    token it prints to `random-connect chat --token …` in two terminals.";

/// Plays the script at a server and prints both sides.
///
/// # Errors
/// Returns a [`ChatError`] if a step fails.
pub async fn play(server: &ServerTarget, mut rng: StdRng) -> Result<(), ChatError> {
    let mut users =
        [DemoUser::enter(server, &mut rng).await?, DemoUser::enter(server, &mut rng).await?];
    match run_script(&SplitView::detect(), &mut users, &mut rng).await {
        Ok(()) => {}
        Err(ChatEnd::Failed(problem)) => return Err(problem),
        // A reader that closes the pipe ends the demo.
        Err(ChatEnd::OutputClosed) => return Ok(()),
    }
    for person in users {
        person.connection.close().await;
    }
    Ok(())
}

async fn run_script(
    stage: &SplitView,
    users: &mut [DemoUser; 2],
    rng: &mut StdRng,
) -> Result<(), ChatEnd> {
    stage.rows(["Ann's phone", "Ben's phone"].map(|title| vec![(OWN_STYLE, title.to_owned())]))?;
    for step in SCRIPT {
        match step {
            Narrate(text) => stage.narrate(text)?,
            Send { user, text, expected_events } => {
                stage.pause().await;
                stage.show(*user, &[(OWN_STYLE, format!("› {text}"))])?;
                let reply = users[*user].send(text, random_hex(rng)).await?;
                stage.show(*user, &styled(&reply))?;
                let partner = 1 - *user;
                let lines = users[partner].receive(*expected_events).await?;
                stage.show(partner, &styled(&lines))?;
            }
        }
    }
    Ok(stage.narrate(OUTRO)?)
}

/// Returns lines with their styles.
fn styled(lines: &[OutputLine]) -> Vec<(Style, String)> {
    lines
        .iter()
        .map(|line| (render::style(line), Renderer { colored: false }.render(line)))
        .collect()
}

/// A user of the demo: an MCP client.
struct DemoUser {
    connection: ServerLink,
    session: ChatSession,
    user_id: String,
}

impl DemoUser {
    async fn enter(server: &ServerTarget, rng: &mut StdRng) -> Result<Self, ChatError> {
        let (link, user_id) =
            (ServerLink::open(server).await?, format!("demo-{}", random_hex(rng)));
        Ok(Self { connection: link, session: ChatSession::default(), user_id })
    }

    /// Sends a text and returns the lines to show for the reply.
    async fn send(&mut self, text: &str, message_id: String) -> Result<Vec<OutputLine>, ChatError> {
        let call = json!({ "user_id": self.user_id, "message": text, "message_id": message_id });
        let reply = self.connection.tool_caller().call::<WireSayResult>("say", call).await;
        let reply = reply.map_err(|error| ChatError::DemoFailed(error.to_string()))?;
        Ok(self.session.on_reply(reply))
    }

    /// Waits until events have produced this number of lines.
    async fn receive(&mut self, lines: usize) -> Result<Vec<OutputLine>, ChatError> {
        let mut received = Vec::new();
        while received.len() < lines {
            let event = timeout(EVENT_TIMEOUT, self.connection.events.recv()).await.ok().flatten();
            let event =
                event.ok_or_else(|| ChatError::DemoFailed("no event arrived".to_owned()))?;
            received.extend(self.session.on_event(event));
        }
        Ok(received)
    }
}

/// Two columns on the terminal.
struct SplitView {
    /// Width of a column, in characters.
    width: usize,
    colored: bool,
    /// Whether the output is a terminal, whose reader needs pauses.
    is_interactive: bool,
}

impl SplitView {
    fn detect() -> Self {
        let room = termwidth().min(MAX_WIDTH);
        Self {
            width: (room.saturating_sub(display_width(COLUMN_GAP)) / 2).max(MIN_COLUMN_WIDTH),
            colored: AutoStream::choice(&io::stdout()) != ColorChoice::Never,
            is_interactive: io::stdout().is_terminal(),
        }
    }

    async fn pause(&self) {
        if self.is_interactive {
            sleep(TYPING_DELAY).await;
        }
    }

    /// Shows a remark across both columns.
    fn narrate(&self, text: &str) -> io::Result<()> {
        let lines = wrap(text, self.width * 2 + display_width(COLUMN_GAP));
        let lines =
            lines.iter().map(|line| self.styled_text(NARRATION_STYLE, line)).collect::<Vec<_>>();
        Self::print(&format!("\n{}\n", lines.join("\n")))
    }

    /// Shows lines in one column.
    fn show(&self, side: usize, lines: &[(Style, String)]) -> io::Result<()> {
        let shown = |at: usize| if at == side { lines.to_vec() } else { Vec::new() };
        self.rows([shown(0), shown(1)])
    }

    /// Shows both columns.
    fn rows(&self, sides: [Vec<(Style, String)>; 2]) -> io::Result<()> {
        let [left, right] = sides.map(|lines| self.column(&lines));
        let empty = " ".repeat(self.width);
        let rows = (0..left.len().max(right.len())).map(|row| {
            let (left, right) = (left.get(row).unwrap_or(&empty), right.get(row));
            let right = right.map_or("", |right| right.trim_end());
            format!("{left}{}{right}", self.styled_text(FRAME_STYLE, COLUMN_GAP))
        });
        let text = rows.collect::<Vec<_>>().join("\n");
        if text.is_empty() { Ok(()) } else { Self::print(&text) }
    }

    /// Wraps lines to a column and pads each to its width.
    fn column(&self, lines: &[(Style, String)]) -> Vec<String> {
        let fit = |(style, text): &(Style, String)| {
            let options = Options::new(self.width).subsequent_indent("  ");
            let set = |line: Cow<str>| {
                let room = " ".repeat(self.width.saturating_sub(display_width(&line)));
                let line = line.replace(HIDDEN_TEXT, &self.highlight_hidden(*style));
                self.styled_text(*style, &line) + &room
            };
            wrap(text, options).into_iter().map(set).collect::<Vec<_>>()
        };
        lines.iter().flat_map(fit).collect()
    }

    /// Highlights hidden numbers in a line of this style.
    fn highlight_hidden(&self, around: Style) -> String {
        if self.colored {
            self.styled_text(render::HIDDEN_STYLE, HIDDEN_TEXT) + &around.to_string()
        } else {
            HIDDEN_TEXT.to_owned()
        }
    }

    fn styled_text(&self, style: Style, text: &str) -> String {
        Renderer { colored: self.colored }.paint(style, text)
    }

    fn print(text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out, "{text}")?;
        out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_demo_columns_align() {
        let stage = SplitView { width: 12, colored: false, is_interactive: false };
        let lines =
            [(OWN_STYLE, "🎉 one two three four".to_owned()), (OWN_STYLE, "[hidden]".to_owned())];
        let column = stage.column(&lines);
        assert_eq!(column, ["🎉 one two  ", "  three four", "[hidden]    "]);
        let colored = SplitView { colored: true, ..stage };
        assert!(colored.column(&lines).iter().all(|line| display_width(line) == 12));
    }
}
