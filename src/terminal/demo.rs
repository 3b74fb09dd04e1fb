//! Two people who talk with each other, for whoever wants to see what this is: each is a client of its
//! own, and what one sees stands beside what the other sees.

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
use crate::kernel::id::unguessable;

/// How long somebody takes to type, as they appear to whoever watches.
const TYPING: Duration = Duration::from_millis(1_500);
/// How long news may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// The widest that two columns are of use.
const WIDEST: usize = 100;
/// The narrowest that a column may be.
const NARROWEST: usize = 24;
/// What the masker puts in the place of a number.
const HIDDEN: &str = "[hidden]";
/// What parts the columns.
const GAP: &str = " │ ";

const OWN: Style = Style::new().bold();
const ASIDE: Style = AnsiColor::Magenta.on_default().italic();
const FRAME: Style = Style::new().dimmed();

/// A step of the script.
enum ScriptStep {
    /// Tells whoever watches what to look at.
    Aside(&'static str),
    /// One of the two writes something; the other sees as many lines of news.
    Writes { who: usize, text: &'static str, heard: usize },
}

use ScriptStep::{Aside, Writes};

const fn writes(who: usize, text: &'static str, heard: usize) -> ScriptStep {
    Writes { who, text, heard }
}

const SCRIPT: &[ScriptStep] = &[
    Aside("Two strangers, each on a phone of their own. Neither learns who the other is."),
    writes(0, "#meet music, hindi", 0),
    writes(1, "#meet music", 1),
    writes(0, "Hi! What are you listening to?", 1),
    writes(1, "Old film songs, all evening. You?", 1),
    Aside("Now Ann wants to give away her number. Watch what Ben gets."),
    writes(0, "Same! Call me: 98334 12506", 1),
    Aside("In words it is a number all the same."),
    writes(0, "ok: nine eight double three four one two five zero six", 1),
    writes(1, "Haha, hidden! Let's just talk here 🙂", 1),
    writes(0, "Fine with me. Good night!", 1),
    writes(1, "#bye", 1),
];

/// What to do after it.
const NOW_YOU: &str = "That was it. Now you: start random-connect and open the page it names, or pass the \
    token it prints to `random-connect chat --token …` in two terminals.";

/// Plays the script at a server, and prints both sides.
///
/// # Errors
/// A [`Problem`] that says what went wrong.
pub async fn play(server: &ServerTarget, mut rng: StdRng) -> Result<(), ChatError> {
    let mut people =
        [DemoUser::enter(server, &mut rng).await?, DemoUser::enter(server, &mut rng).await?];
    match perform(&SplitView::here(), &mut people, &mut rng).await {
        Ok(()) => {}
        Err(ChatEnd::By(problem)) => return Err(problem),
        // Whoever read the output has seen enough.
        Err(ChatEnd::Unread) => return Ok(()),
    }
    for person in people {
        person.link.close().await;
    }
    Ok(())
}

async fn perform(
    stage: &SplitView,
    people: &mut [DemoUser; 2],
    rng: &mut StdRng,
) -> Result<(), ChatEnd> {
    stage.rows(["Ann's phone", "Ben's phone"].map(|title| vec![(OWN, title.to_owned())]))?;
    for step in SCRIPT {
        match step {
            Aside(text) => stage.aside(text)?,
            Writes { who, text, heard } => {
                stage.pause().await;
                stage.on(*who, &[(OWN, format!("› {text}"))])?;
                let answer = people[*who].says(text, unguessable(rng)).await?;
                stage.on(*who, &in_words(&answer))?;
                let other = 1 - *who;
                let news = people[other].hears(*heard).await?;
                stage.on(other, &in_words(&news))?;
            }
        }
    }
    Ok(stage.aside(NOW_YOU)?)
}

/// Lines with the style of each.
fn in_words(lines: &[OutputLine]) -> Vec<(Style, String)> {
    lines.iter().map(|line| (render::style(line), Renderer { colored: false }.of(line))).collect()
}

/// One of the two: a client of the protocol.
struct DemoUser {
    link: ServerLink,
    talk: ChatSession,
    user_id: String,
}

impl DemoUser {
    async fn enter(server: &ServerTarget, rng: &mut StdRng) -> Result<Self, ChatError> {
        let (link, user_id) =
            (ServerLink::open(server).await?, format!("demo-{}", unguessable(rng)));
        Ok(Self { link, talk: ChatSession::default(), user_id })
    }

    /// Writes something; what is to be told of it comes back.
    async fn says(&mut self, text: &str, message_id: String) -> Result<Vec<OutputLine>, ChatError> {
        let call = json!({ "user_id": self.user_id, "message": text, "message_id": message_id });
        let said = self.link.caller().call::<WireSayResult>("say", call).await;
        let said = said.map_err(|error| ChatError::Broken(error.to_string()))?;
        Ok(self.talk.said(said))
    }

    /// Waits for so many lines of news.
    async fn hears(&mut self, lines: usize) -> Result<Vec<OutputLine>, ChatError> {
        let mut heard = Vec::new();
        while heard.len() < lines {
            let news = timeout(PATIENCE, self.link.news.recv()).await.ok().flatten();
            let news = news.ok_or_else(|| ChatError::Broken("nothing came".to_owned()))?;
            heard.extend(self.talk.news(news));
        }
        Ok(heard)
    }
}

/// Where it is shown: two columns, as wide as there is room.
struct SplitView {
    /// Characters in each column.
    width: usize,
    colored: bool,
    /// Whether somebody watches, who needs time to read.
    watched: bool,
}

impl SplitView {
    fn here() -> Self {
        let room = termwidth().min(WIDEST);
        Self {
            width: (room.saturating_sub(display_width(GAP)) / 2).max(NARROWEST),
            colored: AutoStream::choice(&io::stdout()) != ColorChoice::Never,
            watched: io::stdout().is_terminal(),
        }
    }

    async fn pause(&self) {
        if self.watched {
            sleep(TYPING).await;
        }
    }

    /// Tells whoever watches something.
    fn aside(&self, text: &str) -> io::Result<()> {
        let lines = wrap(text, self.width * 2 + display_width(GAP));
        let lines = lines.iter().map(|line| self.set(ASIDE, line)).collect::<Vec<_>>();
        Self::print(&format!("\n{}\n", lines.join("\n")))
    }

    /// Shows lines on one side.
    fn on(&self, side: usize, lines: &[(Style, String)]) -> io::Result<()> {
        let shown = |at: usize| if at == side { lines.to_vec() } else { Vec::new() };
        self.rows([shown(0), shown(1)])
    }

    /// Shows both sides.
    fn rows(&self, sides: [Vec<(Style, String)>; 2]) -> io::Result<()> {
        let [left, right] = sides.map(|lines| self.column(&lines));
        let empty = " ".repeat(self.width);
        let rows = (0..left.len().max(right.len())).map(|row| {
            let (left, right) = (left.get(row).unwrap_or(&empty), right.get(row));
            let right = right.map_or("", |right| right.trim_end());
            format!("{left}{}{right}", self.set(FRAME, GAP))
        });
        let text = rows.collect::<Vec<_>>().join("\n");
        if text.is_empty() { Ok(()) } else { Self::print(&text) }
    }

    /// Lines within a column, each as wide as it.
    fn column(&self, lines: &[(Style, String)]) -> Vec<String> {
        let fit = |(style, text): &(Style, String)| {
            let options = Options::new(self.width).subsequent_indent("  ");
            let set = |line: Cow<str>| {
                let room = " ".repeat(self.width.saturating_sub(display_width(&line)));
                let line = line.replace(HIDDEN, &self.within(*style));
                self.set(*style, &line) + &room
            };
            wrap(text, options).into_iter().map(set).collect::<Vec<_>>()
        };
        lines.iter().flat_map(fit).collect()
    }

    /// What is hidden, set apart within a line of this style.
    fn within(&self, around: Style) -> String {
        if self.colored {
            self.set(render::HIDDEN, HIDDEN) + &around.to_string()
        } else {
            HIDDEN.to_owned()
        }
    }

    fn set(&self, style: Style, text: &str) -> String {
        Renderer { colored: self.colored }.set(style, text)
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
    fn columns_stand_beside_each_other_whatever_is_in_them() {
        let stage = SplitView { width: 12, colored: false, watched: false };
        let lines = [(OWN, "🎉 one two three four".to_owned()), (OWN, "[hidden]".to_owned())];
        let column = stage.column(&lines);
        assert_eq!(column, ["🎉 one two  ", "  three four", "[hidden]    "]);
        let colored = SplitView { colored: true, ..stage };
        assert!(colored.column(&lines).iter().all(|line| display_width(line) == 12));
    }
}
