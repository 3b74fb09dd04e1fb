//! Completion of commands and the hint beside the cursor.

use std::borrow::Cow;
use std::sync::Arc;

use anstyle::{AnsiColor, Style};
use parking_lot::RwLock;
use rustyline::completion::{Completer, Pair};
use rustyline::highlight::Highlighter;
use rustyline::hint::{Hint, Hinter};
use rustyline::validate::Validator;
use rustyline::{Context, Result};

use super::commands::{CommandHelp, with_prefix};

const HINT_STYLE: Style = Style::new().dimmed();
const PROMPT_STYLE: Style = AnsiColor::Green.on_default().bold();

/// The editor's helper for commands.
pub struct LineHelper {
    pub commands: Arc<RwLock<Vec<CommandHelp>>>,
    pub colored: bool,
}

impl rustyline::Helper for LineHelper {}

impl Validator for LineHelper {}

impl Completer for LineHelper {
    type Candidate = Pair;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> Result<(usize, Vec<Pair>)> {
        let commands = self.commands.read();
        let fitting = with_prefix(&commands, line.get(..pos).unwrap_or_default());
        let pair = |command: &CommandHelp| Pair {
            display: command.name.clone(),
            replacement: command.name.clone(),
        };
        Ok((0, fitting.map(pair).collect()))
    }
}

/// The rest of a command and its description. The right arrow accepts the rest.
pub struct CommandHint {
    shown: String,
    completion_len: usize,
}

impl Hint for CommandHint {
    fn display(&self) -> &str {
        &self.shown
    }

    fn completion(&self) -> Option<&str> {
        self.shown.get(..self.completion_len).filter(|rest| !rest.is_empty())
    }
}

impl Hinter for LineHelper {
    type Hint = CommandHint;

    fn hint(&self, line: &str, pos: usize, _: &Context<'_>) -> Option<CommandHint> {
        // Without colors a hint would be indistinguishable from typed text.
        if !self.colored || pos < line.len() || line.len() < 2 {
            return None;
        }
        let commands = self.commands.read();
        let exact = |command: &&CommandHelp| command.name.eq_ignore_ascii_case(line);
        let command = with_prefix(&commands, line).find(exact);
        let command = command.or_else(|| with_prefix(&commands, line).next())?;
        let rest = command.name.get(line.len()..)?;
        Some(CommandHint {
            shown: format!("{rest}  {}", command.description),
            completion_len: rest.len(),
        })
    }
}

impl Highlighter for LineHelper {
    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _: bool) -> Cow<'b, str> {
        if self.colored {
            format!("{PROMPT_STYLE}{prompt}{PROMPT_STYLE:#}").into()
        } else {
            prompt.into()
        }
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        format!("{HINT_STYLE}{hint}{HINT_STYLE:#}").into()
    }
}
