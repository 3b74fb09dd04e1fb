//! [`DemoStory`]: prints the remarks and the messages of a demonstration.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use textwrap::core::display_width;
use textwrap::{Options, fill};
use tokio::time::sleep;

use super::DemoError;

/// Maximum width of a line, in characters.
const WIDTH: usize = 78;

/// Width of the direction and the type before the text of a message.
const MARGIN: usize = 12;

/// Pause before a remark, for a reader at a terminal.
const READING_PAUSE: Duration = Duration::from_millis(1_500);

const REMARK: Style = AnsiColor::Magenta.on_default().italic();
const KIND: Style = Style::new().dimmed();
const STRONG: Style = Style::new().bold();

/// The side that sends a message.
#[derive(Clone, Copy)]
pub(super) enum MessageSide {
    Client,
    Server,
}

/// Standard output, as a story.
pub(super) struct DemoStory {
    is_colored: bool,
    /// Whether the output is a terminal, whose reader needs pauses.
    pub is_interactive: bool,
    /// Width of the last line of the text that is streamed. `None` outside of one.
    column: Option<usize>,
    /// Whether a space precedes the next word of that text.
    has_gap: bool,
}

impl DemoStory {
    pub fn detect() -> Self {
        Self {
            is_colored: AutoStream::choice(&io::stdout()) != ColorChoice::Never,
            is_interactive: io::stdout().is_terminal(),
            column: None,
            has_gap: false,
        }
    }

    /// Prints what to notice next.
    pub async fn remark(&mut self, text: &str) -> Result<(), DemoError> {
        if self.is_interactive {
            sleep(READING_PAUSE).await;
        }
        let lines = fill(text, WIDTH);
        let lines = lines.lines().map(|line| self.styled(REMARK, line)).collect::<Vec<_>>();
        Self::print(&format!("\n{}\n", lines.join("\n")))
    }

    /// Prints a message by its type and its fields.
    pub fn message(
        &mut self,
        side: MessageSide,
        kind: &str,
        fields: &str,
    ) -> Result<(), DemoError> {
        let arrow = match side {
            MessageSide::Client => "→",
            MessageSide::Server => "←",
        };
        let margin = " ".repeat(MARGIN);
        let fields = fill(fields, Options::new(WIDTH - MARGIN));
        let fields = fields.replace('\n', &format!("\n{margin}"));
        let kind = self.styled(KIND, &format!("{:<MARGIN$}", format!("{arrow} {kind}")));
        Self::print(&format!("{kind}{fields}\n"))
    }

    /// Prints the next piece of a streamed text, which ends with [`Self::end_text`].
    pub fn piece(&mut self, piece: &str) -> Result<(), DemoError> {
        let mut text = String::new();
        let mut column = self.column.unwrap_or_else(|| {
            text = self.styled(KIND, &format!("{:<MARGIN$}", "← chunk"));
            MARGIN
        });
        for word in piece.split_inclusive(' ') {
            let shown = word.trim_end();
            if column + usize::from(self.has_gap) + display_width(shown) > WIDTH && column > MARGIN
            {
                text.push('\n');
                text.push_str(&" ".repeat(MARGIN));
                column = MARGIN;
            }
            // A space at the end of a line is printed with the next word, if that is on the same line.
            let gap = if column > MARGIN && self.has_gap { " " } else { "" };
            text.push_str(gap);
            text.push_str(&self.styled(STRONG, shown));
            column += gap.len() + display_width(shown);
            self.has_gap = word.len() > shown.len();
        }
        self.column = Some(column);
        Self::print(&text)
    }

    pub fn end_text(&mut self) -> Result<(), DemoError> {
        self.has_gap = false;
        if self.column.take().is_some() { Self::print("\n") } else { Ok(()) }
    }

    /// Prints a line without a margin.
    pub fn line(text: &str) -> Result<(), DemoError> {
        Self::print(&format!("{text}\n"))
    }

    fn styled(&self, style: Style, text: &str) -> String {
        if self.is_colored { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    fn print(text: &str) -> Result<(), DemoError> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(DemoError::Output)
    }
}
