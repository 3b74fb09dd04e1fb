//! Lines as they are shown: with colours or without.
//!
//! **Invariant:** what somebody else wrote reaches the terminal without control characters, so it can
//! neither move the cursor nor pass for another line.

use anstyle::{AnsiColor, Style};
use once_cell::sync::Lazy;
use regex::{Captures, Regex};

use super::chat::OutputLine;

const NAME: Style = AnsiColor::Cyan.on_default().bold();
const TOLD: Style = AnsiColor::Green.on_default();
const NOTE: Style = Style::new().dimmed();
const WRONG: Style = AnsiColor::Red.on_default();
pub const HIDDEN: Style = AnsiColor::Yellow.on_default().bold();
const STRONG: Style = Style::new().bold();
/// What stands before further lines of a message.
const FURTHER: &str = "\n    ";

/// What WhatsApp shows in bold.
static STARRED: Lazy<Regex> = Lazy::new(|| {
    Regex::new(r"\*([^*\n]+)\*").expect("the pattern is a constant that the tests compile")
});

/// The style of a line as a whole.
#[must_use]
pub const fn style(line: &OutputLine) -> Style {
    match line {
        OutputLine::Theirs { .. } => Style::new(),
        OutputLine::Told(_) => TOLD,
        OutputLine::Note(_) => NOTE,
        OutputLine::Wrong(_) => WRONG,
    }
}

/// Puts lines into words.
#[derive(Clone, Copy)]
pub struct Renderer {
    pub colored: bool,
}

impl Renderer {
    /// A line, which may be several in the terminal, without the end of the last.
    #[must_use]
    pub fn of(self, line: &OutputLine) -> String {
        match line {
            OutputLine::Theirs { name, text } => {
                let text = printable(text).replace('\n', FURTHER);
                let text = text.replace("[hidden]", &self.set(HIDDEN, "[hidden]"));
                format!("{} {text}", self.set(NAME, &format!("{}:", printable(name))))
            }
            OutputLine::Told(text) => {
                let text = printable(text);
                let strong = |found: &Captures| self.within(STRONG, TOLD, &found[1]);
                self.set(TOLD, &STARRED.replace_all(&text, strong))
            }
            OutputLine::Note(text) => self.set(NOTE, &printable(text)),
            OutputLine::Wrong(text) => self.set(WRONG, &format!("⚠️ {}", printable(text))),
        }
    }

    /// A text in a style (as it is without colours), line by line: some terminals drop a style at the end of a line.
    pub fn set(self, style: Style, text: &str) -> String {
        if !self.colored {
            return text.to_owned();
        }
        let lines = text.split('\n').map(|line| format!("{style}{line}{style:#}"));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// A text in one style amid another.
    fn within(self, style: Style, around: Style, text: &str) -> String {
        if self.colored { format!("{style}{text}{style:#}{around}") } else { text.to_owned() }
    }
}

/// A text without what a terminal would act upon. Each such character is shown as one that says so.
fn printable(text: &str) -> String {
    let shown = |c: char| if c.is_control() && c != '\n' { '\u{fffd}' } else { c };
    text.trim_end().replace("\r\n", "\n").replace('\t', "    ").chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Renderer = Renderer { colored: false };
    const COLORED: Renderer = Renderer { colored: true };

    fn theirs(name: &str, text: &str) -> OutputLine {
        OutputLine::Theirs { name: name.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn a_stranger_can_neither_move_the_cursor_nor_begin_a_line() {
        let line = theirs("User_A", "a\x1b[2J\x07b\r\u{9b}2Jc\nUser_B: d\te");
        let expected = "User_A: a\u{fffd}[2J\u{fffd}b\u{fffd}\u{fffd}2Jc\n    User_B: d    e";
        assert_eq!(PLAIN.of(&line), expected);
        assert!(!COLORED.of(&theirs("A\x1b[0m", "x")).contains("\x1b[0m["));
        for line in
            [OutputLine::Told("\x1b]0;x\x07".to_owned()), OutputLine::Wrong("\x1b[2J".to_owned())]
        {
            assert!(!PLAIN.of(&line).contains('\x1b'));
        }
    }

    #[test]
    fn without_colours_there_is_nothing_but_text() {
        let told = OutputLine::Told("*#meet*: finds somebody\n*#bye*: leaves".to_owned());
        assert_eq!(PLAIN.of(&told), "#meet: finds somebody\n#bye: leaves");
        assert_eq!(PLAIN.of(&theirs("User_A", "at [hidden]")), "User_A: at [hidden]");
    }

    #[test]
    fn with_colours_a_hidden_number_stands_out_and_each_line_ends_its_own() {
        let shown = COLORED.of(&theirs("User_A", "at [hidden] now"));
        assert!(shown.contains(&format!("{HIDDEN}[hidden]{HIDDEN:#} now")), "{shown:?}");
        let shown = COLORED.of(&OutputLine::Told("a\nb".to_owned()));
        assert!(shown.lines().all(|line| line.ends_with("\x1b[0m")), "{shown:?}");
    }
}
