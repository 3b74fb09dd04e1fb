//! [`Renderer`]: the text of a line, with or without colors.
//!
//! **Invariant:** text of a stranger reaches the terminal without control characters, so that it can neither move
//! the cursor nor pass for another line.

use anstyle::{AnsiColor, Style};
use once_cell::sync::Lazy;
use regex::{Captures, Regex};

use super::chat::OutputLine;

const NAME_STYLE: Style = AnsiColor::Cyan.on_default().bold();
const SERVER_STYLE: Style = AnsiColor::Green.on_default();
const LOCAL_STYLE: Style = Style::new().dimmed();
const ERROR_STYLE: Style = AnsiColor::Red.on_default();
pub const HIDDEN_STYLE: Style = AnsiColor::Yellow.on_default().bold();
const BOLD_STYLE: Style = Style::new().bold();
/// Prefix of every line of a message after the first.
const CONTINUATION: &str = "\n    ";

/// Text that WhatsApp shows in bold.
static BOLD_MARKUP: Lazy<Regex> = Lazy::new(|| {
    Regex::new(r"\*([^*\n]+)\*").expect("the pattern is a constant that the tests compile")
});

/// Returns the style of a whole line.
#[must_use]
pub const fn style(line: &OutputLine) -> Style {
    match line {
        OutputLine::Partner { .. } => Style::new(),
        OutputLine::Server(_) => SERVER_STYLE,
        OutputLine::Local(_) => LOCAL_STYLE,
        OutputLine::Error(_) => ERROR_STYLE,
    }
}

/// Renders lines.
#[derive(Clone, Copy)]
pub struct Renderer {
    pub colored: bool,
}

impl Renderer {
    /// Renders a line, which may be several in the terminal, without the final line end.
    #[must_use]
    pub fn render(self, line: &OutputLine) -> String {
        match line {
            OutputLine::Partner { name, text } => {
                let text = strip_controls(text).replace('\n', CONTINUATION);
                let text = text.replace("[hidden]", &self.paint(HIDDEN_STYLE, "[hidden]"));
                format!("{} {text}", self.paint(NAME_STYLE, &format!("{}:", strip_controls(name))))
            }
            OutputLine::Server(text) => {
                let text = strip_controls(text);
                let strong =
                    |found: &Captures| self.paint_inside(BOLD_STYLE, SERVER_STYLE, &found[1]);
                self.paint(SERVER_STYLE, &BOLD_MARKUP.replace_all(&text, strong))
            }
            OutputLine::Local(text) => self.paint(LOCAL_STYLE, &strip_controls(text)),
            OutputLine::Error(text) => {
                self.paint(ERROR_STYLE, &format!("⚠️ {}", strip_controls(text)))
            }
        }
    }

    /// Styles a text line by line, because some terminals drop a style at the end of a line. Unchanged without colors.
    pub fn paint(self, style: Style, text: &str) -> String {
        if !self.colored {
            return text.to_owned();
        }
        let lines = text.split('\n').map(|line| format!("{style}{line}{style:#}"));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Styles a text inside another style.
    fn paint_inside(self, style: Style, around: Style, text: &str) -> String {
        if self.colored { format!("{style}{text}{style:#}{around}") } else { text.to_owned() }
    }
}

/// Replaces control characters by a visible placeholder.
fn strip_controls(text: &str) -> String {
    let shown = |c: char| if c.is_control() && c != '\n' { '\u{fffd}' } else { c };
    text.trim_end().replace("\r\n", "\n").replace('\t', "    ").chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Renderer = Renderer { colored: false };
    const COLORED: Renderer = Renderer { colored: true };

    fn theirs(name: &str, text: &str) -> OutputLine {
        OutputLine::Partner { name: name.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn terminal_strips_control_characters_from_partner_text() {
        let line = theirs("User_A", "a\x1b[2J\x07b\r\u{9b}2Jc\nUser_B: d\te");
        let expected = "User_A: a\u{fffd}[2J\u{fffd}b\u{fffd}\u{fffd}2Jc\n    User_B: d    e";
        assert_eq!(PLAIN.render(&line), expected);
        assert!(!COLORED.render(&theirs("A\x1b[0m", "x")).contains("\x1b[0m["));
        for line in
            [OutputLine::Server("\x1b]0;x\x07".to_owned()), OutputLine::Error("\x1b[2J".to_owned())]
        {
            assert!(!PLAIN.render(&line).contains('\x1b'));
        }
    }

    #[test]
    fn terminal_plain_output_has_no_escapes() {
        let help = OutputLine::Server("*#meet*: finds a partner\n*#bye*: leaves".to_owned());
        assert_eq!(PLAIN.render(&help), "#meet: finds a partner\n#bye: leaves");
        assert_eq!(PLAIN.render(&theirs("User_A", "at [hidden]")), "User_A: at [hidden]");
    }

    #[test]
    fn terminal_colored_output_highlights_hidden_numbers() {
        let shown = COLORED.render(&theirs("User_A", "at [hidden] now"));
        assert!(
            shown.contains(&format!("{HIDDEN_STYLE}[hidden]{HIDDEN_STYLE:#} now")),
            "{shown:?}"
        );
        let shown = COLORED.render(&OutputLine::Server("a\nb".to_owned()));
        assert!(shown.lines().all(|line| line.ends_with("\x1b[0m")), "{shown:?}");
    }
}
