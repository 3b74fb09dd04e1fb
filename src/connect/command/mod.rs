//! [`Command`]: the commands that users type, their table [`COMMANDS`] and the parser [`parse`].
//!
//! Commands are turned into actions in `interpret.rs`, not here. To add one, add a variant to
//! [`Command`] and a row to [`COMMANDS`]. The compiler then names the match in `interpret.rs` that
//! must execute it, and a test reports the missing line of `#help` in `reply/messages/`. Words after
//! a command are in [`switch`], misspelled commands in [`near_miss`].

pub mod near_miss;
pub mod switch;

use std::iter;

use super::profile::language::Language;
use super::reply::messages::{format, text};

/// A command, with its argument if it takes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// Takes a list of interests, which may be empty.
    Meet(&'a str),
    Bye,
    Again,
    /// Takes a word that means on or off, which may be empty.
    Hide(&'a str),
    Who,
    Inbox,
    /// Sends the text to the partner.
    Relay(&'a str),
    Nick(&'a str),
    Block,
    /// Takes a reason, which may be empty.
    Report(&'a str),
    /// Sends a conversation starter to both users of the chat.
    Icebreaker,
    /// Rates the chat; `true` is good.
    Rate(bool),
    /// Takes a language, which may be empty.
    Lang(&'a str),
    /// Accepts the chat rules.
    Agree,
    /// Deletes the user's data after a word that means yes; explains that otherwise.
    Forget(&'a str),
    Help,
}

/// A parsed command.
#[derive(Clone, Copy, Debug)]
pub struct ParsedCommand<'a> {
    pub command: Command<'a>,
    pub spec: &'static CommandSpec,
    /// The text after a command that takes no argument.
    pub trailing_text: &'a str,
}

/// A row of [`COMMANDS`]. Its line of `#help` is the message `help-<first name>`.
#[derive(Debug)]
pub struct CommandSpec {
    /// The name and its synonyms, in lower case and without the `#`.
    pub names: &'static [&'static str],
    /// Whether the text after the name is an argument.
    pub takes_argument: bool,
    /// Builds the command from the text after its name.
    parse: for<'a> fn(&'a str) -> Command<'a>,
}

/// All commands, in the order of `#help`.
pub const COMMANDS: &[CommandSpec] = &[
    CommandSpec {
        names: &["meet"],
        takes_argument: true,
        parse: |interests| Command::Meet(interests),
    },
    CommandSpec { names: &["bye"], takes_argument: false, parse: |_| Command::Bye },
    CommandSpec { names: &["again"], takes_argument: false, parse: |_| Command::Again },
    CommandSpec { names: &["hide"], takes_argument: true, parse: |word| Command::Hide(word) },
    CommandSpec { names: &["who"], takes_argument: false, parse: |_| Command::Who },
    CommandSpec { names: &["m", "inbox"], takes_argument: false, parse: |_| Command::Inbox },
    CommandSpec { names: &["r"], takes_argument: true, parse: |text| Command::Relay(text) },
    CommandSpec { names: &["nick"], takes_argument: true, parse: |name| Command::Nick(name) },
    CommandSpec { names: &["block"], takes_argument: false, parse: |_| Command::Block },
    CommandSpec {
        names: &["report"],
        takes_argument: true,
        parse: |reason| Command::Report(reason),
    },
    CommandSpec { names: &["ice"], takes_argument: false, parse: |_| Command::Icebreaker },
    CommandSpec { names: &["good"], takes_argument: false, parse: |_| Command::Rate(true) },
    CommandSpec { names: &["bad"], takes_argument: false, parse: |_| Command::Rate(false) },
    CommandSpec {
        names: &["lang"],
        takes_argument: true,
        parse: |language| Command::Lang(language),
    },
    CommandSpec { names: &["agree"], takes_argument: false, parse: |_| Command::Agree },
    CommandSpec { names: &["forget"], takes_argument: true, parse: |word| Command::Forget(word) },
    CommandSpec { names: &["help"], takes_argument: false, parse: |_| Command::Help },
];

/// Parses a message as a command. `None` if it is ordinary text.
///
/// A command is a whole word at the start of the message. Case, full-width forms, invisible
/// characters, trailing punctuation and the formatting that `#help` shows are ignored: `#MEET`,
/// `＃bye`, `#again!`, `#hide: on`, `*#meet*`. `#meeting` is text.
#[must_use]
pub fn parse(message: &str) -> Option<ParsedCommand<'_>> {
    let (name, rest) = split_command(message)?;
    let spec = COMMANDS.iter().find(|spec| spec.names.contains(&name.as_str()))?;
    Some(ParsedCommand {
        command: (spec.parse)(rest),
        spec,
        trailing_text: if spec.takes_argument { "" } else { rest },
    })
}

/// Splits a message into the name of a command, in lower case and without the `#`, and the rest.
/// `None` if the first word does not start with `#`.
fn split_command(message: &str) -> Option<(String, &str)> {
    let message = message.trim_matches(|c: char| c.is_whitespace() || is_ignorable(c));
    let end = message.find(char::is_whitespace).unwrap_or(message.len());
    let (word, rest) = message.split_at(end);
    let is_format = |c: char| matches!(c, '*' | '_' | '~' | '`') || is_ignorable(c);
    let mut letters = word.chars().map(fold_fullwidth).filter(|c| !is_format(*c));
    // Most messages end here, without an allocation.
    if letters.next() != Some('#') {
        return None;
    }
    let name: String = letters.collect();
    Some((name.trim_end_matches(is_punctuation).to_lowercase(), rest.trim()))
}

/// Returns the text of `#help`: one line per command, between an introduction and a note on text.
#[must_use]
pub fn help(language: Language) -> String {
    let line = |row: &CommandSpec| {
        let names = row.names.iter().map(|name| format!("*#{name}*")).collect::<Vec<_>>();
        let id = format!("help-{}", row.names[0]);
        format(language, &id, [("names", names.join(", ").into())])
    };
    let introduction = iter::once(text(language, "help"));
    let lines = introduction.chain(COMMANDS.iter().map(line)).chain([text(language, "help-rest")]);
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns `true` for invisible characters that keyboards and WhatsApp add to a message.
const fn is_ignorable(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'
            | '\u{2066}'..='\u{2069}'
            | '\u{fe0e}'
            | '\u{fe0f}'
            | '\u{feff}'
    )
}

/// Returns `true` for punctuation that may follow a command or a word after it.
const fn is_punctuation(c: char) -> bool {
    matches!(c, '.' | ',' | '!' | '?' | ':' | ';' | '…' | '。' | '।' | '،' | '؛' | '؟')
}

/// Folds full-width forms (U+FF01 to U+FF5E) to ASCII.
fn fold_fullwidth(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_is_a_whole_word_in_any_case_and_width() {
        for (message, command) in [
            ("#meet", Command::Meet("")),
            ("  #MEET \n", Command::Meet("")),
            ("＃Bye", Command::Bye),
            ("＃ＡＧＡＩＮ", Command::Again),
            ("\u{200e}#hide", Command::Hide("")),
            ("#hide: off", Command::Hide("off")),
            ("#hi\u{200b}de on", Command::Hide("on")),
            ("#who?", Command::Who),
            ("#meet music, hindi", Command::Meet("music, hindi")),
            ("#bye see you", Command::Bye),
            ("#m", Command::Inbox),
            ("#Inbox", Command::Inbox),
            ("#r  hello  there ", Command::Relay("hello  there")),
            ("#r", Command::Relay("")),
            ("#r\nhello", Command::Relay("hello")),
            ("#nick Star Dust", Command::Nick("Star Dust")),
            ("#block", Command::Block),
            ("#report", Command::Report("")),
            ("#Report rude words", Command::Report("rude words")),
            ("#ice", Command::Icebreaker),
            ("#good!", Command::Rate(true)),
            ("#bad", Command::Rate(false)),
            ("#lang es", Command::Lang("es")),
            ("#agree", Command::Agree),
            ("#forget yes", Command::Forget("yes")),
            ("#help", Command::Help),
            ("*#meet*", Command::Meet("")),
        ] {
            assert_eq!(parse(message).map(|parsed| parsed.command), Some(command), "{message:?}");
        }
    }

    #[test]
    fn command_reports_trailing_text() {
        let trailing = |message| parse(message).map(|parsed| parsed.trailing_text);
        assert_eq!(trailing("#bye see you"), Some("see you"));
        for message in ["#bye", "#hide on", "#r hello", "#nick Ann"] {
            assert_eq!(trailing(message), Some(""), "{message}");
        }
    }

    #[test]
    fn command_prefix_alone_is_text() {
        for message in [
            "",
            "#",
            "# meet",
            "meet",
            "#meeting tomorrow",
            "#byebye",
            "#bye-bye",
            "#1 song",
            "##meet",
            "say #meet",
            "#who's there",
            "#re",
            "#hide-and-seek",
            "#मीट",
        ] {
            assert!(parse(message).is_none(), "{message:?}");
        }
    }

    #[test]
    fn command_help_lists_every_command() {
        let help = help(Language::English);
        assert_eq!(help.lines().count(), COMMANDS.len() + 2);
        for name in COMMANDS.iter().flat_map(|row| row.names) {
            assert!(help.contains(&format!("*#{name}*")), "{name}");
            assert!(parse(&format!("#{name}")).is_some(), "{name}");
        }
    }
}
