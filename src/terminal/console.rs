//! [`Console`]: input and output of the client. An editor if both ends are a terminal, plain lines otherwise.
//!
//! The history of typed lines is in memory only, so that no file contains a chat.

use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::sync::Arc;
use std::thread;

use anstream::{AutoStream, ColorChoice};
use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};
use parking_lot::RwLock;
use rustyline::config::{BellStyle, Configurer};
use rustyline::error::ReadlineError;
use rustyline::history::MemHistory;
use rustyline::{Behavior, CompletionType, Config, Editor, ExternalPrinter};
use tokio::sync::mpsc;

use super::chat::OutputLine;
use super::commands::CommandHelp;
use super::error::ChatError;
use super::helper::LineHelper;
use super::render::Renderer;

/// The prompt.
const PROMPT: &str = "› ";
/// Maximum number of lines read ahead, so that a long file is read no faster than it is sent.
const INPUT_CAPACITY: usize = 1;
const RESET_TERMINAL: &[u8] = b"\r\x1b[K\x1b[?2004l";

/// An input of the user.
#[derive(Debug, PartialEq, Eq)]
pub enum Input {
    Line(String),
    /// The end of the input.
    End,
    /// A request to leave immediately.
    Quit,
}

type Commands = Arc<RwLock<Vec<CommandHelp>>>;

/// Both directions of a chat.
pub struct Console {
    pub input: mpsc::Receiver<Input>,
    renderer: Renderer,
    commands: Commands,
    /// Prints above the prompt. `None` without a terminal.
    printer: Option<Box<dyn FnMut(String) -> io::Result<()> + Send>>,
    /// The terminal's settings at the start, restored at the end.
    saved_mode: Option<Termios>,
}

impl Console {
    /// Opens standard input and output.
    ///
    /// # Errors
    /// Returns [`ChatError::Terminal`] if the terminal can't be used.
    pub fn open() -> Result<Self, ChatError> {
        let (tell, inputs) = mpsc::channel(INPUT_CAPACITY);
        let colored = AutoStream::choice(&io::stdout()) != ColorChoice::Never;
        let (words, commands) = (Renderer { colored }, Commands::default());
        let desk =
            Self { input: inputs, renderer: words, commands, printer: None, saved_mode: None };
        if io::stdin().is_terminal() && io::stdout().is_terminal() {
            desk.with_editor(tell)
        } else {
            thread::spawn(move || read_lines(BufReader::new(io::stdin()), &tell));
            Ok(desk)
        }
    }

    fn with_editor(mut self, tell: mpsc::Sender<Input>) -> Result<Self, ChatError> {
        let unusable = |error: ReadlineError| ChatError::Terminal(error.to_string());
        self.saved_mode = tcgetattr(io::stdin()).ok();
        let config = Config::builder()
            .behavior(Behavior::Stdio)
            .completion_type(CompletionType::List)
            .completion_show_all_if_ambiguous(true)
            .bell_style(BellStyle::None)
            .build();
        let mut editor = Editor::<LineHelper, MemHistory>::with_history(config, MemHistory::new())
            .map_err(unusable)?;
        editor.set_auto_add_history(true);
        let commands = Arc::clone(&self.commands);
        editor.set_helper(Some(LineHelper { commands, colored: self.renderer.colored }));
        let mut printer = editor.create_external_printer().map_err(unusable)?;
        self.printer = Some(Box::new(move |text| printer.print(text).map_err(io::Error::other)));
        thread::spawn(move || edit_lines(editor, &tell));
        Ok(self)
    }

    /// Returns `true` if the console is a terminal with an editor.
    #[must_use]
    pub const fn has_editor(&self) -> bool {
        self.printer.is_some()
    }

    /// Sets the commands for completion.
    pub fn set_commands(&self, commands: Vec<CommandHelp>) {
        *self.commands.write() = commands;
    }

    /// Shows lines; in a terminal, above the prompt.
    ///
    /// # Errors
    /// Returns an error if the output is closed.
    pub fn show(&mut self, lines: &[OutputLine]) -> io::Result<()> {
        for line in lines {
            let text = format!("{}\n", self.renderer.render(line));
            if let Some(print) = &mut self.printer {
                print(text)?;
            } else {
                let mut out = io::stdout().lock();
                out.write_all(text.as_bytes())?;
                out.flush()?;
            }
        }
        Ok(())
    }
}

/// Restores the terminal itself, because the editor may still wait for a key, which can't be cancelled.
impl Drop for Console {
    fn drop(&mut self) {
        if let Some(before) = &self.saved_mode {
            let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, before);
            let _ = io::stdout().write_all(RESET_TERMINAL);
            let _ = io::stdout().flush();
        }
    }
}

fn read_lines(mut lines: impl BufRead, tell: &mpsc::Sender<Input>) {
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        let text = String::from_utf8_lossy(&line).trim().to_owned();
        line.clear();
        if tell.blocking_send(Input::Line(text)).is_err() {
            return;
        }
    }
    // The receiver is gone only if the client has left.
    let _ = tell.blocking_send(Input::End);
}

fn edit_lines(mut editor: Editor<LineHelper, MemHistory>, tell: &mpsc::Sender<Input>) {
    loop {
        let input = match editor.readline(PROMPT) {
            Ok(line) => Input::Line(line),
            Err(ReadlineError::Eof) => Input::End,
            Err(_) => Input::Quit,
        };
        let last = !matches!(input, Input::Line(_));
        if tell.blocking_send(input).is_err() || last {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_piped_input_ends_after_the_last_line() {
        let (tell, mut inputs) = mpsc::channel(8);
        read_lines(&b"#meet\r\n\xff\xfe hello\nlast"[..], &tell);
        drop(tell);
        let mut read = Vec::new();
        while let Some(input) = inputs.blocking_recv() {
            read.push(input);
        }
        let line = |text: &str| Input::Line(text.to_owned());
        assert_eq!(read, [line("#meet"), line("\u{fffd}\u{fffd} hello"), line("last"), Input::End]);
    }
}
