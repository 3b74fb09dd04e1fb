//! The commands of the server, parsed from its `help` text, for completion and hints.

use once_cell::sync::Lazy;
use regex::Regex;

/// A line of the list: `*#m*, *#inbox*: read your waiting messages` or `*#r* text: send text`.
static HELP_LINE: Lazy<Regex> = Lazy::new(|| {
    Regex::new(r"(?m)^\*#(\w+)\*[^:\n]*: (.+)$")
        .expect("the pattern is a constant that the tests compile")
});

/// A command and its description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandHelp {
    /// The name with its `#`.
    pub name: String,
    pub description: String,
}

/// Parses the list. Lines in another format are ignored.
#[must_use]
pub fn parse_help(help: &str) -> Vec<CommandHelp> {
    let read = |found: regex::Captures| CommandHelp {
        name: format!("#{}", &found[1]),
        description: found[2].trim_end().to_owned(),
    };
    HELP_LINE.captures_iter(help).map(read).collect()
}

/// Returns the commands that begin with `typed`, the text before the cursor.
pub fn with_prefix<'a>(
    commands: &'a [CommandHelp],
    typed: &str,
) -> impl Iterator<Item = &'a CommandHelp> {
    let typed = typed.to_lowercase();
    let begins = typed.starts_with('#');
    commands.iter().filter(move |command| begins && command.name.starts_with(&typed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_command_list_is_parsed_and_filtered() {
        let help = "Commands:\n*#meet* [interests]: find someone: #meet music\n\
            *#m*, *#inbox*: read what waits\n*#r* text: send text\nAnything else is sent.";
        let commands = parse_help(help);
        let named = |typed: &str| -> Vec<&str> {
            with_prefix(&commands, typed).map(|command| command.name.as_str()).collect()
        };
        assert_eq!(named("#"), ["#meet", "#m", "#r"]);
        assert_eq!(named("#M"), ["#meet", "#m"]);
        assert_eq!(named("#me"), ["#meet"]);
        assert_eq!(commands[0].description, "find someone: #meet music");
        for typed in ["", "m", "a #m", "#meet music", "#x"] {
            assert_eq!(named(typed), [""; 0], "{typed}");
        }
        assert_eq!(parse_help("something else"), []);
    }
}
